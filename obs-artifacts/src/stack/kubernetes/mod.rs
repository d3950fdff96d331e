//! `deploy/kubernetes`: the services on a cluster that has the Prometheus operator.

mod kustomization;
mod monitor;
mod rules;
mod secret;
mod workload;

use serde_json::{Value, json};

use super::host;
use crate::files::Files;
use crate::system::{Service, System};
use crate::yaml;

const FOLDER: &str = "deploy/kubernetes";

pub(super) fn render(system: &System, files: &mut Files) {
    let mut resources = vec!["namespace.yaml".to_owned()];
    add(files, system, "namespace.yaml", &[namespace(system)]);
    for service in &system.services {
        let file = format!("{}.yaml", host(service.name()));
        add(files, system, &file, &workload::of(system, service));
        resources.push(file);
    }
    add(files, system, "servicemonitors.yaml", &monitor::of(system));
    resources.push("servicemonitors.yaml".to_owned());
    resources.extend(rules::render(system, files));
    secret::render(system, files);
    kustomization::render(system, files, resources);
}

/// Adds a file of one or several objects.
fn add(files: &mut Files, system: &System, name: &str, objects: &[Value]) {
    let documents: Vec<String> = objects.iter().map(|it| yaml::document("", it)).collect();
    let text = format!("# {}\n{}", system.notice(), documents.join("---\n"));
    files.add(format!("{FOLDER}/{name}"), text);
}

fn namespace(system: &System) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": host(&system.name),
            "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
        },
    })
}

/// What selects the pods of a service, and tells it from others.
fn labels(system: &System, service: &Service) -> Value {
    json!({
        "app.kubernetes.io/name": host(service.name()),
        "app.kubernetes.io/part-of": host(&system.name),
    })
}

/// The Secret with the tokens: `tokens`, which the services know, and `token`, which is sent.
fn secret_name(system: &System) -> String {
    format!("{}-metrics", host(&system.name))
}
