//! Which errors can answer a request, and under which code they are counted.

use std::error::Error;
use std::time::Duration;

use http::StatusCode;

use super::code::phrase;
use crate::call::ErrorKind;
use crate::label::ErrorLabel;

/// Says how an error answers a request: with which status, title and code.
///
/// Derive it beside [`ErrorLabel`], which gives the code: the answer's `code`, the `error_code` of
/// the log line and the `exception_type` of `http_exceptions_total` are the same word. The derive
/// implements axum's `IntoResponse`, so a handler returns the error and that is all.
///
/// The answer is `application/problem+json` (RFC 9457) with `title`, `status`, `code` and, within a
/// request, `correlation_id`. Nothing of the error's text is in it unless the variant says `detail`,
/// and never its sources. What a 5xx was about stands in the log, as the field `error` of
/// `request_completed`.
///
/// Write it by hand where the status is not known when compiling; `IntoResponse` is then
/// `Problem::from(&self).into_response()`.
///
/// # Cardinality
/// One value of `exception_type` for each of [`ErrorLabel::VALUES`].
///
/// # Example
/// ```
/// use axum::response::IntoResponse;
/// use obs_runtime as obs;
/// # use std::fmt;
///
/// #[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
/// enum JobError {
///     #[problem(status = 404, title = "No such job", detail)]
///     NotFound(u64),
///     #[problem(status = 503, retry_after = 5)]
///     Database(String),
/// }
/// # impl fmt::Display for JobError {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
/// #         match self {
/// #             Self::NotFound(id) => write!(f, "there is no job {id}"),
/// #             Self::Database(why) => f.write_str(why),
/// #         }
/// #     }
/// # }
/// # impl std::error::Error for JobError {}
///
/// let response = JobError::NotFound(7).into_response();
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// // {"title":"No such job","status":404,"code":"not_found","detail":"there is no job 7"}
///
/// let response = JobError::Database("10.0.0.7 refused".into()).into_response();
/// assert_eq!(response.headers()["retry-after"], "5");
/// // {"title":"Service Unavailable","status":503,"code":"database"}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how it answers a request",
    label = "has no status and no bounded code",
    note = "derive it on the error enum: `#[derive(obs::ErrorLabel, obs::ProblemError)]`",
    note = "an error of another crate is answered by the variant around it: `#[problem(status = 500)]`"
)]
pub trait ProblemError: ErrorLabel + Error {
    /// Returns the status; outside of 400 to 599 the answer is a 500.
    fn status(&self) -> StatusCode;

    /// Returns the title, the same for every error of this kind; by default the status' phrase.
    fn title(&self) -> &'static str {
        phrase(self.status())
    }

    /// Returns the URI that identifies this kind of problem, if there is one.
    fn problem_type(&self) -> Option<&'static str> {
        None
    }

    /// Returns what the caller may know about this one error; by default nothing.
    ///
    /// Secrets and personal data are removed by their shape, and 1,024 bytes are kept.
    fn detail(&self) -> Option<String> {
        None
    }

    /// Returns when to try again, for the header `Retry-After`.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// The code of an error, as a response carries it in its extensions.
///
/// The HTTP layer counts `http_exceptions_total` from it. Put one into a response of your own to
/// have its error counted.
///
/// # Cardinality
/// Made from an [`ErrorLabel`] alone, so it is one of a list known when compiling.
///
/// # Example
/// ```
/// use obs_runtime::{ErrorCode, ErrorLabel};
///
/// #[derive(ErrorLabel)]
/// enum JobError {
///     NotFound,
/// }
/// assert_eq!(ErrorCode::of(&JobError::NotFound).as_str(), "not_found");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorCode {
    pub(super) kind: ErrorKind,
}

impl ErrorCode {
    /// Returns the code of an error.
    pub fn of<E: ErrorLabel>(error: &E) -> Self {
        Self {
            kind: ErrorKind::of(error),
        }
    }

    /// Returns the code as it stands in answers, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.kind.as_str()
    }
}
