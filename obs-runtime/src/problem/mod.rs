//! Errors as answers: problem details of RFC 9457.
//!
//! [`ProblemError`] says how a type of errors answers, [`Problem`] is one answer. [`rewrite`] makes
//! problems of the answers that nobody wrote: empty ones, and those of axum's extractors.

mod answer;
mod code;
mod derived;
mod details;
mod error;
mod exceptions;
mod rejection;
mod rewrite;
#[cfg(test)]
mod tests;
#[cfg(feature = "rmcp")]
mod tool;

pub use answer::Problem;
pub use error::{ErrorCode, ProblemError};

#[cfg(feature = "sentry")]
pub(crate) use answer::{ERROR, ERROR_CODE, harmless};
pub(crate) use exceptions::{CODES, Exceptions, NAME as EXCEPTIONS};
pub(crate) use rewrite::{panic_response, rewrite};

/// What the output of `#[derive(ProblemError)]` calls.
pub mod surface {
    pub use super::derived::{DerivedProblem, Own, Rule, inner, respond};
    pub use super::exceptions::{CODES, Codes};
    #[cfg(feature = "rmcp")]
    pub use super::tool::surface as tool;
    pub use axum::response::{IntoResponse, Response};
}
