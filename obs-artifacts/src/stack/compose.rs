//! `deploy/compose.yaml` and its `.env.example`: all of it on one machine.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::container::Container;
use super::{host, images, template};
use crate::files::Files;
use crate::system::{Service, System};
use crate::yaml;

pub(super) fn render(system: &System, files: &mut Files) {
    let notice = format!(
        "{}\n\n\
         To start it, here, in deploy/ (docs/deploy.md says what each step does):\n\n  \
         cp .env.example .env && $EDITOR .env\n  \
         sh secrets.sh\n  \
         docker compose up --build --detach --wait\n\n\
         Grafana is at http://127.0.0.1:3000, Prometheus at 9090, Alertmanager at 9093. Every port\n\
         is published to this machine alone.",
        system.notice()
    );
    files.add(
        "deploy/compose.yaml",
        yaml::document(&notice, &project(system)),
    );
    let names: Vec<&str> = system.environments.iter().map(|it| &*it.name).collect();
    let words = [
        ("environments", &*names.join(", ")),
        ("image", &system.image),
    ];
    let text = template(system, include_str!("templates/env.example"), &words);
    files.add("deploy/.env.example", text);
    files.add(
        "deploy/secrets.sh",
        format!("#!/bin/sh\n{}", template(system, &secrets(system), &[])),
    );
    let ignored = template(system, include_str!("templates/gitignore"), &[]);
    files.add("deploy/.gitignore", ignored);
}

/// The script that makes the files of secrets: that of the mail server only where one is asked for.
fn secrets(system: &System) -> String {
    let mut script = include_str!("templates/secrets.sh").to_owned();
    if system.mail_user.is_some() {
        script.push_str(include_str!("templates/smtp-password.sh"));
    }
    script
}

/// The value of a variable that must be set, or what to do about it.
const ENVIRONMENT: &str =
    "${OBS_ENV:?is not set: copy .env.example to .env, and say which environment this is}";

fn project(system: &System) -> Value {
    let mut containers = Map::new();
    containers.insert("prepare".to_owned(), prepare(system));
    let mut taken = BTreeSet::from(PUBLISHED);
    for service in &system.services {
        let published = free(service.port, &mut taken);
        let container = observed(system, service, published);
        containers.insert(host(service.name()), container);
    }
    for (name, container) in [
        ("prometheus", prometheus()),
        ("alertmanager", alertmanager()),
        ("collector", collector()),
        ("grafana", grafana()),
        ("jaeger", jaeger()),
        ("loki", loki()),
        ("tempo", tempo()),
    ] {
        containers.insert(name.to_owned(), container.into_value());
    }
    let volumes: BTreeMap<String, Value> = volumes(system)
        .into_iter()
        .map(|name| (name, json!({})))
        .collect();
    json!({
        "name": host(&system.name),
        "services": containers,
        "volumes": volumes,
        "secrets": { "metrics-tokens": { "file": "./secrets/metrics-tokens" } },
    })
}

/// The containers beside the services.
pub(super) const NEIGHBOURS: [&str; 8] = [
    "prepare",
    "prometheus",
    "alertmanager",
    "collector",
    "grafana",
    "jaeger",
    "loki",
    "tempo",
];

/// The ports of this machine that those have.
const PUBLISHED: [u16; 7] = [3000, 4317, 4318, 9090, 9093, 16686, 24224];

/// The port of this machine that a service gets: its own, or the next one that is free. In the
/// network every service has all ports for itself, and several may listen on the same.
fn free(port: u16, taken: &mut BTreeSet<u16>) -> u16 {
    let free = (port..=u16::MAX).find(|it| !taken.contains(it));
    let free = free.unwrap_or(port);
    taken.insert(free);
    free
}

const KEPT: [(&str, u32); 5] = [
    ("alertmanager", 65534),
    ("grafana", 472),
    ("loki", 10001),
    ("prometheus", 65534),
    ("tempo", 10001),
];

/// The user that the services run as, in their image.
pub(super) const USER: u32 = 10001;

