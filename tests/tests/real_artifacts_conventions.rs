//! The relabelling that `docs/metrics.md` shows gives our series the names of the OpenTelemetry
//! conventions, in a real Prometheus.

use std::fs;
use std::process::Command;
use std::time::Duration;

use obs_tests::real::artifacts::Artifacts;
use obs_tests::real::both::{Both, Plan};
use obs_tests::real::component::{Component, available};
use obs_tests::real::prometheus::Prometheus;
use serde_json::json;

/// The configuration in the page.
fn shown(artifacts: &Artifacts) -> String {
    let page = artifacts.read("docs/metrics.md");
    let fenced = page.split("```yaml\n").nth(1).expect("one example");
    fenced.split("```").next().expect("its end").to_owned()
}

#[test]
fn promtool_accepts_the_relabelling_of_the_page() {
    if !available(&[Component::Promtool]) {
        return;
    }
    let artifacts = Artifacts::of_traceo();
    let file = artifacts.path("example.yml");
    fs::write(&file, shown(&artifacts)).expect("a file");
    let mut promtool = Command::new(Component::Promtool.path());
    let output = promtool.args(["check", "config"]).arg(&file).output();
    let output = output.expect("promtool runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn our_series_get_the_names_and_labels_of_the_conventions() {
    if !available(&[Component::Prometheus]) {
        return;
    }
    let both = Both::start(&Plan::default().with("OBS_ENV", "dev"));
    both.call("list_jobs", &json!({}), &[]);
    let example = shown(&Artifacts::of_traceo());
    assert!(example.contains("localhost:8787"), "{example}");
    let config = example.replace("localhost:8787", &both.mcp.address.to_string());
    let prometheus = Prometheus::start(&format!("global: {{scrape_interval: 1s}}\n{config}"));
    prometheus.is_up(both.mcp.address);

    let limit = Duration::from_secs(20);
    let query = "http_server_request_duration_seconds_count";
    let samples = prometheus.wait_for_samples(query, limit);
    let post = samples
        .iter()
        .find(|it| it.label("http_request_method") == "POST");
    let post = post.unwrap_or_else(|| panic!("no POST: {samples:?}"));
    assert_eq!(post.label("http_route"), "/mcp");
    for gone in ["method", "route"] {
        assert!(
            samples.iter().all(|it| it.label(gone).is_empty()),
            "{samples:?}"
        );
    }
    let query =
        "mcp_server_operation_duration_seconds_count{gen_ai_tool_name=\"list_jobs\",result=\"ok\"}";
    let samples = prometheus.wait_for_samples(query, limit);
    assert!(
        samples
            .iter()
            .all(|it| (it.value - 1.0).abs() < f64::EPSILON),
        "{samples:?}"
    );
    let query = "db_client_connection_count{db_client_connection_state=\"idle\"}";
    prometheus.wait_for_samples(query, limit);

    let names = prometheus.label_values("__name__").expect("names");
    let has = |name: &str| names.iter().any(|it| it == name);
    assert!(
        has("http_server_request_duration_seconds_bucket"),
        "{names:?}"
    );
    assert!(has("http_server_active_requests"), "{names:?}");
    assert!(
        !has("traceo_http_request_duration_seconds_bucket"),
        "{names:?}"
    );
    // What the conventions have no name for keeps its own.
    assert!(has("traceo_http_requests_total"), "{names:?}");
}
