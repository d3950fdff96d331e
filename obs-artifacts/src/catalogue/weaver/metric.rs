//! A family as a metric.

use serde::Serialize;

use super::STABILITY;
use super::attribute::Reference;
use crate::catalogue::{Catalogue, Kind, Metric, Objective};

/// The definition of a metric.
#[derive(Serialize)]
pub(super) struct MetricGroup<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    metric_name: &'a str,
    instrument: &'static str,
    unit: &'static str,
    stability: &'static str,
    brief: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<Reference<'a>>,
    annotations: Annotations<'a>,
}

/// What the format has no field for.
#[derive(Serialize)]
struct Annotations<'a> {
    obs: Facts<'a>,
}

#[derive(Serialize)]
struct Facts<'a> {
    max_combinations: usize,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    buckets: &'a [f64],
    #[serde(skip_serializing_if = "<[Objective]>::is_empty")]
    objectives: &'a [Objective],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    declared_at: &'a [String],
}

impl<'a> MetricGroup<'a> {
    pub(super) fn of(metric: &'a Metric, catalogue: &Catalogue) -> Self {
        Self {
            id: format!("metric.{}", metric.name),
            kind: "metric",
            metric_name: &metric.name,
            instrument: instrument(metric.kind),
            unit: unit(metric.unit.as_deref()),
            stability: STABILITY,
            brief: &metric.help,
            attributes: Reference::all(&metric.labels, catalogue),
            annotations: Annotations {
                obs: Facts {
                    max_combinations: metric.combinations,
                    buckets: &metric.buckets,
                    objectives: &metric.objectives,
                    declared_at: &metric.declared_at,
                },
            },
        }
    }
}

const fn instrument(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Histogram | Kind::Summary => "histogram",
        Kind::Gauge | Kind::Info | Kind::Unknown => "gauge",
    }
}

/// A base unit of Prometheus as UCUM writes it.
fn unit(unit: Option<&str>) -> &'static str {
    match unit {
        Some("seconds") => "s",
        Some("bytes") => "By",
        Some("celsius") => "Cel",
        Some("meters") => "m",
        Some("grams") => "g",
        Some("joules") => "J",
        Some("volts") => "V",
        Some("amperes") => "A",
        _ => "1",
    }
}
