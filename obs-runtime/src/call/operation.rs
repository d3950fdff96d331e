//! The operation of a tool call that only its own function sees.
//!
//! The function has no request: what is known is the context that runs it. Over HTTP without
//! sessions that is the HTTP request's; in a session, and over pipes, the call begins one.

use tracing::Span;

use super::outcome::{ErrorKind, Outcome, Seen};
use super::scope::Scope;
#[cfg(feature = "rmcp")]
use super::scope::Told;

#[cfg(feature = "rmcp")]
use crate::mcp::{Answer, Operation};

/// What a call ended in.
pub(super) struct Ending {
    pub(super) kind: Option<ErrorKind>,
    #[cfg(feature = "rmcp")]
    told: Option<Box<Told>>,
}

impl Ending {
    /// What the function returned says more than what was made of an error in it.
    #[cfg(feature = "rmcp")]
    pub(super) fn of(scope: &mut Scope, outcome: Outcome, seen: Seen) -> Self {
        let told = scope.told(outcome, seen.code());
        Self {
            kind: seen.error_kind().or(told.as_ref().map(|told| told.kind)),
            told,
        }
    }

    #[cfg(not(feature = "rmcp"))]
    pub(super) fn of(_: &mut Scope, _: Outcome, seen: Seen) -> Self {
        Self {
            kind: seen.error_kind(),
        }
    }

    #[cfg(feature = "rmcp")]
    pub(super) fn cause(&self) -> Option<&str> {
        self.told.as_ref()?.cause.as_deref()
    }

    #[cfg(not(feature = "rmcp"))]
    #[expect(clippy::unused_self, reason = "as with feature `rmcp`")]
    pub(super) const fn cause(&self) -> Option<&str> {
        None
    }
}

/// The operation, where tools are called by clients.
pub(super) struct ToolOperation {
    #[cfg(feature = "rmcp")]
    operation: Operation,
    #[cfg(not(feature = "rmcp"))]
    span: Span,
}

#[cfg(feature = "rmcp")]
impl ToolOperation {
    pub(super) fn alone(tool: &'static str) -> Self {
        Self {
            operation: Operation::alone(tool),
        }
    }

    pub(super) const fn span(&self) -> &Span {
        &self.operation.span
    }

    pub(super) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        let _within = self.operation.enter();
        self.operation.span.in_scope(f)
    }

    pub(super) fn end(&mut self, outcome: Outcome, code: Option<i32>, ending: &Ending) {
        let told = ending.told.as_deref();
        self.operation.end(
            None,
            outcome,
            Answer {
                code,
                ..Answer::default()
            },
            told,
        );
    }
}

#[cfg(not(feature = "rmcp"))]
impl ToolOperation {
    pub(super) const fn alone(_: &'static str) -> Self {
        Self { span: Span::none() }
    }

    pub(super) const fn span(&self) -> &Span {
        &self.span
    }

    #[expect(clippy::unused_self, reason = "as with feature `rmcp`")]
    pub(super) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[expect(clippy::unused_self, reason = "as with feature `rmcp`")]
    pub(super) const fn end(&mut self, _: Outcome, _: Option<i32>, _: &Ending) {}
}

impl std::fmt::Debug for ToolOperation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolOperation").finish_non_exhaustive()
    }
}
