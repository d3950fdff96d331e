//! A whole process: how it starts, what it writes, how and when it ends.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Returns the service with nothing but these variables.
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

fn run(mode: &str, variables: &[(&str, &str)]) -> Output {
    service(mode, variables).output().unwrap()
}

/// Reads what was logged; every line is one JSON object.
fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A service that has said that it is ready.
fn started(mode: &str, variables: &[(&str, &str)]) -> Child {
    let mut child = service(mode, variables).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut lines = BufReader::new(stderr);
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child.stderr = Some(lines.into_inner());
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn the_first_line_names_the_service_and_the_state_of_every_sink() {
    let output = run("ok", &[("APP_NAME", "shop"), ("OBS_CHECK_DB_HOST", "db")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let lines = lines(&output);
    assert_eq!(messages(&lines), ["obs started", "the service has ended"]);
    let first = &lines[0];
    for (key, value) in [
        ("service", "shop"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("environment", "dev"),
        ("log", "json to stdout"),
        (
            "log_filter",
            "info,rmcp=warn,hyper=warn,h2=warn,sqlx=warn,tower=warn",
        ),
        ("sentry", "off: SENTRY_DSN is not set"),
        ("traces", "off: OTEL_EXPORTER_OTLP_ENDPOINT is not set"),
        ("metrics", "/metrics open to this machine"),
        ("checks", "database"),
        ("shutdown_timeout", "25s"),
    ] {
        assert_eq!(first[key], value, "{key}: {first}");
    }
    assert_eq!(first["log_success_sample"], 1.0);
    assert!(first.get("field_service").is_none(), "said twice: {first}");
}

#[test]
fn an_unset_environment_in_a_release_build_would_be_prod_and_says_so() {
    let output = service("ok", &[]).env_remove("OBS_ENV").output().unwrap();
    let lines = lines(&output);
    let said = messages(&lines).contains(&"no environment is set (OBS_ENV): behaving as in prod");
    assert_eq!(said, !cfg!(debug_assertions));
}

#[test]
fn refused_variables_are_all_on_standard_error_and_nothing_runs() {
    let output = run(
        "wait",
        &[("LOG_FORMAT", "xml"), ("SENTRY_DSN", "hunter2-no-dsn")],
    );
    assert_eq!(output.status.code(), Some(78));
    assert!(output.stdout.is_empty());
    let error = stderr(&output);
    assert!(
        error.contains("LOG_FORMAT is \"xml\"; expected `json` or `pretty`"),
        "{error}"
    );
    assert!(error.contains("SENTRY_DSN"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn without_strictness_the_same_variables_are_warnings_in_the_log() {
    let output = run(
        "ok",
        &[
            ("OBS_STRICT", "0"),
            ("LOG_FORMAT", "xml"),
            ("SENTRY_DSN", "hunter2-no-dsn"),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    let warnings: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "WARN")
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(warnings.len(), 2, "{lines:?}");
    assert!(warnings[0].starts_with("LOG_FORMAT is \"xml\""));
    assert!(
        warnings
            .iter()
            .all(|line| line.ends_with("it counts as unset because OBS_STRICT=0"))
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2"));
}

#[test]
fn an_error_of_the_body_is_logged_without_its_causes_and_ends_with_1() {
    let output = run("error", &[]);
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert_eq!(error["target"], "obs::run");
    assert_eq!(error["error"], "the port is taken");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("inner cause"));

    let debugged = run("error", &[("RUST_LOG", "debug")]);
    assert!(String::from_utf8_lossy(&debugged.stdout).contains("the inner cause"));

    let silent = run("error", &[("RUST_LOG", "off")]);
    assert_eq!(silent.status.code(), Some(1));
    assert!(silent.stdout.is_empty());
    assert_eq!(stderr(&silent), "error: the port is taken\n");
}

#[test]
fn a_panic_of_the_body_is_logged_once_and_ends_with_101() {
    let output = run("panic", &[]);
    assert_eq!(output.status.code(), Some(101));
    // The hook of the standard library would have shown the payload as it is.
    assert_eq!(stderr(&output), "");
    let lines = lines(&output);
    let errors: Vec<_> = lines
        .iter()
        .filter(|line| line["level"] == "ERROR")
        .collect();
    assert_eq!(errors.len(), 1, "{lines:?}");
    assert_eq!(errors[0]["target"], "obs::panic");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("the body panicked with password="),
        "{message}"
    );
    assert!(!message.contains("hunter2"), "{message}");
    let location = errors[0]["location"].as_str().unwrap();
    assert!(
        location.starts_with("tests/src/bin/obs_test_service.rs:"),
        "{location}"
    );
    assert!(errors[0].get("backtrace").is_none());

    let debugged = run("panic", &[("RUST_LOG", "info,obs::panic=debug")]);
    assert!(String::from_utf8_lossy(&debugged.stdout).contains("\"backtrace\""));
}

#[test]
fn j5_panics_in_awkward_places_are_each_logged_once_and_end_nothing() {
    let output = run("panics", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    let panics: Vec<_> = lines
        .iter()
        .filter(|line| line["target"] == "obs::panic")
        .collect();
    let texts: Vec<_> = panics
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "in a thread",
            "in a drop",
            "in a task",
            "while shown",
            "a panic whose payload is no text"
        ]
    );
    let known = lines
        .iter()
        .find(|line| line["message"] == "known")
        .unwrap();
    assert_eq!(panics[2]["correlation_id"], known["id"]);
    // That one happened while a line was written, which goes on without the value.
    let shown = lines
        .iter()
        .find(|line| line["message"] == "shown")
        .unwrap();
    assert_eq!(shown["value"], "[panicked]");
}

#[test]
fn j5_a_panic_with_every_stream_closed_or_full_does_not_abort() {
    for mode in ["panic", "panics"] {
        for redirect in ["2>&- >&-", ">/dev/full 2>/dev/full", "2>&-"] {
            let script = format!("exec \"$0\" {mode} {redirect}");
            let status = Command::new("sh")
                .args(["-c", &script, env!("CARGO_BIN_EXE_obs_test_service")])
                .env("OBS_ENV", "dev")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status()
                .unwrap();
            let expected = if mode == "panic" { 101 } else { 0 };
            assert_eq!(status.code(), Some(expected), "{mode} {redirect}");
        }
    }
}

#[test]
fn g1_a_signal_ends_the_service_with_0_and_loses_nothing() {
    for name in ["TERM", "INT"] {
        let child = started("burst", &[]);
        let start = Instant::now();
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stderr(&output), "");
        let lines = lines(&output);
        let burst = lines.iter().filter(|line| line["message"] == "burst");
        let numbers: Vec<u64> = burst.map(|line| line["n"].as_u64().unwrap()).collect();
        assert!(numbers.into_iter().eq(0..10_000));
        let stopping = lines
            .iter()
            .find(|line| line["target"] == "obs::run")
            .unwrap();
        assert_eq!(stopping["signal"], format!("SIG{name}"));
        assert_eq!(lines.last().unwrap()["message"], "the service has ended");
    }
}

#[test]
fn g2_with_an_output_nobody_reads_it_ends_in_time_and_says_what_was_lost() {
    let child = started("flood", &[("OBS_SHUTDOWN_TIMEOUT", "2s")]);
    let start = Instant::now();
    signal(&child, "TERM");
    let mut child = child;
    let mut rest = String::new();
    // Standard output is a pipe that stays full.
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    let status = child.wait().unwrap();
    let elapsed = start.elapsed();
    assert!(elapsed <= Duration::from_millis(2500), "{elapsed:?}");
    assert_eq!(status.code(), Some(0));
    let last = rest.lines().last().unwrap();
    assert!(
        last.starts_with("obs: ") && last.contains("log lines were dropped"),
        "{rest}"
    );
    assert!(
        last.contains("the log could not be written to its end in time"),
        "{rest}"
    );
}

#[test]
fn g2_a_body_that_ignores_the_shutdown_is_stopped_in_time() {
    for mode in ["stubborn", "blocked"] {
        let child = started(mode, &[("OBS_SHUTDOWN_TIMEOUT", "1s")]);
        let start = Instant::now();
        signal(&child, "TERM");
        let output = child.wait_with_output().unwrap();
        let elapsed = start.elapsed();
        assert!(
            elapsed <= Duration::from_millis(1500),
            "{mode}: {elapsed:?}"
        );
        assert_eq!(output.status.code(), Some(1), "{mode}");
    }
}

#[test]
fn g3_what_is_logged_while_stopping_is_still_written() {
    let output = run("left_behind", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    assert_eq!(
        messages(&lines),
        [
            "obs started",
            "tasks of `obs::spawn` were dropped: nobody waited for them, and they did not end by themselves",
            "a task that nobody waited for was dropped",
            "the service has ended"
        ]
    );
}

#[test]
fn a_task_that_nobody_waited_for_has_a_second_to_end() {
    let output = run("tail", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    assert_eq!(
        messages(&lines),
        [
            "obs started",
            "the last batch is saved",
            "the service has ended"
        ]
    );
}

#[test]
fn g5_stopping_from_a_hundred_threads_is_stopping_once_and_what_comes_later_is_counted() {
    let output = run("parts", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    assert_eq!(messages(&lines), ["obs started", "in parts"]);
    assert_eq!(run("begin", &[]).status.code(), Some(0));
}

#[test]
fn g6_a_second_signal_ends_the_process_at_once() {
    for (second, code) in [("INT", 130), ("TERM", 143)] {
        for mode in ["stubborn", "blocked"] {
            let child = started(mode, &[("OBS_SHUTDOWN_TIMEOUT", "1h")]);
            signal(&child, "TERM");
            // Two signals in one moment would be one.
            let mut child = child;
            let stdout = child.stdout.take().unwrap();
            let mut lines = BufReader::new(stdout).lines();
            assert!(lines.any(|line| line.unwrap().contains("stopping")));
            signal(&child, second);
            assert_eq!(child.wait().unwrap().code(), Some(code), "{mode}");
        }
    }
}

#[test]
fn i6_what_happens_before_the_start_breaks_nothing() {
    let output = run("before_init", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("early"), "the hook of before");
    assert_eq!(
        messages(&lines(&output)),
        ["obs started", "the service has ended"]
    );
}

#[test]
fn mcp_over_standard_streams_keeps_standard_output_for_the_protocol() {
    for variables in [&[][..], &[("OBS_LOG_OUTPUT", "stdout")][..]] {
        let output = run("mcp_stdio", variables);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "protocol\n");
        assert!(stderr(&output).contains("json to stderr"));
    }
}

#[test]
fn records_of_the_log_crate_are_lines_with_their_own_target() {
    let output = run("bridge", &[("LOG_LEVEL", "warn")]);
    let lines = lines(&output);
    assert_eq!(messages(&lines), ["through the log crate"]);
    assert_eq!(lines[0]["target"], "old::crate");
    assert_eq!(lines[0]["level"], "WARN");
}

#[test]
fn the_effective_configuration_can_be_shown_without_its_secrets() {
    let output = run(
        "config",
        &[
            ("LOG_LEVEL", "debug"),
            ("OBS_METRICS_TOKEN", "hunter2hunter2hunter2"),
            ("OBS_CHECK_URL", "http://billing/health?key=hunter2"),
        ],
    );
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let line = |name: &str| shown.lines().find(|line| line.starts_with(name)).unwrap();
    for expected in [
        "OBS_METRICS_TOKEN OBS_METRICS_TOKEN [redacted]",
        "LOG_LEVEL LOG_LEVEL debug",
        "LOG_FORMAT default json",
        "SENTRY_RELEASE default obs-tests@0.1.0",
    ] {
        let same = |line: &str| line.split_whitespace().eq(expected.split(' '));
        assert!(shown.lines().any(same), "{expected}: {shown}");
    }
    assert!(
        line("OBS_CHECK_URL").ends_with("http://billing/health"),
        "{shown}"
    );
    assert!(
        line("OBS_LOG_SUCCESS_SAMPLE").contains("default"),
        "{shown}"
    );
}

#[tokio::test]
async fn run_within_a_runtime_is_refused_before_anything_is_installed() {
    let refused = format!("{:?}", std::process::ExitCode::from(78));
    let code = obs::run(obs::service!(), async |_| Ok(()));
    assert_eq!(format!("{code:?}"), refused);
    let setup = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    assert_eq!(format!("{:?}", setup.run(async |_| Ok(()))), refused);
    assert!(!tracing::dispatcher::has_been_set());
}
