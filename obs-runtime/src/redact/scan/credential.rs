//! Credentials that say themselves what they are.

use super::{INITIAL, REDACTED, Scan, Span, class};

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

/// The shortest API key, prefix included.
pub(super) const SHORTEST_API_KEY: usize = 20;

/// How much of an API key is looked at before it is known to be one. Whatever is none costs no
/// more, however long it is and however often it begins again.
const HEAD: usize = 64;

/// What follows the prefix of an API key.
#[derive(Clone, Copy)]
enum Body {
    /// At least so many letters and digits in a row.
    Unbroken(usize),
    /// At least so many capital letters and digits in a row.
    Capitals(usize),
    /// At least so many letters, digits, `_` and `-` that are more than words.
    Parts(usize),
    /// At least so many bytes of base64 that are more than words.
    Base64(usize),
    /// Two times `Parts`, with a dot between them.
    Dotted(usize),
}

/// The prefixes of the API keys that begin with a byte. Publishable keys (`pk_live_`) are no secret.
fn api_keys(first: u8) -> &'static [(&'static str, Body)] {
    use Body::{Base64, Capitals, Dotted, Parts, Unbroken};
    match first {
        b's' => &[
            ("sk_live_", Unbroken(16)),
            ("sk_test_", Unbroken(16)),
            ("sk-ant-", Parts(16)),
            ("sk-proj-", Parts(16)),
        ],
        b'r' => &[("rk_live_", Unbroken(16)), ("rk_test_", Unbroken(16))],
        b'g' => &[
            ("ghp_", Unbroken(16)),
            ("gho_", Unbroken(16)),
            ("ghu_", Unbroken(16)),
            ("ghs_", Unbroken(16)),
            ("ghr_", Unbroken(16)),
            ("github_pat_", Parts(16)),
            ("glpat-", Parts(16)),
        ],
        b'A' => &[
            ("AKIA", Capitals(16)),
            ("ASIA", Capitals(16)),
            ("AIza", Parts(35)),
        ],
        b'x' => &[
            ("xoxa-", Parts(16)),
            ("xoxb-", Parts(16)),
            ("xoxp-", Parts(16)),
            ("xoxr-", Parts(16)),
            ("xoxs-", Parts(16)),
        ],
        b'n' => &[("npm_", Unbroken(36))],
        b'w' => &[("whsec_", Base64(16))],
        b'S' => &[("SG.", Dotted(16))],
        _ => &[],
    }
}

/// A byte of base64url.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_base64(byte: u8) -> bool {
    is_part(byte) || matches!(byte, b'+' | b'/')
}

/// Whether a text is not merely words in small letters, with something between them.
fn is_more_than_words(text: &str) -> bool {
    text.bytes()
        .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        || text
            .split(|char: char| !char.is_ascii_alphanumeric())
            .any(|word| word.len() >= 16)
}

impl Scan<'_, '_> {
    /// API keys that say by their prefix what they are.
    pub(super) fn find_api_keys(&self, run: &Span, spans: &mut Vec<Span>) {
        let mut at = run.start;
        while at < run.end {
            at = self.end(at, |byte| class(byte) & INITIAL == 0);
            if at >= run.end {
                return;
            }
            if let Some(end) = self.api_key(at) {
                spans.push(at..end);
                at = end;
            } else {
                at += 1;
            }
        }
    }

    /// The end of the API key that begins here.
    fn api_key(&self, start: usize) -> Option<usize> {
        if !self.begins_word(start) {
            return None;
        }
        let first = self.byte(start)?;
        let (prefix, body) = api_keys(first).iter().find(|(prefix, _)| {
            self.count(1);
            self.starts_with(start, prefix)
        })?;
        let start = start + prefix.len();
        match *body {
            Body::Unbroken(least) => {
                let head = self.head(start, |byte| byte.is_ascii_alphanumeric());
                (head.len() >= least).then(|| self.end(start, is_part))
            }
            Body::Capitals(least) => {
                let head = self.head(start, |byte| {
                    byte.is_ascii_uppercase() || byte.is_ascii_digit()
                });
                (head.len() >= least).then(|| self.end(start, is_part))
            }
            Body::Parts(least) => {
                let head = self.head(start, is_part);
                self.is_random(&head, least)
                    .then(|| self.end(start, is_part))
            }
            Body::Base64(least) => {
                let head = self.head(start, is_base64);
                let is_key = self.is_random(&head, least);
                is_key.then(|| self.end(self.end(start, is_base64), |byte| byte == b'='))
            }
            Body::Dotted(least) => {
                let first = self.head(start, is_part);
                if self.byte(first.end) != Some(b'.') {
                    return None;
                }
                let second = self.head(first.end + 1, is_part);
                let is_key = self.is_random(&first, least) && self.is_random(&second, least);
                is_key.then(|| self.end(second.start, is_part))
            }
        }
    }

    /// Whether no letter or digit stands before, unless it is of an escape: `\\n`, `%3D`.
    fn begins_word(&self, at: usize) -> bool {
        match self.before(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                let is_escape =
                    matches!(byte, b'n' | b'r' | b't') && self.before(at - 1) == Some(b'\\');
                is_escape || self.is_percent_encoded(at)
            }
            _ => true,
        }
    }

    fn is_percent_encoded(&self, end: usize) -> bool {
        let encoded = end
            .checked_sub(3)
            .and_then(|start| self.bytes.get(start..end));
        matches!(encoded, Some([b'%', high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    }

    /// The bytes from here on that hold, as far as they are looked at.
    fn head(&self, start: usize, holds: impl Fn(u8) -> bool) -> Span {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let held = rest.iter().take(HEAD).take_while(|byte| holds(**byte));
        let len = held.count();
        self.count(len + 1);
        start..start + len
    }

    fn is_random(&self, span: &Span, least: usize) -> bool {
        span.len() >= least && is_more_than_words(self.slice(span))
    }

    /// Three parts in base64url, or two that are both JSON: the first begins with `{"`.
    pub(super) fn find_jwts(&self, run: &Span, spans: &mut Vec<Span>) {
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

    /// `-----BEGIN PRIVATE KEY-----`, up to the end of the key or of the text.
    pub(super) fn pem(&mut self, run: Span) -> Option<usize> {
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
    pub(super) fn scheme(&mut self, run: Span) -> Option<usize> {
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
}
