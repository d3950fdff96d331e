//! What the macros' output calls. Not public API: anything here may change in any release.

mod call;
pub mod check;
#[cfg(all(feature = "test", feature = "http"))]
pub mod test;

use std::sync::atomic::AtomicU64;

pub use self::call::*;
pub use self::check::{CopyLabel, nested_index};
pub use crate::catalog::{PARTS, Part};
pub use crate::label::{DerivedErrorLabel, DerivedLabel};
pub use crate::metric::{
    Cells, Combination, Descriptor, Kind, LabelDescriptor, Metric, Number, Slo,
};
#[cfg(feature = "http")]
pub use crate::problem::surface as problem;
pub use crate::registry::{REGISTRIES, Registry};
pub use linkme;
pub use obs_macros::{metrics, problem_mcp_without_feature, test_without_feature};
pub use std::sync::atomic;
pub use tracing;

#[cfg(all(feature = "http", feature = "rmcp"))]
pub use crate::__problem_mcp as problem_mcp;
#[cfg(not(all(feature = "http", feature = "rmcp")))]
pub use obs_macros::problem_mcp_without_feature as problem_mcp;

use crate::metric::{Counter, Gauge, Histogram};

/// Makes zeroed base cells for a static.
#[must_use]
pub const fn cells<const N: usize>() -> [AtomicU64; N] {
    [const { AtomicU64::new(0) }; N]
}

/// Returns the number of cells of a metric, for the length of its array.
#[must_use]
pub const fn cells_len(descriptor: &Descriptor) -> usize {
    descriptor.cells()
}

/// Joins lists of label values, for `#[label(nested)]`.
///
/// # Panics
/// When compiling, if `N` is not the number of values.
#[must_use]
pub const fn concat_values<const N: usize>(lists: &[&'static [&'static str]]) -> [&'static str; N] {
    let mut values = [""; N];
    let (mut list, mut next) = (0, 0);
    while list < lists.len() {
        let mut i = 0;
        while i < lists[list].len() {
            values[next] = lists[list][i];
            next += 1;
            i += 1;
        }
        list += 1;
    }
    assert!(
        next == N,
        "the values of a label were miscounted; this is a bug in obs"
    );
    values
}

/// Returns the handle of a counter's combination.
#[inline]
pub fn counter(metric: &'static Metric, combination: usize) -> Counter<u64> {
    Counter::new(metric, combination)
}

/// Returns the handle of a float counter's combination.
#[inline]
pub fn counter_f64(metric: &'static Metric, combination: usize) -> Counter<f64> {
    Counter::new(metric, combination)
}

/// Returns the handle of a gauge's combination.
#[inline]
pub fn gauge(metric: &'static Metric, combination: usize) -> Gauge<i64> {
    Gauge::new(metric, combination)
}

/// Returns the handle of a float gauge's combination.
#[inline]
pub fn gauge_f64(metric: &'static Metric, combination: usize) -> Gauge<f64> {
    Gauge::new(metric, combination)
}

/// Returns the handle of a histogram's combination.
#[inline]
pub fn histogram(metric: &'static Metric, combination: usize) -> Histogram {
    Histogram::new(metric, combination)
}