fn volumes(system: &System) -> Vec<String> {
    let own = ["probe", "targets"].map(str::to_owned);
    let kept = KEPT.iter().map(|(name, _)| (*name).to_owned());
    let data = system.services.iter().filter(|it| it.data.is_some());
    own.into_iter()
        .chain(kept)
        .chain(data.map(data_volume))
        .collect()
}

fn data_volume(service: &Service) -> String {
    format!("{}-data", host(service.name()))
}

/// What has to be there before the others start: the program that asks them whether they are well,
/// volumes that belong to who writes to them, and the addresses of the environment.
fn prepare(system: &System) -> Value {
    let kept = KEPT
        .iter()
        .map(|(name, owner)| ((*name).to_owned(), *owner));
    let data = system.services.iter().filter(|it| it.data.is_some());
    let owned: Vec<(String, u32)> = kept.chain(data.map(|it| (data_volume(it), USER))).collect();
    let mut script = "set -eu\n\
        cp /bin/busybox /probe/busybox\n\
        chosen=/all-targets/$$OBS_ENV.yml\n\
        if ! [ -f \"$$chosen\" ]; then\n  \
          echo \"OBS_ENV is $$OBS_ENV, and there is no prometheus/targets/$$OBS_ENV.yml\" >&2\n  \
          exit 1\n\
        fi\n\
        rm -f /targets/*\n\
        cp \"$$chosen\" /targets/\n"
        .to_owned();
    let mut mounted = vec![
        "./prometheus/targets:/all-targets:ro".to_owned(),
        "probe:/probe".to_owned(),
        "targets:/targets".to_owned(),
    ];
    for (volume, owner) in owned {
        script.extend([format!("chown {owner}:{owner} /owned/{volume}\n")]);
        mounted.push(format!("{volume}:/owned/{volume}"));
    }
    json!({
        "image": images::BUSYBOX,
        "command": ["sh", "-c", script],
        "environment": { "OBS_ENV": ENVIRONMENT },
        "volumes": mounted,
        "restart": "no",
        "network_mode": "none",
        "mem_limit": "32m",
        "read_only": true,
        "cap_drop": ["ALL"],
        "cap_add": ["CHOWN", "DAC_OVERRIDE"],
        "security_opt": ["no-new-privileges:true"],
    })
}

fn observed(system: &System, service: &Service, published: u16) -> Value {
    let mut variables = json!({
        "OBS_ENV": ENVIRONMENT,
        "OBS_METRICS_TOKEN_FILE": "/run/secrets/metrics-tokens",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "${LOG_LEVEL:-info}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317",
        // Every trace reaches the collector, which sees all of it before it decides.
        "OTEL_TRACES_SAMPLER": "${OTEL_TRACES_SAMPLER:-parentbased_always_on}",
        "SENTRY_DSN": "${SENTRY_DSN:-}",
    });
    for (name, value) in &service.variables {
        // Compose would take what follows a dollar for a variable of its own.
        variables[name] = json!(value.replace('$', "$$"));
    }
    let ready = format!("http://127.0.0.1:{}/ready", service.port);
    let image = format!("${{IMAGE:-{}}}", system.image);
    let arguments = service.arguments.iter().map(|it| it.replace('$', "$$"));
    let arguments: Vec<String> = arguments.collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut container = Container::new(&image, "${SERVICE_MEMORY:-512m}", &ready)
        .with(
            "build",
            json!({ "context": "..", "dockerfile": "deploy/Dockerfile" }),
        )
        .with("environment", variables)
        .with("secrets", json!(["metrics-tokens"]))
        // Longer than OBS_SHUTDOWN_TIMEOUT, which is 25 seconds.
        .with("stop_grace_period", json!("30s"))
        .with("logging", shipped())
        .command(&arguments)
        .with(
            "ports",
            json!([format!("127.0.0.1:{published}:{}", service.port)]),
        );
    if let Some(path) = &service.data {
        let mount = format!("{}:{path}", data_volume(service));
        container = container.volumes(&[&mount]);
    }
    container.into_value()
}

/// Lines go from the engine to the collector, which needs neither its socket nor its files.
/// `docker compose logs` still shows them. What the collector cannot take waits in a bounded
/// buffer, and a service never waits for it.
fn shipped() -> Value {
    json!({
        "driver": "fluentd",
        "options": {
            "fluentd-address": "127.0.0.1:24224",
            "fluentd-async": "true",
            "fluentd-buffer-limit": "8388608",
            "fluentd-sub-second-precision": "true",
        },
    })
}

