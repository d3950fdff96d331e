//! The handle of a counter.

use std::fmt;
use std::marker::PhantomData;

use super::{Handle, Metric};

/// Counts up: a `Copy` handle to one combination of a counter's labels.
///
/// Recording is a look-up in the calling thread's own block: no hashing, lock or allocation, and
/// it never fails. `Counter` counts in `u64` and wraps at its end; `Counter<f64>` adds finite
/// amounts that are not negative.
///
/// # Example
/// ```
/// use obs_runtime as obs;
///
/// obs::metrics! {
///     registry SHOP;
///
///     /// Orders taken.
///     counter shop_orders_total();
/// }
/// shop_orders_total().inc();
/// assert_eq!(shop_orders_total().get(), 1);
/// ```
#[must_use = "a handle alone counts nothing; call `.inc()` or `.add(n)` on it"]
pub struct Counter<T = u64> {
    handle: Handle,
    number: PhantomData<fn() -> T>,
}

impl<T> Counter<T> {
    #[inline]
    pub(crate) fn new(metric: &'static Metric, combination: usize) -> Self {
        Self {
            handle: Handle::new(metric, combination, 1),
            number: PhantomData,
        }
    }
}

impl Counter<u64> {
    /// Adds one.
    #[inline]
    pub fn inc(self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(self, n: u64) {
        self.handle.metric.cells.add(self.handle.cell(), n);
    }

    /// Returns the count so far, summed over all threads; meant for tests and reports.
    #[must_use]
    pub fn get(self) -> u64 {
        self.handle.read().first().copied().unwrap_or(0)
    }
}

impl Counter<f64> {
    /// Adds `n`.
    ///
    /// A counter cannot go down: a negative `n`, NaN or an infinity is dropped and counted in
    /// `obs_dropped_total`.
    #[inline]
    pub fn add(self, n: f64) {
        if n.is_finite() && n >= 0.0 {
            self.handle.metric.cells.add_f64(self.handle.cell(), n);
        } else {
            super::dropped::not_a_sum(n);
        }
    }

    /// Returns the sum so far over all threads; meant for tests and reports.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(self.handle.read().first().copied().unwrap_or(0))
    }
}

impl<T> Clone for Counter<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Counter<T> {}

impl<T> fmt::Debug for Counter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt("Counter", f)
    }
}
