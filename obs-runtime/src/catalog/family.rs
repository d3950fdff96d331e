//! Families: what one scrape is made of.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::Modules;
use crate::metric::{Exemplar, Kind, LabelDescriptor, Slo, bucket_of};

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
    /// The labels, where the samples alone do not tell them: a label without values takes those that
    /// the process meets while it runs, such as the templates of routes.
    pub labels: &'static [LabelDescriptor],
    /// The upper bounds of a histogram's buckets, where there may be no sample to tell them.
    pub buckets: &'static [f64],
    /// The service level objectives.
    pub objectives: Vec<Objective>,
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
            labels: &[],
            buckets: &[],
            objectives: Vec::new(),
        }
    }
}

/// A service level objective on the series of a histogram that have these labels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Objective {
    /// The labels that the series have; empty where the objective is about the whole family.
    pub labels: Vec<LabelPair>,
    /// The bound and the share.
    pub slo: Slo,
    /// Where it was declared.
    pub place: Place,
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
#[non_exhaustive]
pub struct Sample {
    /// The labels in their order of declaration.
    pub labels: Vec<LabelPair>,
    /// The value.
    pub value: Value,
    /// The exemplars of a histogram: one place for each bucket, `+Inf`'s included, or nothing at all
    /// where no bucket has one.
    pub exemplars: Vec<Option<Exemplar>>,
}

impl Sample {
    /// Makes a sample without exemplars.
    #[must_use]
    pub const fn new(labels: Vec<LabelPair>, value: Value) -> Self {
        Self {
            labels,
            value,
            exemplars: Vec::new(),
        }
    }

    /// Sets the exemplars of a histogram, as [`Totals::exemplars`](super::Totals::exemplars)
    /// returns them.
    #[must_use]
    pub fn with_exemplars(mut self, exemplars: Vec<Option<Exemplar>>) -> Self {
        self.exemplars = exemplars;
        self
    }
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
    modules: Modules,
    /// Whether this is a description: of what can be, and not only of what is.
    is_description: bool,
}

impl Families {
    /// Begins a scrape of a service that is made of these modules.
    pub(crate) fn of(modules: &Modules) -> Self {
        Self {
            modules: modules.clone(),
            ..Self::default()
        }
    }

    /// Begins a description of a service that is made of these modules.
    pub(crate) fn described(modules: &Modules) -> Self {
        Self {
            is_description: true,
            ..Self::of(modules)
        }
    }

    /// Whether families are wanted that the process has not used so far: those of databases before
    /// there is a pool, for example.
    #[must_use]
    pub const fn is_description(&self) -> bool {
        self.is_description
    }

    /// Whether what is declared in a module is there before its first record.
    pub(crate) fn declares(&self, module: &str) -> bool {
        self.modules.hold(module)
    }

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

    /// Notes the labels; one without values takes those that the process meets while it runs.
    pub fn labels(&mut self, labels: &'static [LabelDescriptor]) {
        self.family.labels = labels;
    }

    /// Notes the bounds of a histogram's buckets.
    pub fn buckets(&mut self, buckets: &'static [f64]) {
        self.family.buckets = buckets;
    }

    /// Notes an objective on the series that have these labels.
    pub fn objective(&mut self, labels: Vec<LabelPair>, slo: Slo, file: &'static str, line: u32) {
        self.family.objectives.push(Objective {
            labels,
            slo,
            place: Place { file, line },
        });
    }

    /// Adds a sample whose labels no other sample of the family has.
    pub(crate) fn push_new(&mut self, sample: Sample) {
        self.family.samples.push(sample);
    }

    /// Adds a sample; where the labels are already there, the values are summed.
    ///
    /// Histograms with different buckets keep the bounds they share: there the sum is exact.
    pub fn push(&mut self, labels: Vec<LabelPair>, value: Value) {
        self.push_sample(Sample::new(labels, value));
    }

    /// As [`push`](Self::push), for a sample that may have exemplars: of two for one bucket the
    /// younger stays.
    pub fn push_sample(&mut self, sample: Sample) {
        if let Some(at) = self.index.get(&sample.labels) {
            merge(&mut self.family.samples[*at], sample);
        } else {
            let at = self.family.samples.len();
            self.index.insert(sample.labels.clone(), at);
            self.push_new(sample);
        }
    }
}

fn merge(into: &mut Sample, from: Sample) {
    match (&mut into.value, from.value) {
        (Value::Unsigned(a), Value::Unsigned(b)) => *a = a.wrapping_add(b),
        (Value::Signed(a), Value::Signed(b)) => *a = a.saturating_add(b),
        (Value::Float(a), Value::Float(b)) => *a += b,
        (Value::Histogram(a), Value::Histogram(b)) => {
            merge_histograms(a, &b);
            let both = into.exemplars.drain(..).chain(from.exemplars).flatten();
            into.exemplars = youngest(&a.bounds, both.collect());
        }
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

/// Puts exemplars into the buckets that their values belong to.
fn youngest(bounds: &[f64], exemplars: Vec<Exemplar>) -> Vec<Option<Exemplar>> {
    if exemplars.is_empty() {
        return Vec::new();
    }
    let mut places = vec![None; bounds.len() + 1];
    for exemplar in exemplars {
        let Some(place) = places.get_mut(bucket_of(bounds, exemplar.value)) else {
            continue;
        };
        match place {
            Some(Exemplar { timestamp, .. }) if *timestamp > exemplar.timestamp => {}
            _ => *place = Some(exemplar),
        }
    }
    places
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
    use super::{Families, FamilyDescriptor, HistogramValue, Sample, Value, merge_histograms};
    use crate::metric::exemplar::tests::exemplar;
    use crate::metric::{Exemplar, Kind};
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

    #[test]
    fn of_the_exemplars_of_two_parts_the_younger_stays_in_the_bucket_of_its_value() {
        let merged = |parts: [(&'static [f64], Vec<Option<Exemplar>>); 2]| {
            let mut families = Families::default();
            let family = families.family(FamilyDescriptor {
                name: Cow::Borrowed("wait_seconds"),
                kind: Kind::Histogram,
                unit: None,
                help: Cow::Borrowed(""),
            });
            for (bounds, exemplars) in parts {
                let value = Value::Histogram(HistogramValue {
                    bounds: Cow::Borrowed(bounds),
                    counts: vec![1; bounds.len() + 1],
                    sum: 1.0,
                });
                family.push_sample(Sample::new(Vec::new(), value).with_exemplars(exemplars));
            }
            let [family] = &families.finish()[..] else {
                panic!("one family");
            };
            family.samples[0].exemplars.clone()
        };
        let (early, late) = (exemplar(0.25, 1), exemplar(0.5, 2));
        let place = |exemplar| vec![None, Some(exemplar), None];
        for parts in [[early, late], [late, early]] {
            let [first, second] = parts.map(|it| (&[0.1, 1.0][..], place(it)));
            assert_eq!(merged([first, second]), place(late));
        }
        // 0.1 is no bound of both: what was between it and 1 is below 1 now.
        let narrow = (&[0.1, 1.0][..], vec![Some(exemplar(0.05, 3)), None, None]);
        let wide = (
            &[1.0, 5.0][..],
            vec![Some(late), Some(exemplar(2.0, 1)), None],
        );
        assert_eq!(
            merged([narrow, wide]),
            [Some(exemplar(0.05, 3)), Some(exemplar(2.0, 1))]
        );
        let none = || (&[1.0][..], Vec::new());
        assert_eq!(merged([none(), none()]), []);
    }
}
