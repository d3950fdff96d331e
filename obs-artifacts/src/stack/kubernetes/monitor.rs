//! Each `ServiceMonitor`: how the operator's Prometheus scrapes, with which labels and which token.

use serde_json::{Value, json};

use super::super::{host, scrape};
use super::{labels, secret_name};
use crate::system::{Service, System};

pub(super) fn of(system: &System) -> Vec<Value> {
    system.services.iter().map(|it| one(system, it)).collect()
}

fn one(system: &System, service: &Service) -> Value {
    let labels = labels(system, service);
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": { "name": host(service.name()), "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "sampleLimit": scrape::sample_limit(system),
            "endpoints": [{
                "port": "http",
                "path": "/metrics",
                "interval": "15s",
                "scrapeTimeout": "10s",
                "honorLabels": true,
                "authorization": {
                    "type": "Bearer",
                    "credentials": { "name": secret_name(system), "key": "token" },
                },
                // As in deploy/prometheus: rules and dashboards select by these.
                "relabelings": [
                    { "action": "replace", "targetLabel": "job", "replacement": system.name },
                    { "action": "replace", "targetLabel": "service", "replacement": service.name() },
                    {
                        "action": "replace",
                        "targetLabel": "environment",
                        "sourceLabels": ["__meta_kubernetes_pod_label_environment"],
                    },
                ],
            }],
        },
    })
}
