//! Pools of database connections and what was asked over them.

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::panels::{BAD, DOUBTFUL, GOOD, PLAIN};
use super::super::unit;
use super::Scope;

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels = connections(scope);
    panels.extend(operations(scope));
    Row::new("Databases", panels)
}

fn connections(scope: &Scope<'_>) -> Vec<Panel> {
    let series = scope.series;
    let mut panels = Vec::new();
    let connections = scope.own("db_client_connections");
    let max = scope.own("db_client_connections_max");
    if let (Some(connections), Some(max)) = (connections, max) {
        let most = series.sum(max, &["pool"], "");
        let active = series.sum(connections, &["pool"], "state=\"active\"");
        let by_state = series.sum(connections, &["pool", "state"], "");
        panels.extend([
            Panel::time_series("Connections", &connections.help, unit::NUMBER)
                .color("active", PLAIN)
                .color("waiting", BAD)
                .color("idle", GOOD)
                .color("most", DOUBTFUL)
                .prometheus(by_state, "{{pool}} {{state}}")
                .prometheus(most.clone(), "{{pool}} most"),
            Panel::time_series(
                "Pool in use",
                "The share of the connections that a pool may have that are active.",
                unit::SHARE,
            )
            .line_at(0.8)
            .prometheus(format!("{active} / {most}"), "{{pool}}"),
        ]);
    }
    if let Some(wait) = scope.own("db_client_connection_wait_seconds") {
        let by_pool = series.quantile(0.95, wait, &["pool"], "");
        panels.push(
            Panel::time_series("Wait for a connection (p95)", &wait.help, unit::SECONDS)
                .ask(Target::prometheus(by_pool, "{{pool}}").exemplars()),
        );
    }
    panels
}

fn operations(scope: &Scope<'_>) -> Vec<Panel> {
    let series = scope.series;
    let mut panels = Vec::new();
    if let Some(operations) = scope.own("db_client_operations_total") {
        let by = ["pool", "operation"];
        let failed = series.rate(
            operations,
            &["pool", "operation", "outcome"],
            "outcome!=\"ok\"",
        );
        panels.extend([
            Panel::time_series("Database operations", &operations.help, unit::PER_SECOND)
                .prometheus(series.rate(operations, &by, ""), "{{pool}} {{operation}}"),
            Panel::time_series(
                "Database operations not ok",
                "Operations that failed, or whose caller stopped waiting. Empty while there are none.",
                unit::PER_SECOND,
            )
            .stacked_bars()
            .nothing("none")
            .prometheus(format!("{failed} > 0"), "{{pool}} {{operation}} {{outcome}}"),
        ]);
    }
    if let Some(durations) = scope.own("db_client_operation_duration_seconds") {
        let by = ["pool", "operation"];
        panels.push(
            Panel::time_series("Database latency (p95)", &durations.help, unit::SECONDS).ask(
                Target::prometheus(
                    series.quantile(0.95, durations, &by, ""),
                    "{{pool}} {{operation}}",
                )
                .exemplars(),
            ),
        );
    }
    panels
}
