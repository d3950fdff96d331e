//! One pass over a text, in search of what has the shape of a secret.
//!
//! The text is cut into runs (see [`RUN`]) and the bytes between them. A run says by itself whether
//! it can hold a number, an address or a token; the byte after it whether it was a key, the user of
//! an address or part of a URL. Whatever looks further ahead either goes on from where it ended, or
//! looks no further than a constant, or remembers how far it looked: that is what keeps the work
//! linear.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::key::{self, Keys};
use super::{REDACTED, hashed, is_hashed};

/// Bytes of names, numbers, addresses and tokens: letters, digits, `_ - . + % ~`, and whatever is
/// not ASCII.
const RUN: u8 = 1;
const DIGIT: u8 = 1 << 1;
/// `J`, rare and in every JWT.
const JAY: u8 = 1 << 2;
const PERCENT: u8 = 1 << 3;
const HYPHEN: u8 = 1 << 4;

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
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'+' | b'~' | 0x80.. => RUN,
            _ => 0,
        };
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

/// The longest text of an IPv6 address, by RFC 4291 with an IPv4 address in it.
const MAX_V6: usize = 45;

/// The longest name of a host.
const MAX_HOST: usize = 255;

/// Words that follow `Bearer` and `Basic` in prose.
const PROSE: &[&str] = &[
    "access",
    "and",
    "auth",
    "authentication",
    "authorization",
    "credential",
    "credentials",
    "error",
    "expected",
    "for",
    "header",
    "in",
    "invalid",
    "is",
    "missing",
    "not",
    "of",
    "or",
    "realm",
    "required",
    "scheme",
    "the",
    "to",
    "token",
    "tokens",
    "usage",
    "was",
    "with",
];

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
        while let Some(byte) = self.byte(end) {
            let class = class(byte);
            if class & RUN == 0 {
                break;
            }
            flags |= class;
            end += 1;
        }
        self.run = start..end;
        let next = self.byte(end);
        if next == Some(b'@')
            && let Some(host) = self.host(end + 1)
        {
            return self.replace(start..host, REDACTED);
        }
        if matches!(next, Some(b' '))
            && let Some(end) = self.scheme(start..end)
        {
            return end;
        }
        if flags & HYPHEN != 0
            && let Some(end) = self.pem(start..end)
        {
            return end;
        }
        if flags & (JAY | PERCENT | DIGIT) == 0 {
            return end;
        }
        let mut spans = Vec::new();
        let run = start..end;
        if flags & JAY != 0 {
            self.find_jwts(&run, &mut spans);
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

    /// The end of the host after the `@` of an e-mail address.
    fn host(&self, start: usize) -> Option<usize> {
        let is_host =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | 0x80..);
        let mut end = self.end(start, is_host);
        while end > start && matches!(self.before(end), Some(b'.' | b'-')) {
            end -= 1;
        }
        let (name, top) = self.slice(&(start..end)).rsplit_once('.')?;
        let is_top = top.len() >= 2
            && (top.starts_with("xn--") || top.bytes().all(|byte| !byte.is_ascii_digit()));
        (!name.is_empty() && name.len() <= MAX_HOST && is_top).then_some(end)
    }

    /// E-mail addresses in a query: `a%40b.c`.
    fn find_encoded_emails(&self, run: &Span, spans: &mut Vec<Span>) {
        let mut from = run.start;
        let mut searched = run.start;
        while let Some(at) = self.find(searched..run.end, "%40") {
            searched = at + 3;
            if at > from
                && let Some(host) = self.host(searched)
            {
                spans.push(from..host);
                searched = host;
                from = host;
            }
        }
    }

    /// Three parts in base64url, or two that are both JSON: the first begins with `{"`.
    fn find_jwts(&self, run: &Span, spans: &mut Vec<Span>) {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let mut from = run.start;
        while let Some(start) = self.find(from..run.end, "eyJ") {
            let first = self.end(start, is_part);
            // A later start in the same part has the same parts behind it.
            from = first;
            if self.byte(first) != Some(b'.') {
                continue;
            }
            let second = self.end(first + 1, is_part);
            let has_third = self.byte(second) == Some(b'.');
            if second > first + 1 && (has_third || self.starts_with(first + 1, "eyJ")) {
                let mut end = self.end(second, |byte| is_part(byte) || byte == b'.');
                while self.before(end) == Some(b'.') {
                    end -= 1;
                }
                spans.push(start..end);
                from = end;
            }
        }
    }

    /// Card numbers and IPv4 addresses.
    fn find_numbers(&self, run: &Span, spans: &mut Vec<Span>) {
        let mut at = run.start;
        loop {
            at = self.end(at, |byte| !byte.is_ascii_digit());
            if at >= run.end {
                return;
            }
            if let Some(end) = self.card(at) {
                spans.push(at..end);
                at = end;
                continue;
            }
            let start = at;
            loop {
                at = self.end(at, |byte| byte.is_ascii_digit());
                let goes_on = self.byte(at) == Some(b'.')
                    && self.byte(at + 1).is_some_and(|byte| byte.is_ascii_digit());
                if !goes_on {
                    break;
                }
                at += 1;
            }
            if self.is_v4(&(start..at)) {
                spans.push(start..at);
            }
        }
    }

    fn is_v4(&self, span: &Span) -> bool {
        let text = self.slice(span);
        if !(7..=15).contains(&text.len()) {
            return false;
        }
        let mut octets = [0_u8; 4];
        let mut parts = text.split('.');
        for octet in &mut octets {
            match parts.next().map(str::parse) {
                Some(Ok(number)) => *octet = number,
                _ => return false,
            }
        }
        let ours = Ipv4Addr::from(octets);
        parts.next().is_none()
            && !(ours.is_loopback() || ours.is_unspecified())
            && !self
                .byte(span.end)
                .is_some_and(|byte| byte.is_ascii_alphabetic())
            && !self.is_version(span.start)
    }

    /// Whether what stands before a number says that it is a version: `v`, `version `.
    fn is_version(&self, start: usize) -> bool {
        let head = self
            .bytes
            .get(start.saturating_sub(9)..start)
            .unwrap_or_default();
        match head {
            [.., before, b'v' | b'V'] => return !before.is_ascii_alphanumeric(),
            [b'v' | b'V'] => return true,
            _ => {}
        }
        let head = head.trim_ascii_end();
        let head = head
            .strip_suffix(b":")
            .or(head.strip_suffix(b"="))
            .unwrap_or(head);
        head.len() >= 7
            && head
                .get(head.len() - 7..)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"version"))
    }

    /// The end of the card number that begins here.
    fn card(&self, start: usize) -> Option<usize> {
        if !matches!(self.byte(start), Some(b'2'..=b'6')) {
            return None;
        }
        let is_hex =
            |byte: Option<u8>| matches!(byte, Some(b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X'));
        let before = self.before(start);
        let is_decimal = before == Some(b'.')
            && self
                .before(start - 1)
                .is_some_and(|byte| byte.is_ascii_digit());
        // A letter after a backslash is a newline or a tab in the text of a `Debug`.
        let is_escape = start >= 2 && self.before(start - 1) == Some(b'\\');
        if is_decimal || (is_hex(before) && !is_escape) {
            return None;
        }
        let mut digits = [0_u8; 19];
        let mut count = 0;
        let mut at = start;
        let mut separator = None;
        let mut found = None;
        loop {
            let group = at;
            while let Some(digit @ b'0'..=b'9') = self.byte(at) {
                *digits.get_mut(count)? = digit - b'0';
                count += 1;
                at += 1;
            }
            let next = self.byte(at);
            let goes_on =
                next == Some(b'.') && self.byte(at + 1).is_some_and(|byte| byte.is_ascii_digit());
            if at > group
                && count >= 13
                && !is_hex(next)
                && !goes_on
                && is_luhn(digits.get(..count)?)
                && !self.is_in_uuid(start)
            {
                found = Some(at);
            }
            let is_separator = matches!(next, Some(b' ' | b'-'))
                && separator.is_none_or(|known| Some(known) == next)
                && self.byte(at + 1).is_some_and(|byte| byte.is_ascii_digit());
            // Groups of fewer digits, but for the last, are a date or an amount.
            if !is_separator || at - group < 4 {
                return found;
            }
            separator = next;
            at += 1;
            // A group that is too long ends the search, not what was found before it.
            let room = digits.len() - count;
            let group = self.bytes.get(at..=at + room);
            if group.is_some_and(|group| group.iter().all(u8::is_ascii_digit)) {
                return found;
            }
        }
    }

    /// Whether a group of digits is one of the five groups of a UUID.
    fn is_in_uuid(&self, group: usize) -> bool {
        [0, 9, 14, 19, 24].iter().any(|offset| {
            let uuid = group
                .checked_sub(*offset)
                .and_then(|start| self.bytes.get(start..start + 36));
            uuid.is_some_and(|uuid| {
                uuid.iter().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => *byte == b'-',
                    _ => byte.is_ascii_hexdigit(),
                })
            })
        })
    }

    /// `-----BEGIN PRIVATE KEY-----`, up to the end of the key or of the text.
    fn pem(&mut self, run: Span) -> Option<usize> {
        if !self.slice(&run).ends_with("-----BEGIN") {
            return None;
        }
        let title = self.end(run.end, |byte| byte != b'-').min(run.end + 40);
        if !self.slice(&(run.end..title)).contains("PRIVATE KEY") {
            return None;
        }
        let all = self.bytes.len();
        let end = self.find(title..all, "-----END").map_or(all, |found| {
            let dashes = self.end(found + 8, |byte| byte != b'-' && byte != b'\n');
            self.end(dashes, |byte| byte == b'-')
        });
        Some(self.replace(run.end - 10..end, REDACTED))
    }

    /// `Bearer x` and `Basic x`.
    fn scheme(&mut self, run: Span) -> Option<usize> {
        let word = self.slice(&run);
        let is_bearer = word.eq_ignore_ascii_case("bearer");
        if !is_bearer && !word.eq_ignore_ascii_case("basic") {
            return None;
        }
        let start = self.end(run.end, |byte| byte == b' ');
        let is_token = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'%')
        };
        let mut end = self.end(start, is_token);
        while matches!(self.before(end), Some(b'.')) && end > start {
            end -= 1;
        }
        let token = self.slice(&(start..end));
        let is_prose = PROSE.iter().any(|word| token.eq_ignore_ascii_case(word));
        // "Basic" is a word like any other, and its token base64 with more than small letters.
        let is_plain = !is_bearer
            && token.bytes().enumerate().all(|(at, byte)| {
                byte.is_ascii_lowercase() || (at == 0 && byte.is_ascii_uppercase())
            });
        if token.is_empty() || is_prose || is_plain {
            return None;
        }
        Some(self.replace(start..end, REDACTED))
    }

    /// An IPv6 address that has its first colon here.
    fn v6(&mut self, colon: usize) -> Option<usize> {
        if colon < self.v6_until {
            return None;
        }
        let mut start = colon;
        while colon - start < 4
            && self
                .before(start)
                .is_some_and(|byte| byte.is_ascii_hexdigit())
        {
            start -= 1;
        }
        let before = self.before(start);
        if start < self.copied {
            return None;
        }
        let touches = before
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | 0x80..));
        let begins_with_colon = start == colon;
        if touches && !begins_with_colon {
            return None;
        }
        if begins_with_colon && (touches || self.byte(colon + 1) != Some(b':')) {
            return None;
        }
        let is_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
        let mut end = start;
        while end - start <= MAX_V6 + 1 && self.byte(end).is_some_and(is_address) {
            end += 1;
        }
        self.v6_until = end;
        if self
            .byte(end)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        {
            return None;
        }
        let span = start..end;
        let shorter = start..end - 1;
        let (span, address) = [span, shorter].into_iter().find_map(|span| {
            let address: Ipv6Addr = self.slice(&span).parse().ok()?;
            Some((span, address))
        })?;
        let text = self.slice(&span);
        let looks_like_one = text.bytes().any(|byte| byte.is_ascii_digit())
            || text.split(':').filter(|group| !group.is_empty()).count() > 3;
        if address.is_loopback() || address.is_unspecified() || !looks_like_one {
            return None;
        }
        Some(self.replace(span, REDACTED))
    }

    /// The user and password of a URL whose authority begins here.
    fn userinfo(&mut self, start: usize) -> Option<usize> {
        let is_url = |byte: u8| {
            !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`')
        };
        let is_authority = |byte: u8| is_url(byte) && !matches!(byte, b'/' | b'?' | b'#');
        let end = self.end(start, is_authority);
        let last_at = |span: Span| Some(span.start + self.slice(&span).rfind('@')?);
        if let Some(at) = last_at(start..end) {
            return Some(self.replace(start..at, REDACTED));
        }
        // A password may have a `/` that nobody escaped; a port is a number.
        let port = self.slice(&(start..end)).rsplit_once(':')?.1;
        if port.bytes().all(|byte| byte.is_ascii_digit()) || start < self.no_user_until {
            return None;
        }
        let end = self.end(end, is_url);
        let Some(at) = last_at(start..end) else {
            self.no_user_until = end;
            return None;
        };
        Some(self.replace(start..at, REDACTED))
    }

    /// A key, the separator that is here, and its value.
    fn pair(&mut self, separator: usize) -> Option<usize> {
        let mut key_end = separator;
        // Quotes, also escaped ones, spaces and the bracket of `user[password]=`.
        while separator - key_end < 8
            && matches!(
                self.before(key_end),
                Some(b' ' | b'"' | b'\'' | b'`' | b'\\' | b']')
            )
        {
            key_end -= 1;
        }
        if key_end != self.run.end || self.run.is_empty() {
            return None;
        }
        let key = self.slice(&self.run);
        if !self.keys.is_sensitive(key) {
            return None;
        }
        let after = self.end(separator + 1, |byte| matches!(byte, b'=' | b'>'));
        let start = self.end(after, |byte| matches!(byte, b' ' | b'\t'));
        let value = self.value(key, start)?;
        let text = self.slice(&value);
        if matches!(text, "null" | "None" | "undefined") || is_hashed(text) {
            return Some(value.end);
        }
        if key::is_session(key) {
            let hashed = hashed(text);
            return Some(self.replace(value, &hashed));
        }
        Some(self.replace(value, REDACTED))
    }

    /// The value of a sensitive key that begins here.
    fn value(&self, key: &str, start: usize) -> Option<Span> {
        let escapes = self.end(start, |byte| byte == b'\\');
        if let Some(quote @ (b'"' | b'\'' | b'`')) = self.byte(escapes) {
            let inner = escapes + 1;
            let end = self.closing_quote(inner, quote, escapes - start);
            return (end > inner).then_some(inner..end);
        }
        if key::takes_the_line(key) {
            let mut end = self.end(start, |byte| !matches!(byte, b'\n' | b'\r' | b'"' | b'\''));
            while self.before(end) == Some(b'\\') && end > start {
                end -= 1;
            }
            return (end > start).then_some(start..end);
        }
        let word = self.end(start, |byte| class(byte) & RUN != 0 && byte != b'%');
        let open = self.end(word, |byte| byte == b' ');
        match (self.byte(word), self.byte(open)) {
            (Some(b'(' | b'[' | b'{'), _) => return Some(start..self.closing_bracket(word)),
            // `Debug` of a struct.
            (_, Some(b'{')) if word > start => return Some(start..self.closing_bracket(open)),
            _ => {}
        }
        let mut end = self.word_end(start);
        let is_scheme = ["bearer", "basic", "digest", "negotiate", "token", "apikey"]
            .iter()
            .any(|scheme| self.slice(&(start..end)).eq_ignore_ascii_case(scheme));
        if is_scheme && self.byte(end) == Some(b' ') {
            end = self.word_end(end + 1);
        }
        (end > start).then_some(start..end)
    }

    /// The end of a value without quotes: white space, `&` or a quote; what closes is not part of it.
    fn word_end(&self, start: usize) -> usize {
        let mut end = self.end(start, |byte| {
            !byte.is_ascii_whitespace() && !matches!(byte, b'&' | b'"' | b'\'' | b'`')
        });
        while end > start
            && matches!(
                self.before(end),
                Some(b')' | b']' | b'}' | b';' | b',' | b'.' | b'\\' | b'>')
            )
        {
            end -= 1;
        }
        end
    }

    /// The quote that ends what began after one with so many backslashes before it.
    fn closing_quote(&self, from: usize, quote: u8, escapes: usize) -> usize {
        let mut at = from;
        let mut backslashes = 0;
        while let Some(byte) = self.byte(at) {
            if byte == b'\\' {
                backslashes += 1;
            } else if byte == quote
                && (backslashes == escapes || (escapes == 0 && backslashes % 2 == 0))
            {
                return at - backslashes.min(escapes);
            } else {
                backslashes = 0;
            }
            at += 1;
        }
        at
    }

    /// The end of what a bracket opens here, or of the text.
    fn closing_bracket(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        let mut at = open;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' => at = self.closing_quote(at + 1, b'"', 0),
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.bytes.len()
    }
}

fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B).
fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match u32::from(*digit) {
            digit if at % 2 == 0 => digit,
            digit => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum % 10 == 0
}
