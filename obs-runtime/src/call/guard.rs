//! One call that is being counted.

use super::event::Said;
use super::family::CallFamily;
use super::outcome::{ErrorKind, Outcome, Seen};
use super::site::Site;
use crate::clock::Stopwatch;

/// A call from its begin to its end; counts exactly once, whatever ends it.
///
/// # Cancel safety
/// Dropping it counts `cancelled`.
#[derive(Debug)]
pub(crate) struct Call {
    /// Taken by the first ending.
    site: Option<&'static Site>,
    watch: Stopwatch,
}

impl Call {
    #[inline]
    pub(crate) fn begin(site: &'static Site) -> Self {
        site.begun();
        Self {
            site: Some(site),
            watch: Stopwatch::start(),
        }
    }

    /// Counts the call at another site from now on.
    #[cfg(feature = "rmcp")]
    pub(crate) fn move_to(&mut self, site: &'static Site) {
        if let Some(counting) = &mut self.site {
            counting.left();
            site.begun();
            *counting = site;
        }
    }

    /// Ends the call with what its result shows.
    #[inline]
    pub(crate) fn finish(&mut self, seen: Seen) {
        if let Some(site) = self.site {
            self.end(
                site.family().outcome(seen),
                seen.error_kind(),
                Said::default(),
            );
        }
    }

    #[cold]
    fn cancelled(&mut self) {
        self.end(Outcome::Cancelled, None, Said::default());
    }

    /// Ends the call. Must not panic: runs in `Drop`, and while a panic unwinds.
    #[inline]
    pub(crate) fn end(&mut self, outcome: Outcome, error: Option<ErrorKind>, said: Said<'_>) {
        let Some(site) = self.site.take() else {
            return;
        };
        let nanos = self.watch.nanos();
        site.ended(outcome, nanos);
        if let Some(kind) = error {
            site.failed(kind);
        }
        if site.family() == CallFamily::Tool {
            super::event::tool_call_ended(site, outcome, nanos, error, said);
        }
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        // Asked here, so that nothing is left of this where the call has ended.
        if self.site.is_some() {
            self.cancelled();
        }
    }
}
