//! Who may see a page that shows logs: fewer than may read numbers.

use std::net::IpAddr;

use http::header::{AUTHORIZATION, FORWARDED, HOST};
use http::{HeaderMap, Uri};

use super::access::{Access, Reason, ScrapeAccess, bearer, is_local};
use super::endpoints::Asked;

impl ScrapeAccess {
    /// Decides about a request for a page.
    ///
    /// Without a token only whoever sits at this machine sees it, and only in dev. A browser there also
    /// runs the pages of others: it says when it asks on their behalf, and a name of theirs that leads
    /// here is not ours.
    pub(super) fn decide_page(&self, asked: &Asked<'_>) -> Access {
        if is_cross_site(asked.headers) {
            return Access::Hidden;
        }
        if self.has_tokens() {
            return match self.knows(asked.headers) {
                Ok(()) => Access::Open,
                // A browser asks without one first.
                Err(Reason::Missing) => Access::Refused,
                Err(reason) => {
                    self.refused(reason);
                    Access::Refused
                }
            };
        }
        let is_here = asked.peer.is_some_and(is_local)
            && !is_forwarded(asked.headers)
            && is_for_this_machine(asked.uri, asked.headers);
        if self.is_open_in_dev() && is_here {
            Access::Open
        } else {
            Access::Hidden
        }
    }

    fn knows(&self, headers: &HeaderMap) -> Result<(), Reason> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Reason::Missing)?.as_bytes();
        if values.next().is_some() {
            return Err(Reason::Malformed);
        }
        if let Some(token) = bearer(value) {
            return self.compare(token);
        }
        let password = password(value).ok_or(Reason::Malformed)?;
        self.compare(&password)
    }
}

/// Whether a browser asks on behalf of another site.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| site.as_bytes() == b"cross-site")
}

/// Whether somebody passed it on: a tunnel's peer is this machine, whoever asks.
fn is_forwarded(headers: &HeaderMap) -> bool {
    [FORWARDED.as_str(), "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Whether it was asked for under a name that nobody else can make lead here.
fn is_for_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), ..) => Some(authority.as_str()),
        (None, Some(host), None) => host.to_str().ok(),
        _ => None,
    };
    host.is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default();
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Returns the password of `Basic base64(name:password)`.
fn password(value: &[u8]) -> Option<Vec<u8>> {
    const SCHEME: &[u8] = b"basic ";
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let both = base64(rest.trim_ascii())?;
    let colon = both.iter().position(|byte| *byte == b':')?;
    both.get(colon + 1..).map(<[u8]>::to_vec)
}

/// Decodes base64 of the standard alphabet, as RFC 7617 has it.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len() - padding)?;
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for (at, digit) in group.iter().enumerate() {
            bits |= u32::from(six_bits(*digit)?) << (18 - 6 * at);
        }
        let whole = bits.to_be_bytes();
        bytes.extend_from_slice(whole.get(1..group.len())?);
    }
    Some(bytes)
}

fn six_bits(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{base64, is_loopback, password};

    #[test]
    fn only_names_that_lead_nowhere_else_are_this_machine() {
        for host in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1",
            "127.0.0.1:8788",
            "127.8.9.1:1",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::1",
            "::1.evil",
            "user@localhost",
        ] {
            let is_harmless = host == "[::1";
            assert_eq!(is_loopback(host), is_harmless, "{host}");
        }
    }

    #[test]
    fn the_password_is_what_stands_behind_the_first_colon() {
        for (header, expected) in [
            (&b"Basic b2JzOnRva2Vu"[..], Some(&b"token"[..])),
            (b"basic OnRva2Vu", Some(b"token")),
            (b"BASIC  YTpiOmM=", Some(b"b:c")),
            (b"Basic YTo=", Some(b"")),
            (b"Basic YQ==", None),
            (b"Basic b2JzOnRva2V", None),
            (b"Basic b2Jz*nRva2Vu", None),
            (b"Basic ====", None),
            (b"Basic", None),
            (b"Bearer b2JzOnRva2Vu", None),
        ] {
            assert_eq!(password(header).as_deref(), expected, "{header:?}");
        }
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
        for text in ["Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9\n"] {
            assert_eq!(base64(text.as_bytes()), None, "{text:?}");
        }
    }
}
