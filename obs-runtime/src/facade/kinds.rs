//! The three kinds of handle that the facade has, so that one code path serves them all.

use std::collections::HashMap;
use std::sync::Arc;

use ::metrics::{Counter, Gauge, Histogram, Key, Metadata, Recorder as _};

use super::counts::{Counts, Reason};
use super::declared::Declared;
use super::handles::{Capped, Dropped};
use super::recorder::Inner;
use crate::metric::Metric;

/// The kinds of metric that the facade has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FacadeKind {
    Counter,
    Gauge,
    Histogram,
}

/// Keys as callers spell them that are remembered, so that they need not be cleaned again.
const MAX_REMEMBERED: usize = 1 << 16;

/// Handles by the key that a caller spells, whose hash the facade has computed already.
#[derive(Default)]
pub(super) struct Remembered {
    counters: HashMap<Key, Counter>,
    gauges: HashMap<Key, Gauge>,
    histograms: HashMap<Key, Histogram>,
}

impl Remembered {
    pub(super) fn get<H: Handle>(&self, key: &Key) -> Option<H> {
        H::remembered(self).get(key).cloned()
    }

    pub(super) fn put<H: Handle>(&mut self, key: &Key, handle: &H) {
        let len = self.counters.len() + self.gauges.len() + self.histograms.len();
        if len < MAX_REMEMBERED {
            H::remembered_mut(self).insert(key.to_retained(), handle.clone());
        }
    }
}

/// A counter, gauge or histogram of the facade.
pub(super) trait Handle: Clone {
    const KIND: FacadeKind;

    /// Returns the handle to a declared metric's cells.
    fn declared(
        declared: &Declared,
        metric: &'static Metric,
        key: &Key,
        counts: Counts,
    ) -> Result<Self, Reason>;

    /// Returns the handle of a third-party series, for a key that was cleaned.
    fn register(inner: &Inner, key: &Key, metadata: &Metadata<'_>) -> Self;

    /// Makes the handle count every record as redirected.
    fn capped(self, counts: Counts) -> Self;

    /// Returns a handle that counts records as dropped.
    fn dropped(dropped: Dropped) -> Self;

    fn remembered(remembered: &Remembered) -> &HashMap<Key, Self>;

    fn remembered_mut(remembered: &mut Remembered) -> &mut HashMap<Key, Self>;
}

impl Handle for Counter {
    const KIND: FacadeKind = FacadeKind::Counter;

    fn declared(
        declared: &Declared,
        metric: &'static Metric,
        key: &Key,
        _: Counts,
    ) -> Result<Self, Reason> {
        declared.counter(metric, key)
    }

    fn register(inner: &Inner, key: &Key, metadata: &Metadata<'_>) -> Self {
        inner.exporter.register_counter(key, metadata)
    }

    fn capped(self, counts: Counts) -> Self {
        Self::from_arc(Arc::new(Capped {
            counts,
            other: self,
        }))
    }

    fn dropped(dropped: Dropped) -> Self {
        Self::from_arc(Arc::new(dropped))
    }

    fn remembered(remembered: &Remembered) -> &HashMap<Key, Self> {
        &remembered.counters
    }

    fn remembered_mut(remembered: &mut Remembered) -> &mut HashMap<Key, Self> {
        &mut remembered.counters
    }
}

impl Handle for Gauge {
    const KIND: FacadeKind = FacadeKind::Gauge;

    fn declared(
        _: &Declared,
        metric: &'static Metric,
        key: &Key,
        counts: Counts,
    ) -> Result<Self, Reason> {
        Declared::gauge(metric, key, counts)
    }

    fn register(inner: &Inner, key: &Key, metadata: &Metadata<'_>) -> Self {
        inner.exporter.register_gauge(key, metadata)
    }

    fn capped(self, counts: Counts) -> Self {
        Self::from_arc(Arc::new(Capped {
            counts,
            other: self,
        }))
    }

    fn dropped(dropped: Dropped) -> Self {
        Self::from_arc(Arc::new(dropped))
    }

    fn remembered(remembered: &Remembered) -> &HashMap<Key, Self> {
        &remembered.gauges
    }

    fn remembered_mut(remembered: &mut Remembered) -> &mut HashMap<Key, Self> {
        &mut remembered.gauges
    }
}

impl Handle for Histogram {
    const KIND: FacadeKind = FacadeKind::Histogram;

    fn declared(
        _: &Declared,
        metric: &'static Metric,
        key: &Key,
        _: Counts,
    ) -> Result<Self, Reason> {
        Declared::histogram(metric, key)
    }

    fn register(inner: &Inner, key: &Key, metadata: &Metadata<'_>) -> Self {
        inner
            .histograms
            .register(key, metadata, &inner.exporter, inner.counts, &inner.backlog)
    }

    fn capped(self, counts: Counts) -> Self {
        Self::from_arc(Arc::new(Capped {
            counts,
            other: self,
        }))
    }

    fn dropped(dropped: Dropped) -> Self {
        Self::from_arc(Arc::new(dropped))
    }

    fn remembered(remembered: &Remembered) -> &HashMap<Key, Self> {
        &remembered.histograms
    }

    fn remembered_mut(remembered: &mut Remembered) -> &mut HashMap<Key, Self> {
        &mut remembered.histograms
    }
}
