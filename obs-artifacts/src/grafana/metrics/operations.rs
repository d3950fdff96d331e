//! Observed functions.

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::unit;
use super::Scope;

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let series = scope.series;
    let mut panels = Vec::new();
    if let Some(calls) = scope.own("operation_calls_total") {
        let not_ok =
            "The share of calls of each operation that failed, panicked or were cancelled.";
        panels.extend([
            Panel::time_series("Operations", &calls.help, unit::PER_SECOND)
                .prometheus(series.rate(calls, &["operation"], ""), "{{operation}}"),
            Panel::time_series("Operations not ok", not_ok, unit::SHARE).prometheus(
                series.share(calls, &["operation"], "outcome!=\"ok\""),
                "{{operation}}",
            ),
        ]);
    }
    if let Some(durations) = scope.own("operation_duration_seconds") {
        let by_operation = series.quantile(0.95, durations, &["operation"], "");
        panels.push(
            Panel::time_series("Operation latency (p95)", &durations.help, unit::SECONDS)
                .ask(Target::prometheus(by_operation, "{{operation}}").exemplars()),
        );
    }
    if let Some(errors) = scope.own("operation_errors_total") {
        let rate = series.rate(errors, &["operation", "error"], "");
        panels.push(
            Panel::time_series("Operation errors", &errors.help, unit::PER_SECOND)
                .stacked_bars()
                .nothing("none")
                .prometheus(format!("{rate} > 0"), "{{operation}} {{error}}"),
        );
    }
    if let Some(in_flight) = scope.own("operations_in_flight") {
        panels.push(
            Panel::time_series("Operations in flight", &in_flight.help, unit::NUMBER)
                .prometheus(series.sum(in_flight, &["operation"], ""), "{{operation}}"),
        );
    }
    Row::new("Operations", panels)
}
