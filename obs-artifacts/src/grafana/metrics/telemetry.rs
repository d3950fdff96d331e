//! Telemetry about telemetry: what was sent, what waits, what was lost.

use super::super::layout::Row;
use super::super::model::{Columns, Panel, Target, Transformation};
use super::super::panels::{BAD, DOUBTFUL, GOOD};
use super::super::unit;
use super::Scope;
use crate::catalogue::{Kind, Metric, Origin};

/// The words in the names of families that count what did not get through.
const LOST: [&str; 3] = ["dropped", "capped", "rejected"];

pub(super) fn row(scope: &Scope<'_>) -> Row {
    let mut panels: Vec<Panel> = dropped(scope).into_iter().collect();
    panels.extend(reasons(scope));
    panels.extend(spans(scope));
    panels.extend(events(scope));
    panels.extend(lines(scope));
    panels.extend(log_errors(scope));
    Row::new("Telemetry", panels)
}

/// The families that count what did not get through.
fn lost_families<'a>(scope: &Scope<'a>) -> impl Iterator<Item = &'a Metric> {
    let all = scope.catalogue.metrics.iter();
    all.filter(|metric| metric.origin == Origin::Obs && metric.kind == Kind::Counter)
        .filter(|metric| metric.name.starts_with("obs_"))
        .filter(|metric| LOST.iter().any(|word| metric.name.contains(word)))
}

/// How much was lost in the range that is shown. A family is not there while what it counts is off.
pub(super) fn all_lost(scope: &Scope<'_>) -> Option<String> {
    let losses = lost_families(scope).map(|family| {
        let lost = scope.series.increase(family, &[], "");
        format!("({lost} or vector(0))")
    });
    let losses: Vec<String> = losses.collect();
    (!losses.is_empty()).then(|| losses.join(" + "))
}

fn dropped(scope: &Scope<'_>) -> Option<Panel> {
    let description = "What was dropped, capped or rejected, by family: zero in good times.";
    let panel = Panel::time_series("Dropped, capped, rejected", description, unit::PER_SECOND);
    let panel = lost_families(scope).fold(panel, |panel, family| {
        panel.prometheus(scope.series.rate(family, &[], ""), &family.name)
    });
    (!panel.targets.is_empty()).then_some(panel)
}

/// A table of all reasons; families without a label have one.
fn reasons(scope: &Scope<'_>) -> Option<Panel> {
    let description = "What was lost in this range, by reason. Empty in good times.";
    let one = |family: &Metric| {
        let labels: Vec<&str> = family.labels.iter().map(|label| &*label.name).collect();
        let lost = scope.series.increase(family, &labels, "");
        let name = &family.name;
        format!("label_replace({lost} > 0, \"family\", \"{name}\", \"\", \"\")")
    };
    let all: Vec<String> = lost_families(scope).map(one).collect();
    let panel = Panel::table("Lost by reason", description, unit::NUMBER, Some("Lost"))
        .nothing("nothing")
        .ask(Target::prometheus(all.join(" or "), "").table())
        .transformed(Transformation::Keep {
            include: Columns {
                names: vec!["family", "reason", "Value"],
            },
        })
        .transformed(Transformation::columns(&[
            ("family", "Family"),
            ("reason", "Reason"),
            ("Value", "Lost"),
        ]));
    (!all.is_empty()).then_some(panel)
}

fn spans(scope: &Scope<'_>) -> Option<Panel> {
    let exported = scope.own("obs_spans_exported_total")?;
    let dropped = scope.own("obs_spans_dropped_total")?;
    let waiting = scope.own("obs_spans_waiting")?;
    let series = scope.series;
    Some(
        Panel::time_series("Spans", &exported.help, unit::PER_SECOND)
            .nothing("no spans are exported")
            .color("^exported$", GOOD)
            .color("^dropped$", BAD)
            .prometheus(series.rate(exported, &[], ""), "exported")
            .prometheus(series.rate(dropped, &[], ""), "dropped")
            .prometheus(series.sum(waiting, &[], ""), "waiting")
            .unit_of("waiting", unit::NUMBER),
    )
}

fn events(scope: &Scope<'_>) -> Option<Panel> {
    let events = scope.own("obs_sentry_events_total")?;
    let rate = scope.series.rate(events, &["kind", "outcome"], "");
    Some(
        Panel::time_series("Sentry events", &events.help, unit::PER_SECOND)
            .nothing("Sentry is off")
            .color("sent$", GOOD)
            .color("queue_full|failed|rate_limited", DOUBTFUL)
            .prometheus(rate, "{{kind}} {{outcome}}"),
    )
}

fn lines(scope: &Scope<'_>) -> Option<Panel> {
    let lines = scope.own("obs_log_lines_total")?;
    let rate = scope.series.rate(lines, &["level"], "");
    Some(
        Panel::time_series("Lines logged", &lines.help, unit::PER_SECOND)
            .color("^error$", BAD)
            .color("^warn$", DOUBTFUL)
            .prometheus(rate, "{{level}}"),
    )
}

fn log_errors(scope: &Scope<'_>) -> Option<Panel> {
    let errors = scope.own("obs_log_errors_total")?;
    let rate = scope.series.rate(errors, &["kind"], "");
    Some(
        Panel::time_series("Log errors", &errors.help, unit::PER_SECOND)
            .prometheus(rate, "{{kind}}"),
    )
}
