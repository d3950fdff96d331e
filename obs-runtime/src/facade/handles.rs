//! What the facade's macros get instead of a plain handle of the exporter.

use ::metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn};

use super::counts::{Counts, Reason};

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
