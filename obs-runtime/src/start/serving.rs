//! The options of the endpoints and the server.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Environment;
use super::error::{Problem, ProblemKind};
use super::settings::AccessSettings;
use super::setup::Setup;
use crate::http::{self, AdminPage, Limits, Paths, ScrapeAccess, Token, TokenError};

const MAX_PATH: usize = 256;

/// How long a service that is about to stop goes on accepting, outside of dev: load balancers need
/// some seconds to look elsewhere.
const DRAIN_DELAY: Duration = Duration::from_secs(5);

/// What can be chosen.
#[derive(Debug, Default)]
pub(super) struct ServingOptions {
    pub(super) admin_addr: Option<SocketAddr>,
    paths: Paths,
    tokens: Tokens,
    open_admin: bool,
    limits: Limits,
    drain_delay: Option<Duration>,
    pub(super) manual_startup: bool,
    page: Option<Arc<dyn AdminPage>>,
}

/// The tokens, and what was wrong with others.
#[derive(Default)]
struct Tokens {
    valid: Vec<Token>,
    invalid: Vec<TokenError>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.valid.len())
    }
}

impl Setup {
    /// Sets the path of the metrics: `/metrics` unless said otherwise.
    pub fn metrics_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.options.serving.paths.metrics = path.into();
        self
    }

    /// Sets the path that says whether the process lives: `/health` unless said otherwise.
    pub fn health_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.options.serving.paths.health = path.into();
        self
    }

    /// Sets the path that says whether requests can be served: `/ready` unless said otherwise.
    pub fn ready_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.options.serving.paths.ready = path.into();
        self
    }

    /// Sets the path that says whether initialisation is complete: `/startup` unless said
    /// otherwise.
    pub fn startup_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.options.serving.paths.startup = path.into();
        self
    }

    /// Adds a page that shows what happens, such as that of `obs-console`. There is one: a second
    /// takes the place of the first.
    ///
    /// Who may see it is the same wherever it comes from; see [`AdminPage`]. Where nobody may,
    /// because there is no token and this is not dev, it is not there at all and costs nothing.
    pub fn admin_page(mut self, page: impl AdminPage) -> Self {
        self.options.serving.page = Some(Arc::new(page));
        self
    }

    /// Adds a token that opens `/metrics`, beside those of `OBS_METRICS_TOKEN`: 16 to 4,096
    /// visible ASCII characters. Two may be valid at once, an old one and a new one.
    pub fn metrics_token(mut self, token: &str) -> Self {
        let tokens = &mut self.options.serving.tokens;
        match Token::parse(token) {
            Ok(token) => tokens.valid.push(token),
            Err(error) => tokens.invalid.push(error),
        }
        self
    }

    /// Says whether the admin listener may be reached from other machines without a token, which
    /// it may not unless this is `true`.
    pub fn allow_unauthenticated_admin(mut self, allow: bool) -> Self {
        self.options.serving.open_admin = allow;
        self
    }

    /// Says whether the service itself calls [`startup_complete`](crate::Obs::startup_complete).
    /// With `true`, `/startup` and `/ready` answer 503 until it does; otherwise
    /// [`serve`](crate::Obs::serve) calls it.
    pub fn manual_startup(mut self, manual: bool) -> Self {
        self.options.serving.manual_startup = manual;
        self
    }

    /// Sets how long [`serve`](crate::Obs::serve) goes on accepting once it is not ready any more:
    /// 5 s, or nothing in dev. It is never more than half of the time that requests have to end.
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.options.serving.drain_delay = Some(delay);
        self
    }

    /// Sets how long a new connection to [`serve`](crate::Obs::serve) may take to send the headers
    /// of its first request: 10 s unless said otherwise.
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.options.serving.limits.header_timeout = timeout;
        self
    }

    /// Sets how long a connection to [`serve`](crate::Obs::serve) may take from one response to
    /// the next request: 75 s unless said otherwise. It should be longer than load balancers keep
    /// idle connections.
    pub fn keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.options.serving.limits.keep_alive_timeout = timeout;
        self
    }

    /// Sets how many connections [`serve`](crate::Obs::serve) holds open at one time: 10,000 unless
    /// said otherwise. Others wait in the kernel's queue.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.options.serving.limits.max_connections = connections;
        self
    }
}

