//! HTTP: what was asked for, how it was answered and how long that took.

use super::super::layout::Row;
use super::super::links;
use super::super::model::{Columns, Panel, Target, Transformation};
use super::super::panels::{BAD, DOUBTFUL, GOOD, PLAIN};
use super::super::unit;
use super::Scope;
use crate::catalogue::Metric;
use crate::environment::{Environment, Threshold};

/// Codes, and the class that stands for rare ones.
pub(super) const SERVER_ERRORS: &str = "status=~\"5..\"";

const CHOSEN: &str = "route=~\"$route\"";

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels = Vec::new();
    let requests = scope.own("http_requests_total");
    let durations = scope.own("http_request_duration_seconds");
    if let Some(requests) = requests {
        panels.extend(answers(scope, requests));
    }
    if let Some(durations) = durations {
        panels.extend(latencies(scope, durations));
    }
    if let (Some(requests), Some(durations)) = (requests, durations) {
        panels.push(routes(scope, requests, durations));
    }
    panels.extend(endings(scope));
    Row::new("HTTP", panels)
}

fn answers(scope: &Scope<'_>, requests: &Metric) -> [Panel; 4] {
    let by_route = ["method", "route"];
    let series = scope.series;
    let errors = format!("{CHOSEN},{SERVER_ERRORS}");
    [
        Panel::time_series("Requests by route", &requests.help, unit::REQUESTS).prometheus(
            series.rate(requests, &by_route, CHOSEN),
            "{{method}} {{route}}",
        ),
        Panel::time_series("Requests by status", &requests.help, unit::REQUESTS)
            .stacked()
            .color("^1|^3", PLAIN)
            .color("^2", GOOD)
            .color("^4", DOUBTFUL)
            .color("^5", BAD)
            .prometheus(series.rate(requests, &["status"], CHOSEN), "{{status}}"),
        Panel::time_series(
            "Errors by route",
            "Requests that were answered with 5xx, by route. Empty while there are none.",
            unit::REQUESTS,
        )
        .stacked_bars()
        .nothing("none")
        .link(
            "Failed traces",
            links::to_traces(scope.system, scope.service),
        )
        .prometheus(
            format!(
                "{} > 0",
                series.rate(requests, &["method", "route", "status"], &errors)
            ),
            "{{method}} {{route}} {{status}}",
        ),
        Panel::heatmap_of_series(
            "Route heat map",
            "How much each route was asked for: the darker, the more.",
            unit::REQUESTS,
        )
        .prometheus(series.rate(requests, &["route"], CHOSEN), "{{route}}"),
    ]
}

fn latencies(scope: &Scope<'_>, durations: &Metric) -> Vec<Panel> {
    let series = scope.series;
    let quantile = |q, by: &[&str]| series.quantile(q, durations, by, CHOSEN);
    let mut against = Panel::time_series(
        "p95 against its bounds",
        "The 95th percentile of all routes, and from where on it warns and pages in this environment.",
        unit::SECONDS,
    )
    .ask(Target::prometheus(series.quantile(0.95, durations, &[], ""), "p95").exemplars());
    let bounds = [
        ("warning", DOUBTFUL, bound(scope, |it| it.warning)),
        ("page", BAD, bound(scope, |it| it.page)),
    ];
    for (name, color, bound) in bounds {
        if let Some(bound) = bound {
            against = against.prometheus(bound, name).bound(name, color);
        }
    }
    vec![
        Panel::heatmap("Latency heat map", &durations.help, unit::of(durations))
            .ask(Target::prometheus(series.buckets(durations, CHOSEN), "{{le}}").heatmap()),
        Panel::time_series("Latency", &durations.help, unit::SECONDS)
            .ask(Target::prometheus(quantile(0.5, &[]), "p50"))
            .ask(Target::prometheus(quantile(0.95, &[]), "p95").exemplars())
            .ask(Target::prometheus(quantile(0.99, &[]), "p99").exemplars()),
        Panel::time_series("p95 by route", &durations.help, unit::SECONDS).ask(Target::prometheus(
            quantile(0.95, &["method", "route"]),
            "{{method}} {{route}}",
        )),
        against,
    ]
}

/// The bound of the environment that is chosen, as a series; nothing if no environment has one.
fn bound(scope: &Scope<'_>, of: impl Fn(&Threshold) -> Option<f64>) -> Option<String> {
    let info = scope.own("obs_build_info")?;
    let one = |environment: &Environment| {
        let value = of(&environment.latency)?;
        let name = super::super::promql::quoted(&environment.name);
        // Empty but in this environment: both matchers have to hold.
        let here = scope
            .series
            .select(&info.name, &format!("environment={name}"));
        Some(format!("max({here}) * {value}"))
    };
    let bounds: Vec<String> = scope.system.environments.iter().filter_map(one).collect();
    (!bounds.is_empty()).then(|| bounds.join(" or "))
}

fn routes(scope: &Scope<'_>, requests: &Metric, durations: &Metric) -> Panel {
    let by = ["method", "route"];
    let series = scope.series;
    let errors = format!("{CHOSEN},{SERVER_ERRORS}");
    let failed = format!(
        "{} or {} * 0",
        series.increase(requests, &by, &errors),
        series.increase(requests, &by, CHOSEN)
    );
    let slow = series
        .quantile(0.95, durations, &by, CHOSEN)
        .replace("$__rate_interval", "$__range");
    let ask = |expr: String| Target::prometheus(expr, "").table();
    Panel::table(
        "Routes",
        "Each route in this range: requests, those answered with 5xx, and the 95th percentile of \
         its latency.",
        unit::NUMBER,
        Some("Requests"),
    )
    .ask(ask(series.increase(requests, &by, CHOSEN)))
    .ask(ask(failed))
    .ask(ask(slow))
    .transformed(Transformation::Merge {})
    .transformed(Transformation::Keep {
        include: Columns {
            names: vec!["method", "route", "Value #A", "Value #B", "Value #C"],
        },
    })
    .transformed(Transformation::columns(&[
        ("method", "Method"),
        ("route", "Route"),
        ("Value #A", "Requests"),
        ("Value #B", "5xx"),
        ("Value #C", "p95"),
    ]))
    .unit_of("p95", unit::SECONDS)
}

fn endings(scope: &Scope<'_>) -> Vec<Panel> {
    let series = scope.series;
    let mut panels = Vec::new();
    if let Some(exceptions) = scope.own("http_exceptions_total") {
        let rate = series.rate(exceptions, &["exception_type"], "");
        panels.push(
            Panel::time_series("Error types", &exceptions.help, unit::REQUESTS)
                .stacked_bars()
                .nothing("none")
                .color("^panic$", BAD)
                .prometheus(format!("{rate} > 0"), "{{exception_type}}"),
        );
    }
    if let Some(in_flight) = scope.own("http_requests_in_flight") {
        panels.push(
            Panel::time_series("In flight", &in_flight.help, unit::NUMBER)
                .prometheus(series.sum(in_flight, &[], ""), "in flight"),
        );
    }
    if let Some(streams) = scope.own("http_streams_open") {
        panels.push(
            Panel::time_series("Streams", &streams.help, unit::NUMBER)
                .prometheus(series.sum(streams, &["kind"], ""), "{{kind}}"),
        );
    }
    if let Some(aborts) = scope.own("http_response_aborts_total") {
        let rate = series.rate(aborts, &["route", "phase"], "");
        panels.push(
            Panel::time_series("Responses that ended early", &aborts.help, unit::REQUESTS)
                .stacked_bars()
                .nothing("none")
                .prometheus(format!("{rate} > 0"), "{{route}} {{phase}}"),
        );
    }
    panels
}
