//! The handle of a gauge, and the guard that gives back what it took.

use std::fmt;
use std::marker::PhantomData;

use super::{Handle, Metric};

/// Goes up and down: a `Copy` handle to one combination of a gauge's labels.
///
/// All threads share a gauge's cell, because the last `set` must win. `Gauge` holds an `i64` and
/// saturates; `Gauge<f64>` holds any float.
///
/// # Example
/// ```
/// use obs_runtime as obs;
///
/// obs::metrics! {
///     registry POOL;
///
///     /// Connections in use.
///     gauge pool_connections();
/// }
/// {
///     let _in_use = pool_connections().guard();
///     assert_eq!(pool_connections().get(), 1);
/// }
/// assert_eq!(pool_connections().get(), 0);
/// ```
#[must_use = "a handle alone changes nothing; call `.set(n)`, `.add(n)` or `.guard()` on it"]
pub struct Gauge<T = i64> {
    handle: Handle,
    number: PhantomData<fn() -> T>,
}

impl<T> Gauge<T> {
    #[inline]
    pub(crate) fn new(metric: &'static Metric, combination: usize) -> Self {
        Self {
            handle: Handle::new(metric, combination, 1),
            number: PhantomData,
        }
    }

    #[inline]
    fn update(self, change: impl Fn(u64) -> u64) {
        self.handle.metric.cells.update(self.handle.cell(), change);
    }

    fn bits(self) -> u64 {
        self.handle.read().first().copied().unwrap_or(0)
    }
}

impl Gauge<i64> {
    /// Sets the value.
    #[inline]
    pub fn set(self, value: i64) {
        self.update(|_| value.cast_unsigned());
    }

    /// Adds `n`; the value stops at `i64::MAX`.
    #[inline]
    pub fn add(self, n: i64) {
        self.update(|now| now.cast_signed().saturating_add(n).cast_unsigned());
    }

    /// Subtracts `n`; the value stops at `i64::MIN`.
    #[inline]
    pub fn sub(self, n: i64) {
        self.update(|now| now.cast_signed().saturating_sub(n).cast_unsigned());
    }

    /// Adds one.
    #[inline]
    pub fn inc(self) {
        self.add(1);
    }

    /// Subtracts one.
    #[inline]
    pub fn dec(self) {
        self.sub(1);
    }

    /// Adds one now and subtracts it when the guard is dropped, whatever ends the scope: a
    /// return, an error, a panic, or a future that is dropped half-way.
    pub fn guard(self) -> GaugeGuard {
        self.inc();
        GaugeGuard {
            gauge: self,
            #[cfg(all(feature = "test", feature = "http"))]
            _open: crate::test::OpenGuard::of(self.handle.metric.descriptor().name),
        }
    }

    /// Returns the value; meant for tests and reports.
    #[must_use]
    pub fn get(self) -> i64 {
        self.bits().cast_signed()
    }
}

impl Gauge<f64> {
    /// Sets the value.
    #[inline]
    pub fn set(self, value: f64) {
        self.update(|_| value.to_bits());
    }

    /// Adds `n`.
    #[inline]
    pub fn add(self, n: f64) {
        self.update(|now| (f64::from_bits(now) + n).to_bits());
    }

    /// Subtracts `n`.
    #[inline]
    pub fn sub(self, n: f64) {
        self.add(-n);
    }

    /// Returns the value; meant for tests and reports.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(self.bits())
    }
}

impl<T> Clone for Gauge<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Gauge<T> {}

impl<T> fmt::Debug for Gauge<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt("Gauge", f)
    }
}

/// Subtracts one from its gauge when it is dropped; made by [`Gauge::guard`].
#[derive(Debug)]
#[must_use = "dropping the guard at once gives the gauge back at once; bind it to a name"]
pub struct GaugeGuard {
    gauge: Gauge<i64>,
    /// Until it is dropped, the test in which it was made knows of it.
    #[cfg(all(feature = "test", feature = "http"))]
    _open: crate::test::OpenGuard,
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}
