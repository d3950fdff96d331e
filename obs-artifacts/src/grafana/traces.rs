//! The traces dashboard of a system. Lists ask Tempo's search; charts ask `TraceQL` metrics.

use super::layout::{Row, place};
use super::logql::Lines;
use super::model::{Dashboard, Panel, Target};
use super::panels::{BAD, DOUBTFUL};
use super::promql::quoted;
use super::{links, unit, variables};
use crate::system::System;

/// What a trace is slow from where the system has no bound.
const SLOW: f64 = 1.0;

/// The fields of a line that a person looks at first.
const FIELDS: &[&str] = &[
    "service_name",
    "level",
    "message",
    "route",
    "status",
    "trace_id",
];

/// Makes the dashboard.
pub(super) fn dashboard(system: &System) -> Dashboard {
    let name = &system.name;
    let mut dashboard = Dashboard::new(
        links::uid(name, "traces"),
        format!("{name}: traces"),
        format!(
            "What the services of {name} export as spans. {}",
            system.notice()
        ),
    );
    dashboard.tags = links::tags(system, false);
    dashboard.links = vec![links::metrics(system), links::logs(system, None)];
    let mut chosen = vec![variables::environment(system, None)];
    chosen.extend(variables::service(system));
    chosen.push(variables::correlation_id());
    dashboard.templating.list = chosen;
    let spans = Spans::chosen(system);
    dashboard.panels = place(vec![
        lists(&spans, slow(system)),
        endpoints(&spans),
        latency(&spans),
        lines(system),
    ]);
    dashboard
}

/// Selects spans of the services and the environment that are chosen.
struct Spans {
    resource: String,
}

impl Spans {
    fn chosen(system: &System) -> Self {
        let service = match system.services.as_slice() {
            [only] => format!("={}", quoted(only.name())),
            _ => "=~\"$service\"".to_owned(),
        };
        let environment = "resource.deployment.environment.name=\"$environment\"";
        Self {
            resource: format!("resource.service.name{service} && {environment}"),
        }
    }

    fn select(&self, condition: &str) -> String {
        format!("{{{} && {condition}}}", self.resource)
    }

    /// Spans with a correlation id, which requests, tool calls and jobs have: that of the box, which
    /// is empty for all.
    fn correlated(&self, condition: &str) -> String {
        let id = "span.correlation_id=~\".*$correlation_id.*\"";
        let and = if condition.is_empty() { "" } else { " && " };
        self.select(&format!("{id}{and}{condition}"))
    }
}

/// The latency from which on the strictest environment pages.
fn slow(system: &System) -> f64 {
    let bounds = system.environments.first().map(|it| it.latency);
    let strictest = bounds.and_then(|bounds| bounds.page.or(bounds.warning));
    strictest.unwrap_or(SLOW)
}

fn lists(spans: &Spans, slow: f64) -> Row {
    let list = |title: &str, description: &str, query: String| {
        Panel::table(title, description, unit::TEXT, None)
            .nothing("none")
            .ask(Target::traces(query))
    };
    let is_slow = format!("duration > {}ms", slow * 1000.0);
    let panels = [
        list(
            "Traces",
            "The newest traces with a request, a tool call or a job; of the correlation id of the \
             box above if there is one.",
            spans.correlated(""),
        )
        .wide(24),
        list(
            "Failed traces",
            "Traces in which a request, a tool call or a job failed.",
            spans.correlated("status=error"),
        ),
        list(
            "Slow traces",
            "Traces with a request, a tool call or a job that took longer than is allowed in the \
             strictest environment.",
            spans.correlated(&is_slow),
        ),
    ];
    Row::new("Traces", panels)
}

fn endpoints(spans: &Spans) -> Row {
    let served = spans.select("kind=server");
    let failed = spans.select("kind=server && status=error");
    let panels = [
        Panel::time_series(
            "Top endpoints",
            "Requests by route, of the traces that were kept.",
            unit::REQUESTS,
        )
        .wide(12)
        .ask(Target::spans(format!(
            "{served} | rate() by (resource.service.name, span.http.route)"
        ))),
        Panel::time_series(
            "Failed by endpoint",
            "Requests that failed, by route. All traces with an error are kept.",
            unit::REQUESTS,
        )
        .stacked_bars()
        .nothing("none")
        .wide(12)
        .ask(Target::spans(format!(
            "{failed} | rate() by (resource.service.name, span.http.route)"
        ))),
    ];
    Row::new("Endpoints", panels)
}

fn latency(spans: &Spans) -> Row {
    let served = spans.select("kind=server");
    let all = spans.select("duration > 0ms");
    let panels = [
        Panel::time_series(
            "Latency of requests",
            "The median and the 95th and 99th percentile of the spans of requests.",
            unit::SECONDS,
        )
        .color("0.95", DOUBTFUL)
        .color("0.99", BAD)
        .ask(Target::spans(format!(
            "{served} | quantile_over_time(duration, 0.5, 0.95, 0.99)"
        ))),
        Panel::time_series(
            "Span latency (p95)",
            "The 95th percentile of the spans of each name: requests, queries, jobs, functions.",
            unit::SECONDS,
        )
        .ask(Target::spans(format!(
            "{all} | quantile_over_time(duration, 0.95) by (name)"
        ))),
        Panel::heatmap(
            "Latency heat map",
            "How many requests took how long, of the traces that were kept.",
            unit::SECONDS,
        )
        .wide(8)
        .ask(Target::spans(format!(
            "{served} | histogram_over_time(duration)"
        ))),
    ];
    Row::new("Latency", panels)
}

fn lines(system: &System) -> Row {
    let query = format!("{} | json", Lines::chosen(system).select());
    let description = "The newest lines, of the correlation id of the box above if there is one; a \
                       line leads to its trace.";
    Row::new(
        "Log lines",
        [
            Panel::logs("Lines of the correlation id", description, FIELDS)
                .ask(Target::loki(query, "").lines(200)),
        ],
    )
}
