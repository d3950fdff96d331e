//! What the side door refused or redirected, counted.

use std::borrow::Cow;

use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::{Cells, Kind};

/// Why a record through the facade was not counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reason {
    /// A declared metric has no such label value.
    UnknownLabelValue,
    /// A declared metric has other labels.
    UnknownLabels,
    /// The name is in use for another kind of metric.
    KindConflict,
    /// The name belongs to `obs`, or to the parts of a histogram.
    NameCollision,
    /// NaN or an infinity, which would spoil a sum for ever.
    InvalidValue,
    /// More names than the side door takes.
    TooManyNames,
}

const REASONS: [&str; 6] = [
    "unknown_label_value",
    "unknown_labels",
    "kind_conflict",
    "name_collision",
    "invalid_value",
    "too_many_names",
];
const CAPPED: usize = REASONS.len();

pub(super) const DROPPED_NAME: &str = "obs_facade_dropped_total";
pub(super) const CAPPED_NAME: &str = "obs_facade_capped_total";

/// One cell for each reason, and one for what went to `_other`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    cells: &'static Cells,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            cells: Cells::leak(CAPPED + 1),
        }
    }

    pub(super) fn dropped(self, reason: Reason) {
        self.cells.add(reason as usize, 1);
    }

    pub(super) fn capped(self) {
        self.cells.add(CAPPED, 1);
    }
}

impl Part for Counts {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        let cells = totals.of(self.cells);
        let dropped = families.family(FamilyDescriptor {
            name: Cow::Borrowed(DROPPED_NAME),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed(
                "Records through the `metrics` facade that could not be counted, by reason.",
            ),
        });
        for (reason, count) in REASONS.into_iter().zip(&cells) {
            dropped.push(
                vec![(Cow::Borrowed("reason"), Cow::Borrowed(reason))],
                Value::Unsigned(*count),
            );
        }
        let capped = families.family(FamilyDescriptor {
            name: Cow::Borrowed(CAPPED_NAME),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed(
                "Records through the `metrics` facade that went to the series `_other`.",
            ),
        });
        capped.push(Vec::new(), Value::Unsigned(cells[CAPPED]));
    }
}
