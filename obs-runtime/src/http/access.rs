//! Who may read `/metrics`.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::Instant;

use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::{Cells, Kind};
use crate::start::Environment;

pub(crate) const REJECTED_NAME: &str = "obs_scrape_rejected_total";

/// Tokens that may be valid at once: an old one and a new one.
pub(crate) const MAX_TOKENS: usize = 2;

/// A shorter token could be guessed.
const MIN_LENGTH: usize = 16;
/// A longer one would find no room in a header.
const MAX_LENGTH: usize = 4096;

/// Failed attempts are logged no more often.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// A secret that opens `/metrics`, of which only the digest is kept.
///
/// It can be neither compared nor shown, so that neither can happen by accident.
#[derive(Clone)]
pub(crate) struct Token {
    digest: [u8; 32],
}

/// Why a text cannot be a token. It does not show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    Empty,
    Characters,
    Short,
    Long,
    TooMany,
}

impl Token {
    /// Reads one token: 16 to 4,096 visible ASCII characters.
    pub(crate) fn parse(text: &str) -> Result<Self, TokenError> {
        if text.trim().is_empty() {
            return Err(TokenError::Empty);
        }
        // Anything else cannot be sent in the header, or is lost on the way.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        match text.len() {
            0..MIN_LENGTH => Err(TokenError::Short),
            MIN_LENGTH..=MAX_LENGTH => Ok(Self {
                digest: digest(text.as_bytes()),
            }),
            _ => Err(TokenError::Long),
        }
    }

    /// Reads one or two tokens, separated by a comma or the end of a line.
    pub(crate) fn parse_list(text: &str) -> Result<Vec<Self>, TokenError> {
        // The end of the last line is not the beginning of another.
        let text = text.strip_suffix('\n').unwrap_or(text);
        let tokens: Vec<_> = text
            .split([',', '\n'])
            .map(|token| Self::parse(token.trim_matches([' ', '\t', '\r'])))
            .collect::<Result<_, _>>()?;
        if tokens.len() > MAX_TOKENS {
            return Err(TokenError::TooMany);
        }
        Ok(tokens)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a metrics token is empty",
            Self::Characters => {
                "a metrics token holds a character other than visible ASCII, which a header cannot carry"
            }
            Self::Short => "a metrics token is shorter than 16 characters and could be guessed",
            Self::Long => "a metrics token is longer than 4,096 characters",
            Self::TooMany => "there are more than two metrics tokens",
        })
    }
}

impl std::error::Error for TokenError {}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// With the service's own requests.
    Main,
    /// The one that serves nothing else.
    Admin,
}

/// What becomes of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    /// As if there were no such page.
    Hidden,
    Refused,
}

/// Decides about scrapes, and counts those that are refused.
pub(crate) struct ScrapeAccess {
    tokens: Vec<Token>,
    open_in_dev: bool,
    /// One cell for each reason.
    rejected: &'static Cells,
    last_said: Mutex<Option<Instant>>,
}

/// Why a scrape was refused. The answer does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Missing,
    Malformed,
    Wrong,
}

const REASONS: [&str; 3] = ["missing", "malformed", "wrong"];

impl ScrapeAccess {
    pub(crate) fn new(tokens: Vec<Token>, environment: &Environment) -> Self {
        Self {
            tokens,
            open_in_dev: *environment == Environment::DEV,
            rejected: Cells::leak(REASONS.len()),
            last_said: Mutex::new(None),
        }
    }

    pub(crate) fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    pub(crate) fn is_open_in_dev(&self) -> bool {
        self.open_in_dev
    }

