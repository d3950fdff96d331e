//! Checks the buckets and the objective of a histogram.

use super::text::Text;
use crate::metric::Slo;

/// Takes the bucket bounds of a histogram.
///
/// # Panics
/// When compiling, if there are none, or they are not finite or not increasing.
#[must_use]
#[track_caller]
pub const fn buckets(metric: &str, bounds: &'static [f64]) -> &'static [f64] {
    let text = Text::new().str("buckets of `").str(metric);
    if bounds.is_empty() {
        let text = text
            .str("` are an empty list")
            .help("say the bounds between which you want to know: `[0.01, 0.1, 1.0]`");
        panic!("{}", text.as_str());
    }
    let mut i = 0;
    while i < bounds.len() {
        if !bounds[i].is_finite() {
            let text = text
                .str("` must be finite: index ")
                .number(i)
                .str(" is ")
                .float(bounds[i]);
            let text = text.help("remove it; the bucket for everything above is made for you");
            panic!("{}", text.as_str());
        }
        if i > 0 && bounds[i] <= bounds[i - 1] {
            let text = text
                .str("` must increase: index ")
                .number(i)
                .str(" is ")
                .float(bounds[i]);
            let text = text
                .str(", index ")
                .number(i - 1)
                .str(" is ")
                .float(bounds[i - 1]);
            let text = text.help("sort them, and remove what is there twice");
            panic!("{}", text.as_str());
        }
        i += 1;
    }
    bounds
}

/// Takes the bound of a service level objective.
///
/// # Panics
/// When compiling, if no bucket ends at it.
#[must_use]
#[track_caller]
pub const fn slo_at(metric: &str, bounds: &[f64], at: f64) -> f64 {
    let mut i = 0;
    while i < bounds.len() {
        if is_same(bounds[i], at) {
            return at;
        }
        i += 1;
    }
    let text = Text::new().str("slo of `").str(metric);
    let text = text.str("`: no bucket ends at ").float(at);
    let mut text = text.note("the buckets end at ");
    let mut i = 0;
    while i < bounds.len() && i < 12 {
        let separator = if i == 0 { "" } else { ", " };
        text = text.str(separator).float(bounds[i]);
        i += 1;
    }
    let more = if i < bounds.len() { ", ..." } else { "" };
    let text = text.str(more);
    let text =
        text.help("take one of them, or add the bound to `buckets`; between two it is a guess");
    panic!("{}", text.as_str());
}

/// Takes the target of a service level objective.
///
/// # Panics
/// When compiling, if it is no share between 1 and 100 per cent. Less than 1 is a ratio: elsewhere
/// 0.99 is what is 99.0 here, and it would be met by whatever happens.
#[must_use]
#[track_caller]
pub const fn slo_target(metric: &str, target: f64) -> f64 {
    if target >= 1.0 && target < 100.0 {
        return target;
    }
    let text = Text::new().str("slo of `").str(metric);
    let text = text.str("`: the target is ").float(target).str(" per cent");
    let text = if target > 0.0 && target < 1.0 {
        let meant = target * 100.0;
        text.help("write ")
            .float(meant)
            .str(" for ")
            .float(meant)
            .str(" %")
    } else {
        text.help("write a share from 1 to below 100, such as 99.0")
    };
    panic!("{}", text.as_str());
}

/// Joins a bound and a target that were checked.
#[must_use]
pub const fn slo(at: f64, target: f64) -> Option<Slo> {
    Some(Slo { at, target })
}

/// A bound is found again only as it was written, so that nothing is close enough.
#[expect(clippy::float_cmp, reason = "see above")]
const fn is_same(bound: f64, at: f64) -> bool {
    bound == at
}

#[cfg(test)]
mod tests {
    use super::{buckets, slo_at, slo_target};

    #[test]
    fn increasing_bounds_and_an_objective_on_one_of_them_pass() {
        assert_eq!(buckets("m", &[-1.0, 0.0, 1.5]).len(), 3);
        assert!(slo_at("m", &[0.5, 1.0], 1.0) < slo_target("m", 99.9));
    }

    #[test]
    #[should_panic(expected = "buckets of `m` must be finite: index 1 is NaN")]
    fn a_bound_that_is_no_number_is_refused() {
        let _ = buckets("m", &[0.1, f64::NAN]);
    }

    #[test]
    #[should_panic(expected = "help: write 99.9 for 99.9 %")]
    fn a_target_that_is_a_ratio_is_refused() {
        let _ = slo_target("m", 0.999);
    }

    #[test]
    #[should_panic(expected = "slo of `m`: the target is NaN per cent")]
    fn a_target_that_is_no_number_is_refused() {
        let _ = slo_target("m", f64::NAN);
    }
}
