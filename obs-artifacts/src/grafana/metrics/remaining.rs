//! Every family that no other row shows, each as its kind is read best. A metric that is added to a
//! `metrics!` block has its panel here, without another line.

use std::collections::BTreeSet;

use super::super::layout::Row;
use super::super::model::{Panel, Target};
use super::super::{promql, unit};
use super::Scope;
use crate::catalogue::{Kind, Metric, Origin};

pub(super) fn row<'a>(scope: &Scope<'a>, panels: impl Iterator<Item = &'a Panel>) -> Row {
    let queries = panels
        .filter(|panel| panel.asks_prometheus())
        .flat_map(|panel| &panel.targets);
    let shown: BTreeSet<&str> = queries.flat_map(|it| promql::names(it.text())).collect();
    let (declared, own): (Vec<&Metric>, Vec<&Metric>) = scope
        .catalogue
        .metrics
        .iter()
        .filter(|metric| !is_shown(metric, &shown))
        .partition(|metric| metric.origin == Origin::Declared);
    let all = declared.into_iter().chain(own);
    Row::new(
        "Declared metrics",
        all.flat_map(|metric| panels_of(scope, metric))
            .collect::<Vec<_>>(),
    )
}

fn is_shown(metric: &Metric, shown: &BTreeSet<&str>) -> bool {
    let bucket = format!("{}_bucket", metric.name);
    shown.contains(&*metric.name) || shown.contains(&*bucket)
}

fn panels_of(scope: &Scope<'_>, metric: &Metric) -> Vec<Panel> {
    match metric.kind {
        Kind::Counter => vec![counter(scope, metric)],
        Kind::Histogram => histogram(scope, metric),
        Kind::Info => vec![info(scope, metric)],
        Kind::Gauge | Kind::Unknown | Kind::Summary => vec![value(scope, metric)],
    }
}

fn counter(scope: &Scope<'_>, metric: &Metric) -> Panel {
    let labels: Vec<&str> = labels(metric).collect();
    Panel::time_series(&metric.name, &metric.help, unit::of_rate(metric)).prometheus(
        scope.series.rate(metric, &labels, ""),
        &legend(metric, &labels),
    )
}

/// Of each instance: what adding up would mean, only its author knows.
fn value(scope: &Scope<'_>, metric: &Metric) -> Panel {
    let mut shown: Vec<&str> = labels(metric).collect();
    if metric.kind == Kind::Summary {
        shown.push("quantile");
    }
    shown.push("instance");
    Panel::time_series(&metric.name, &metric.help, unit::of(metric))
        .unbounded()
        .prometheus(
            scope.series.select(&metric.name, ""),
            &legend(metric, &shown),
        )
}

fn histogram(scope: &Scope<'_>, metric: &Metric) -> Vec<Panel> {
    let series = scope.series;
    let labels: Vec<&str> = labels(metric).collect();
    let quantile = |q| series.quantile(q, metric, &[], "");
    let mut quantiles = Panel::time_series(&metric.name, &metric.help, unit::of(metric))
        .ask(Target::prometheus(quantile(0.5), "p50"))
        .ask(Target::prometheus(quantile(0.95), "p95").exemplars())
        .ask(Target::prometheus(quantile(0.99), "p99").exemplars());
    if !labels.is_empty() {
        let by_labels = series.quantile(0.95, metric, &labels, "");
        quantiles = quantiles.prometheus(by_labels, &format!("p95 {}", legend(metric, &labels)));
    }
    if let [objective] = metric.objectives.as_slice() {
        quantiles = quantiles.line_at(objective.at);
    }
    let title = format!("{}: heat map", metric.name);
    let buckets = Panel::heatmap(&title, &metric.help, unit::of(metric))
        .ask(Target::prometheus(series.buckets(metric, ""), "{{le}}").heatmap());
    vec![quantiles.wide(12), buckets]
}

fn info(scope: &Scope<'_>, metric: &Metric) -> Panel {
    let mut labels: Vec<&str> = labels(metric).collect();
    labels.push("instance");
    let by_labels = format!(
        "max by ({}) ({})",
        labels.join(", "),
        scope.series.select(&metric.name, "")
    );
    Panel::table(&metric.name, &metric.help, unit::NUMBER, None)
        .ask(Target::prometheus(by_labels, "").table())
        .wide(8)
}

fn labels(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.labels.iter().map(|label| &*label.name)
}

fn legend(metric: &Metric, labels: &[&str]) -> String {
    if labels.is_empty() {
        return metric.name.clone();
    }
    let values: Vec<String> = labels
        .iter()
        .map(|label| format!("{{{{{label}}}}}"))
        .collect();
    values.join(" ")
}
