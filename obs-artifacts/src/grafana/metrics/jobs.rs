//! Jobs and queues, which a service declares itself. They are known by their names: a gauge
//! `jobs` or `X_jobs` with a label `status`, and a gauge `X_queue_depth` with the counters
//! `X_queue_enqueued_total` and `X_queue_drained_total`.

use super::super::layout::Row;
use super::super::model::Panel;
use super::super::panels::{BAD, DOUBTFUL, GOOD, PLAIN};
use super::super::unit;
use super::Scope;
use crate::catalogue::{Kind, Metric};

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let gauges = scope.catalogue.declared();
    let panels = gauges
        .filter(|metric| metric.kind == Kind::Gauge)
        .flat_map(|gauge| jobs(scope, gauge).into_iter().chain(queue(scope, gauge)));
    Row::new("Jobs and queues", panels.collect::<Vec<_>>())
}

fn jobs(scope: &Scope<'_>, gauge: &Metric) -> Option<Panel> {
    let is_jobs = gauge.name == "jobs" || gauge.name.ends_with("_jobs");
    gauge.label("status").filter(|_| is_jobs)?;
    let title = format!("{} by status", gauge.name);
    Some(
        Panel::time_series(&title, &gauge.help, unit::NUMBER)
            .color("fail|error", BAD)
            .color("cancel", DOUBTFUL)
            .color("complete|done|ok", GOOD)
            .color("run", PLAIN)
            .prometheus(scope.series.sum(gauge, &["status"], ""), "{{status}}"),
    )
}

fn queue(scope: &Scope<'_>, depth: &Metric) -> Vec<Panel> {
    let Some(queue) = depth.name.strip_suffix("_depth") else {
        return Vec::new();
    };
    let counter = |what: &str| {
        let metric = scope.catalogue.metric(&format!("{queue}_{what}_total"));
        metric.filter(|metric| metric.kind == Kind::Counter)
    };
    let series = scope.series;
    let mut panels = vec![
        Panel::time_series(&depth.name, &depth.help, unit::NUMBER)
            .prometheus(series.sum(depth, &[], ""), "depth"),
    ];
    if let (Some(enqueued), Some(drained)) = (counter("enqueued"), counter("drained")) {
        let title = format!("{queue}: in and out");
        let help = format!("{} {}", enqueued.help, drained.help);
        panels.push(
            Panel::time_series(&title, &help, unit::PER_SECOND)
                .prometheus(series.rate(enqueued, &[], ""), "in")
                .prometheus(series.rate(drained, &[], ""), "out"),
        );
    }
    panels
}
