//! Who may see a page that shows logs: fewer than may read numbers.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Uri, Version};

use super::access::{Access, Reason, ScrapeAccess, bearer, is_local};
use super::endpoints::Asked;

impl ScrapeAccess {
    /// Decides about a request for a page.
    ///
    /// Without a token only whoever sits at this machine sees it, and only in dev. A browser there also
    /// runs the pages of others: it says when it asks on their behalf, and a name of theirs that leads
    /// here is not ours.
    pub(super) fn decide_page(&self, asked: &Asked<'_>) -> Access {
        if is_of_another_page(asked.headers) {
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
            && !is_forwarded(asked)
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

/// Whether a browser asks on behalf of a page of somebody else.
///
/// Another port of this machine is the same site: a link from there leads here, and nothing else does.
fn is_of_another_page(headers: &HeaderMap) -> bool {
    let says = |name: &str, value: &[u8]| {
        let mut values = headers.get_all(name).iter();
        values.any(|said| said.as_bytes() == value)
    };
    let is_link = says("sec-fetch-mode", b"navigate") && says("sec-fetch-dest", b"document");
    says("sec-fetch-site", b"cross-site") || (says("sec-fetch-site", b"same-site") && !is_link)
}

/// What proxies and tunnels say about who asks, besides all that begins with `x-forwarded`.
const PASSED_ON: [&str; 6] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
];

/// Whether somebody passed it on: a tunnel's peer is this machine, whoever asks.
fn is_forwarded(asked: &Asked<'_>) -> bool {
    let passed_on = |name: &str| name.starts_with("x-forwarded") || PASSED_ON.contains(&name);
    // No browser speaks HTTP/1.0; proxies do that say nothing else, as nginx unless it is told to.
    asked.version < Version::HTTP_11 || asked.headers.keys().any(|name| passed_on(name.as_str()))
}

/// Whether it was asked for under names that nobody else can make lead here.
fn is_for_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let host = host.map(|host| host.to_str().unwrap_or_default());
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let mut names = authority.into_iter().chain(host).peekable();
    second.is_none() && names.peek().is_some() && names.all(is_loopback)
}

/// Whether an authority, with a port or without, is `localhost` or a loopback address.
fn is_loopback(authority: &str) -> bool {
    let (name, behind) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, behind)) => (address, behind),
            None => return false,
        },
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
    let is_address = || {
        let address = name.parse();
        address.is_ok_and(|address: IpAddr| address.is_loopback())
    };
    is_whole && (name.eq_ignore_ascii_case("localhost") || is_address())
}

/// Returns the password of `Basic base64(name:password)`.
fn password(value: &[u8]) -> Option<Vec<u8>> {
    const SCHEME: &[u8] = b"basic ";
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    let both = STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = both.iter().position(|byte| *byte == b':')?;
    both.get(colon + 1..).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, password};

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
            "[::1].evil.example",
            "[::1]evil",
            "[::1]:80@evil.example",
            "::1.evil",
            "user@localhost",
            "localhost:80@evil.example",
            "127.0.0.1:80:evil",
            "localhost,evil.example",
        ] {
            assert!(!is_loopback(host), "{host}");
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
            ("Og==", ":"),
            ("OmY=", ":f"),
            ("OmZv", ":fo"),
            ("OmZvbw==", ":foo"),
            ("Oj8/Pj4=", ":??>>"),
        ] {
            let header = format!("Basic {text}");
            let expected = bytes.strip_prefix(':').map(str::as_bytes);
            assert_eq!(password(header.as_bytes()).as_deref(), expected);
        }
        for text in [
            "O", "Og", "Og=", "O===", "Og==Og==", "Oh==", "OmZ\n", "Oj8_Pj4=",
        ] {
            let header = format!("Basic {text}");
            assert_eq!(password(header.as_bytes()), None, "{text:?}");
        }
    }
}
