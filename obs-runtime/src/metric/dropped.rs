//! Counts what was recorded but cannot be summed.

use std::sync::atomic::AtomicU64;

use super::Cells;

/// Why a value was dropped: the values of the label `reason` of `obs_dropped_total`.
pub(crate) const REASONS: [&str; 2] = ["non_finite", "negative"];

static BASE: [AtomicU64; REASONS.len()] = [const { AtomicU64::new(0) }; REASONS.len()];

/// One cell for each reason.
pub(crate) static CELLS: Cells = Cells::new(&BASE);

/// Counts a number that no sum can take: NaN, an infinity, or a negative one.
#[cold]
pub(crate) fn not_a_sum(n: f64) {
    CELLS.add(usize::from(n.is_finite()), 1);
}
