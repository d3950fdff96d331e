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
pub trait Record {
    /// What lives as long as the call and records when it is dropped.
    type Running;

    /// Begins to record a call.
    fn begin(self) -> Self::Running;
}

/// Counts when it is dropped.
#[derive(Debug)]
pub struct CountAtEnd(Counter<u64>);

impl Drop for CountAtEnd {
    fn drop(&mut self) {
        self.0.inc();
    }
}

impl Record for Counter<u64> {
    type Running = CountAtEnd;

    #[inline]
    fn begin(self) -> CountAtEnd {
        CountAtEnd(self)
    }
}

impl Record for Histogram {
    type Running = Timer;

    #[inline]
    fn begin(self) -> Timer {
        self.start_timer()
    }
}

impl Record for Gauge<i64> {
    type Running = GaugeGuard;

    #[inline]
    fn begin(self) -> GaugeGuard {
        self.guard()
    }
}

impl Record for () {
    type Running = ();

    #[inline]
    fn begin(self) {}
}

/// One record after the others.
#[derive(Clone, Copy, Debug)]
pub struct And<A, B>(pub(super) A, pub(super) B);

impl<A: Record, B: Record> Record for And<A, B> {
    type Running = (A::Running, B::Running);

    #[inline]
    fn begin(self) -> Self::Running {
        (self.0.begin(), self.1.begin())
    }
}
