//! Reads the catalogue of a service from its `Obs`.

use std::collections::BTreeSet;

use obs_runtime::catalog::{Family, Place, Value};
use obs_runtime::{Obs, Registry};

use super::{Block, Catalogue, Kind, Label, Metric, Objective, Origin};

impl Catalogue {
    /// Reads what a service declares, and what `obs` brings for it.
    ///
    /// It does not depend on what the process has done so far: a detached `Obs` with the options of
    /// the service (`metric_prefix`, `declared_in`, `http_buckets`, ..) has the same catalogue as
    /// the one that serves.
    #[must_use]
    pub fn of(obs: &Obs) -> Self {
        let registries = Registry::collected().into_iter();
        let declared: BTreeSet<&str> = registries
            .flat_map(|registry| registry.metrics())
            .map(|metric| metric.descriptor().name)
            .collect();
        Self {
            service: obs.service().name().to_owned(),
            prefix: obs.metric_prefix().map(str::to_owned),
            blocks: blocks(obs),
            metrics: obs
                .describe()
                .iter()
                .map(|family| {
                    let origin = if declared.contains(&*family.name) {
                        Origin::Declared
                    } else {
                        Origin::Obs
                    };
                    metric(family, origin)
                })
                .collect(),
        }
    }
}

fn blocks(obs: &Obs) -> Vec<Block> {
    let report = obs.report();
    let mut blocks: Vec<Block> = report
        .registries
        .iter()
        .map(|row| Block {
            registry: row.registry.to_owned(),
            series: row.series,
            budget: row.budget,
        })
        .collect();
    // The linker's order is no order.
    blocks.sort_by(|a, b| (&a.registry, a.budget).cmp(&(&b.registry, b.budget)));
    blocks
}

fn metric(family: &Family, origin: Origin) -> Metric {
    let buckets = buckets(family);
    let labels = labels(family);
    let combinations = family.max_combinations.unwrap_or_else(|| {
        // Samples of labels that are met while running tell nothing: one value of each.
        let known = labels.iter().all(|label| !label.values.is_empty());
        let values = labels.iter().map(|label| label.values.len().max(1));
        if known {
            family.samples.len()
        } else {
            values.product()
        }
    });
    let lines = if family.kind == obs_runtime::Kind::Histogram {
        buckets.len() + 3
    } else {
        1
    };
    Metric {
        name: family.name.to_string(),
        kind: kind(family.kind),
        origin,
        unit: family.unit.map(str::to_owned),
        help: family.help.to_string(),
        labels,
        objectives: objectives(family),
        combinations,
        series: combinations.saturating_mul(lines),
        budget: family.max_series,
        declared_at: family.places.iter().map(place).collect(),
        buckets,
    }
}

const fn kind(kind: obs_runtime::Kind) -> Kind {
    match kind {
        obs_runtime::Kind::Counter => Kind::Counter,
        obs_runtime::Kind::Gauge => Kind::Gauge,
        obs_runtime::Kind::Histogram => Kind::Histogram,
        obs_runtime::Kind::Info => Kind::Info,
        obs_runtime::Kind::Summary => Kind::Summary,
        _ => Kind::Unknown,
    }
}

/// Separated by `/` on every machine.
fn place(place: &Place) -> String {
    format!("{}:{}", place.file.replace('\\', "/"), place.line)
}

/// The labels that the family tells, or else those of its samples: what is at zero from the start
/// has a sample for each combination.
fn labels(family: &Family) -> Vec<Label> {
    // The value of an info metric is a fact about one build: the next one would differ.
    let is_info = family.kind == obs_runtime::Kind::Info;
    if !family.labels.is_empty() {
        let told = family.labels.iter().map(|label| {
            let values = label.values.iter().filter(|_| !is_info);
            Label {
                name: label.name.to_owned(),
                values: values.map(ToString::to_string).collect(),
            }
        });
        return told.collect();
    }
    let mut labels: Vec<Label> = Vec::new();
    for (name, value) in family.samples.iter().flat_map(|sample| &sample.labels) {
        let known = labels.iter().position(|label| label.name == *name);
        let at = known.unwrap_or_else(|| {
            labels.push(Label {
                name: name.to_string(),
                values: Vec::new(),
            });
            labels.len() - 1
        });
        if !is_info && !labels[at].values.iter().any(|it| it == value) {
            labels[at].values.push(value.to_string());
        }
    }
    labels
}

fn buckets(family: &Family) -> Vec<f64> {
    if !family.buckets.is_empty() {
        return family.buckets.to_vec();
    }
    let bounds = family
        .samples
        .iter()
        .find_map(|sample| match &sample.value {
            Value::Histogram(histogram) => Some(histogram.bounds.to_vec()),
            _ => None,
        });
    bounds.unwrap_or_default()
}

/// The objectives of all parts of a family; the same one from two places is one.
fn objectives(family: &Family) -> Vec<Objective> {
    let mut objectives: Vec<Objective> = Vec::new();
    for told in &family.objectives {
        let labels: Vec<(String, String)> = told
            .labels
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let same = objectives.iter_mut().find(|known| {
            known.labels == labels
                && known.at.total_cmp(&told.slo.at).is_eq()
                && known.target.total_cmp(&told.slo.target).is_eq()
        });
        match same {
            Some(known) => known.declared_at.push(place(&told.place)),
            None => objectives.push(Objective {
                labels,
                at: told.slo.at,
                target: told.slo.target,
                declared_at: vec![place(&told.place)],
            }),
        }
    }
    objectives.sort_by(|a, b| a.labels.cmp(&b.labels).then(a.at.total_cmp(&b.at)));
    objectives
}
