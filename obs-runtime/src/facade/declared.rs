//! Facade calls on declared metrics: they land in the metric's own cells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key};

use super::counts::{Counts, Reason};
use super::names;
use crate::metric::{Combination, Kind, Metric, Number};
use crate::registry::Registry;
use crate::{metric, metric::Descriptor};

/// Every declared metric by name.
#[derive(Debug)]
pub(super) struct Declared {
    by_name: HashMap<&'static str, &'static Metric>,
    /// Held while a counter is raised to an absolute value, which reads before it adds.
    absolute: Arc<Mutex<()>>,
}

impl Declared {
    pub(super) fn new() -> Self {
        Self {
            by_name: Registry::collected()
                .into_iter()
                .flat_map(Registry::metrics)
                .map(|metric| (metric.descriptor().name, *metric))
                .collect(),
            absolute: Arc::default(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'static Metric> {
        self.by_name.get(name).copied()
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = &'static Descriptor> {
        self.by_name.values().map(|metric| metric.descriptor())
    }

    pub(super) fn counter(&self, metric: &'static Metric, key: &Key) -> Result<Counter, Reason> {
        let combination = combination(metric, key, Kind::Counter)?;
        let absolute = Arc::clone(&self.absolute);
        Ok(match metric.descriptor().number {
            Number::Integer => Counter::from_arc(Arc::new(Integers {
                counter: metric::Counter::new(metric, combination),
                absolute,
            })),
            Number::Float => Counter::from_arc(Arc::new(Floats {
                counter: metric::Counter::new(metric, combination),
                absolute,
            })),
        })
    }

    pub(super) fn gauge(
        metric: &'static Metric,
        key: &Key,
        counts: Counts,
    ) -> Result<Gauge, Reason> {
        let combination = combination(metric, key, Kind::Gauge)?;
        Ok(match metric.descriptor().number {
            Number::Integer => Gauge::from_arc(Arc::new(IntegerGauge {
                gauge: metric::Gauge::new(metric, combination),
                counts,
            })),
            Number::Float => Gauge::from_arc(Arc::new(FloatGauge(metric::Gauge::new(
                metric,
                combination,
            )))),
        })
    }

    pub(super) fn histogram(metric: &'static Metric, key: &Key) -> Result<Histogram, Reason> {
        let combination = combination(metric, key, Kind::Histogram)?;
        Ok(Histogram::from_arc(Arc::new(Observed(
            metric::Histogram::new(metric, combination),
        ))))
    }
}

/// Finds the combination that a key's labels name, in whatever order they come.
fn combination(metric: &Metric, key: &Key, kind: Kind) -> Result<usize, Reason> {
    let descriptor = metric.descriptor();
    if descriptor.kind != kind {
        return Err(Reason::KindConflict);
    }
    if key.labels().len() != descriptor.labels.len() {
        return Err(Reason::UnknownLabels);
    }
    let mut combination = Combination::FIRST;
    for label in descriptor.labels {
        let value = key
            .labels()
            .find(|given| names::key(given.key()) == label.name)
            .ok_or(Reason::UnknownLabels)?
            .value();
        let index = label
            .values
            .iter()
            .position(|known| *known == value)
            .ok_or(Reason::UnknownLabelValue)?;
        combination = combination.label(index, label.values.len());
    }
    Ok(combination.get())
}

struct Integers {
    counter: metric::Counter<u64>,
    absolute: Arc<Mutex<()>>,
}

impl CounterFn for Integers {
    fn increment(&self, value: u64) {
        self.counter.add(value);
    }

    fn absolute(&self, value: u64) {
        let _only = self.absolute.lock().unwrap_or_else(PoisonError::into_inner);
        self.counter.add(value.saturating_sub(self.counter.get()));
    }
}

struct Floats {
    counter: metric::Counter<f64>,
    absolute: Arc<Mutex<()>>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a float counter has the precision of a float"
)]
impl CounterFn for Floats {
    fn increment(&self, value: u64) {
        self.counter.add(value as f64);
    }

    fn absolute(&self, value: u64) {
        let _only = self.absolute.lock().unwrap_or_else(PoisonError::into_inner);
        self.counter
            .add((value as f64 - self.counter.get()).max(0.0));
    }
}

struct IntegerGauge {
    gauge: metric::Gauge<i64>,
    counts: Counts,
}

impl IntegerGauge {
    /// The facade's gauges are floats: what is set here is rounded to the nearest integer.
    fn rounded(&self, value: f64) -> Option<i64> {
        if value.is_nan() {
            self.counts.dropped(Reason::InvalidValue);
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let rounded = value.round() as i64;
        Some(rounded)
    }
}

impl GaugeFn for IntegerGauge {
    fn increment(&self, value: f64) {
        if let Some(value) = self.rounded(value) {
            self.gauge.add(value);
        }
    }

    fn decrement(&self, value: f64) {
        if let Some(value) = self.rounded(value) {
            self.gauge.sub(value);
        }
    }

    fn set(&self, value: f64) {
        if let Some(value) = self.rounded(value) {
            self.gauge.set(value);
        }
    }
}

struct FloatGauge(metric::Gauge<f64>);

impl GaugeFn for FloatGauge {
    fn increment(&self, value: f64) {
        self.0.add(value);
    }

    fn decrement(&self, value: f64) {
        self.0.sub(value);
    }

    fn set(&self, value: f64) {
        self.0.set(value);
    }
}

struct Observed(metric::Histogram);

impl HistogramFn for Observed {
    fn record(&self, value: f64) {
        self.0.observe(value);
    }
}
