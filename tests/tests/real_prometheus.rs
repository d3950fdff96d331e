//! What reads `/metrics` in real life reads ours.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use obs_tests::real::client::Era;
use obs_tests::real::component::{Component, available};
use obs_tests::real::http;
use obs_tests::real::page::{Page, Series, is_left_out, series};
use obs_tests::real::prometheus::Prometheus;
use obs_tests::real::python::{Library, Python};
use obs_tests::real::service::Service;
use obs_tests::real::traceo::{Answers, Traceo};
use obs_tests::real::{build, feed, wait_for, workspace};
use serde_json::{Value, json};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

#[test]
fn promtool_finds_no_fault_with_the_page() {
    if !available(&[Component::Promtool]) {
        return;
    }
    let server = Traceo::listening(Answers::Sessions);
    if available(&[Component::Python]) {
        some_calls(&server);
    }
    let page = http::get(server.address, "/metrics", "text/plain").expect("a page");
    assert!(
        page.content_type.starts_with("text/plain; version=0.0.4"),
        "{}",
        page.content_type
    );
    let output = feed(
        Command::new(Component::Promtool.path()).args(["check", "metrics"]),
        &page.body,
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn the_python_parsers_read_every_sample_of_both_formats() {
    if !available(&[Component::Python]) {
        return;
    }
    let server = Traceo::listening(Answers::Sessions);
    some_calls(&server);
    let page = Page::settled(server.address);
    for (format, accept) in [("text", "text/plain"), ("openmetrics", OPENMETRICS)] {
        let response = http::get(server.address, "/metrics", accept).expect("a page");
        let expected = if format == "text" {
            "text/plain"
        } else {
            "application/openmetrics-text"
        };
        assert!(
            response.content_type.starts_with(expected),
            "{}",
            response.content_type
        );
        let script = workspace().join("tests/clients/parse_metrics.py");
        let output = feed(
            Command::new(Component::Python.path())
                .arg(script)
                .arg(format),
            &response.body,
        );
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{format}: {complaint}");
        let read: Vec<(String, Value, f64)> = serde_json::from_slice(&output.stdout).expect("JSON");
        let read = read
            .into_iter()
            .filter(|(name, ..)| !is_left_out(name))
            .map(|(name, labels, value)| {
                let labels: Vec<(String, String)> = labels
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| {
                        (name.clone(), value.as_str().unwrap_or_default().to_owned())
                    })
                    .collect();
                let labels: Vec<(&str, &str)> = labels
                    .iter()
                    .map(|(n, v)| (n.as_str(), v.as_str()))
                    .collect();
                (series(&name, &labels), value.to_bits())
            });
        let ours = page
            .iter()
            .map(|(series, value)| (series.clone(), value.to_bits()));
        let read: BTreeSet<(Series, u64)> = read.collect();
        let ours: BTreeSet<(Series, u64)> = ours.collect();
        let differences: Vec<_> = read.symmetric_difference(&ours).collect();
        assert!(differences.is_empty(), "{format}: {differences:?}");
    }
}

#[test]
fn a_prometheus_scrapes_without_errors_and_answers_with_our_numbers() {
    if !available(&[Component::Prometheus, Component::Python]) {
        return;
    }
    let server = Traceo::listening(Answers::Sessions);
    some_calls(&server);
    let page = Page::settled(server.address);
    let prometheus = Prometheus::scraping("traceo", server.address);
    prometheus.is_up(server.address);
    let calls = prometheus.wait_for_samples("mcp_tool_calls_total", Duration::from_secs(20));
    for sample in &calls {
        let labels = ["tool", "outcome"].map(|name| (name, sample.label(name)));
        let ours = series("mcp_tool_calls_total", &labels);
        assert_eq!(Some(sample.value), page.get(&ours), "{ours}");
    }
    let ours = page
        .iter()
        .filter(|(series, _)| series.name == "mcp_tool_calls_total");
    assert_eq!(calls.len(), ours.count());
    let scraped = prometheus
        .query("scrape_samples_scraped")
        .expect("an answer");
    let [scraped] = &scraped[..] else {
        panic!("one target: {scraped:?}");
    };
    assert_eq!(scraped.value.to_string(), page.samples().to_string());
    let log = prometheus.log();
    assert!(
        !log.contains("level=error") && !log.contains("level=warn"),
        "{log}"
    );
}

#[test]
fn a_prometheus_returns_the_exemplar_of_a_sampled_request_with_the_trace_of_its_line() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    if !available(&[Component::Prometheus, Component::Python]) {
        return;
    }
    let service = Service::start(&build::shop(), &[("OBS_ENV", "dev")]);
    // Many peers record none of their traces: theirs must not be asked for.
    for (trace, sampled) in [(TRACE, "01"), ("0af7651916cd43dd8448eb211c80319c", "00")] {
        let parent = format!("00-{trace}-00f067aa0ba902b7-{sampled}");
        let answer = service.get("/orders/7", &[("traceparent", parent.as_str())]);
        assert!(answer.status < 500, "{answer:?}");
    }
    let lines = wait_for(
        "the lines of both requests",
        Duration::from_secs(10),
        || {
            let mut lines = service.lines();
            lines.retain(|line| line["message"] == "request_completed");
            (lines.len() == 2).then_some(lines)
        },
    );
    let line = lines.iter().find(|line| line["trace_id"] == TRACE);
    let line = line.unwrap_or_else(|| panic!("no line of the trace: {lines:?}"));
    let page = http::get(service.address, "/metrics", OPENMETRICS).expect("a page");
    let script = workspace().join("tests/clients/parse_metrics.py");
    let mut parser = Command::new(Component::Python.path());
    let output = feed(parser.arg(script).arg("openmetrics"), &page.body);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");

    let prometheus = Prometheus::scraping("shop", service.address);
    let series = wait_for("the exemplar", Duration::from_secs(40), || {
        let series = prometheus.exemplars("http_request_duration_seconds_bucket");
        let series = series.expect("an answer");
        (!series.is_empty()).then_some(series)
    });
    let [series] = &series[..] else {
        panic!("one bucket has one: {series:?}");
    };
    assert_eq!(series["seriesLabels"]["route"], line["route"], "{series}");
    let exemplars = series["exemplars"].as_array().expect("a list");
    let [exemplar] = &exemplars[..] else {
        panic!("one exemplar: {exemplars:?}");
    };
    assert_eq!(exemplar["labels"]["trace_id"], line["trace_id"]);
    assert_eq!(exemplar["labels"]["span_id"], line["span_id"]);
}

