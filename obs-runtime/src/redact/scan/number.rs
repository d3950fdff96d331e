//! Card numbers and IPv4 addresses.

use std::net::Ipv4Addr;

use super::{Scan, Span};

impl Scan<'_, '_> {
    /// Card numbers and IPv4 addresses.
    pub(super) fn find_numbers(&self, run: &Span, spans: &mut Vec<Span>) {
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
        let is_nobodys = {
            let address = Ipv4Addr::from(octets);
            address.is_loopback() || address.is_unspecified()
        };
        let after = self.byte(span.end).unwrap_or_default();
        let is_longer = parts.next().is_some() || after.is_ascii_alphabetic();
        !is_nobodys && !is_longer && !self.is_version(span.start)
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
    sum.is_multiple_of(10)
}
