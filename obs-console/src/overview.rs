//! Everything but lines and spans: the numbers that the page shows, as one JSON object.

use std::time::Duration;

use obs::catalog::{Family, Report, Sample, Value as Number};
use obs::{CheckState, Kind, Obs};
use serde_json::{Map, Value, json};

use super::quantile::quantile;
use super::rows::{self, Curve, OPERATIONS, ROUTES, TOOLS, levels};
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
    let mut all = json!({
        "routes": rows::table(samples, &span, shape, &ROUTES),
        "tools": rows::table(samples, &span, shape, &TOOLS),
        "operations": rows::table(samples, &span, shape, &OPERATIONS),
    });
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
    all["metrics"] = metrics(samples, &span, shape);
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
fn is_elsewhere(family: &Family) -> bool {
    family.name.starts_with("obs_")
        || [ROUTES, TOOLS, OPERATIONS]
            .iter()
            .any(|table| table.has(&family.name))
}

/// Whether the service itself declares a family. What it observes has places too, and names of `obs`'.
fn is_declared(family: &Family) -> bool {
    let of_obs = ["operation_errors_total", "mcp_tool_errors_total"];
    !family.places.is_empty() && !of_obs.contains(&&*family.name)
}

/// Returns every other family: what the service declares first, then what its libraries count.
fn metrics(samples: &Samples, span: &Span, shape: Curve) -> Value {
    let mut families: Vec<&Family> = samples
        .families()
        .iter()
        .filter(|family| !is_elsewhere(family))
        .collect();
    families.sort_by_key(|family| !is_declared(family));
    let shown = families.iter().take(MAX_METRICS);
    let shown: Vec<Value> = shown
        .map(|family| metric(samples, span, shape, family))
        .collect();
    json!({ "families": shown, "hidden": families.len().saturating_sub(MAX_METRICS) })
}

fn metric(samples: &Samples, span: &Span, shape: Curve, family: &Family) -> Value {
    let mut series: Vec<(f64, &Sample)> = family
        .samples
        .iter()
        .map(|sample| (liveliness(samples, span, family, sample), sample))
        .collect();
    // Stable: the order of declaration where nothing happens.
    series.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    series.truncate(MAX_SERIES);
    let series: Vec<Value> = series
        .into_iter()
        .map(|(_, sample)| one(samples, span, shape, family, sample))
        .collect();
    json!({
        "name": &*family.name,
        "kind": format!("{:?}", family.kind).to_lowercase(),
        "unit": family.unit,
        "help": &*family.help,
        "declared": is_declared(family),
        "hidden": family.samples.len() - series.len(),
        "series": series,
    })
}

fn liveliness(samples: &Samples, span: &Span, family: &Family, sample: &Sample) -> f64 {
    let grown = samples.first(family, sample).map_or(0.0, |first| {
        let cells = numbers(&sample.value).len();
        let cells = span.grown.get(first..first + cells).unwrap_or_default();
        cells.iter().map(|grown| grown.abs()).sum()
    });
    if grown.is_finite() { grown } else { 0.0 }
}

fn one(samples: &Samples, span: &Span, shape: Curve, family: &Family, sample: &Sample) -> Value {
    let first = samples.first(family, sample);
    let curve = |cells: usize| -> Vec<f64> {
        let Some(first) = first else {
            return Vec::new();
        };
        let within = |cell: usize| (first..first + cells).contains(&cell).then_some(0);
        samples
            .bins(shape.window, shape.bins, 1, within)
            .pop()
            .unwrap_or_default()
    };
    let lengths = samples.lengths(shape.window, shape.bins);
    let per_second = |curve: Vec<f64>| -> Vec<f64> {
        let points = curve.iter().zip(&lengths);
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
                "points": per_second(curve(cells)),
            })
        }
        Number::Summary(summary) => {
            let quantiles: Vec<_> = summary
                .quantiles
                .iter()
                .map(|(q, v)| json!([q, v]))
                .collect();
            json!({ "count": summary.count, "quantiles": quantiles, "points": per_second(curve(1)) })
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
                    "points": per_second(curve(1)),
                })
            } else {
                json!({ "value": now, "points": levels(now, &curve(1)) })
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
