//! One pass over a text, in search of what has the shape of a secret.
//!
//! The text is cut into runs (see [`RUN`]) and the bytes between them. A run says by itself whether
//! it can hold a number, an address or a token; the byte after it whether it was a key, the user of
//! an address or part of a URL. Whatever looks further ahead either goes on from where it ended, or
//! looks no further than a constant, or remembers how far it looked: that is what keeps the work
//! linear.

mod credential;
mod email;
mod network;
mod number;
mod pair;

use std::borrow::Cow;

use super::REDACTED;
use super::key::Keys;

/// Bytes of names, numbers, addresses and tokens: letters, digits, `_ - . + % ~`, and whatever is
/// not ASCII.
const RUN: u8 = 1;
const DIGIT: u8 = 1 << 1;
/// `J`, rare and in every JWT.
const JAY: u8 = 1 << 2;
const PERCENT: u8 = 1 << 3;
const HYPHEN: u8 = 1 << 4;
/// What the prefixes of API keys begin with. No small hexadecimal digit is among them: the ids of
/// `obs` are not searched for keys.
const INITIAL: u8 = 1 << 5;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        classes[byte as usize] = match byte {
            b'0'..=b'9' => RUN | DIGIT,
            b'J' => RUN | JAY,
            b'%' => RUN | PERCENT,
            b'-' => RUN | HYPHEN,
            b's' | b'r' | b'g' | b'A' | b'x' | b'n' | b'w' | b'S' => RUN | INITIAL,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'+' | b'~' | 0x80.. => RUN,
            _ => 0,
        };
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

pub(super) fn scrub<'a>(keys: &Keys, text: &'a str) -> Cow<'a, str> {
    let mut scan = Scan::new(keys, text);
    scan.all();
    scan.finish()
}

/// How often a byte was looked at.
#[cfg(test)]
pub(super) fn looks(text: &str) -> usize {
    let keys = Keys::default();
    let mut scan = Scan::new(&keys, text);
    scan.all();
    scan.looks.get()
}

struct Scan<'k, 'a> {
    keys: &'k Keys,
    text: &'a str,
    bytes: &'a [u8],
    /// The last run.
    run: Span,
    /// Up to where there is no IPv6 address.
    v6_until: usize,
    /// Up to where there is no `@` in a URL.
    no_user_until: usize,
    output: Option<String>,
    /// Up to where the text is in the output.
    copied: usize,
    #[cfg(test)]
    looks: std::cell::Cell<usize>,
}

type Span = std::ops::Range<usize>;

impl<'k, 'a> Scan<'k, 'a> {
    fn new(keys: &'k Keys, text: &'a str) -> Self {
        Self {
            keys,
            text,
            bytes: text.as_bytes(),
            run: 0..0,
            v6_until: 0,
            no_user_until: 0,
            output: None,
            copied: 0,
            #[cfg(test)]
            looks: std::cell::Cell::new(0),
        }
    }

    /// Counts looks, for the test that there are not too many.
    #[cfg(test)]
    fn count(&self, looks: usize) {
        self.looks.set(self.looks.get() + looks);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "counts in tests")]
    fn count(&self, _: usize) {}

    fn all(&mut self) {
        let mut at = 0;
        while let Some(byte) = self.byte(at) {
            at = if class(byte) & RUN == 0 {
                self.between(byte, at)
            } else {
                self.take_run(at)
            };
        }
    }

    fn finish(self) -> Cow<'a, str> {
        let Some(mut output) = self.output else {
            return Cow::Borrowed(self.text);
        };
        // Spans begin and end at ASCII bytes; should one ever not, nothing is shown of the rest.
        output.push_str(self.text.get(self.copied..).unwrap_or(REDACTED));
        Cow::Owned(output)
    }

    /// Puts something in the place of a span, and returns its end.
    fn replace(&mut self, span: Span, with: &str) -> usize {
        let start = span.start.max(self.copied);
        if span.end <= start || self.slice(&span) == with {
            return span.end;
        }
        let before = self.text.get(self.copied..start).unwrap_or(REDACTED);
        let output = self
            .output
            .get_or_insert_with(|| String::with_capacity(self.text.len()));
        output.push_str(before);
        output.push_str(with);
        self.copied = span.end;
        span.end
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.count(1);
        self.bytes.get(at).copied()
    }

    fn before(&self, at: usize) -> Option<u8> {
        self.byte(at.checked_sub(1)?)
    }

    fn slice(&self, span: &Span) -> &'a str {
        self.count(span.len());
        self.text.get(span.clone()).unwrap_or_default()
    }

    fn starts_with(&self, at: usize, what: &str) -> bool {
        self.bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(what.as_bytes()))
    }

    /// The end of the bytes from here on that hold.
    fn end(&self, from: usize, holds: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let held = rest.iter().position(|byte| !holds(*byte));
        let held = held.unwrap_or(rest.len());
        self.count(held + 1);
        from + held
    }

    /// Where a text begins next.
    fn find(&self, span: Span, what: &str) -> Option<usize> {
        let found = self.text.get(span.clone())?.find(what);
        self.count(found.unwrap_or(span.len()));
        Some(span.start + found?)
    }

    /// Looks at a run and returns where to go on.
    fn take_run(&mut self, start: usize) -> usize {
        let mut flags = 0;
        let mut end = start;
        for byte in self.bytes.get(start..).unwrap_or_default() {
            let class = class(*byte);
            if class & RUN == 0 {
                break;
            }
            flags |= class;
            end += 1;
        }
        self.count(end - start);
        self.run = start..end;
        let next = self.byte(end);
        if next == Some(b'@')
            && let Some(host) = self.host(end + 1)
        {
            return self.replace(start..host, REDACTED);
        }
        // `Bearer` and `Basic`.
        if matches!(end - start, 5 | 6)
            && next == Some(b' ')
            && let Some(end) = self.scheme(start..end)
        {
            return end;
        }
        if flags & HYPHEN != 0
            && let Some(end) = self.pem(start..end)
        {
            return end;
        }
        // What follows `whsec_` is base64, which has slashes.
        let has_room = end - start >= credential::SHORTEST_API_KEY
            || (next == Some(b'/') && end - start >= "whsec_".len());
        let may_be_api_key = flags & INITIAL != 0 && has_room;
        if flags & (JAY | PERCENT | DIGIT) == 0 && !may_be_api_key {
            return end;
        }
        let mut spans = Vec::new();
        let run = start..end;
        if flags & JAY != 0 {
            self.find_jwts(&run, &mut spans);
        }
        if may_be_api_key {
            self.find_api_keys(&run, &mut spans);
        }
        if flags & PERCENT != 0 {
            self.find_encoded_emails(&run, &mut spans);
        }
        if flags & DIGIT != 0 {
            self.find_numbers(&run, &mut spans);
        }
        spans.sort_unstable_by_key(|span| span.start);
        for span in spans {
            // A card number may go on in the runs behind.
            end = end.max(self.replace(span, REDACTED));
        }
        end
    }

    /// Looks at a byte outside of runs and returns where to go on.
    fn between(&mut self, byte: u8, at: usize) -> usize {
        match byte {
            b':' => {
                if let Some(end) = self.v6(at) {
                    return end;
                }
                if self.byte(at + 1) == Some(b':') {
                    return at + 2;
                }
                if self.starts_with(at, "://")
                    && let Some(end) = self.userinfo(at + 3)
                {
                    return end;
                }
                self.pair(at).unwrap_or(at + 1)
            }
            b'=' => self.pair(at).unwrap_or(at + 1),
            _ => at + 1,
        }
    }
}

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}
