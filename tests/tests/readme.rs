//! The README says what is so.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use axum::routing::get;
use obs::{Obs, Service};
use serde_json::Value;
use tower::ServiceExt;
use tracing_subscriber::layer::SubscriberExt;

fn project(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(file)).unwrap()
}

/// Returns the README's fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in project("README.md").lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(name)) => open = Some((name == language, String::new())),
            (Some((wanted, block)), Some(_)) => {
                if *wanted {
                    blocks.push(std::mem::take(block));
                }
                open = None;
            }
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn the_refusals_are_what_the_compiler_says() {
    let said = ["tenant", "budget"]
        .map(|program| project(&format!("ui-tests/ui/readme/fail/{program}.stderr")));
    let shown: Vec<_> = blocks("text")
        .into_iter()
        .filter(|block| block.starts_with("error"))
        .collect();
    assert_eq!(shown.len(), said.len());
    for (shown, said) in shown.iter().zip(&said) {
        assert!(
            said.starts_with(shown.trim_end()),
            "README:\n{shown}\ncompiler:\n{said}"
        );
    }
}

#[test]
fn the_first_screen_holds_the_two_commands() {
    let first = blocks("sh").remove(0);
    assert!(first.contains("cargo run -p traceo "), "{first}");
    assert!(first.contains("cargo test "), "{first}");
    let before = project("README.md").find("```sh").unwrap();
    assert!(project("README.md")[..before].lines().count() < 12);
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    let ci = project(".ci/run");
    assert!(
        ci.lines()
            .any(|line| line.contains("README") && line.ends_with(" cargo test")),
        "{ci}"
    );
}

/// Returns the README's block of JSON that has this key.
fn json_with(key: &str) -> String {
    let mut found = blocks("json")
        .into_iter()
        .filter(|block| keys(block).contains(&key));
    let block = found.next().unwrap();
    assert!(found.next().is_none());
    block
}

/// Returns the keys of a JSON text in their order; no string in it has a quote.
fn keys(json: &str) -> Vec<&str> {
    let parts: Vec<&str> = json.split('"').collect();
    let is_key = |pair: &&[&str]| pair[1].starts_with(':');
    parts[1..]
        .chunks(2)
        .filter(is_key)
        .map(|pair| pair[0])
        .collect()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// What a service of the README's says about requests.
struct Said {
    log: String,
    answers: Vec<(HeaderMap, String)>,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn ask(paths: &[&str]) -> Said {
    let lines = Buffer::default();
    let obs = Obs::from_vars(Service::new("hello", "0.1.0"), [("OBS_ENV", "prod")])
        .unwrap()
        .log_writer(lines.clone())
        .detached()
        .unwrap();
    let subscriber = tracing_subscriber::registry().with(obs.log_layer());
    let guard = tracing::subscriber::set_default(subscriber);
    let app = obs.wrap(Router::new().route("/hello/{name}", get(async || "hello\n")));
    let mut answers = Vec::new();
    for path in paths {
        let request = Request::get(*path)
            .header("X-Correlation-ID", "breakfast-2")
            .body(Body::empty())
            .unwrap();
        let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, 4096).await.unwrap();
        answers.push((head.headers, String::from_utf8(body.to_vec()).unwrap()));
    }
    drop(guard);
    let losses = obs.flush(Duration::from_secs(10));
    assert!(losses.is_empty(), "{losses}");
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    Said { log, answers }
}

#[tokio::test]
async fn the_line_and_the_headers_are_those_of_a_request() {
    let said = ask(&["/hello/you"]).await;
    let shown = json_with("duration_ms");
    let line = said
        .log
        .lines()
        .find(|line| line.contains("request_completed"))
        .unwrap();
    assert_eq!(keys(&shown), keys(line));
    let (shown, line) = (parsed(&shown), parsed(line));
    let own = [
        "timestamp",
        "request_id",
        "trace_id",
        "span_id",
        "duration_ms",
        "ttfb_ms",
    ];
    for (key, value) in shown.as_object().unwrap() {
        if !own.contains(&key.as_str()) {
            assert_eq!(line[key], *value, "{key}");
        }
    }
    let head = blocks("text")
        .into_iter()
        .find(|block| block.starts_with("$ curl"))
        .unwrap();
    let (headers, _) = &said.answers[0];
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name.starts_with('$') {
            continue;
        }
        let answered = headers[name].to_str().unwrap();
        assert!(name == "x-request-id" || answered == value, "{name}");
    }
}

#[tokio::test]
async fn the_problem_is_what_a_path_that_is_not_there_answers() {
    let said = ask(&["/nope"]).await;
    let (headers, body) = &said.answers[0];
    assert_eq!(headers["content-type"], "application/problem+json");
    let shown = json_with("title");
    assert_eq!(keys(&shown), keys(body));
    for key in ["title", "status", "code"] {
        assert_eq!(parsed(&shown)[key], parsed(body)[key]);
    }
}

#[tokio::test]
async fn the_paths_of_the_table_are_there_and_the_metrics_are_closed_in_prod() {
    let said = ask(&["/health", "/ready", "/metrics"]).await;
    for (_, body) in &said.answers[..2] {
        assert_eq!(parsed(body)["status"], "ok");
    }
    assert_eq!(parsed(&said.answers[2].1)["status"], 404);
}

#[test]
fn the_client_configuration_is_json() {
    assert!(parsed(&json_with("mcpServers")).is_object());
}

/// The README's test, word for word; its programs are compiled, but a test in one is not run.
mod shown {
    #[derive(obs::ErrorLabel, Debug)]
    enum SyncError {
        Timeout,
    }

    #[obs::observed(fields(account))]
    fn reconcile(account: u64) -> Result<(), SyncError> {
        if account == 0 {
            Err(SyncError::Timeout)
        } else {
            Ok(())
        }
    }

    #[test]
    fn a_timeout_is_counted_by_kind() {
        let capture = obs::test::capture();
        capture.run_sync(|| reconcile(0)).unwrap_err();
        capture.assert_changed(&[
            (
                r#"operation_calls_total{operation="reconcile",outcome="error"}"#,
                1.0,
            ),
            (
                r#"operation_duration_seconds_count{operation="reconcile",result="failed"}"#,
                1.0,
            ),
            (
                r#"operation_errors_total{operation="reconcile",error="timeout"}"#,
                1.0,
            ),
        ]);
    }
}
