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
            .flat_map(Registry::metrics)
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
        declared_at: places(family.places.iter().copied()),
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

/// Sorted: the parts of a family come in the linker's order, which is no order.
fn places(places: impl IntoIterator<Item = Place>) -> Vec<String> {
    let mut places: Vec<Place> = places.into_iter().collect();
    places.sort_by_key(|place| (place.file, place.line));
    places.iter().map(place).collect()
}

/// The same on every machine: separated by `/`, and without the folder that a library from a
/// registry was unpacked in.
fn place(place: &Place) -> String {
    let file = place.file.replace('\\', "/");
    let line = place.line;
    let is_absolute = file.starts_with('/') || file.get(1..3) == Some(":/");
    if !is_absolute {
        return format!("{file}:{line}");
    }
    let parts: Vec<&str> = file.split('/').collect();
    let source = parts.iter().rposition(|part| *part == "src");
    let from = source.map_or(parts.len() - 1, |at| at.saturating_sub(1));
    let parts = parts.get(from..).unwrap_or_default();
    format!("cargo:{}:{line}", parts.join("/"))
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
    // As with the places: which part of a family comes first is up to the linker.
    for label in &mut labels {
        label.values.sort();
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
    for objective in &mut objectives {
        objective.declared_at.sort();
    }
    objectives.sort_by(|a, b| {
        let by_bound = a.at.total_cmp(&b.at);
        let by_target = a.target.total_cmp(&b.target);
        a.labels.cmp(&b.labels).then(by_bound).then(by_target)
    });
    objectives
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use obs_runtime::catalog::{Family, FamilyDescriptor, Place, Sample, Value};

    use super::{metric, place};
    use crate::Origin;

    #[test]
    fn the_order_that_the_linker_puts_parts_in_does_not_show() {
        let read = |parts: [u32; 2], tells_places: bool| {
            let mut family = Family::new(FamilyDescriptor {
                name: Cow::Borrowed("operation_calls_total"),
                kind: obs_runtime::Kind::Counter,
                unit: None,
                help: Cow::Borrowed("Calls."),
            });
            for line in parts {
                // The codes of errors have none.
                if tells_places {
                    family.places.push(Place { file: "a.rs", line });
                }
                let value = Cow::Owned(format!("at_{line}"));
                let labels = vec![(Cow::Borrowed("operation"), value)];
                family.samples.push(Sample::new(labels, Value::Unsigned(0)));
            }
            metric(&family, Origin::Obs)
        };
        for tells_places in [true, false] {
            assert_eq!(read([9, 10], tells_places), read([10, 9], tells_places));
        }
        assert_eq!(read([9, 10], true).declared_at, ["a.rs:9", "a.rs:10"]);
    }

    #[test]
    fn a_place_has_no_folder_of_one_machine() {
        let at = |file| place(&Place { file, line: 3 });
        assert_eq!(at("shop/src/metrics.rs"), "shop/src/metrics.rs:3");
        assert_eq!(at(r"shop\src\metrics.rs"), "shop/src/metrics.rs:3");
        let unpacked = "/somewhere/registry/src/index-1/billing-1.0.0/src/calls/mod.rs";
        assert_eq!(at(unpacked), "cargo:billing-1.0.0/src/calls/mod.rs:3");
        let windows = r"C:\somewhere\registry\src\index-1\billing-1.0.0\src\lib.rs";
        assert_eq!(at(windows), "cargo:billing-1.0.0/src/lib.rs:3");
        assert_eq!(at("/somewhere/out/generated.rs"), "cargo:generated.rs:3");
    }
}
