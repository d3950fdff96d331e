//! The handle of a histogram, and the timer that observes how long something took.

use std::fmt;
use std::time::Duration;

use super::{Handle, Metric};
use crate::clock::Stopwatch;

/// Counts observations in buckets and sums them: a `Copy` handle to one combination of a
/// histogram's labels.
///
/// Observing is one look-up in the calling thread's own block and two plain writes. Histograms
/// in seconds keep their sum in integer nanoseconds, so that it is exact however many threads
/// observe; the others keep a float.
///
/// An observation made in a context whose trace is sampled becomes the exemplar of its bucket, in
/// place of the one before: the page in `OpenMetrics` names the trace and the span. A context that
/// only a tracing span carries is not looked for.
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
            watch: Stopwatch::start(),
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
    fn bounds(self) -> &'static [f64] {
        self.handle.metric.descriptor.buckets
    }

    #[inline]
    fn record(self, bucket: usize, nanos: u64) {
        let first = self.handle.cell();
        let sum = first + self.bounds().len() + 1;
        let cells = &self.handle.metric.cells;
        cells.record(first + bucket, sum, nanos);
    }

    #[inline]
    fn record_float(self, value: f64) {
        let first = self.handle.cell();
        let sum = first + self.bounds().len() + 1;
        let cells = &self.handle.metric.cells;
        cells.record_f64(first + bucket_of(self.bounds(), value), sum, value);
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
            histogram.record(bucket_of(histogram.bounds(), self), nanos.cast_unsigned());
        } else if self.is_finite() {
            histogram.record_float(self);
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
            histogram.record(bucket_of_nanos(histogram.bounds(), nanos), nanos);
        } else {
            histogram.record_float(self.as_secs_f64());
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

/// Returns the bucket that counts a duration of so many nanoseconds.
///
/// It is looked for a quarter of a nanosecond below: then a duration that is a bound stays below
/// it however the product is rounded, and the next nanosecond stays above. Dividing instead would
/// be exact without that, and cost as much as the rest of the search.
#[inline]
pub(crate) fn bucket_of_nanos(bounds: &[f64], nanos: u64) -> usize {
    // Signed, because most processors convert only that. Past 292 years all is in the last bucket.
    let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
    #[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
    let nanos = nanos as f64;
    bucket_of(bounds, (nanos - 0.25) * 1e-9)
}

/// Returns a duration in nanoseconds, saturating after 584 years.
#[inline]
fn duration_nanos(duration: Duration) -> u64 {
    // In two steps of 64 bits: `as_nanos` computes with 128.
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

/// Divides rather than multiplies: 100,000,000 ns must become the same float as the bound `0.1`.
#[expect(clippy::cast_precision_loss, reason = "seconds on a scrape are floats")]
pub(crate) fn nanos_to_seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Milliseconds with three decimals: nobody reads more of them in a log.
pub(crate) fn nanos_to_millis(nanos: u64) -> f64 {
    (nanos_to_seconds(nanos) * 1e6).round() / 1e3
}

/// Observes the time since it was started when it is stopped or dropped; made by
/// [`Histogram::start_timer`].
#[derive(Debug)]
#[must_use = "dropping the timer at once observes no time; bind it to a name"]
pub struct Timer {
    running: Option<Histogram>,
    watch: Stopwatch,
}

impl Timer {
    /// Stops the timer, observes the time and returns it.
    pub fn stop(mut self) -> Duration {
        let elapsed = Duration::from_nanos(self.watch.nanos());
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
            histogram.observe(Duration::from_nanos(self.watch.nanos()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{bucket_of, bucket_of_nanos, duration_nanos};
    use std::time::Duration;

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
    fn a_duration_on_a_bound_belongs_to_its_bucket_and_the_next_nanosecond_to_the_next() {
        // Every bound of one, two or three digits from a nanosecond to eleven days.
        for digits in 1..1000_u64 {
            for power in 0..13 {
                let nanos = digits * 10_u64.pow(power);
                // As the compiler reads it in a source: `0.0012`, correctly rounded.
                let bound: f64 = format!("{digits}e{}", i64::from(power) - 9)
                    .parse()
                    .unwrap();
                let bucket = |nanos| bucket_of_nanos(&[bound], nanos);
                assert_eq!(
                    [bucket(nanos - 1), bucket(nanos), bucket(nanos + 1)],
                    [0, 0, 1],
                    "{bound}"
                );
            }
        }
    }

    #[test]
    fn the_longest_duration_is_in_the_last_bucket() {
        assert_eq!(duration_nanos(Duration::MAX), u64::MAX);
        assert_eq!(bucket_of_nanos(&[1.0, 1e9], u64::MAX), 2);
    }
}
