//! What `#[derive(ProblemError)]` writes down, and how it becomes the trait.

use std::error::Error;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::answer::{Problem, shown};
use super::code::phrase;
use super::error::ProblemError;
use crate::label::ErrorLabel;

/// What the derive implements; [`ProblemError`] follows from it.
///
/// The blanket implementation, which rustc is told not to recommend, keeps the list of other
/// implementors out of the error for a type that is none.
pub trait DerivedProblem: ErrorLabel + Error {
    /// Returns what the variant says.
    fn rule(&self) -> Rule<'_>;
}

/// What a variant says about its answer.
#[derive(Debug)]
pub enum Rule<'a> {
    /// It has an answer of its own.
    Own(&'static Own),
    /// It answers as the error in it does.
    Inner(&'a dyn Answers),
}

/// The answer of a variant.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    status: u16,
    title: Option<&'static str>,
    problem_type: Option<&'static str>,
    detail: bool,
    retry_after: Option<u64>,
}

impl Own {
    /// Takes a status that was checked.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            title: None,
            problem_type: None,
            detail: false,
            retry_after: None,
        }
    }

    /// Sets the title.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// Sets the URI.
    #[must_use]
    pub const fn problem_type(mut self, uri: &'static str) -> Self {
        self.problem_type = Some(uri);
        self
    }

    /// Shows the error's text.
    #[must_use]
    pub const fn detail(mut self) -> Self {
        self.detail = true;
        self
    }

    /// Sets the seconds of `Retry-After`.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// [`ProblemError`] without the list of codes, so that it can stand behind a reference.
pub trait Answers: Error {
    /// See [`ProblemError::status`].
    fn status(&self) -> StatusCode;
    /// See [`ProblemError::title`].
    fn title(&self) -> &'static str;
    /// See [`ProblemError::problem_type`].
    fn problem_type(&self) -> Option<&'static str>;
    /// See [`ProblemError::detail`].
    fn detail(&self) -> Option<String>;
    /// See [`ProblemError::retry_after`].
    fn retry_after(&self) -> Option<Duration>;
}

impl<E: ProblemError> Answers for E {
    fn status(&self) -> StatusCode {
        ProblemError::status(self)
    }

    fn title(&self) -> &'static str {
        ProblemError::title(self)
    }

    fn problem_type(&self) -> Option<&'static str> {
        ProblemError::problem_type(self)
    }

    fn detail(&self) -> Option<String> {
        ProblemError::detail(self)
    }

    fn retry_after(&self) -> Option<Duration> {
        ProblemError::retry_after(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: DerivedProblem> ProblemError for E {
    fn status(&self) -> StatusCode {
        match self.rule() {
            Rule::Own(own) => own.status(),
            Rule::Inner(inner) => inner.status(),
        }
    }

    fn title(&self) -> &'static str {
        match self.rule() {
            Rule::Own(own) => own.title.unwrap_or_else(|| phrase(own.status())),
            Rule::Inner(inner) => inner.title(),
        }
    }

    fn problem_type(&self) -> Option<&'static str> {
        match self.rule() {
            Rule::Own(own) => own.problem_type,
            Rule::Inner(inner) => inner.problem_type(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self.rule() {
            Rule::Own(own) if own.detail => shown(self),
            Rule::Own(_) => None,
            Rule::Inner(inner) => inner.detail(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self.rule() {
            Rule::Own(own) => own.retry_after.map(Duration::from_secs),
            Rule::Inner(inner) => inner.retry_after(),
        }
    }
}

/// Takes the error in a `transparent` variant; the caret of its mistakes is on `E`.
pub fn inner<E: ProblemError>(error: &E) -> Rule<'_> {
    Rule::Inner(error)
}

/// Answers with an error.
pub fn respond<E: ProblemError>(error: &E) -> Response {
    Problem::from(error).into_response()
}