impl ServingOptions {
    pub(super) fn new(access: &AccessSettings) -> Self {
        let tokens = access.tokens.iter().chain(&access.tokens_of_file);
        Self {
            admin_addr: access.admin_addr,
            tokens: Tokens {
                valid: tokens.cloned().collect(),
                invalid: Vec::new(),
            },
            ..Self::default()
        }
    }

    pub(super) fn drain_delay(&self, environment: &Environment) -> Duration {
        let default = if *environment == Environment::DEV {
            Duration::ZERO
        } else {
            DRAIN_DELAY
        };
        self.drain_delay.unwrap_or(default)
    }

    pub(super) fn parts(&self, environment: &Environment) -> http::Serving {
        let access = ScrapeAccess::new(self.tokens.valid.clone(), environment);
        let has_readers = access.has_tokens() || access.is_open_in_dev();
        http::Serving {
            paths: self.paths.clone(),
            page: self.page.clone().filter(|_| has_readers),
            access,
            limits: self.limits,
            open_admin: self.open_admin,
            snapshots: http::Snapshots::default(),
        }
    }

    /// Returns every problem with the options.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let option = |what: String, why: &'static str, fix: &str| Problem {
            kind: ProblemKind::InvalidOption,
            what,
            places: Vec::new(),
            why,
            fix: fix.to_owned(),
        };
        let paths = self.paths.all();
        for (at, (setting, path, _)) in paths.iter().enumerate() {
            if !is_path(path) {
                problems.push(option(
                    format!("`.{setting}({path:?})` is not a path"),
                    "it is compared with the path of a request as it is, so no request could match",
                    "begin with `/`, and leave out spaces, `?`, `#`, `{` and `}`: `/api/health`",
                ));
            }
            if let Some((other, _, _)) = paths[..at].iter().find(|(_, taken, _)| taken == path) {
                problems.push(option(
                    format!("`.{other}(..)` and `.{setting}(..)` are both {path:?}"),
                    "a path can have one answer",
                    "choose a path for each",
                ));
            }
        }
        if let Some(page) = &self.page {
            let path = page.path();
            if !is_path(path) || path.ends_with('/') {
                problems.push(option(
                    format!("the path {path:?} of `.admin_page(..)` is not one"),
                    "it is compared with the path of a request as it is, so no request could match",
                    "begin with `/` and end without, and leave out spaces, `?`, `#`, `{` and `}`: `/console`",
                ));
            }
            let below = |taken: &str| {
                taken
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            for (setting, taken, _) in paths.iter().filter(|(_, taken, _)| below(taken)) {
                problems.push(option(
                    format!("`.{setting}({taken:?})` is at or below the path {path:?} of `.admin_page(..)`"),
                    "a path can have one answer",
                    "choose a path for each",
                ));
            }
        }
        for error in &self.tokens.invalid {
            problems.push(option(
                format!("`.metrics_token(..)`: {error}"),
                "whoever guesses it can read every metric",
                "use 16 to 4,096 visible ASCII characters, such as those of `openssl rand -hex 32`",
            ));
        }
        if self.tokens.valid.len() > http::MAX_TOKENS {
            problems.push(option(
                TokenError::TooMany.to_string(),
                "one that nobody remembers stays valid for ever",
                "keep the old one and the new one; `.metrics_token(..)` and OBS_METRICS_TOKEN are counted together",
            ));
        }
        if self.limits.max_connections == 0 {
            problems.push(option(
                "`.max_connections(0)` lets nobody in".to_owned(),
                "a server without connections serves nothing",
                "choose at least 1",
            ));
        }
        problems
    }
}

fn is_path(path: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"?#{}".contains(&byte);
    path.len() <= MAX_PATH && path.starts_with('/') && path.bytes().all(fits)
}
