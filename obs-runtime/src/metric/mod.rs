//! Metrics: what was declared about them, the cells that hold their numbers, and the handles
//! that record.

pub(crate) mod block;
mod cells;
mod counter;
mod descriptor;
pub(crate) mod dropped;
pub(crate) mod exemplar;
mod gauge;
mod histogram;
mod totals;

pub use cells::Cells;
pub(crate) use cells::{Floats, Origin};
pub use counter::Counter;
pub use descriptor::{Descriptor, Kind, LabelDescriptor, Number, Slo};
pub use exemplar::Exemplar;
pub use gauge::{Gauge, GaugeGuard};
pub use histogram::{Histogram, Observation, Timer};
pub(crate) use histogram::{bucket_of, bucket_of_nanos, nanos_to_millis, nanos_to_seconds};
pub use totals::Totals;

use std::sync::atomic::AtomicU64;

/// One declared metric: its description and its cells.
///
/// [`metrics!`](crate::metrics) makes it a static; the functions it generates return handles
/// ([`Counter`], [`Gauge`], [`Histogram`]) to one combination of its label values.
#[derive(Debug)]
pub struct Metric {
    descriptor: Descriptor,
    cells: Cells,
}

impl Metric {
    /// Joins a description and its cells.
    ///
    /// # Panics
    /// When compiling, if `cells` does not have [`Descriptor::cells`] of them.
    #[must_use]
    pub const fn new(descriptor: Descriptor, cells: &'static [AtomicU64]) -> Self {
        assert!(
            cells.len() == descriptor.cells(),
            "a metric needs exactly the cells that its descriptor says"
        );
        let floats = match (descriptor.kind, descriptor.number) {
            (Kind::Histogram, _) if is_seconds(&descriptor) => Floats::None,
            (Kind::Histogram, _) => Floats::Last(descriptor.cells_per_combination()),
            (_, Number::Float) => Floats::All,
            (_, Number::Integer) => Floats::None,
        };
        Self {
            descriptor,
            cells: Cells::with_floats(cells, floats).declared_at(Origin {
                name: descriptor.name,
                file: descriptor.file,
                line: descriptor.line,
            }),
        }
    }

    /// Returns what was declared.
    #[must_use]
    pub const fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    pub(crate) const fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Whether the sum of a histogram is kept in integer nanoseconds.
    ///
    /// Asked for every observation: so it looks at what was derived from the unit, not at the
    /// unit's letters.
    #[inline]
    pub(crate) const fn counts_nanos(&self) -> bool {
        matches!(self.cells.floats(), Floats::None)
    }
}

const fn is_seconds(descriptor: &Descriptor) -> bool {
    match descriptor.unit {
        Some(unit) => matches!(unit.as_bytes(), b"seconds"),
        None => false,
    }
}

/// The mixed-radix index of one combination of label values.
///
/// With the constants that [`Label::VALUES`](crate::Label::VALUES) are, the whole chain folds
/// into a few additions and multiplications.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Combination(usize);

impl Combination {
    /// The only combination of a metric without labels; where every chain starts.
    pub const FIRST: Self = Self(0);

    /// Adds a label's index, clamped to the label's own values.
    #[inline]
    pub const fn label(self, index: usize, len: usize) -> Self {
        Self(self.0 * len + crate::label::clamp(index, len))
    }

    /// Returns the index.
    #[inline]
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

/// What a handle points to: a metric and the first cell of one combination.
#[derive(Clone, Copy)]
pub(crate) struct Handle {
    pub(crate) metric: &'static Metric,
    pub(crate) cell: u32,
}

impl Handle {
    /// Makes the handle of a combination whose `stride` cells start at a multiple of it.
    ///
    /// The caller says the stride because it knows it without looking: nothing in a static with
    /// atomics is a constant to the optimiser, the metric's kind as little as the rest.
    #[inline]
    pub(crate) fn new(metric: &'static Metric, combination: usize, stride: usize) -> Self {
        debug_assert_eq!(
            stride,
            metric.descriptor.cells_per_combination(),
            "a handle of another kind than the metric"
        );
        let cell = combination * stride;
        Self {
            metric,
            // The number of cells was checked against the budget, far below `u32::MAX`.
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            cell: cell as u32,
        }
    }

    #[inline]
    pub(crate) fn cell(self) -> usize {
        self.cell as usize
    }

    /// The totals of this combination's cells, now.
    pub(crate) fn read(self) -> Vec<u64> {
        let len = self.metric.descriptor.cells_per_combination();
        let totals = Totals::now().of(&self.metric.cells);
        totals
            .get(self.cell()..self.cell() + len)
            .map_or_else(Vec::new, <[u64]>::to_vec)
    }

    pub(crate) fn fmt(self, kind: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(kind)
            .field("name", &self.metric.descriptor.name)
            .field("cell", &self.cell)
            .finish()
    }
}
