//! Grafana's names of units, from the base unit that a metric's name ends in.

use crate::catalogue::Metric;

pub(super) const SECONDS: &str = "s";
pub(super) const SHARE: &str = "percentunit";
pub(super) const NUMBER: &str = "short";
pub(super) const REQUESTS: &str = "reqps";
pub(super) const PER_SECOND: &str = "ops";
pub(super) const TEXT: &str = "string";

/// The unit of a value.
pub(super) fn of(metric: &Metric) -> &'static str {
    match metric.unit.as_deref() {
        Some("seconds") => SECONDS,
        Some("bytes") => "bytes",
        Some("ratio") => SHARE,
        Some("meters") => "lengthm",
        Some("grams") => "massg",
        Some("joules") => "joule",
        Some("volts") => "volt",
        Some("amperes") => "amp",
        Some("celsius") => "celsius",
        _ => NUMBER,
    }
}

/// The unit of what a counter counts in a second.
pub(super) fn of_rate(metric: &Metric) -> &'static str {
    match metric.unit.as_deref() {
        Some("bytes") => "binBps",
        Some("joules") => "watt",
        // Seconds in a second, among others: how many were busy at once.
        Some(_) => NUMBER,
        None => PER_SECOND,
    }
}
