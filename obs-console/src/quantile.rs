//! Quantiles of a histogram, as Prometheus reckons them.

/// Returns the value below which a share of the observations lies: within a bucket they are taken to
/// be spread evenly, and of those above the highest bound only that bound is known.
///
/// `counts` are those of each bucket alone, the last that of `+Inf`. `None` without an observation.
pub(crate) fn quantile(share: f64, bounds: &[f64], counts: &[f64]) -> Option<f64> {
    let total: f64 = counts.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let rank = share * total;
    let mut below = 0.0;
    let mut lower = 0.0;
    for (bound, count) in bounds.iter().zip(counts) {
        if below + count >= rank && *count > 0.0 {
            // As Prometheus: a first bucket that ends below zero has no width that is known.
            if *bound <= lower {
                return Some(*bound);
            }
            return Some(lower + (bound - lower) * ((rank - below) / count).clamp(0.0, 1.0));
        }
        below += count;
        lower = *bound;
    }
    bounds.last().copied()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    const BOUNDS: [f64; 3] = [0.1, 0.5, 1.0];

    fn near(share: f64, counts: &[f64], expected: Option<f64>) {
        let found = quantile(share, &BOUNDS, counts);
        let is_near = match (found, expected) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        };
        assert!(
            is_near,
            "{share} of {counts:?}: {found:?}, not {expected:?}"
        );
    }

    #[test]
    fn within_a_bucket_observations_are_spread_evenly() {
        near(0.5, &[10.0, 0.0, 0.0, 0.0], Some(0.05));
        near(0.5, &[0.0, 4.0, 0.0, 0.0], Some(0.3));
        near(0.99, &[90.0, 10.0, 0.0, 0.0], Some(0.1 + 0.4 * 0.9));
        near(1.0, &[1.0, 1.0, 2.0, 0.0], Some(1.0));
    }

    #[test]
    fn above_the_highest_bound_only_that_is_known() {
        near(0.95, &[1.0, 0.0, 0.0, 99.0], Some(1.0));
    }

    #[test]
    fn nothing_is_said_of_no_observation() {
        near(0.5, &[0.0; 4], None);
        near(0.5, &[], None);
        assert_eq!(quantile(0.5, &[], &[3.0]), None, "nothing but +Inf");
    }
}
