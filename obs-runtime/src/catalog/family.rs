//! Families: what one scrape is made of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::metric::Kind;

/// A label's name and value.
pub type LabelPair = (Cow<'static, str>, Cow<'static, str>);

/// A family: every series that shares a name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Family {
    /// The name, as it stands on `/metrics` (counters with their `_total`).
    pub name: Cow<'static, str>,
    /// What kind of metric it is.
    pub kind: Kind,
    /// The base unit, if the name ends in one.
    pub unit: Option<&'static str>,
    /// The HELP text.
    pub help: Cow<'static, str>,
    /// The series, one sample for each combination of label values.
    pub samples: Vec<Sample>,
    /// Where it was declared; several places where the family is made of parts.
    pub places: Vec<Place>,
    /// The series budget, if one was declared.
    pub max_series: Option<usize>,
    /// The most combinations the family can ever have, if it does not show all of them at once.
    pub max_combinations: Option<usize>,
}

impl Family {
    /// Makes a family without samples.
    #[must_use]
    pub fn new(descriptor: FamilyDescriptor) -> Self {
        Self {
            name: descriptor.name,
            kind: descriptor.kind,
            unit: descriptor.unit,
            help: descriptor.help,
            samples: Vec::new(),
            places: Vec::new(),
            max_series: None,
            max_combinations: None,
        }
    }
}

/// A line of a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The source file.
    pub file: &'static str,
    /// The line.
    pub line: u32,
}

/// One combination of label values and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The labels in their order of declaration.
    pub labels: Vec<LabelPair>,
    /// The value.
    pub value: Value,
}

/// The value of a sample.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// An integer counter.
    Unsigned(u64),
    /// An integer gauge.
    Signed(i64),
    /// A float counter or gauge.
    Float(f64),
    /// A histogram.
    Histogram(HistogramValue),
    /// A summary, from the `metrics` facade.
    Summary(SummaryValue),
    /// An info metric: always 1.
    Info,
}

/// The value of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramValue {
    /// The upper bounds, without `+Inf`.
    pub bounds: Cow<'static, [f64]>,
    /// The observations in each bucket alone (not cumulative); the last is `+Inf`'s.
    pub counts: Vec<u64>,
    /// The sum of the observations.
    pub sum: f64,
}

impl HistogramValue {
    /// Returns the number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// The value of a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryValue {
    /// Quantiles and their values.
    pub quantiles: Vec<(f64, f64)>,
    /// The sum of the observations.
    pub sum: f64,
    /// The number of observations.
    pub count: u64,
}

/// What a family is, before it has samples.
#[derive(Clone, Debug)]
pub struct FamilyDescriptor {
    /// The name.
    pub name: Cow<'static, str>,
    /// What kind of metric it is.
    pub kind: Kind,
    /// The base unit, if the name ends in one.
    pub unit: Option<&'static str>,
    /// The HELP text.
    pub help: Cow<'static, str>,
}

/// The families of one scrape while they are put together.
#[derive(Debug, Default)]
pub struct Families {
    by_name: BTreeMap<Cow<'static, str>, FamilyBuilder>,
}

impl Families {
    /// Returns the family of that name, made from the descriptor if it is new.
    pub fn family(&mut self, descriptor: FamilyDescriptor) -> &mut FamilyBuilder {
        self.by_name
            .entry(descriptor.name.clone())
            .or_insert_with(|| FamilyBuilder {
                family: Family::new(descriptor),
                index: HashMap::new(),
            })
    }

    /// Returns the families sorted by name.
    #[must_use]
    pub fn finish(self) -> Vec<Family> {
        self.by_name
            .into_values()
            .map(|builder| builder.family)
            .collect()
    }
}

/// One family while its parts are merged.
#[derive(Debug)]
pub struct FamilyBuilder {
    family: Family,
    /// Where each label set stands; filled only for families that are made of parts.
    index: HashMap<Vec<LabelPair>, usize>,
}

impl FamilyBuilder {
    /// Notes a place where the family, or a part of it, was declared.
    pub fn declared_at(&mut self, file: &'static str, line: u32) {
        let place = Place { file, line };
        if !self.family.places.contains(&place) {
            self.family.places.push(place);
        }
    }

    /// Notes the series budget.
    pub fn budget(&mut self, max_series: usize) {
        self.family.max_series = Some(max_series);
    }

    /// Notes the most combinations the family can ever have.
    pub fn at_most(&mut self, combinations: usize) {
        self.family.max_combinations = Some(combinations);
    }

    /// Adds a sample whose labels no other sample of the family has.
    pub(crate) fn push_new(&mut self, labels: Vec<LabelPair>, value: Value) {
        self.family.samples.push(Sample { labels, value });
    }

    /// Adds a sample; where the labels are already there, the values are summed.
    ///
    /// Histograms with different buckets keep the bounds they share: there the sum is exact.
    pub fn push(&mut self, labels: Vec<LabelPair>, value: Value) {
        if let Some(at) = self.index.get(&labels) {
            merge(&mut self.family.samples[*at].value, value);
        } else {
            self.index.insert(labels.clone(), self.family.samples.len());
            self.push_new(labels, value);
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Unsigned(a), Value::Unsigned(b)) => *a = a.wrapping_add(b),
        (Value::Signed(a), Value::Signed(b)) => *a = a.saturating_add(b),
        (Value::Float(a), Value::Float(b)) => *a += b,
        (Value::Histogram(a), Value::Histogram(b)) => merge_histograms(a, &b),
        // Nothing else is made of parts.
        _ => {}
    }
}

fn merge_histograms(a: &mut HistogramValue, b: &HistogramValue) {
    a.sum += b.sum;
    if a.bounds == b.bounds {
        for (a, b) in a.counts.iter_mut().zip(&b.counts) {
            *a += b;
        }
        return;
    }
    let shared: Vec<f64> = a
        .bounds
        .iter()
        .filter(|bound| b.bounds.contains(bound))
        .copied()
        .collect();
    let mut below = 0;
    let mut counts: Vec<u64> = Vec::with_capacity(shared.len() + 1);
    for bound in &shared {
        let upto = cumulative(a, *bound) + cumulative(b, *bound);
        counts.push(upto - below);
        below = upto;
    }
    counts.push(a.count() + b.count() - below);
    a.bounds = Cow::Owned(shared);
    a.counts = counts;
}

/// The observations at or below one of the histogram's own bounds.
fn cumulative(histogram: &HistogramValue, bound: f64) -> u64 {
    histogram
        .bounds
        .iter()
        .zip(&histogram.counts)
        .take_while(|(at, _)| **at <= bound)
        .map(|(_, count)| count)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{HistogramValue, merge_histograms};
    use std::borrow::Cow;

    #[test]
    fn histograms_with_different_buckets_merge_exactly_on_the_bounds_they_share() {
        let mut a = HistogramValue {
            bounds: Cow::Borrowed(&[0.1, 0.5, 1.0]),
            counts: vec![1, 2, 3, 4],
            sum: 1.0,
        };
        let b = HistogramValue {
            bounds: Cow::Borrowed(&[0.5, 2.0]),
            counts: vec![10, 20, 30],
            sum: 2.0,
        };
        merge_histograms(&mut a, &b);
        assert_eq!(*a.bounds, [0.5]);
        assert_eq!(a.counts, [13, 57]);
        assert!((a.sum - 3.0).abs() < f64::EPSILON);
    }
}