    pub(super) fn decide(
        &self,
        listener: Listener,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Access {
        if self.has_tokens() {
            return match self.check(headers) {
                Ok(()) => Access::Open,
                Err(reason) => {
                    self.refused(reason);
                    Access::Refused
                }
            };
        }
        match listener {
            // It is on loopback, or was opened by name.
            Listener::Admin => Access::Open,
            Listener::Main if self.open_in_dev && peer.is_none_or(is_local) => Access::Open,
            Listener::Main => Access::Hidden,
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Reason> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Reason::Missing)?;
        if values.next().is_some() {
            return Err(Reason::Malformed);
        }
        let token = bearer(value.as_bytes()).ok_or(Reason::Malformed)?;
        self.compare(token)
    }

    /// Compares a token with those that are valid.
    pub(super) fn compare(&self, token: &[u8]) -> Result<(), Reason> {
        let digest = digest(token);
        // All of them, always: how long it takes says nothing about which was close.
        let known = self.tokens.iter().fold(Choice::from(0), |known, token| {
            known | token.digest.ct_eq(&digest)
        });
        if bool::from(known) {
            Ok(())
        } else {
            Err(Reason::Wrong)
        }
    }

    pub(super) fn refused(&self, reason: Reason) {
        self.rejected.add(reason as usize, 1);
        let now = Instant::now();
        let mut said = self
            .last_said
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_quiet = said.is_some_and(|at| now.saturating_duration_since(at) < LOG_PAUSE);
        if !is_quiet {
            *said = Some(now);
        }
        drop(said);
        if !is_quiet {
            let reason = REASONS[reason as usize];
            tracing::warn!(
                target: "obs::serve",
                reason,
                "a scrape without a valid token was refused; further ones are counted in {REJECTED_NAME}"
            );
        }
    }
}

/// Returns the token of `Bearer token`; the scheme is case-insensitive.
pub(super) fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, rest) = value.split_at_checked(SCHEME.len())?;
    let token = rest.trim_ascii_start();
    let fits = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
    (scheme.eq_ignore_ascii_case(SCHEME) && fits).then_some(token)
}

pub(super) fn is_local(peer: SocketAddr) -> bool {
    match peer.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
    }
}

// The digests would be safe to show, and of no use.
impl fmt::Debug for ScrapeAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScrapeAccess")
            .field("tokens", &self.tokens.len())
            .field("open_in_dev", &self.open_in_dev)
            .finish_non_exhaustive()
    }
}

impl Part for ScrapeAccess {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        let rejected = families.family(FamilyDescriptor {
            name: Cow::Borrowed(REJECTED_NAME),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed("Scrapes refused for want of a valid token, by what was wrong."),
        });
        for (reason, count) in REASONS.iter().zip(totals.of(self.rejected)) {
            rejected.push(
                vec![(Cow::Borrowed("reason"), Cow::Borrowed(*reason))],
                Value::Unsigned(count),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Environment, Listener, ScrapeAccess, Token, TokenError};
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderValue};

    const OLD: &str = "0123456789abcdef";
    const NEW: &str = "fedcba9876543210-new";

