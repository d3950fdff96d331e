//! E-mail addresses.

use super::{Scan, Span};

/// The longest name of a host.
const MAX_HOST: usize = 255;

impl Scan<'_, '_> {
    /// The end of the host after the `@` of an e-mail address.
    pub(super) fn host(&self, start: usize) -> Option<usize> {
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
    pub(super) fn find_encoded_emails(&self, run: &Span, spans: &mut Vec<Span>) {
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
}