fn prometheus() -> Container {
    Container::new(images::PROMETHEUS, "1g", "http://127.0.0.1:9090/-/ready")
        .command(&[
            "--config.file=/etc/prometheus/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=${METRICS_RETENTION:-15d}",
            "--storage.tsdb.retention.size=${METRICS_RETENTION_SIZE:-10GB}",
            "--web.enable-lifecycle",
            "--web.external-url=http://127.0.0.1:9090",
            "--enable-feature=exemplar-storage",
        ])
        .volumes(&[
            // The folder, not the file: a file that is replaced would not be seen on a reload.
            "./prometheus:/etc/prometheus:ro",
            "targets:/etc/prometheus/targets:ro",
            "prometheus:/prometheus",
        ])
        .ports(&[9090])
}

fn alertmanager() -> Container {
    Container::new(
        images::ALERTMANAGER,
        "128m",
        "http://127.0.0.1:9093/-/ready",
    )
    .command(&[
        "--config.file=/etc/alertmanager/alertmanager.yml",
        "--storage.path=/alertmanager",
        // Without peers: otherwise it would listen for them.
        "--cluster.listen-address=",
        "--web.external-url=http://127.0.0.1:9093",
    ])
    .volumes(&[
        "./alertmanager:/etc/alertmanager:ro",
        "alertmanager:/alertmanager",
    ])
    .ports(&[9093])
}

fn collector() -> Container {
    Container::new(images::COLLECTOR, "512m", "http://127.0.0.1:13133/")
        .command(&[
            "--config=/etc/otelcol/collector.yml",
            // With the profile `jaeger`, traces go there too.
            "--config=/etc/otelcol/traces-to-${COMPOSE_PROFILES:-tempo}.yml",
        ])
        .with(
            "environment",
            json!({
                "GOMEMLIMIT": "400MiB",
                "KEPT_TRACES_PERCENT": "${KEPT_TRACES_PERCENT:-10}",
            }),
        )
        .volumes(&["./collector:/etc/otelcol:ro"])
        .ports(&[4317, 4318, 24224])
}

fn grafana() -> Container {
    Container::new(images::GRAFANA, "512m", "http://127.0.0.1:3000/api/health")
        .with(
            "environment",
            json!({
                "GF_PATHS_PROVISIONING": "/etc/grafana/provisioning",
                // Whoever reaches the port may look, and nobody can log in: dashboards are files.
                "GF_AUTH_ANONYMOUS_ENABLED": "true",
                "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
                "GF_AUTH_BASIC_ENABLED": "false",
                "GF_AUTH_DISABLE_LOGIN_FORM": "true",
                "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
                "GF_ANALYTICS_REPORTING_ENABLED": "false",
                "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
                "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
                "GF_NEWS_NEWS_FEED_ENABLED": "false",
            }),
        )
        .volumes(&[
            "./grafana/provisioning:/etc/grafana/provisioning:ro",
            "./grafana/dashboards:/etc/grafana/dashboards:ro",
            "grafana:/var/lib/grafana",
        ])
        .ports(&[3000])
}

fn jaeger() -> Container {
    Container::new(images::JAEGER, "512m", "http://127.0.0.1:16686/")
        .with("profiles", json!(["jaeger"]))
        .with("environment", json!({ "JAEGER_LISTEN_HOST": "0.0.0.0" }))
        .ports(&[16686])
}

fn loki() -> Container {
    Container::new(images::LOKI, "512m", "http://127.0.0.1:3100/ready")
        .command(&["-config.file=/etc/loki/loki.yml"])
        .volumes(&["./loki:/etc/loki:ro", "loki:/loki"])
}

fn tempo() -> Container {
    Container::new(images::TEMPO, "1g", "http://127.0.0.1:3200/ready")
        .command(&["-config.file=/etc/tempo/tempo.yml"])
        .volumes(&["./tempo:/etc/tempo:ro", "tempo:/var/tempo"])
}
