//! One answer: the value that becomes a problem document.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use super::code::{code, phrase};
use super::details::Details;
use super::error::{ErrorCode, ProblemError};
use crate::context::{Annotation, Ctx};
use crate::redact::Redactor;

/// The annotation that says which error was answered.
pub(crate) const ERROR_CODE: &str = "error_code";

/// The annotation that says why, where the service is at fault: for the log, never for the client.
pub(crate) const ERROR: &str = "error";

/// The media type of RFC 9457.
pub(super) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Bytes of a detail that an answer holds.
const MAX_DETAIL: usize = 1_024;

/// Bytes of a text that are looked at for secrets; far more than are kept, so that one at the
/// edge of what is kept is seen whole.
const MAX_SCRUBBED: usize = 16 * 1_024;

/// Members that mean the same in every answer.
const RESERVED: [&str; 7] = [
    "type",
    "title",
    "status",
    "code",
    "detail",
    "instance",
    "correlation_id",
];

/// An answer of `application/problem+json` (RFC 9457), for where no error type is worth its while.
///
/// An error that a handler returns is better a [`ProblemError`], whose code is counted as well. The
/// code of a `Problem` is seen in the answer and in the log, never in a metric: any text could be
/// one. `Problem::from(&error)` is the answer of an error, counted, to which more can be added.
///
/// `correlation_id` comes by itself within a request.
///
/// # Example
/// ```
/// use axum::response::IntoResponse;
/// use http::StatusCode;
/// use obs_runtime::Problem;
///
/// let response = Problem::new(StatusCode::CONFLICT)
///     .code("seat_taken")
///     .detail("seat 12A is taken")
///     .with("seats_left", 3)
///     .into_response();
/// assert_eq!(response.status(), 409);
/// // {"title":"Conflict","status":409,"code":"seat_taken","detail":"seat 12A is taken","seats_left":3}
/// ```
#[derive(Clone, Debug)]
#[must_use = "a problem does nothing until it is returned"]
pub struct Problem {
    pub(super) status: StatusCode,
    pub(super) title: Cow<'static, str>,
    code: Cow<'static, str>,
    uri: Option<Cow<'static, str>>,
    pub(super) detail: Option<String>,
    members: Vec<(Cow<'static, str>, Annotation)>,
    pub(super) retry_after: Option<Duration>,
    /// The code that is counted.
    counted: Option<ErrorCode>,
    /// What the log may know and the caller may not.
    pub(super) cause: Option<String>,
}

impl Problem {
    /// Makes an answer whose code and title are the status' own (`not_found`, `Not Found`).
    ///
    /// A problem is an error: a status outside of 400 to 599 becomes 500.
    pub fn new(status: StatusCode) -> Self {
        let status = match status.as_u16() {
            400..=599 => status,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            title: Cow::Borrowed(phrase(status)),
            code: Cow::Borrowed(code(status)),
            uri: None,
            detail: None,
            members: Vec::new(),
            retry_after: None,
            counted: None,
            cause: None,
        }
    }

    /// Sets the code by which programs tell this problem from others.
    ///
    /// On the answer of a [`ProblemError`] that is what the caller reads; what is counted stays.
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = code.into();
        self
    }

    /// Sets the title: the same words for every problem of this kind.
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the member `type`: a URI that identifies this kind of problem.
    pub fn problem_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.uri = Some(uri.into());
        self
    }

    /// Sets what the caller may know about this one case.
    ///
    /// Secrets and personal data are removed by their shape, and 1,024 bytes are kept.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(harmless(&detail.into()));
        self
    }

    /// Adds a member of the service's own; the last value of a name wins.
    ///
    /// Text is treated as in [`detail`](Self::detail). The members that RFC 9457 defines, `code`
    /// and `correlation_id` have methods of their own or come by themselves; under those names
    /// nothing is added.
    pub fn with(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Annotation>,
    ) -> Self {
        let name = name.into();
        if RESERVED.contains(&&*name) {
            return self;
        }
        let value = match value.into() {
            Annotation::Text(text) => Annotation::Text(harmless(&text)),
            other => other,
        };
        match self.members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.members.push((name, value)),
        }
        self
    }

    /// Says when to try again: the header `Retry-After`, in whole seconds.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Keeps what the log says about the cause.
    pub(super) fn cause(mut self, cause: &impl Display) -> Self {
        self.cause = shown(cause);
        self
    }

    /// Tells the request's log line what this is.
    pub(super) fn annotate(&self, ctx: Option<&Ctx>) {
        let Some(ctx) = ctx else { return };
        ctx.annotate(ERROR_CODE, &*self.code);
        if self.status.is_server_error()
            && let Some(cause) = self.cause.as_ref().or(self.detail.as_ref())
        {
            ctx.annotate(ERROR, cause.as_str());
        }
    }

    /// Writes the document.
    pub(super) fn json(&self, ctx: Option<&Ctx>) -> Vec<u8> {
        let mut details = Details::new();
        if let Some(uri) = &self.uri {
            details.text("type", uri);
        }
        details.text("title", &self.title);
        details.value("status", &self.status.as_u16().into());
        details.text("code", &self.code);
        if let Some(detail) = &self.detail {
            details.text("detail", detail);
        }
        for (name, value) in &self.members {
            details.value(name, value);
        }
        if let Some(ctx) = ctx {
            details.text("correlation_id", ctx.correlation_id());
        }
        details.finish()
    }
}

impl<E: ProblemError> From<&E> for Problem {
    fn from(error: &E) -> Self {
        let counted = ErrorCode::of(error);
        let mut problem = Self::new(error.status())
            .title(error.title())
            .code(counted.as_str());
        problem.counted = Some(counted);
        problem.uri = error.problem_type().map(Cow::Borrowed);
        problem.retry_after = error.retry_after();
        problem.detail = error.detail().as_deref().map(harmless);
        if problem.status.is_server_error() {
            problem = problem.cause(error);
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let ctx = Ctx::current();
        self.annotate(ctx.as_ref());
        let mut response = Response::new(Body::from(self.json(ctx.as_ref())));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(after) = self.retry_after {
            // Rounded up: an earlier try would come too soon.
            let is_odd = after.subsec_nanos() > 0;
            let seconds = after.as_secs().saturating_add(is_odd.into());
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(counted) = self.counted {
            response.extensions_mut().insert(counted);
        }
        response
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.title)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl Error for Problem {}

/// Returns a text without secrets and personal data, and short enough for an answer.
pub(crate) fn harmless(text: &str) -> String {
    /// Texts have no keys, so those of the configuration do not matter.
    static SHAPES: LazyLock<Redactor> = LazyLock::new(|| Redactor::new(&[]));
    let scrubbed = SHAPES.scrub(cut(text, MAX_SCRUBBED));
    cut(&scrubbed, MAX_DETAIL).to_owned()
}

/// Returns the harmless form of what an error says about itself.
///
/// The user's `Display` runs here: one that panics or fails has nothing to say, and the answer is
/// made all the same.
pub(super) fn shown(error: &impl Display) -> Option<String> {
    let mut text = String::new();
    let written = catch_unwind(AssertUnwindSafe(|| write!(text, "{error}")));
    matches!(written, Ok(Ok(()))).then(|| harmless(&text))
}

fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    (0..=max)
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default()
}
