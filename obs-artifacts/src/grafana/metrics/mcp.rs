//! MCP tools: HTTP answers their failures with 200, so they have panels of their own.

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::panels::{BAD, DOUBTFUL, GOOD};
use super::super::unit;
use super::Scope;

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels = calls(scope);
    panels.extend(durations(scope));
    panels.extend(errors(scope));
    panels.extend(in_flight(scope));
    panels.extend(sessions(scope));
    Row::new("MCP tools", panels)
}

fn calls(scope: &Scope<'_>) -> Vec<Panel> {
    let Some(calls) = scope.own("mcp_tool_calls_total") else {
        return Vec::new();
    };
    let series = scope.series;
    vec![
        Panel::time_series("Tool calls", &calls.help, unit::PER_SECOND)
            .prometheus(series.rate(calls, &["tool"], ""), "{{tool}}"),
        Panel::time_series("Tool calls by outcome", &calls.help, unit::PER_SECOND)
            .stacked()
            .color("^ok$", GOOD)
            .color("^(error|panic)$", BAD)
            .color(
                "^(tool_error|client_error|invalid_arguments|cancelled)$",
                DOUBTFUL,
            )
            .prometheus(series.rate(calls, &["outcome"], ""), "{{outcome}}"),
        Panel::time_series(
            "Tool calls not ok",
            "The share of calls of each tool that did not end well, whoever's fault it was.",
            unit::SHARE,
        )
        .prometheus(
            series.share(calls, &["tool"], "outcome!=\"ok\""),
            "{{tool}}",
        ),
    ]
}

fn durations(scope: &Scope<'_>) -> Vec<Panel> {
    let Some(durations) = scope.own("mcp_tool_call_duration_seconds") else {
        return Vec::new();
    };
    let series = scope.series;
    let by_tool = series.quantile(0.95, durations, &["tool"], "");
    vec![
        Panel::time_series("Tool latency (p95)", &durations.help, unit::SECONDS)
            .ask(Target::prometheus(by_tool, "{{tool}}").exemplars()),
        Panel::heatmap(
            "Tool latency heat map",
            &durations.help,
            unit::of(durations),
        )
        .ask(Target::prometheus(series.buckets(durations, ""), "{{le}}").heatmap()),
    ]
}

fn errors(scope: &Scope<'_>) -> Option<Panel> {
    let errors = scope.own("mcp_tool_errors_total")?;
    let rate = scope.series.rate(errors, &["tool", "error"], "");
    Some(
        Panel::time_series("Tool errors", &errors.help, unit::PER_SECOND)
            .stacked_bars()
            .nothing("none")
            .prometheus(format!("{rate} > 0"), "{{tool}} {{error}}"),
    )
}

fn in_flight(scope: &Scope<'_>) -> Option<Panel> {
    let in_flight = scope.own("mcp_tool_calls_in_flight")?;
    let by_tool = scope.series.sum(in_flight, &["tool"], "");
    Some(
        Panel::time_series("Tool calls in flight", &in_flight.help, unit::NUMBER)
            .prometheus(by_tool, "{{tool}}"),
    )
}

fn sessions(scope: &Scope<'_>) -> Option<Panel> {
    let sessions = scope.own("mcp_sessions_active")?;
    Some(
        Panel::time_series("Sessions", &sessions.help, unit::NUMBER)
            .prometheus(scope.series.sum(sessions, &[], ""), "sessions"),
    )
}
