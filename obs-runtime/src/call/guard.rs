//! One call that is being counted.

use std::sync::OnceLock;

use super::family::CallFamily;
use super::outcome::{ErrorKind, Outcome, Seen};
use super::site::Site;

/// The clock of all calls. Its raw ticks are scaled once, when the call ends.
#[inline]
fn clock() -> &'static quanta::Clock {
    static CLOCK: OnceLock<quanta::Clock> = OnceLock::new();
    CLOCK.get_or_init(quanta::Clock::new)
}

/// A call from its begin to its end; counts exactly once, whatever ends it.
///
/// # Cancel safety
/// Dropping it counts `cancelled`.
#[derive(Debug)]
pub struct Call {
    /// Taken by the first ending.
    site: Option<&'static Site>,
    start: u64,
}

impl Call {
    #[inline]
    pub(crate) fn begin(site: &'static Site) -> Self {
        site.begun();
        Self {
            site: Some(site),
            start: clock().raw(),
        }
    }

    /// Ends the call with what its result shows.
    #[inline]
    pub(crate) fn finish(&mut self, seen: Seen) {
        if let Some(site) = self.site {
            self.end(site.family().outcome(seen), seen.error_kind(), None);
        }
    }

    /// Ends the call. Must not panic: runs in `Drop`, and while a panic unwinds.
    #[inline]
    pub(crate) fn end(
        &mut self,
        outcome: Outcome,
        error: Option<ErrorKind>,
        span: Option<&tracing::Span>,
    ) {
        let Some(site) = self.site.take() else {
            return;
        };
        let clock = clock();
        let nanos = clock.delta_as_nanos(self.start, clock.raw());
        site.ended(outcome, nanos);
        if let Some(kind) = error {
            site.failed(kind);
        }
        if site.family() == CallFamily::Tool {
            super::event::tool_call_ended(site, outcome, nanos, span);
        }
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        self.end(Outcome::Cancelled, None, None);
    }
}