    fn access(tokens: &str, environment: &str) -> ScrapeAccess {
        let tokens = match tokens {
            "" => Vec::new(),
            tokens => Token::parse_list(tokens).ok().unwrap(),
        };
        ScrapeAccess::new(tokens, &Environment::parse(environment).unwrap())
    }

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn p1_the_scheme_is_case_insensitive_and_nothing_else_is() {
        let access = access(OLD, "prod");
        let decide = |values: &[&[u8]]| access.decide(Listener::Main, &headers(values), None);
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            let value = format!("{scheme} {OLD}");
            assert_eq!(decide(&[value.as_bytes()]), Access::Open, "{scheme}");
        }
        let long = format!("Bearer {}", OLD.repeat(4096));
        let rows: [&[&[u8]]; 16] = [
            &[],
            &[b""],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Bearer 0123456789abcde"],
            &[b"Bearer 0123456789abcdef0"],
            &[b"Bearer 00123456789abcdef"],
            &[b"Bearer 0123456789ABCDEF"],
            &[b"Basic 0123456789abcdef"],
            &[b"Token 0123456789abcdef"],
            &[b"0123456789abcdef"],
            &[b"Bearer:0123456789abcdef"],
            &[b"Bearer 0123456789abcdef "],
            &[b"Bearer 0123456789abcde\xff"],
            &[b"Bearer 0123456789abcdef", b"Bearer 0123456789abcdef"],
            &[long.as_bytes()],
        ];
        for row in rows {
            assert_eq!(decide(row), Access::Refused, "{row:?}");
        }
    }

    #[test]
    fn p2_a_text_that_cannot_be_a_token_is_an_error_that_does_not_show_it() {
        for (text, error) in [
            ("", TokenError::Empty),
            (" \t", TokenError::Empty),
            ("\n", TokenError::Empty),
            ("0123456789abcdef,", TokenError::Empty),
            ("0123456789abcdef\n\n", TokenError::Empty),
            ("0123456789abcde", TokenError::Short),
            ("0123456789 abcdef", TokenError::Characters),
            ("0123456789\u{7f}abcdef", TokenError::Characters),
            ("0123456789äabcdef", TokenError::Characters),
            (
                "a23456789abcdefgh,b23456789abcdefgh,c23456789abcdefgh",
                TokenError::TooMany,
            ),
        ] {
            let found = Token::parse_list(text).err().unwrap();
            assert_eq!(found, error, "{text:?}");
            assert!(!found.to_string().contains("56789"), "{found}");
        }
        let long = "x".repeat(4097);
        assert_eq!(Token::parse(&long).err(), Some(TokenError::Long));
    }

    #[test]
    fn p6_two_tokens_are_valid_at_once_from_a_variable_or_a_file() {
        for list in [
            format!("{OLD},{NEW}"),
            format!("{OLD}\n{NEW}\n"),
            format!("{OLD}\r\n{NEW}\r\n"),
        ] {
            let access = access(&list, "prod");
            for token in [OLD, NEW] {
                let value = format!("Bearer {token}");
                let headers = headers(&[value.as_bytes()]);
                assert_eq!(access.decide(Listener::Main, &headers, None), Access::Open);
            }
        }
    }

    #[test]
    fn without_a_token_only_dev_and_the_admin_listener_are_open() {
        let none = HeaderMap::new();
        let local = Some("127.0.0.1:9".parse().unwrap());
        let mapped = Some("[::ffff:127.0.0.1]:9".parse().unwrap());
        let remote = Some("192.0.2.1:9".parse().unwrap());
        let dev = access("", "dev");
        for (peer, expected) in [
            (None, Access::Open),
            (local, Access::Open),
            (mapped, Access::Open),
            (remote, Access::Hidden),
        ] {
            assert_eq!(
                dev.decide(Listener::Main, &none, peer),
                expected,
                "{peer:?}"
            );
        }
        for environment in ["staging", "prod", "canary-7"] {
            let access = access("", environment);
            for peer in [None, local, remote] {
                assert_eq!(access.decide(Listener::Main, &none, peer), Access::Hidden);
                assert_eq!(access.decide(Listener::Admin, &none, peer), Access::Open);
            }
        }
    }

    #[test]
    fn with_a_token_every_listener_and_environment_asks_for_it() {
        for environment in ["dev", "prod"] {
            let access = access(OLD, environment);
            for listener in [Listener::Main, Listener::Admin] {
                let decision = access.decide(listener, &HeaderMap::new(), None);
                assert_eq!(decision, Access::Refused);
            }
        }
    }

    /// Does not compile where `Token` has the trait: there would be two answers.
    macro_rules! assert_token_is_not {
        ($($bound:path),*) => {$({
            trait Ambiguous<A> {
                fn answer() {}
            }
            impl<T> Ambiguous<()> for T {}
            impl<T: $bound> Ambiguous<u8> for T {}
            <Token as Ambiguous<_>>::answer();
        })*};
    }

    #[test]
    fn p3_a_token_can_be_neither_compared_nor_shown() {
        assert_token_is_not!(PartialEq, std::fmt::Debug, std::fmt::Display);
    }

    #[test]
    fn p5_debug_shows_how_many_tokens_there_are_and_nothing_of_them() {
        let access = access(OLD, "prod");
        let shown = format!("{access:?}");
        assert!(
            shown.contains("tokens: 1") && !shown.contains("0123"),
            "{shown}"
        );
    }
}
