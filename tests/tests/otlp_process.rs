//! Spans of a whole process: how they leave it, and how it ends when they cannot.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use obs_tests::collector::{Collector, Hostile, Hostility, Protocol};
use serde_json::Value;

const SPANS: usize = 2_048;

fn service(mode: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_obs_test_service"));
    command
        .arg(mode)
        .env_clear()
        .env("OBS_ENV", "dev")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts the service, and once it is ready asks it to end. Returns how long that took.
fn ended(variables: &[(&str, &str)]) -> (Output, Duration) {
    let mut child = service("spans", variables).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut lines = BufReader::new(stderr);
    let mut line = String::new();
    // Spans on the console may come before it.
    while line != "ready\n" {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it is never ready");
    }
    child.stderr = Some(lines.into_inner());
    terminate(&child);
    let since = Instant::now();
    let output = child.wait_with_output().unwrap();
    (output, since.elapsed())
}

fn terminate(child: &Child) {
    let sent = Command::new("kill")
        .args(["-s", "TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn g1_a_process_that_is_asked_to_end_delivers_every_span() {
    for (protocol, name) in [(Protocol::Grpc, "grpc"), (Protocol::Http, "http/protobuf")] {
        let collector = Collector::start(protocol);
        let (output, took) = ended(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20hunter2",
            ),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
            ("RUST_LOG", "trace"),
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        // A line of the runtime's own, after the log was closed, is all that may be missing.
        assert!(!stderr(&output).contains("span"), "{}", stderr(&output));
        // H3: and none but those, whatever the log asks for.
        assert_eq!(collector.spans().len(), SPANS);
        assert!(collector.spans().iter().all(|one| one.span.name == "work"));
        assert!(took < Duration::from_secs(5), "{took:?}");
        let first = &lines(&output)[0];
        let url = match protocol {
            Protocol::Grpc => collector.endpoint(),
            Protocol::Http => format!("{}/v1/traces", collector.endpoint()),
        };
        assert_eq!(
            first["traces"],
            format!("{name} to {url}; 1 of the traces, and every failed request")
        );
        assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2"));
    }
}

#[test]
fn g2_a_process_whose_collector_is_a_black_hole_ends_in_time_and_says_what_it_lost() {
    let peer = Hostile::start(Hostility::NeverAnswers);
    let (output, took) = ended(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &peer.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OBS_SHUTDOWN_TIMEOUT", "2s"),
    ]);
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    let last = stderr(&output).lines().last().unwrap_or_default();
    assert!(last.contains("2048 spans were dropped"), "{last}");
}

#[test]
fn g3_what_the_export_has_to_say_at_the_end_is_still_logged() {
    let gone = Collector::start(Protocol::Grpc);
    let endpoint = gone.endpoint();
    drop(gone);
    let (output, took) = ended(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
        // Until the stop nothing is sent.
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4096"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
    ]);
    assert!(took < Duration::from_secs(10), "{took:?}");
    let lines = lines(&output);
    let said: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "obs::otlp")
        .collect();
    assert_eq!(said.len(), 1, "{lines:?}");
    assert_eq!(said[0]["level"], "WARN");
    let message = said[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("the collector does not take spans"),
        "{message}"
    );
    assert!(
        stderr(&output).contains("2048 spans were dropped"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn d2_spans_on_the_console_are_whole_lines_beside_the_log() {
    let output = service("ok", &[("ENABLE_CONSOLE_TRACES", "1")])
        .output()
        .unwrap();
    assert_eq!(
        lines(&output)[0]["traces"],
        "console; 1 of the traces, and every failed request"
    );
    let (output, _) = ended(&[("OTEL_TRACES_EXPORTER", "console"), ("LOG_FORMAT", "json")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // The reader that waited for the first line has some of them.
    let spans: Vec<Value> = stderr(&output)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let last = spans.last().unwrap();
    assert_eq!(last["span"], "work");
    assert_eq!(last["attributes"]["n"], 2_047);
}

#[test]
fn a_disabled_sdk_exports_nothing() {
    let collector = Collector::start(Protocol::Grpc);
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ] {
        let (output, _) = ended(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            (name, value),
        ]);
        assert_eq!(output.status.code(), Some(0));
        let state = lines(&output)[0]["traces"].as_str().unwrap().to_owned();
        assert!(state.starts_with("off: "), "{state}");
    }
    assert!(collector.exports().is_empty());
}
