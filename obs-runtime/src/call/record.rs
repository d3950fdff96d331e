//! Metrics of the user's own that a call records.

use crate::metric::{Counter, Gauge, GaugeGuard, Histogram, Timer};

/// What `record(..)` of `#[observed]` accepts: a handle of a declared metric.
///
/// A counter counts the call when it ends, a histogram observes how long it took, a gauge counts
/// the calls that are running.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded by `#[observed]`",
    label = "is not the handle of a counter, a histogram or a gauge",
    note = "give it the handle alone: `record(orders_total(Source::Upload))`"
)]
pub trait Record: Handle {}

#[diagnostic::do_not_recommend]
impl<H: Handle> Record for H {}

/// The handles themselves; [`Record`] follows from it, so that no error lists them.
pub trait Handle {
    /// Returns the handle as one type.
    fn any(self) -> AnyHandle;
}

/// A handle of any kind.
#[derive(Clone, Copy, Debug)]
pub enum AnyHandle {
    /// Counts the call when it ends.
    Counter(Counter<u64>),
    /// Observes how long the call took.
    Histogram(Histogram),
    /// Counts the call while it runs.
    Gauge(Gauge<i64>),
}

impl Handle for Counter<u64> {
    #[inline]
    fn any(self) -> AnyHandle {
        AnyHandle::Counter(self)
    }
}

impl Handle for Histogram {
    #[inline]
    fn any(self) -> AnyHandle {
        AnyHandle::Histogram(self)
    }
}

impl Handle for Gauge<i64> {
    #[inline]
    fn any(self) -> AnyHandle {
        AnyHandle::Gauge(self)
    }
}

/// Takes what the user gave to `record(..)`.
#[inline]
pub fn handle(handle: impl Record) -> AnyHandle {
    handle.any()
}

/// What lives as long as the call and records when it is dropped.
#[derive(Debug)]
pub enum Running {
    /// Counts.
    Counter(CountAtEnd),
    /// Observes.
    Histogram(Timer),
    /// Counts down.
    Gauge(GaugeGuard),
}

/// Counts when it is dropped.
#[derive(Debug)]
pub struct CountAtEnd(Counter<u64>);

impl Drop for CountAtEnd {
    fn drop(&mut self) {
        self.0.inc();
    }
}

/// All that a call records.
pub trait Records {
    /// What lives as long as the call.
    type Running;

    /// Begins to record a call.
    fn begin(self) -> Self::Running;
}

impl Records for () {
    type Running = ();

    #[inline]
    fn begin(self) {}
}

/// One more metric to record.
#[derive(Clone, Copy, Debug)]
pub struct And<R>(pub(super) R, pub(super) AnyHandle);

impl<R: Records> Records for And<R> {
    type Running = (R::Running, Running);

    #[inline]
    fn begin(self) -> Self::Running {
        let running = match self.1 {
            AnyHandle::Counter(counter) => Running::Counter(CountAtEnd(counter)),
            AnyHandle::Histogram(histogram) => Running::Histogram(histogram.start_timer()),
            AnyHandle::Gauge(gauge) => Running::Gauge(gauge.guard()),
        };
        (self.0.begin(), running)
    }
}
