//! Credentials that say themselves what they are.

use super::{REDACTED, Scan, Span};

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

impl Scan<'_, '_> {
    /// Three parts in base64url, or two that are both JSON: the first begins with `{"`.
    pub(super) fn find_jwts(&self, run: &Span, spans: &mut Vec<Span>) {
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
