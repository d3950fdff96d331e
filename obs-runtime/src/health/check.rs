//! What a dependency is asked, how long it may take, and how long the answer is good for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::target::{HttpTarget, TcpTarget};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
const DEFAULT_CACHE: Duration = Duration::from_secs(2);

/// What a probe found: nothing to say, or what went wrong.
type Probed = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A question to something that the service depends on, for [`Obs::ready`](crate::Obs::ready).
///
/// A check has one second to answer ([`timeout`](Self::timeout)), and its answer is good for two
/// ([`cache`](Self::cache)): however many probes arrive, a dependency is asked no more often. Each
/// runs in a task of its own, and is not started again while it still hangs. A check that panics
/// has failed.
///
/// What went wrong is logged when the state changes, and never part of an answer: it may hold
/// secrets.
///
/// # Example
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use obs_runtime::{Check, Obs};
/// use std::time::Duration;
///
/// # let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// obs.ready("engine", Check::http("http://127.0.0.1:8080/ready")?);
/// obs.ready("mail", Check::tcp("127.0.0.1:25")?.optional());
/// let disk = Check::new(|| async { std::fs::metadata("/").map(|_| ()) });
/// obs.ready("disk", disk.timeout(Duration::from_millis(200)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a check does nothing until it is given to `obs.ready(name, check)`"]
pub struct Check {
    probe: Arc<dyn Fn() -> Probed + Send + Sync>,
    timeout: Duration,
    cache: Duration,
    critical: bool,
}

impl Check {
    /// Makes a check of a function: `Ok` is up.
    ///
    /// # Cancel safety
    /// The future is dropped when its time is over.
    pub fn new<F, Fut, E>(probe: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let probe = Arc::new(probe);
        Self {
            probe: Arc::new(move || {
                let probe = Arc::clone(&probe);
                // Called inside the future, so that a panic of the function is the check's.
                Box::pin(async move { probe().await.map_err(|error| error.to_string()) })
            }),
            timeout: DEFAULT_TIMEOUT,
            cache: DEFAULT_CACHE,
            critical: true,
        }
    }

    /// Checks that a connection to `host:port` can be made.
    ///
    /// It says that the machine is there and the port open. A server that is frozen still has an
    /// open port: prefer a check that asks for an answer where there is one.
    ///
    /// # Errors
    /// If the text is not a host and a port.
    pub fn tcp(address: &str) -> Result<Self, CheckError> {
        Ok(Self::tcp_target(TcpTarget::parse(address)?))
    }

    pub(crate) fn tcp_target(target: TcpTarget) -> Self {
        let target = Arc::new(target);
        Self::new(move || {
            let target = Arc::clone(&target);
            async move {
                let stream = TcpStream::connect((target.host(), target.port())).await;
                stream.map(drop)
            }
        })
    }

    /// Checks that a GET of the URL is answered with a status from 200 to 399.
    ///
    /// Redirects are not followed, and the body is not read.
    ///
    /// # Errors
    /// If the text is not a URL, has a user or a password in it, or begins with `https://`: obs
    /// brings no TLS. Ask such a server with the client that the service has already, through
    /// [`new`](Self::new).
    pub fn http(url: &str) -> Result<Self, CheckError> {
        Ok(Self::http_target(HttpTarget::parse(url)?))
    }

    pub(crate) fn http_target(target: HttpTarget) -> Self {
        let target = Arc::new(target);
        Self::new(move || {
            let target = Arc::clone(&target);
            async move { target.get().await }
        })
    }

    /// Sets how long one answer may take: one second unless said otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long one answer is good for: two seconds unless said otherwise.
    pub fn cache(mut self, cache: Duration) -> Self {
        self.cache = cache;
        self
    }

    /// Sets whether the service is ready only while this is up, which it is unless said otherwise.
    pub fn critical(mut self, critical: bool) -> Self {
        self.critical = critical;
        self
    }

    /// Shows the check, but lets the service be ready without it.
    pub fn optional(self) -> Self {
        self.critical(false)
    }

    pub(super) fn probe(&self) -> impl Future<Output = Result<(), String>> + Send + use<> {
        (self.probe)()
    }

    pub(super) const fn patience(&self) -> Duration {
        self.timeout
    }

    pub(super) const fn keeps(&self) -> Duration {
        self.cache
    }

    pub(super) const fn is_critical(&self) -> bool {
        self.critical
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("timeout", &self.timeout)
            .field("cache", &self.cache)
            .field("critical", &self.critical)
            .finish_non_exhaustive()
    }
}

/// Why there cannot be such a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    pub(super) kind: CheckErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckErrorKind {
    Address,
    Url,
    Tls,
    UserInfo,
}

// The texts do not repeat what was given: a URL may hold a password.
impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CheckErrorKind::Address => {
                "a TCP check needs a host and a port, such as `db:5432` or `[::1]:5432`"
            }
            CheckErrorKind::Url => {
                "an HTTP check needs a URL with a host, such as `http://engine:8080/ready`"
            }
            CheckErrorKind::Tls => {
                "an HTTP check cannot ask an https:// URL, because obs brings no TLS\n  \
                 fix: use the service's own client: `Check::new(|| async { client.get(url)... })`"
            }
            CheckErrorKind::UserInfo => {
                "an HTTP check sends no user and no password from its URL\n  \
                 fix: use the service's own client: `Check::new(|| async { client.get(url)... })`"
            }
        })
    }
}

impl std::error::Error for CheckError {}