#[test]
fn every_declared_series_is_there_at_zero_before_any_call_and_no_call_adds_one() {
    if !available(&[Component::Python]) {
        return;
    }
    let server = Traceo::starting(Answers::Sessions);
    wait_for("the server", Duration::from_secs(10), || {
        TcpStream::connect(server.address).ok()
    });
    let first = Page::now(server.address);
    // Recorded at the start, through the `metrics` facade, as a third-party crate would.
    let starts = series("traceo_starts_total", &[("transport", "http")]);
    assert_eq!(first.get(&starts), Some(1.0));
    for (series, value) in first.iter().filter(|(series, _)| **series != starts) {
        let constant = series.name.ends_with("_info") || series.name == "obs_series";
        // The start says what runs, and where.
        let said = series.name == "obs_log_lines_total" && series.labels["level"] == "info";
        // It looks for what is too old to be kept, and for what an earlier process left undone.
        let looked = series.name.starts_with(DATABASE)
            || series.labels.get("operation").map(String::as_str) == Some("purge_audit_rows");
        assert!(
            constant || said || looked || value == 0.0,
            "{series} is {value} before any call"
        );
    }
    for tool in TOOLS {
        for outcome in OUTCOMES {
            let counted = series(
                "mcp_tool_calls_total",
                &[("tool", tool), ("outcome", outcome)],
            );
            assert_eq!(first.get(&counted), Some(0.0), "{counted}");
        }
        for result in ["ok", "failed", "cancelled"] {
            let labels = [("tool", tool), ("result", result)];
            let count = series("mcp_tool_call_duration_seconds_count", &labels);
            assert_eq!(first.get(&count), Some(0.0), "{count}");
        }
        let running = series("mcp_tool_calls_in_flight", &[("tool", tool)]);
        assert_eq!(first.get(&running), Some(0.0), "{running}");
    }
    some_calls(&server);
    let later = Page::settled(server.address);
    let declared = |page: &Page| -> BTreeSet<Series> {
        let all = page.iter().map(|(series, _)| series.clone());
        // Routes are learned from the router while it runs, operations from the statements.
        let is_learned = |name: &str| [HTTP, DATABASE].iter().any(|it| name.starts_with(it));
        all.filter(|series| {
            let family = series.labels.get("family").map_or("", String::as_str);
            !is_learned(&series.name) && !is_learned(family)
        })
        .collect()
    };
    let (first, later) = (declared(&first), declared(&later));
    let added: Vec<_> = later.symmetric_difference(&first).collect();
    assert!(added.is_empty(), "{added:?}");
}

const HTTP: &str = "traceo_http_";
const DATABASE: &str = "traceo_db_client_";

const TOOLS: [&str; 11] = [
    "cancel_job",
    "column_stats",
    "external_data",
    "fail",
    "ingest_csv",
    "job_status",
    "limits",
    "list_jobs",
    "panic",
    "slow",
    "_other",
];

const OUTCOMES: [&str; 7] = [
    "ok",
    "error",
    "tool_error",
    "invalid_arguments",
    "client_error",
    "panic",
    "cancelled",
];

fn some_calls(server: &Traceo) {
    let folder = server.folder.path();
    let mut client = Python::connect(Library::Mcp, Era::Modern, &server.target(), folder);
    for _ in 0..3 {
        client.call("list_jobs", &json!({}), None);
        client.call("fail", &json!({ "how": "tool_error" }), None);
        client.call(
            "job_status",
            &json!({ "job_id": "job_0123456789abcdef0123456789abcdef" }),
            None,
        );
        client.call("a \"tool\"\nnobody knows", &json!({}), None);
        client.call("panic", &json!({}), None);
    }
    client.close();
}
