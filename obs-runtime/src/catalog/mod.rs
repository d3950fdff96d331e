//! The catalogue: every family of metrics in the process, with its numbers or its description.

mod dropped;
mod family;
mod modules;
mod report;

pub use crate::metric::{Exemplar, Totals};
pub use family::{
    Families, Family, FamilyBuilder, FamilyDescriptor, HistogramValue, LabelPair, Objective, Place,
    Sample, SummaryValue, Value,
};
pub(crate) use modules::Modules;
pub use report::{RegistryRow, Report, ReportRow};

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::metric::{Cells, Descriptor, Kind, LabelDescriptor, Metric, Number, Origin, block};
use crate::registry::Registry;

/// Something besides `metrics!` blocks that owns cells and shows them on a scrape.
///
/// Families are made of parts: each observed function brings its own, and they are merged by
/// name and labels. `collect` runs while the cells are locked against threads that start or end:
/// it must not record.
pub trait Part: Sync {
    /// Adds this part's samples to the families.
    fn collect(&self, totals: &Totals, families: &mut Families);
}

/// The parts of the binary's crates, collected when linking.
#[linkme::distributed_slice]
pub static PARTS: [&'static dyn Part];

/// The parts of this crate.
const OWN: &[&'static dyn Part] = &[&dropped::Dropped, &crate::call::ObservedCalls];

/// The parts made while the process runs.
static ADDED: Mutex<Vec<&'static dyn Part>> = Mutex::new(Vec::new());

/// Adds a part made at run time; it stays for the life of the process.
pub fn add_part(part: &'static dyn Part) {
    ADDED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(part);
}

/// Returns every family with its numbers as they are now, sorted by name.
///
/// Everything declared is there from the start, at zero. Reading takes the lock that threads need
/// to start or end, never one that recording needs.
#[must_use]
pub fn gather() -> Vec<Family> {
    gather_from(&Totals::now())
}

pub(crate) fn gather_from(totals: &Totals) -> Vec<Family> {
    collect_from(totals, Families::default()).finish()
}

/// Collects all families; what is declared outside of their modules is there from its first record
/// on.
pub(crate) fn collect_from(totals: &Totals, mut families: Families) -> Families {
    for registry in Registry::collected() {
        let is_declared = families.declares(registry.module());
        for metric in registry.metrics() {
            if is_declared || metric.cells().was_recorded() {
                declared(metric, totals, &mut families);
            }
        }
    }
    for part in OWN.iter().chain(PARTS) {
        part.collect(totals, &mut families);
    }
    // Copied, so that a part may add another while it collects.
    let added = ADDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for part in added {
        part.collect(totals, &mut families);
    }
    families
}

/// Returns the metrics that were recorded into although no scrape would show them: their registry
/// was neither found when linking nor added by hand.
pub(crate) fn uncollected() -> Vec<Origin> {
    let registries = Registry::collected();
    let shown: Vec<*const Cells> = registries
        .iter()
        .flat_map(|registry| registry.metrics())
        .map(|metric| std::ptr::from_ref(metric.cells()))
        .collect();
    block::lock()
        .assigned()
        .iter()
        .filter(|cells| !shown.contains(&std::ptr::from_ref(**cells)))
        .filter_map(|cells| cells.origin)
        .collect()
}

/// Adds the samples of one declared metric.
fn declared(metric: &'static Metric, totals: &Totals, families: &mut Families) {
    let descriptor = metric.descriptor();
    let family = families.family(FamilyDescriptor {
        name: Cow::Borrowed(descriptor.name),
        kind: descriptor.kind,
        unit: descriptor.unit,
        help: Cow::Borrowed(descriptor.help),
    });
    family.declared_at(descriptor.file, descriptor.line);
    family.labels(descriptor.labels);
    family.buckets(descriptor.buckets);
    if let Some(max_series) = descriptor.max_series {
        family.budget(max_series);
    }
    if let Some(slo) = descriptor.slo {
        family.objective(Vec::new(), slo, descriptor.file, descriptor.line);
    }
    let cells = totals.of(metric.cells());
    let stride = descriptor.cells_per_combination();
    for combination in 0..descriptor.combinations() {
        let first = combination * stride;
        let cells = &cells[first..first + stride];
        let mut sample = Sample::new(labels(descriptor, combination), value(metric, cells));
        if descriptor.kind == Kind::Histogram {
            let buckets = first..first + stride - 1;
            sample = sample.with_exemplars(totals.exemplars(metric.cells(), buckets));
        }
        family.push_new(sample);
    }
}

/// Returns the label values of a combination: the inverse of the mixed-radix index.
fn labels(descriptor: &Descriptor, combination: usize) -> Vec<LabelPair> {
    let mut stride = descriptor.combinations();
    let pair = |label: &LabelDescriptor| {
        stride /= label.values.len();
        let value = label.values[combination / stride % label.values.len()];
        (Cow::Borrowed(label.name), Cow::Borrowed(value))
    };
    descriptor.labels.iter().map(pair).collect()
}

fn value(metric: &Metric, cells: &[u64]) -> Value {
    let descriptor = metric.descriptor();
    match (descriptor.kind, descriptor.number) {
        (Kind::Histogram, _) => {
            let (sum, counts) = cells.split_last().unwrap_or((&0, &[]));
            Value::Histogram(HistogramValue {
                bounds: Cow::Borrowed(descriptor.buckets),
                counts: counts.to_vec(),
                sum: if metric.counts_nanos() {
                    crate::metric::nanos_to_seconds(*sum)
                } else {
                    f64::from_bits(*sum)
                },
            })
        }
        (Kind::Info, _) => Value::Info,
        (_, Number::Float) => Value::Float(f64::from_bits(cells[0])),
        (Kind::Gauge, Number::Integer) => Value::Signed(cells[0].cast_signed()),
        (_, Number::Integer) => Value::Unsigned(cells[0]),
    }
}
