//! Outgoing HTTP, by the peer that was declared.

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::unit;
use super::Scope;

/// Answers that are the peer's fault, and requests that were not answered.
const FAILED: &str = "status=~\"5..|error\"";

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let series = scope.series;
    let mut panels = Vec::new();
    if let Some(requests) = scope.own("http_client_requests_total") {
        let failed =
            "The share of requests to each peer that were answered with 5xx or not at all.";
        panels.extend([
            Panel::time_series("Outgoing requests", &requests.help, unit::REQUESTS).prometheus(
                series.rate(requests, &["peer", "route", "status"], ""),
                "{{peer}} {{route}} {{status}}",
            ),
            Panel::time_series("Outgoing requests that failed", failed, unit::SHARE)
                .prometheus(series.share(requests, &["peer"], FAILED), "{{peer}}"),
        ]);
    }
    if let Some(durations) = scope.own("http_client_request_duration_seconds") {
        let by_peer = series.quantile(0.95, durations, &["peer", "route"], "");
        panels.push(
            Panel::time_series("Outgoing latency (p95)", &durations.help, unit::SECONDS)
                .ask(Target::prometheus(by_peer, "{{peer}} {{route}}").exemplars()),
        );
    }
    if let Some(in_flight) = scope.own("http_client_requests_in_flight") {
        panels.push(
            Panel::time_series("Outgoing in flight", &in_flight.help, unit::NUMBER)
                .prometheus(series.sum(in_flight, &["peer"], ""), "{{peer}}"),
        );
    }
    Row::new("Outgoing HTTP", panels)
}
