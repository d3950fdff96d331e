//! The catalogue as a registry of OpenTelemetry Weaver: for its documentation, code generation,
//! comparison and live check.
//!
//! An attribute has one definition in a registry, and a label may mean something else in every
//! metric: the definition has the values of all of them, and each metric says which it has.

mod attribute;
mod metric;

#[cfg(test)]
mod tests;

use serde::Serialize;

use super::Catalogue;
use crate::files::Files;
use crate::system::System;
use crate::yaml;
use attribute::Attribute;
use metric::MetricGroup;

/// Nothing promises that a name stays; the saved catalogue shows when one does not.
const STABILITY: &str = "development";

/// `manifest.yaml`, by which Weaver knows a registry.
#[derive(Serialize)]
struct Manifest {
    schema_url: String,
    description: String,
    stability: &'static str,
}

/// A file of a registry.
#[derive(Serialize)]
struct Definitions<G> {
    groups: Vec<G>,
}

/// The group in which every attribute is defined.
#[derive(Serialize)]
struct AttributeGroup {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    display_name: String,
    brief: String,
    attributes: Vec<Attribute>,
}

pub(crate) fn render(system: &System, files: &mut Files) {
    let notice = system.notice();
    for service in &system.services {
        let catalogue = &service.catalogue;
        let name = &catalogue.service;
        let mut add = |file: &str, text| files.add(format!("deploy/weaver/{name}/{file}"), text);
        let manifest = Manifest {
            schema_url: format!("{}/{name}/1.0.0", system.schemas),
            description: format!("What {name} shows on /metrics."),
            stability: STABILITY,
        };
        add("manifest.yaml", yaml::document(&notice, &manifest));
        let attributes = attribute::definitions(catalogue);
        if !attributes.is_empty() {
            let group = AttributeGroup {
                id: format!("registry.{name}"),
                kind: "attribute_group",
                display_name: format!("Labels of {name}"),
                brief: format!("The labels of the metrics of {name}."),
                attributes,
            };
            let definitions = Definitions {
                groups: vec![group],
            };
            add("attributes.yaml", yaml::document(&notice, &definitions));
        }
        let definitions = Definitions {
            groups: groups(catalogue),
        };
        add("metrics.yaml", yaml::document(&notice, &definitions));
    }
}

fn groups(catalogue: &Catalogue) -> Vec<MetricGroup<'_>> {
    let metrics = catalogue.metrics.iter();
    metrics.map(|it| MetricGroup::of(it, catalogue)).collect()
}
