//! IPv6 addresses, and who is let in by a URL.

use std::net::Ipv6Addr;

use super::{REDACTED, Scan, Span};

/// The longest text of an IPv6 address, by RFC 4291 with an IPv4 address in it.
const MAX_V6: usize = 45;

impl Scan<'_, '_> {
    /// An IPv6 address that has its first colon here.
    pub(super) fn v6(&mut self, colon: usize) -> Option<usize> {
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
    pub(super) fn userinfo(&mut self, start: usize) -> Option<usize> {
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
}
