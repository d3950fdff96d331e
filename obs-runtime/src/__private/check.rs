//! What rustc checks when it evaluates the constants of a `metrics!` block or a derive.
//!
//! A failing check panics in a constant, and rustc shows the text with the caret at the call, which
//! the macros place at the user's own token. Everything here is linear in the size of its input:
//! rustc refuses long evaluations in the user's build.

mod text;

use self::text::Text;
use crate::label::clamp;
use crate::metric::{Descriptor, Kind, LabelDescriptor, Metric, Slo};

/// The longest label value; the derive allows the same.
const MAX_VALUE: usize = 128;

/// What the derive of `Label` asks for: a type that can be passed on and kept.
#[diagnostic::on_unimplemented(
    message = "the label `{Self}` is not `Copy`",
    label = "a label is passed by value, as often as it is recorded",
    note = "write `#[derive(obs::Label, Clone, Copy)]` above it",
    note = "for an error enum that cannot be `Copy`: `#[derive(obs::ErrorLabel)]`"
)]
pub trait CopyLabel {
    /// Can be named where the type is `Copy`.
    const IS_COPY: ();
}

#[diagnostic::do_not_recommend]
impl<T: Copy> CopyLabel for T {
    const IS_COPY: () = ();
}

/// Returns the index of a nested label's value; a wrong inner index stays inside the inner list.
#[inline]
#[must_use]
pub const fn nested_index(start: usize, inner: usize, values: &[&str]) -> usize {
    start + clamp(inner, values.len())
}

/// Stands for a handle where a block has mistakes and will not compile.
///
/// # Panics
/// Always.
pub fn stub<T>(_: &[usize]) -> T {
    unreachable!("a block with mistakes does not compile")
}

/// Takes a budget of the user's, so that another type is refused where it stands.
#[must_use]
pub const fn limit(max_series: usize) -> usize {
    max_series
}

/// Describes a label, if its values can stand on `/metrics`.
///
/// The derive has checked its own; this is for implementations written by hand, and for nested
/// enums that repeat each other.
///
/// # Panics
/// When compiling, if the list is empty or a value is empty, too long, repeated or has a character
/// that would need an escape.
#[must_use]
#[track_caller]
pub const fn label(
    metric: &str,
    name: &'static str,
    values: &'static [&'static str],
) -> LabelDescriptor {
    let text = Text::new()
        .str("label `")
        .str(name)
        .str("` of `")
        .str(metric);
    if values.is_empty() {
        let text = text
            .str("` has no values")
            .help("a metric labelled with it has no series; list at least one value");
        panic!("{}", text.as_str());
    }
    let mut i = 0;
    while i < values.len() {
        let value = values[i];
        if value.is_empty() {
            let text = text
                .str("` has an empty value at index ")
                .number(i)
                .help("write a word, such as \"none\"");
            panic!("{}", text.as_str());
        }
        if value.len() > MAX_VALUE || !is_plain(value) {
            let text = text
                .str("` has a value that cannot be one, at index ")
                .number(i);
            let text = text
                .help("use 1 to 128 characters of printable ASCII without quotes and backslashes");
            panic!("{}", text.as_str());
        }
        i += 1;
    }
    if let Some((first, second)) = repeated(values) {
        let text = text.str("` has the value \"").str(values[second]);
        let text = text
            .str("\" at index ")
            .number(first)
            .str(" and at index ")
            .number(second);
        let text = text.help(
            "give one of them another value; an enum or `Option` inside another may repeat it",
        );
        panic!("{}", text.as_str());
    }
    LabelDescriptor { name, values }
}

const fn is_plain(value: &str) -> bool {
    let bytes = value.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !matches!(bytes[i], b' '..=b'~') || bytes[i] == b'"' || bytes[i] == b'\\' {
            return false;
        }
        i += 1;
    }
    true
}

/// Slots of the table in [`repeated`]; half of them are used at most.
const SLOTS: usize = 8192;

/// Finds two equal values, with a hash table: comparing every pair would be too long for rustc.
const fn repeated(values: &[&str]) -> Option<(usize, usize)> {
    if values.len() > SLOTS / 2 {
        return None;
    }
    let mut table = [0u16; SLOTS];
    let mut i = 0;
    while i < values.len() {
        let mut slot = hash(values[i]) % SLOTS;
        while table[slot] != 0 {
            let other = table[slot] as usize - 1;
            if is_equal(values[other], values[i]) {
                return Some((other, i));
            }
            slot = (slot + 1) % SLOTS;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most SLOTS / 2")]
        {
            table[slot] = (i + 1) as u16;
        }
        i += 1;
    }
    None
}

/// FNV-1a.
const fn hash(value: &str) -> usize {
    let bytes = value.as_bytes();
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ (hash >> 15)) as usize
}

const fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

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
/// When compiling, if it is no share between 0 and 100 per cent.
#[must_use]
#[track_caller]
pub const fn slo_target(metric: &str, target: f64) -> f64 {
    if target > 0.0 && target < 100.0 {
        return target;
    }
    let text = Text::new().str("slo of `").str(metric);
    let text = text.str("`: the target is ").float(target).str(" per cent");
    let text = text.help("write a share above 0 and below 100, such as 99.0");
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

/// Takes a finished descriptor, if its series fit its own budget and that of its block.
///
/// # Panics
/// When compiling, if they do not; the text multiplies the factors out.
#[must_use]
#[track_caller]
pub const fn budget(metric: Descriptor, block_max: usize) -> Descriptor {
    let (own, max) = match metric.max_series {
        Some(max) if max <= block_max => (true, max),
        _ => (false, block_max),
    };
    let series = metric.series();
    if series <= max {
        return metric;
    }
    let text = Text::new()
        .str("`")
        .str(metric.name)
        .str("` needs ")
        .number(series);
    let text = text.str(" series, and ");
    let text = text.str(if own {
        "its max_series is "
    } else {
        "the block's max_series is "
    });
    let mut text = text.number(max).note("");
    let mut i = 0;
    while i < metric.labels.len() {
        let label = &metric.labels[i];
        if i > 0 {
            text = text.str(" x ");
        }
        text = text
            .str(label.name)
            .str("(")
            .number(label.values.len())
            .str(")");
        i += 1;
    }
    if matches!(metric.kind, Kind::Histogram) {
        let separator = if i > 0 { " x " } else { "" };
        text = text.str(separator).number(metric.series_per_combination());
        text = text.str(" (buckets, +Inf, sum and count)");
    } else if i == 0 {
        text = text.str("one series, without labels");
    }
    let text = text.help("drop a label, shorten an enum, or raise `max_series`");
    panic!("{}", text.as_str());
}

/// Returns the budget of a block, if the series of its metrics fit it together.
///
/// # Panics
/// When compiling, if they do not; the text adds the metrics up.
#[must_use]
#[track_caller]
pub const fn block(registry: &str, max: usize, metrics: &[&Metric]) -> usize {
    let mut sum = 0usize;
    let mut i = 0;
    while i < metrics.len() {
        sum = sum.saturating_add(metrics[i].descriptor().series());
        i += 1;
    }
    if sum <= max {
        return max;
    }
    let text = Text::new()
        .str("registry `")
        .str(registry)
        .str("` needs ")
        .number(sum);
    let mut text = text.str(" series, and max_series is ").number(max).note("");
    let mut i = 0;
    while i < metrics.len() {
        if i > 0 {
            text = text.str(" + ");
        }
        if text.is_long() {
            text = text.number(metrics.len() - i).str(" more");
            break;
        }
        let descriptor = metrics[i].descriptor();
        text = text
            .str(descriptor.name)
            .str("(")
            .number(descriptor.series())
            .str(")");
        i += 1;
    }
    let text = text.help("move metrics to a block of their own, or raise `max_series`");
    panic!("{}", text.as_str());
}

#[cfg(test)]
mod tests {
    use super::{buckets, label, nested_index, repeated, slo_at, slo_target};

    #[test]
    fn a_nested_index_never_leaves_the_inner_list() {
        assert_eq!(nested_index(3, 1, &["a", "b"]), 4);
        assert_eq!(nested_index(3, 999, &["a", "b"]), 4);
        assert_eq!(nested_index(3, 999, &[]), 3);
    }

    #[test]
    fn repeated_values_are_found_among_a_thousand() {
        let values: Vec<String> = (0..1000).map(|i| format!("value_{i}")).collect();
        let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert_eq!(repeated(&values), None);
        values[999] = "value_17";
        assert_eq!(repeated(&values), Some((17, 999)));
    }

    #[test]
    fn sound_declarations_pass() {
        assert_eq!(label("m", "l", &["a b", "c~"]).values.len(), 2);
        assert_eq!(buckets("m", &[-1.0, 0.0, 1.5]).len(), 3);
        assert!(slo_at("m", &[0.5, 1.0], 1.0) < slo_target("m", 99.9));
    }

    #[test]
    #[should_panic(expected = "label `l` of `m` has a value that cannot be one, at index 1")]
    fn a_value_that_would_need_an_escape_is_refused() {
        let _ = label("m", "l", &["a", "b\n"]);
    }

    #[test]
    #[should_panic(expected = "buckets of `m` must be finite: index 1 is NaN")]
    fn a_bound_that_is_no_number_is_refused() {
        let _ = buckets("m", &[0.1, f64::NAN]);
    }
}
