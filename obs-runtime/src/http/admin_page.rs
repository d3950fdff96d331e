//! A page beside `/metrics` that shows what happens, such as the console of `obs-console`.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, Response, StatusCode};
use pin_project_lite::pin_project;
use tracing::Level;

use crate::context::{Ctx, SpanId, TraceContext};
use crate::start::Obs;

/// A page beside `/metrics` that sees what happens; for [`Setup::admin_page`](crate::Setup::admin_page).
///
/// `obs` serves it where the router has no route, as its own endpoints, and counts and logs none of
/// its requests. Who may see it: whoever sends the token of `OBS_METRICS_TOKEN`, as `Bearer` or as
/// the password of `Basic`, with which a browser asks for it; without a token, in dev alone, who comes
/// from this machine. For everybody else there is no such page.
///
/// What it is told is redacted already. It is told on the thread on which it happened, which must not
/// wait: keep it in bounded memory, or drop it.
pub trait AdminPage: Send + Sync + 'static {
    /// Returns the path at which it is, and below which everything is its own: `/console`.
    fn path(&self) -> &str;

    /// Called when the service begins to serve, within its runtime.
    fn serving(&self, obs: &Obs);

    /// Answers a GET; of the answer to a HEAD, `obs` sends the head.
    fn answer(&self, obs: &Obs, asked: PageRequest) -> PageFuture;

    /// Takes a line of the log: one JSON object, whatever the log itself looks like. It sees the
    /// lines that the filter of the log lets through.
    fn line(&self, level: Level, json: &str);

    /// Takes a span of level INFO or above that has ended.
    fn span(&self, span: &EndedSpan<'_>);
}

/// The answer of an [`AdminPage`], when it is there.
pub type PageFuture = Pin<Box<dyn Future<Output = PageAnswer> + Send>>;

/// What an [`AdminPage`] is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PageRequest {
    /// What is behind the path of the page: empty, or beginning with a slash.
    pub path: String,
    /// What is behind the question mark, as it was sent.
    pub query: String,
}

/// What an [`AdminPage`] answers. The headers that keep others from using it are `obs`'.
#[derive(Clone, Debug)]
pub struct PageAnswer {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl PageAnswer {
    /// Answers with a text of this type.
    #[must_use]
    pub fn ok(content_type: &'static str, body: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            body: match body.into() {
                Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
                Cow::Owned(text) => Bytes::from(text),
            },
        }
    }

    /// Answers that there is no such thing.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::failed(StatusCode::NOT_FOUND)
    }

    /// Answers that the question makes no sense.
    #[must_use]
    pub const fn bad_request() -> Self {
        Self::failed(StatusCode::BAD_REQUEST)
    }

    const fn failed(status: StatusCode) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: Bytes::new(),
        }
    }

    /// Makes it an answer that no other page can use.
    pub(super) fn response(self, method: &Method) -> Response<Body> {
        let mut response = guarded(self.status);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        if *method != Method::HEAD {
            *response.body_mut() = Body::from(self.body);
        }
        response
    }
}

/// A span that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndedSpan<'a> {
    /// A number that no other span of this process has.
    pub key: u64,
    /// The number of the span around it.
    pub parent: Option<u64>,
    /// Its name: what it says to be its name in OpenTelemetry, or else that of the source.
    pub name: &'a str,
    /// Where it was made, mostly a module.
    pub target: &'static str,
    /// When it began.
    pub started: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// Whether it says that it failed.
    pub failed: bool,
    /// What it belongs to.
    pub ctx: Option<&'a Ctx>,
    /// The id under which others know it, if they do.
    pub span_id: Option<SpanId>,
    /// For the first span of a context: that of another process, or of another operation, which
    /// caused it.
    pub remote_parent: Option<TraceContext>,
    /// Its fields: one JSON object.
    pub fields: &'a str,
}

/// Nothing but what this origin serves, and nowhere but in a window of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

fn guarded(status: StatusCode) -> Response<Body> {
    const HEADERS: [(HeaderName, &str); 6] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Asks for the token; a browser then asks whoever sits in front of it.
pub(super) fn unauthorized() -> Response<Body> {
    let mut response = guarded(StatusCode::UNAUTHORIZED);
    let headers = response.headers_mut();
    for scheme in [r#"Basic realm="obs", charset="UTF-8""#, "Bearer"] {
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

pub(super) fn method_not_allowed() -> Response<Body> {
    let mut response = guarded(StatusCode::METHOD_NOT_ALLOWED);
    let reads = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, reads);
    response
}

thread_local! {
    static ANSWERING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread works on the answer of a page: what it logs then would show itself for ever.
pub(crate) fn is_answering() -> bool {
    ANSWERING.try_with(Cell::get).unwrap_or_default()
}

struct Answering {
    before: bool,
}

impl Answering {
    fn begin() -> Self {
        Self {
            before: ANSWERING.replace(true),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        ANSWERING.set(self.before);
    }
}

pin_project! {
    /// Work on an answer, of which a page is told nothing.
    pub(super) struct Unseen<F> {
        #[pin]
        work: F,
    }
}

/// Makes the work that a page does to answer one of which it is told nothing.
pub(super) fn unseen<F>(work: impl FnOnce() -> F) -> Unseen<F> {
    let _answering = Answering::begin();
    Unseen { work: work() }
}

impl<F: Future> Future for Unseen<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _answering = Answering::begin();
        self.project().work.poll(cx)
    }
}

/// Whether a path is that of a page, or below it; returns what is behind.
pub(super) fn below<'p>(page: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(page)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

impl fmt::Debug for dyn AdminPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdminPage").field(&self.path()).finish()
    }
}
