//! The event that a tool call leaves in the log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::outcome::{ErrorKind, Outcome};
use super::site::Site;
use crate::metric::nanos_to_millis;

/// What the log says of a tool call besides how it ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    /// What it stands under.
    pub(crate) span: Option<&'a tracing::Span>,
    /// What the service's own failure was about.
    pub(crate) cause: Option<&'a str>,
}

/// Says in the log how a tool call ended: never its arguments, nor what a panic said.
///
/// Must not panic: runs in `Drop`, and while a panic unwinds.
#[cold]
pub(super) fn tool_call_ended(
    site: &Site,
    outcome: Outcome,
    nanos: u64,
    error: Option<ErrorKind>,
    said: Said<'_>,
) {
    let write = || write(site, outcome, nanos, error, said.cause);
    contained(|| match said.span {
        Some(span) => span.in_scope(write),
        None => write(),
    });
}

fn write(site: &Site, outcome: Outcome, nanos: u64, error: Option<ErrorKind>, cause: Option<&str>) {
    let tool = site.name();
    let duration_ms = nanos_to_millis(nanos);
    let (name, result) = (outcome.as_str(), outcome.result());
    match (outcome, result) {
        (Outcome::Panic, _) => {
            tracing::error!(target: "obs::mcp", tool, outcome = name, duration_ms, "tool panicked");
        }
        (_, "failed") => {
            let error_code = error.map(ErrorKind::as_str);
            tracing::warn!(target: "obs::mcp", tool, outcome = name, duration_ms, error_code, error = cause, "tool call failed");
        }
        _ => {
            tracing::debug!(target: "obs::mcp", tool, outcome = name, duration_ms, "tool call ended");
        }
    }
}

/// Drops what a panic carried; that may panic again.
pub(crate) fn forget(panic: Box<dyn std::any::Any + Send>) {
    let mut next = Some(panic);
    // Each round drops what the drop before threw; nobody throws in earnest for long.
    while let Some(panic) = next.take() {
        next = catch_unwind(AssertUnwindSafe(|| drop(panic))).err();
    }
}

/// Runs what is somebody else's code, such as a subscriber, so that no panic of it gets out.
pub(crate) fn contained(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        forget(panic);
    }
}

/// Drops somebody else's value, whose drop may panic.
#[cfg(feature = "http")]
pub(crate) fn drop_quietly<T>(value: T) {
    contained(|| drop(value));
}
