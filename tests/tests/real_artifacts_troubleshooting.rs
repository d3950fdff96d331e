//! The commands of `docs/troubleshooting.md`: each works, and prints what the page says.

use std::fs;
use std::time::Duration;

use obs_tests::real::component::{Component, available};
use obs_tests::real::document::{blocks, run, shows};
use obs_tests::real::http;
use obs_tests::real::stack::{Artifacts, COMPONENTS, Stack};
use obs_tests::real::{build, wait_for, workspace};
use obs_tests::upstream::Upstream;
use tokio::runtime::Runtime;

/// Sections that must be there, by what a person would look for.
const SYMPTOMS: [&str; 9] = [
    "Metrics are missing",
    "/metrics answers 404 or 401",
    "A series is missing",
    "A service is not in the trace UI",
    "Lines are missing",
    "Telemetry is dropped",
    "Memory grows, or the cardinality cap is reached",
    "An alert does not fire",
    "The console is not shown",
];

#[test]
fn every_command_of_the_troubleshooting_page_prints_what_the_page_says() {
    if !available(&[&COMPONENTS[..], &[Component::Curl, Component::Jq]].concat()) {
        return;
    }
    let page = fs::read_to_string(workspace().join("docs/troubleshooting.md")).expect("the page");
    for symptom in SYMPTOMS {
        assert!(page.contains(&format!("\n## {symptom}\n")), "{symptom}");
    }
    let runtime = Runtime::new().expect("a runtime");
    let webhook = runtime.block_on(Upstream::start());
    let artifacts = Artifacts::render();
    let hook = ("SLACK_WEBHOOK_URL", webhook.url("127.0.0.1", "/hook"));
    let secrets = blocks("```sh\nsh secrets.sh\n```\n").remove(0);
    run(&secrets, &artifacts.deploy(), &[hook]);
    // A collector that is not there, and every trace recorded: telemetry is dropped.
    let traces = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:1".to_owned()),
        ("OTEL_TRACES_SAMPLER", "always_on".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
        ("OTEL_BSP_EXPORT_TIMEOUT", "400".to_owned()),
    ];
    let stack = Stack::start(artifacts, &traces);
    let [_, (engine, address)] = stack.services;
    let token = stack
        .artifacts
        .read("deploy/prometheus/secrets/metrics-token");
    http::get(address, "/jobs", "*/*").expect("an answer");
    http::get(address, "/metrics", "*/*").expect("an answer");
    for query in [
        "increase(obs_spans_dropped_total{service=\"traceo-engine\", reason=\"export_failed\"}[1m]) > 0",
        "count(up{job=\"traceo\"} == 1) == 2",
        "traceo_engine_uploads_total",
    ] {
        // Two samples at least, one of them after a drop: so ask until there is another.
        wait_for(query, Duration::from_secs(60), || {
            http::get(address, "/jobs", "*/*").ok()?;
            let samples = stack.prometheus.query(query).ok()?;
            (!samples.is_empty()).then_some(())
        });
    }
    let rules = wait_for(
        "the evaluation of every rule",
        Duration::from_secs(60),
        || {
            let rules = stack.prometheus.rules().ok()?;
            let all = rules.iter().all(|it| it["health"] == "ok");
            (all && !rules.is_empty()).then_some(rules.len())
        },
    );
    assert!(rules > 10, "{rules}");
    let (prometheus, alertmanager) = (stack.prometheus.address, stack.alertmanager.address);
    let variables = [
        ("SERVICE", format!("http://{address}")),
        ("PROMETHEUS", format!("http://{prometheus}")),
        ("ALERTMANAGER", format!("http://{alertmanager}")),
        ("TOKEN", token),
        ("LOG", stack.log_of(engine).display().to_string()),
        ("TRACEO", build::traceo().display().to_string()),
    ];
    let all = blocks(&page);
    let mut ran = 0;
    let mut wrong = Vec::new();
    for (at, block) in all.iter().enumerate() {
        if block.language != "sh" {
            continue;
        }
        let printed = run(block, &stack.artifacts.deploy(), &variables);
        ran += 1;
        let expected = all.get(at + 1).filter(|it| it.language == "text");
        let expected = expected.unwrap_or_else(|| panic!("what line {} prints", block.line));
        if let Err(line) = shows(&printed, &expected.text) {
            wrong.push(format!(
                "line {}: not there: {line}\nprinted:\n{printed}",
                expected.line
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran >= 20, "{ran}");
}
