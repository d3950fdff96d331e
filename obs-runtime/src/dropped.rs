//! `obs_dropped_total`: what was recorded but could not be counted, by reason.

use std::borrow::Cow;
use std::sync::atomic::AtomicU64;

use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::{Cells, Kind};

/// The values of `reason`.
const REASONS: [&str; 2] = ["non_finite", "negative"];

static BASE: [AtomicU64; REASONS.len()] = [const { AtomicU64::new(0) }; REASONS.len()];
static CELLS: Cells = Cells::new(&BASE);

/// Counts a number that no sum can take: NaN, an infinity, or a negative one.
#[cold]
pub(crate) fn not_a_sum(n: f64) {
    CELLS.add(usize::from(n.is_finite()), 1);
}

/// Shows the counts on a scrape.
pub(crate) struct Dropped;

impl Part for Dropped {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        let family = families.family(FamilyDescriptor {
            name: Cow::Borrowed("obs_dropped_total"),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed("Values that were recorded but cannot be counted, by reason."),
        });
        for (reason, count) in REASONS.into_iter().zip(totals.of(&CELLS)) {
            family.push(
                vec![(Cow::Borrowed("reason"), Cow::Borrowed(reason))],
                Value::Unsigned(count),
            );
        }
    }
}
