//! Everything but lines and spans: the numbers that the page shows, as one JSON object.

use std::collections::HashMap;
use std::time::Duration;

use obs::catalog::{Family, Report, Sample, Value as Number};
use obs::{CheckState, Kind, Obs};
use serde_json::{Map, Value, json};

use super::quantile::quantile;
use super::rows::{self, Curve, OPERATIONS, TOOLS, Table, levels};
use super::samples::{Samples, Span, numbers};

/// Series of one metric that are shown; the liveliest come first.
const MAX_SERIES: usize = 12;

/// Metrics that are shown.
const MAX_METRICS: usize = 200;

/// Returns what there is to say about a time, or about the whole life of the process.
pub(crate) fn overview(
    samples: &Samples,
    obs: &Obs,
    checks: &[CheckState],
    range: Option<Duration>,
) -> Value {
    let span = samples.grown(range);
    let shape = Curve::of(range, samples.known());
    let tables = [rows::routes(obs.metric_prefix()), TOOLS, OPERATIONS];
    let [routes, tools, operations] = tables
        .each_ref()
        .map(|table| rows::table(samples, &span, shape, table));
    let mut all = json!({ "routes": routes, "tools": tools, "operations": operations });
    all["service"] = json!({
        "name": obs.service().name(),
        "version": obs.service().version(),
        "environment": obs.environment().name(),
        "uptime": samples.at().as_secs_f64(),
    });
    all["range"] = json!({
        "seconds": span.length.as_secs_f64(),
        "window": shape.window.as_secs(),
    });
    all["checks"] = checks.iter().map(check).collect();
    all["dropped"] = dropped(samples.families());
    all["budget"] = budget(&obs.report());
    all["metrics"] = metrics(samples, &span, shape, &tables);
    all
}

fn check(state: &CheckState) -> Value {
    json!({
        "name": &*state.name,
        "up": state.up,
        "ms": state.took.as_secs_f64() * 1000.0,
    })
}

/// Whether a family counts what telemetry has lost.
fn is_loss(family: &Family) -> bool {
    let words = [
        "dropped", "rejected", "capped", "refused", "failed", "errors",
    ];
    family.kind == Kind::Counter
        && family.name.starts_with("obs_")
        && words.iter().any(|word| family.name.contains(word))
}

fn dropped(families: &[Family]) -> Value {
    let losses = families.iter().filter(|family| is_loss(family));
    let samples = losses.flat_map(|family| family.samples.iter().map(move |it| (family, it)));
    // Sentry's family has the reasons of all ends in one label.
    let events = families
        .iter()
        .find(|it| it.name == "obs_sentry_events_total");
    let events = events.into_iter().flat_map(|family| {
        let is_lost = |sample: &&Sample| {
            let lost = |value: &str| value.contains("dropped") || value.contains("failed");
            sample.labels.iter().any(|(_, value)| lost(value))
        };
        family
            .samples
            .iter()
            .filter(is_lost)
            .map(move |it| (family, it))
    });
    samples
        .chain(events)
        .filter_map(|(family, sample)| {
            let count = *numbers(&sample.value).first()?;
            Some(json!({ "name": &*family.name, "labels": labels(sample), "count": count }))
        })
        .collect()
}

fn budget(report: &Report) -> Value {
    let registries: Vec<Value> = report
        .registries
        .iter()
        .map(|row| json!({ "name": row.registry, "series": row.series, "budget": row.budget }))
        .collect();
    let families = report.rows.iter().filter(|row| row.budget.is_some());
    let families: Vec<Value> = families
        .map(|row| {
            json!({
                "name": &*row.family,
                "series": row.series,
                "combinations": row.combinations,
                "most": row.max_combinations,
                "budget": row.budget,
            })
        })
        .collect();
    json!({
        "series": report.series(),
        "combinations": report.combinations(),
        "most": report.max_combinations(),
        "registries": registries,
        "families": families,
    })
}

/// Whether a family is shown elsewhere on the page, or is about `obs` itself.
fn is_elsewhere(family: &Family, tables: &[Table]) -> bool {
    family.name.starts_with("obs_") || tables.iter().any(|table| table.has(&family.name))
}

/// Whether the service itself declares a family. What it observes has places too, and names of `obs`'.
fn is_declared(family: &Family) -> bool {
    let of_obs = ["operation_errors_total", "mcp_tool_errors_total"];
    !family.places.is_empty() && !of_obs.contains(&&*family.name)
}

