//! Third-party histograms, counted exactly.
//!
//! The exporter loses a sample that is recorded while it drains its buffer, and keeps samples
//! until it does. So histograms in seconds are counted here, in buckets, and never get there; of
//! the others the exporter estimates the quantiles, and the sum and the count are kept here.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::metrics::{Histogram, HistogramFn, Key, Metadata, Recorder as _};
use metrics_exporter_prometheus::PrometheusRecorder;

use super::counts::{Counts, Reason};
use super::names;
use super::upkeep::Backlog;
use crate::catalog::{
    Family, FamilyDescriptor, HistogramValue, LabelPair, Sample, SummaryValue, Value,
};
use crate::metric::Kind;

/// The buckets of histograms in seconds: those of the HTTP durations, and two more.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0,
];

type Labels = Vec<(String, String)>;

/// Every series of every third-party histogram.
#[derive(Debug, Default)]
pub(super) struct Histograms {
    by_name: Mutex<BTreeMap<String, BTreeMap<Labels, Arc<Exact>>>>,
}

/// What is counted of one series.
#[derive(Debug)]
struct Exact {
    /// One for each bucket and `+Inf`; a summary has the last one alone.
    counts: Vec<AtomicU64>,
    /// The bits of the sum.
    sum: AtomicU64,
}

impl Histograms {
    /// Returns the handle of a series, for a key that was cleaned.
    pub(super) fn register(
        &self,
        key: &Key,
        metadata: &Metadata<'_>,
        exporter: &PrometheusRecorder,
        counts: Counts,
        backlog: &Arc<Backlog>,
    ) -> Histogram {
        let buckets = buckets(key.name());
        let labels = key
            .labels()
            .map(|label| (label.key().to_owned(), label.value().to_owned()))
            .collect();
        let exact = Arc::clone(
            self.by_name
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(key.name().to_owned())
                .or_default()
                .entry(labels)
                .or_insert_with(|| Arc::new(Exact::new(buckets.len() + 1))),
        );
        if buckets.is_empty() {
            let quantiles = exporter.register_histogram(key, metadata);
            Histogram::from_arc(Arc::new(Summed {
                exact,
                counts,
                quantiles,
                backlog: Arc::clone(backlog),
            }))
        } else {
            Histogram::from_arc(Arc::new(Bucketed { exact, counts }))
        }
    }

    /// Adds the histograms to what was read from the exporter, and corrects its summaries.
    pub(super) fn add_to(&self, families: &mut Vec<Family>) {
        let mut estimates: HashMap<Cow<'static, str>, Vec<Sample>> = families
            .extract_if(.., |family| family.kind == Kind::Summary)
            .map(|family| (family.name, family.samples))
            .collect();
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, series) in &*by_name {
            let (kind, samples) = if buckets(name).is_empty() {
                let estimates = estimates.remove(name.as_str()).unwrap_or_default();
                (Kind::Summary, summaries(series, estimates))
            } else {
                (Kind::Histogram, histograms(series))
            };
            let mut family = Family::new(FamilyDescriptor {
                name: Cow::Owned(name.clone()),
                kind,
                unit: None,
                help: Cow::Borrowed(""),
            });
            family.samples = samples;
            families.push(family);
        }
    }
}

/// A summary of one process cannot be added to that of another; buckets can. But only seconds say
/// which bounds will do.
fn buckets(name: &str) -> &'static [f64] {
    if name.ends_with("_seconds") {
        SECONDS
    } else {
        &[]
    }
}

fn restored(labels: &Labels) -> Vec<LabelPair> {
    labels
        .iter()
        .map(|(name, value)| {
            let mut value = value.clone();
            names::restore(&mut value);
            (Cow::Owned(name.clone()), Cow::Owned(value))
        })
        .collect()
}

fn histograms(series: &BTreeMap<Labels, Arc<Exact>>) -> Vec<Sample> {
    series
        .iter()
        .map(|(labels, exact)| Sample::new(restored(labels), exact.histogram()))
        .collect()
}

/// Joins the exact sums and counts with the exporter's estimates.
fn summaries(series: &BTreeMap<Labels, Arc<Exact>>, estimates: Vec<Sample>) -> Vec<Sample> {
    let mut estimates: HashMap<Vec<LabelPair>, Value> = estimates
        .into_iter()
        .map(|sample| (sample.labels, sample.value))
        .collect();
    series
        .iter()
        .map(|(labels, exact)| {
            let labels = restored(labels);
            let quantiles = match estimates.remove(&labels) {
                Some(Value::Summary(summary)) => summary.quantiles,
                _ => Vec::new(),
            };
            let value = Value::Summary(SummaryValue {
                quantiles,
                sum: exact.sum(),
                count: exact.counts().iter().sum(),
            });
            Sample::new(labels, value)
        })
        .collect()
}

impl Exact {
    fn new(len: usize) -> Self {
        Self {
            counts: (0..len).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    fn record(&self, bucket: usize, value: f64) {
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut current = self.sum.load(Ordering::Relaxed);
        loop {
            // Clamped, because an infinite sum would stay for ever.
            let sum = (f64::from_bits(current) + value).clamp(f64::MIN, f64::MAX);
            match self.sum.compare_exchange_weak(
                current,
                sum.to_bits(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => current = now,
            }
        }
    }

    fn counts(&self) -> Vec<u64> {
        self.counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .collect()
    }

    fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }

    fn histogram(&self) -> Value {
        Value::Histogram(HistogramValue {
            bounds: Cow::Borrowed(SECONDS),
            counts: self.counts(),
            sum: self.sum(),
        })
    }
}

/// A histogram in seconds.
struct Bucketed {
    exact: Arc<Exact>,
    counts: Counts,
}

impl HistogramFn for Bucketed {
    fn record(&self, value: f64) {
        if value.is_finite() {
            let bucket = SECONDS.partition_point(|bound| *bound < value);
            self.exact.record(bucket, value);
        } else {
            self.counts.dropped(Reason::InvalidValue);
        }
    }
}

/// Any other histogram.
struct Summed {
    exact: Arc<Exact>,
    counts: Counts,
    quantiles: Histogram,
    backlog: Arc<Backlog>,
}

impl HistogramFn for Summed {
    fn record(&self, value: f64) {
        if !value.is_finite() {
            self.counts.dropped(Reason::InvalidValue);
            return;
        }
        self.exact.record(0, value);
        // Under a flood the quantiles are estimated from a part of the samples.
        if self.backlog.takes_one() {
            self.quantiles.record(value);
        }
    }
}
