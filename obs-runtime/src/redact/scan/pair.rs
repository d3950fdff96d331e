//! Keys with values in the middle of a text.

use super::super::key;
use super::super::{hashed, is_hashed};
use super::{REDACTED, RUN, Scan, Span, class};

impl Scan<'_, '_> {
    /// A key, the separator that is here, and its value.
    pub(super) fn pair(&mut self, separator: usize) -> Option<usize> {
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