/// Returns every other family: what the service declares first, then what its libraries count.
fn metrics(samples: &Samples, span: &Span, shape: Curve, tables: &[Table]) -> Value {
    let mut families: Vec<&Family> = samples
        .families()
        .iter()
        .filter(|family| !is_elsewhere(family, tables))
        .collect();
    families.sort_by_key(|family| !is_declared(family));
    let hidden = families.len().saturating_sub(MAX_METRICS);
    families.truncate(MAX_METRICS);
    let chosen: Vec<Vec<Series<'_>>> = families
        .iter()
        .map(|family| liveliest(samples, span, family))
        .collect();
    let mut curves = curves(samples, shape, &chosen).into_iter();
    let lengths = samples.lengths(shape.window, shape.bins);
    let shown: Vec<Value> = families
        .iter()
        .zip(chosen)
        .map(|(family, series)| {
            let hidden = family.samples.len() - series.len();
            // In the order in which they were drawn.
            let series = series.into_iter().zip(&mut curves);
            let series: Vec<Value> = series
                .map(|(series, curve)| one(span, family, &series, &curve, &lengths))
                .collect();
            metric(family, &series, hidden)
        })
        .collect();
    json!({ "families": shown, "hidden": hidden })
}

/// A series that is shown.
struct Series<'f> {
    sample: &'f Sample,
    /// Where its numbers are, if it is followed.
    first: Option<usize>,
}

impl Series<'_> {
    /// Returns how many of its numbers make its curve.
    fn drawn(&self) -> usize {
        match &self.sample.value {
            Number::Histogram(histogram) => histogram.counts.len(),
            Number::Info => 0,
            _ => 1,
        }
    }
}

/// Returns the series of a family that are shown.
fn liveliest<'f>(samples: &Samples, span: &Span, family: &'f Family) -> Vec<Series<'f>> {
    let mut series: Vec<(f64, Series<'_>)> = family
        .samples
        .iter()
        .map(|sample| {
            let first = samples.first(family, sample);
            (liveliness(span, first, sample), Series { sample, first })
        })
        .collect();
    // Stable: the order of declaration where nothing happens.
    series.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    series.truncate(MAX_SERIES);
    series.into_iter().map(|(_, series)| series).collect()
}

fn liveliness(span: &Span, first: Option<usize>, sample: &Sample) -> f64 {
    let grown = first.map_or(0.0, |first| {
        let cells = numbers(&sample.value).len();
        let cells = span.grown.get(first..first + cells).unwrap_or_default();
        cells.iter().map(|grown| grown.abs()).sum()
    });
    if grown.is_finite() { grown } else { 0.0 }
}

/// Draws all series in one walk through the past, which may be long.
fn curves(samples: &Samples, shape: Curve, chosen: &[Vec<Series<'_>>]) -> Vec<Vec<f64>> {
    let mut curve_of = HashMap::new();
    let mut count = 0;
    for series in chosen.iter().flatten() {
        if let Some(first) = series.first {
            curve_of.extend((first..first + series.drawn()).map(|cell| (cell, count)));
        }
        count += 1;
    }
    samples.bins(shape.window, shape.bins, count, |cell| {
        curve_of.get(&cell).copied()
    })
}

fn metric(family: &Family, series: &[Value], hidden: usize) -> Value {
    json!({
        "name": &*family.name,
        "kind": format!("{:?}", family.kind).to_lowercase(),
        "unit": family.unit,
        "help": &*family.help,
        "declared": is_declared(family),
        "hidden": hidden,
        "series": series,
    })
}

fn one(span: &Span, family: &Family, series: &Series<'_>, curve: &[f64], lengths: &[f64]) -> Value {
    let Series { sample, first } = *series;
    let per_second = || -> Vec<f64> {
        let points = curve.iter().zip(lengths);
        points.map(|(grown, length)| grown / length).collect()
    };
    let grown = |cells: usize| {
        first
            .and_then(|first| span.grown.get(first..first + cells))
            .unwrap_or_default()
    };
    let seconds = span.length.as_secs_f64().max(1.0);
    let mut json = match &sample.value {
        Number::Histogram(histogram) => {
            let cells = histogram.counts.len();
            let counts = grown(cells);
            let observed: f64 = counts.iter().sum();
            let at = |share| quantile(share, &histogram.bounds, counts);
            json!({
                "count": observed,
                "rate": observed / seconds,
                "p50": at(0.5), "p95": at(0.95), "p99": at(0.99),
                "points": per_second(),
            })
        }
        Number::Summary(summary) => {
            let quantiles: Vec<_> = summary
                .quantiles
                .iter()
                .map(|(q, v)| json!([q, v]))
                .collect();
            json!({ "count": summary.count, "quantiles": quantiles, "points": per_second() })
        }
        Number::Info => json!({ "value": 1 }),
        value => {
            let now = numbers(value).first().copied().unwrap_or_default();
            if family.kind == Kind::Counter {
                let count = grown(1).first().copied().unwrap_or_default();
                json!({
                    "count": count,
                    "total": now,
                    "rate": count / seconds,
                    "points": per_second(),
                })
            } else {
                json!({ "value": now, "points": levels(now, curve) })
            }
        }
    };
    json["labels"] = labels(sample);
    json
}

fn labels(sample: &Sample) -> Value {
    let labels = sample.labels.iter();
    let labels: Map<String, Value> = labels
        .map(|(name, value)| (name.to_string(), json!(&**value)))
        .collect();
    Value::Object(labels)
}
