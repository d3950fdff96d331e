//! Clients of `reqwest`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::Extensions;
use http::header::HeaderName;
use reqwest::{Client, Request, Response};
use reqwest_middleware::{ClientWithMiddleware, Error, Middleware, Next};

use super::directory::{Checked, Directory, Route};
use super::error::{ClientError, ClientProblem};
use super::exchange::{ClientExchange, End};
use super::layer::ClientFuture;
use super::peer::Peer;
use super::redirect::{self, Plain, Redirects, Watched};
use crate::start::Obs;

/// How many redirects `reqwest` follows unless it is told otherwise.
const DEFAULT_REDIRECTS: usize = 10;

/// Makes an observed client; see [`Obs::client`].
#[must_use = "nothing is observed before `.build()`"]
pub struct ReqwestBuilder {
    obs: Obs,
    source: Source,
    peers: Vec<Peer>,
    redirects: usize,
    trusts_redirects: bool,
    outer: Vec<Arc<dyn Middleware>>,
}

/// What an observed client is made of: a [`reqwest::ClientBuilder`], or a [`reqwest::Client`] that
/// follows no redirects; see [`Obs::client`].
pub struct ReqwestSource(Source);

enum Source {
    Builder(Box<reqwest::ClientBuilder>),
    Built(Client),
}

impl From<reqwest::ClientBuilder> for ReqwestSource {
    fn from(builder: reqwest::ClientBuilder) -> Self {
        Self(Source::Builder(Box::new(builder)))
    }
}

impl From<Client> for ReqwestSource {
    fn from(client: Client) -> Self {
        Self(Source::Built(client))
    }
}

impl ReqwestBuilder {
    pub(super) fn new(obs: Obs, source: ReqwestSource) -> Self {
        Self {
            obs,
            source: source.0,
            peers: Vec::new(),
            redirects: DEFAULT_REDIRECTS,
            trusts_redirects: false,
            outer: Vec::new(),
        }
    }

    /// Declares a service that requests go to. All others are counted as `_other`.
    pub fn peer(mut self, peer: Peer) -> Self {
        self.peers.push(peer);
        self
    }

    /// Follows at most so many redirects: 10 unless said otherwise, as `reqwest` does. With 0, a
    /// redirect is the response.
    ///
    /// Says nothing about a client that was built before it was handed over.
    pub const fn redirects(mut self, max: usize) -> Self {
        self.redirects = max;
        self
    }

    /// Takes a client that was built before it was handed over, although it follows redirects: the
    /// ids of a request go along to whatever host an answer names.
    pub const fn trust_redirects(mut self) -> Self {
        self.trusts_redirects = true;
        self
    }

    /// Puts a middleware around the observation: of a retry, each attempt is a request of its own,
    /// with a span and a count.
    ///
    /// What is added to the finished client by `reqwest_middleware::ClientBuilder::from_client` is
    /// inside: of a retry, all attempts together are one request. The first one given here is the
    /// outermost.
    pub fn outer(mut self, middleware: impl Middleware) -> Self {
        self.outer.push(Arc::new(middleware));
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// If a peer cannot be used, `reqwest` cannot build the client, or redirects would tell ids to
    /// hosts that may not see them; the error lists every mistake.
    pub fn build(self) -> Result<ClientWithMiddleware, ClientError> {
        let mut problems = Vec::new();
        let checked = Checked::new(&self.peers, &mut problems);
        match &self.source {
            Source::Builder(builder) if redirect::has_policy(builder) => {
                problems.push(ClientProblem::HasRedirectPolicy);
            }
            Source::Built(client) if !self.trusts_redirects && !redirect::follows_none(client) => {
                problems.push(ClientProblem::FollowsRedirects);
            }
            _ => {}
        }
        if !problems.is_empty() {
            return Err(ClientError::new(problems));
        }
        let directory = Arc::new(super::directory_of(&self.obs, checked));
        let (client, guarded) = match self.source {
            Source::Built(client) => (client, None),
            Source::Builder(builder) => {
                let policy = redirect::policy(Arc::clone(&directory), self.redirects);
                let client = builder.redirect(policy).build().map_err(|error| {
                    ClientError::new(vec![ClientProblem::Build {
                        reason: error.without_url().to_string(),
                    }])
                })?;
                let secrets = redirect::secret_defaults(&client);
                (client, Some(secrets))
            }
        };
        let observed: Arc<dyn Middleware> = Arc::new(observe(Observed { directory, guarded }));
        let stack: Vec<_> = self.outer.into_iter().chain([observed]).collect();
        Ok(ClientWithMiddleware::new(client, stack))
    }
}

/// What a client observes its requests with.
#[derive(Clone)]
struct Observed {
    directory: Arc<Directory>,
    /// The secrets of the client's own, if it stops at redirects that would tell ids.
    guarded: Option<Arc<[HeaderName]>>,
}

type Sent<'a> = Pin<Box<dyn Future<Output = reqwest_middleware::Result<Response>> + Send + 'a>>;

fn observe(
    observed: Observed,
) -> impl for<'a> Fn(Request, &'a mut Extensions, Next<'a>) -> Sent<'a> + Send + Sync + 'static {
    move |request, extensions, next| Box::pin(observed.clone().send(request, extensions, next))
}

impl Observed {
    async fn send(
        self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let (exchange, ids) = self.begin(&mut request, extensions);
        let guarded = self.guarded.filter(|_| !ids.is_empty());
        let plain = guarded.map(|secrets| Plain::of(&request, &ids, &secrets));
        let sent = async {
            let Some(plain) = plain else {
                return next.run(request, extensions).await;
            };
            let redirects = Arc::new(Redirects::default());
            let first = next.clone().run(request, &mut *extensions);
            let response = Watched::new(first, Arc::clone(&redirects)).await?;
            match plain.onward(&redirects) {
                Some(onward) => next.run(onward, extensions).await,
                None => Ok(response),
            }
        };
        let mut sent = pin!(ClientFuture::new(sent, exchange));
        poll_fn(|cx| sent.as_mut().poll_until(cx, end)).await
    }

    fn begin(
        &self,
        request: &mut Request,
        extensions: &Extensions,
    ) -> (ClientExchange, Vec<HeaderName>) {
        let (method, url) = (request.method().clone(), request.url().clone());
        ClientExchange::begin(
            &self.directory,
            redirect::target(&url),
            &method,
            extensions.get::<Route>().copied(),
            request.headers_mut(),
        )
    }
}

fn end(outcome: &reqwest_middleware::Result<Response>) -> End {
    match outcome {
        Ok(response) => End::Response(response.status()),
        Err(Error::Middleware(_)) => End::Failed("middleware"),
        Err(Error::Reqwest(error)) => End::Failed(kind_of(error)),
    }
}

/// The kind of an error, from a finite list: its text may hold the URL.
fn kind_of(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_dns() {
        "dns"
    } else if error.is_connect() {
        "connect"
    } else if error.is_redirect() {
        "redirect"
    } else if error.is_builder() {
        "invalid_request"
    } else if error.is_body() {
        "body"
    } else {
        "request"
    }
}

impl fmt::Debug for ReqwestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestBuilder")
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ReqwestSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Default headers hold credentials.
        f.debug_struct("ReqwestSource").finish_non_exhaustive()
    }
}
