//! Whether it is well: the numbers that one looks at first.

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::unit;
use super::super::{links, logql};
use super::objectives::fastest_burn;
use super::telemetry::all_lost;
use super::{Scope, http};

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels = http_numbers(scope);
    panels.extend(tool_numbers(scope));
    panels.extend(fastest_burn(scope));
    panels.extend(checks(scope));
    panels.push(affected_users(scope));
    panels.extend(telemetry(scope));
    panels.extend(version(scope));
    Row::new("Overview", panels)
}

fn http_numbers(scope: &Scope<'_>) -> Vec<Panel> {
    let mut panels = Vec::new();
    let strictest = scope.system.environments.first();
    if let Some(requests) = scope.own("http_requests_total") {
        let rate = scope.series.rate(requests, &[], "");
        panels.push(
            Panel::stat("Request rate", &requests.help, unit::REQUESTS)
                .prometheus(rate, "requests"),
        );
        let share = scope.series.share(requests, &[], http::SERVER_ERRORS);
        let bounds = strictest.map(|environment| environment.errors);
        panels.push(
            Panel::stat(
                "Error rate",
                "The share of requests that were answered with 5xx.",
                unit::SHARE,
            )
            .doubtful_from(
                bounds.and_then(|it| it.warning),
                bounds.and_then(|it| it.page),
            )
            .prometheus(share, "5xx"),
        );
    }
    if let Some(durations) = scope.own("http_request_duration_seconds") {
        let bounds = strictest.map(|environment| environment.latency);
        panels.push(
            Panel::stat("p95 latency", &durations.help, unit::SECONDS)
                .doubtful_from(
                    bounds.and_then(|it| it.warning),
                    bounds.and_then(|it| it.page),
                )
                .ask(
                    Target::prometheus(scope.series.quantile(0.95, durations, &[], ""), "p95")
                        .exemplars(),
                ),
        );
    }
    if let Some(in_flight) = scope.own("http_requests_in_flight") {
        let bounds = strictest.map(|environment| environment.in_flight);
        panels.push(
            Panel::stat("Requests in flight", &in_flight.help, unit::NUMBER)
                .doubtful_from(
                    bounds.and_then(|it| it.warning),
                    bounds.and_then(|it| it.page),
                )
                .prometheus(scope.series.sum(in_flight, &[], ""), "in flight"),
        );
    }
    panels
}

fn tool_numbers(scope: &Scope<'_>) -> Option<Panel> {
    let calls = scope.own("mcp_tool_calls_total")?;
    let share = scope.series.share(calls, &[], "outcome!=\"ok\"");
    let description =
        "The share of MCP tool calls that did not end well; HTTP answers them with 200.";
    Some(
        Panel::stat("Tool calls not ok", description, unit::SHARE)
            .doubtful_from(Some(0.05), Some(0.25))
            .prometheus(share, "not ok"),
    )
}

fn checks(scope: &Scope<'_>) -> Option<Panel> {
    let up = scope.own("obs_check_up")?;
    let selected = scope.series.select(&up.name, "");
    Some(
        Panel::stat(
            "Dependencies down",
            "How many checked dependencies are down.",
            unit::NUMBER,
        )
        .doubtful_from(None, Some(1.0))
        .nothing("none checked")
        .prometheus(format!("count({selected}) - sum({selected})"), "down"),
    )
}

fn affected_users(scope: &Scope<'_>) -> Panel {
    let description = "Users whose request, job or tool call failed in this range: the different \
                       `user_id` of such log lines. The services bind the id.";
    Panel::stat("Affected users", description, unit::NUMBER)
        .doubtful_from(Some(1.0), None)
        .nothing("0")
        .link("Log lines", links::to_logs(scope.system, scope.service))
        .ask(Target::loki(logql::affected_users(&scope.lines), "users").instant())
}

fn telemetry(scope: &Scope<'_>) -> Option<Panel> {
    let description = "Telemetry that was dropped, capped or rejected in this range, of any kind.";
    let lost = all_lost(scope)?;
    Some(
        Panel::stat("Dropped telemetry", description, unit::NUMBER)
            .doubtful_from(Some(1.0), None)
            .prometheus(lost, "lost"),
    )
}

fn version(scope: &Scope<'_>) -> Option<Panel> {
    let info = scope.own("obs_build_info")?;
    let by_version = scope.series.sum(info, &["version"], "");
    Some(
        Panel::name("Version", &info.help)
            .ask(Target::prometheus(by_version, "{{version}}").instant()),
    )
}
