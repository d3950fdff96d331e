//! The kustomizations: which files belong together, and which environment they are for.

use serde_json::{Value, json};

use super::super::host;
use super::FOLDER;
use crate::files::Files;
use crate::system::System;
use crate::yaml;

const GRAFANA: &str = "deploy/grafana/";

pub(super) fn render(system: &System, files: &mut Files, mut resources: Vec<String>) {
    let dashboards = dashboards(files);
    if !dashboards.is_empty() {
        // A kustomization sees no file above its own folder, only other kustomizations.
        let text = yaml::document(&system.notice(), &config_maps(system, &dashboards));
        files.add(format!("{GRAFANA}kustomization.yaml"), text);
        resources.push("../grafana".to_owned());
    }
    let notice = format!(
        "{}\n\n\
         kubectl apply --server-side -k deploy/kubernetes\n\n\
         Another environment is an overlay that sets the label `environment`; docs/deploy.md has one.",
        system.notice()
    );
    let text = yaml::document(&notice, &kustomization(system, &resources));
    files.add(format!("{FOLDER}/kustomization.yaml"), text);
}

fn kustomization(system: &System, resources: &[String]) -> Value {
    let environment = system.environments.first().map_or("prod", |it| &it.name);
    json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": host(&system.name),
        "resources": resources,
        "labels": [{ "pairs": { "environment": environment }, "includeTemplates": true }],
        "configMapGenerator": [{
            "name": "telemetry",
            "literals": ["OTEL_EXPORTER_OTLP_ENDPOINT="],
        }],
    })
}

/// The paths of the dashboards below `deploy/grafana`.
fn dashboards(files: &Files) -> Vec<String> {
    let all = files.iter().filter_map(|(path, _)| {
        let path = path.strip_prefix(GRAFANA)?;
        path.strip_suffix(".json").map(|_| path.to_owned())
    });
    all.collect()
}

/// One for each dashboard: an object has room for a megabyte.
fn config_maps(system: &System, dashboards: &[String]) -> Value {
    let maps = dashboards.iter().map(|path| {
        let stem = path.rsplit('/').next().unwrap_or(path);
        let stem = stem.trim_end_matches(".json");
        json!({ "name": format!("dashboard-{}", host(stem)), "files": [path] })
    });
    let maps: Vec<Value> = maps.collect();
    json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": host(&system.name),
        "configMapGenerator": maps,
        // What Grafana's sidecar looks for. It takes up a change of a map under the same name.
        "generatorOptions": {
            "labels": { "grafana_dashboard": "1" },
            "disableNameSuffixHash": true,
        },
    })
}
