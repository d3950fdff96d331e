//! Checks the series of metrics and blocks against their budgets.

use super::text::Text;
use crate::metric::{Descriptor, Kind, Metric};

/// Takes a budget of the user's, so that another type is refused where it stands.
#[must_use]
pub const fn limit(max_series: usize) -> usize {
    max_series
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
