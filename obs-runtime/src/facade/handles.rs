//! What the facade's macros get instead of a plain handle of the exporter.

use std::sync::Arc;

use ::metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn};

use super::counts::{Counts, Reason};
use super::upkeep::Backlog;

/// Counts nothing but the fact that it was asked to.
#[derive(Debug)]
pub(super) struct Dropped {
    pub(super) counts: Counts,
    pub(super) reason: Reason,
}

impl Dropped {
    fn drop_one(&self) {
        self.counts.dropped(self.reason);
    }
}

impl CounterFn for Dropped {
    fn increment(&self, _: u64) {
        self.drop_one();
    }

    fn absolute(&self, _: u64) {
        self.drop_one();
    }
}

impl GaugeFn for Dropped {
    fn increment(&self, _: f64) {
        self.drop_one();
    }

    fn decrement(&self, _: f64) {
        self.drop_one();
    }

    fn set(&self, _: f64) {
        self.drop_one();
    }
}

impl HistogramFn for Dropped {
    fn record(&self, _: f64) {
        self.drop_one();
    }
}

/// Records into the series `_other` and counts that it did.
#[derive(Debug)]
pub(super) struct Capped<H> {
    pub(super) counts: Counts,
    pub(super) other: H,
}

impl CounterFn for Capped<Counter> {
    fn increment(&self, value: u64) {
        self.counts.capped();
        self.other.increment(value);
    }

    fn absolute(&self, value: u64) {
        self.counts.capped();
        self.other.absolute(value);
    }
}

impl GaugeFn for Capped<Gauge> {
    fn increment(&self, value: f64) {
        self.counts.capped();
        self.other.increment(value);
    }

    fn decrement(&self, value: f64) {
        self.counts.capped();
        self.other.decrement(value);
    }

    fn set(&self, value: f64) {
        self.counts.capped();
        self.other.set(value);
    }
}

impl HistogramFn for Capped<Histogram> {
    fn record(&self, value: f64) {
        self.counts.capped();
        self.other.record(value);
    }
}

/// A histogram of the exporter, without the values that would spoil its sum for ever.
///
/// The exporter keeps every sample until its upkeep runs; `backlog` makes it run early when many
/// come at once.
#[derive(Debug)]
pub(super) struct Finite {
    pub(super) counts: Counts,
    pub(super) backlog: Arc<Backlog>,
    pub(super) inner: Histogram,
}

impl HistogramFn for Finite {
    fn record(&self, value: f64) {
        if value.is_finite() {
            self.inner.record(value);
            self.backlog.add_one();
        } else {
            self.counts.dropped(Reason::InvalidValue);
        }
    }
}
