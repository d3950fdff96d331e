//! The handle of a histogram, and the timer that observes how long something took.

use std::fmt;
use std::time::Duration;

use super::{Handle, Metric};

/// Counts observations in buckets and sums them: a `Copy` handle to one combination of a
/// histogram's labels.
///
/// Observing is one look-up in the calling thread's own block and two plain writes. Histograms
/// in seconds keep their sum in integer nanoseconds, so that it is exact however many threads
/// observe; the others keep a float.
///
/// # Example
/// ```
/// use obs_runtime as obs;
/// use std::time::Duration;
///
/// obs::metrics! {
///     registry SHOP;
///
///     /// Seconds that a checkout took.
///     histogram shop_checkout_duration_seconds() { buckets = [0.1, 1.0] }
/// }
/// shop_checkout_duration_seconds().observe(Duration::from_millis(250));
/// shop_checkout_duration_seconds().observe(0.25);
/// assert_eq!(shop_checkout_duration_seconds().count(), 2);
/// assert_eq!(shop_checkout_duration_seconds().sum(), 0.5);
/// ```
#[derive(Clone, Copy)]
#[must_use = "a handle alone observes nothing; call `.observe(x)` or `.start_timer()` on it"]
pub struct Histogram {
    handle: Handle,
}

impl Histogram {
    #[inline]
    pub(crate) fn new(metric: &'static Metric, combination: usize) -> Self {
        Self {
            handle: Handle::new(metric, combination, metric.descriptor.buckets.len() + 2),
        }
    }

    /// Counts `value` in the first bucket whose bound is not below it, and adds it to the sum.
    ///
    /// Takes an `f64` in the histogram's unit, or a [`Duration`] where the unit is seconds.
    /// NaN, infinities, and negative seconds are dropped and counted in `obs_dropped_total`.
    #[inline]
    pub fn observe(self, value: impl Observation) {
        value.observe(self);
    }

    /// Starts a timer that observes the time until it is stopped or dropped.
    pub fn start_timer(self) -> Timer {
        Timer {
            running: Some(self),
            start: quanta::Instant::now(),
        }
    }

    /// Returns the number of observations; meant for tests and reports.
    #[must_use]
    pub fn count(self) -> u64 {
        let cells = self.handle.read();
        let buckets = cells.len().saturating_sub(1);
        cells.iter().take(buckets).sum()
    }

    /// Returns the sum of all observations; meant for tests and reports.
    #[must_use]
    pub fn sum(self) -> f64 {
        let bits = self.handle.read().last().copied().unwrap_or(0);
        if self.handle.metric.counts_nanos() {
            nanos_to_seconds(bits)
        } else {
            f64::from_bits(bits)
        }
    }

    #[inline]
    fn observe_seconds(self, seconds: f64, nanos: u64) {
        let metric = self.handle.metric;
        let buckets = metric.descriptor.buckets;
        let first = self.handle.cell();
        metric.cells.record(
            first + bucket_of(buckets, seconds),
            first + buckets.len() + 1,
            nanos,
        );
    }

    #[inline]
    fn observe_float(self, value: f64) {
        let metric = self.handle.metric;
        let buckets = metric.descriptor.buckets;
        let first = self.handle.cell();
        metric.cells.add(first + bucket_of(buckets, value), 1);
        metric.cells.add_f64(first + buckets.len() + 1, value);
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt("Histogram", f)
    }
}

/// What a [`Histogram`] observes: an `f64` in its unit, or a [`Duration`].
pub trait Observation {
    /// Records the value in the histogram.
    fn observe(self, histogram: Histogram);
}

impl Observation for f64 {
    #[inline]
    fn observe(self, histogram: Histogram) {
        if histogram.handle.metric.counts_nanos() {
            if !(0.0..=f64::MAX).contains(&self) {
                return super::dropped::not_a_sum(self);
            }
            // The cast saturates: past 292 years the sum is off, the count is not. (Signed,
            // because most processors convert to that alone.)
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            let nanos = (self * 1e9 + 0.5) as i64;
            histogram.observe_seconds(self, nanos.cast_unsigned());
        } else if self.is_finite() {
            histogram.observe_float(self);
        } else {
            super::dropped::not_a_sum(self);
        }
    }
}

impl Observation for Duration {
    #[inline]
    fn observe(self, histogram: Histogram) {
        if histogram.handle.metric.counts_nanos() {
            let nanos = duration_nanos(self);
            histogram.observe_seconds(nanos_to_seconds(nanos), nanos);
        } else {
            histogram.observe_float(self.as_secs_f64());
        }
    }
}

/// Returns the bucket that counts `value`: the first whose bound is not below it, or the one
/// past the last bound.
#[inline]
pub(crate) fn bucket_of(bounds: &[f64], value: f64) -> usize {
    // No branch to mispredict; bucket lists are short enough that this beats a search.
    bounds.iter().map(|bound| usize::from(value > *bound)).sum()
}

/// Returns a duration in nanoseconds, saturating after 584 years.
#[inline]
pub(crate) fn duration_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Divides rather than multiplies: 100,000,000 ns must become the same float as the bound `0.1`.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "seconds on a scrape are floats")]
pub(crate) fn nanos_to_seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Observes the time since it was started when it is stopped or dropped; made by
/// [`Histogram::start_timer`].
#[derive(Debug)]
#[must_use = "dropping the timer at once observes no time; bind it to a name"]
pub struct Timer {
    running: Option<Histogram>,
    start: quanta::Instant,
}

impl Timer {
    /// Stops the timer, observes the time and returns it.
    pub fn stop(mut self) -> Duration {
        let elapsed = self.start.elapsed();
        if let Some(histogram) = self.running.take() {
            histogram.observe(elapsed);
        }
        elapsed
    }

    /// Ends the timer without observing anything.
    pub fn discard(mut self) {
        self.running = None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(histogram) = self.running.take() {
            histogram.observe(self.start.elapsed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bucket_of, nanos_to_seconds};

    #[test]
    fn a_value_on_a_bound_belongs_to_its_bucket() {
        let bounds = [0.1, 0.5, 1.0];
        for (i, bound) in bounds.iter().enumerate() {
            assert_eq!(bucket_of(&bounds, *bound), i);
            assert_eq!(bucket_of(&bounds, bound.next_down()), i);
            assert_eq!(bucket_of(&bounds, bound.next_up()), i + 1);
        }
    }

    #[test]
    fn a_duration_that_is_a_bound_becomes_the_very_same_float() {
        for (nanos, seconds) in [(1_000_000, 0.001), (100_000_000, 0.1), (750_000_000, 0.75)] {
            assert_eq!(nanos_to_seconds(nanos).to_bits(), f64::to_bits(seconds));
        }
    }
}
