//! `deploy/prometheus/prometheus.yml`, and what it scrapes.

use serde_json::{Value, json};

use super::address;
use crate::files::Files;
use crate::system::System;
use crate::yaml;

/// Room above what the catalogue can have: families of other crates come through the `metrics`
/// facade.
const ROOM_IN_PERCENT: usize = 150;

pub(super) fn render(system: &System, files: &mut Files) {
    let notice = format!(
        "{}\n\nNo address stands in here: those are in targets/ and stack/, relative to this file.",
        system.notice()
    );
    let text = yaml::document(&notice, &configuration(system));
    files.add("deploy/prometheus/prometheus.yml", text);
    for environment in &system.environments {
        let notice = format!(
            "{}\n\nAs compose.yaml names them. A Prometheus that scrapes several environments has \
             other addresses for each.",
            system.notice()
        );
        let path = format!("deploy/prometheus/targets/{}.yml", environment.name);
        files.add(
            path,
            yaml::document(&notice, &targets(system, &environment.name)),
        );
    }
    for (job, target) in OWN {
        let group = json!([{ "labels": { "job": job }, "targets": [target] }]);
        let path = format!("deploy/prometheus/stack/{job}.yml");
        files.add(path, yaml::document(&system.notice(), &group));
    }
}

/// What the stack says about itself.
const OWN: [(&str, &str); 5] = [
    ("alertmanager", "alertmanager:9093"),
    ("collector", "collector:8888"),
    ("loki", "loki:3100"),
    ("prometheus", "localhost:9090"),
    ("tempo", "tempo:3200"),
];

fn configuration(system: &System) -> Value {
    json!({
        "global": { "scrape_interval": "15s", "scrape_timeout": "10s", "evaluation_interval": "15s" },
        "rule_files": ["rules/*.yml"],
        "alerting": {
            "alertmanagers": [{ "file_sd_configs": [{ "files": ["stack/alertmanager.yml"] }] }],
        },
        "scrape_configs": [
            {
                "job_name": system.name,
                "file_sd_configs": [{ "files": ["targets/*.yml"] }],
                // `obs_build_info` says version and environment itself.
                "honor_labels": true,
                "authorization": { "credentials_file": "secrets/metrics-token" },
                "sample_limit": sample_limit(system),
            },
            { "job_name": "stack", "file_sd_configs": [{ "files": ["stack/*.yml"] }] },
        ],
    })
}

/// Above everything that a service can show, so that only a fault exceeds it.
pub(super) fn sample_limit(system: &System) -> usize {
    let series = system.services.iter().map(|service| {
        let metrics = service.catalogue.metrics.iter();
        metrics.fold(0_usize, |sum, metric| sum.saturating_add(metric.series))
    });
    let most = series.max().unwrap_or_default();
    let with_room = most.saturating_mul(ROOM_IN_PERCENT) / 100;
    with_room.div_ceil(1000).max(1).saturating_mul(1000)
}

fn targets(system: &System, environment: &str) -> Value {
    let groups = system.services.iter().map(|service| {
        json!({
            "labels": { "service": service.name(), "environment": environment },
            "targets": [address(service)],
        })
    });
    groups.collect()
}
