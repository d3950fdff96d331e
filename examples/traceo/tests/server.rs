//! The program as people and MCP clients start it.
#![cfg(unix)]

#[path = "server/large.rs"]
mod large;
#[path = "server/running.rs"]
mod running;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use running::{Running, TRACEO, get, get_with, metric};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn it_says_what_to_open_and_paste_where_things_are_and_how_to_stop() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &[]);
    let address = &server.address;
    let database = data.path().join("traceo.db");
    for part in [
        format!("http://{address}/metrics"),
        format!(r#"{{"type": "http", "url": "http://{address}/mcp"}}"#),
        database.display().to_string(),
        "Ctrl-C".to_owned(),
    ] {
        assert!(
            server.welcome.contains(&part),
            "{part} in {}",
            server.welcome
        );
    }
    assert!(database.is_file());
}

#[test]
fn a_file_is_imported_and_described_over_http() {
    let data = TempDir::new().unwrap();
    for arguments in [&[][..], &["--stateless-json"]] {
        let server = Running::start(&data, arguments);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/broken.csv");
        let job = server.call("ingest_csv", &json!({"path": path}));
        let job = &job["result"]["structuredContent"];
        let report = server.ended(&job["job_id"]);
        assert_eq!(report["status"], "completed", "{report}");
        assert_eq!(
            (&report["rows_ok"], &report["rows_rejected"]),
            (&json!(6), &json!(4))
        );
        let kinds: Vec<_> = report["errors"].as_array().unwrap().iter().collect();
        assert_eq!(kinds[0]["kind"], "wrong_column_count");
        let table = server.call("column_stats", &json!({"job_id": job["job_id"]}));
        let columns = table["result"]["structuredContent"]["columns"]
            .as_array()
            .unwrap();
        assert_eq!(columns[0]["name"], "station");
    }
}

#[test]
fn the_types_of_columns_are_found_out_and_can_be_declared() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &["--stateless-json"]);
    let orders = concat!(env!("CARGO_MANIFEST_DIR"), "/data/orders.csv");
    let weather = concat!(env!("CARGO_MANIFEST_DIR"), "/data/weather.csv");
    let imports = [
        (
            json!({"path": orders, "delimiter": ";"}),
            vec!["integer", "text", "date", "float"],
        ),
        (
            json!({"path": weather, "columns": [{"name": "sunny", "type": "text"}]}),
            vec!["text", "date", "float", "float", "text"],
        ),
    ];
    for (arguments, types) in imports {
        let job = server.call("ingest_csv", &arguments);
        let id = &job["result"]["structuredContent"]["job_id"];
        assert_eq!(server.ended(id)["rows_rejected"], 0);
        let table = server.call("column_stats", &json!({"job_id": id}));
        let columns = table["result"]["structuredContent"]["columns"].as_array();
        let found: Vec<_> = columns
            .unwrap()
            .iter()
            .map(|column| &column["type"])
            .collect();
        assert_eq!(found, types);
    }
}

#[test]
fn wrong_arguments_are_an_answer_and_not_a_crash() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &["--stateless-json"]);
    let wrong = [
        ("ingest_csv", json!({"path": 5})),
        ("ingest_csv", json!({"content": "a\n1\n", "colums": []})),
        (
            "ingest_csv",
            json!({"content": "a\n1\n", "columns": [{"name": "a", "type": "money"}]}),
        ),
        (
            "ingest_csv",
            json!({"content": "a\n1\n", "delimiter": "\""}),
        ),
        ("ingest_csv", json!({})),
        ("ingest_csv", json!({"path": "/no/such.csv"})),
        ("job_status", json!({"job_id": "one"})),
        ("job_status", json!({"job_id": 1e300})),
        ("list_jobs", json!({"limit": -1})),
        ("column_stats", json!({"job_id": 12345})),
        ("cancel_job", json!({"job_id": 12345})),
    ];
    for (tool, arguments) in wrong {
        let answer = server.call(tool, &arguments);
        assert_eq!(
            answer["result"]["isError"], true,
            "{tool} {arguments}: {answer}"
        );
    }
    let answer = server.call("slow", &json!({"seconds": 1e9}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    assert_eq!(
        server.call("limits", &json!({}))["result"]["isError"],
        false
    );
}

#[test]
fn what_was_imported_is_on_the_scrape_and_was_there_at_zero_before() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &["--stateless-json"]);
    let expected = [
        (
            r#"traceo_engine_csv_rows_total{source="file",outcome="ok"}"#,
            6.0,
        ),
        (
            r#"traceo_engine_csv_rows_total{source="file",outcome="rejected"}"#,
            4.0,
        ),
        (
            r#"traceo_engine_csv_errors_total{kind="unterminated_quote"}"#,
            1.0,
        ),
        (
            r#"traceo_engine_csv_errors_total{kind="wrong_column_count"}"#,
            2.0,
        ),
        (r#"traceo_engine_jobs{status="completed"}"#, 1.0),
        (
            r#"traceo_engine_job_failures_total{reason="empty_file"}"#,
            1.0,
        ),
        (
            r#"traceo_engine_job_failures_total{reason="interrupted"}"#,
            0.0,
        ),
        (
            r#"traceo_engine_job_duration_seconds_count{kind="csv_import"}"#,
            2.0,
        ),
    ];
    for (series, _) in expected {
        assert_eq!(server.metric(series), Some(0.0), "{series}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/broken.csv");
    for arguments in [json!({"path": path}), json!({"content": ""})] {
        let job = server.call("ingest_csv", &arguments);
        server.ended(&job["result"]["structuredContent"]["job_id"]);
    }
    for (series, value) in expected {
        server.wait_for_metric(series, value);
    }
    let busy = server.metric(r#"traceo_engine_worker_busy_seconds_total{source="file"}"#);
    assert!(busy.is_some_and(|busy| busy > 0.0), "{busy:?}");
    assert!(server.metric("traceo_engine_uptime_seconds").is_some());
}

#[test]
fn every_call_is_counted_once_with_the_way_it_ended() {
    let data = TempDir::new().unwrap();
    for arguments in [&[][..], &["--stateless-json"]] {
        let server = Running::start(&data, arguments);
        let endings = [
            ("limits", json!({}), "limits", "ok"),
            ("fail", json!({"how": "tool_error"}), "fail", "tool_error"),
            ("fail", json!({"how": "internal_error"}), "fail", "error"),
            (
                "fail",
                json!({"how": "invalid_params"}),
                "fail",
                "client_error",
            ),
            ("fail", json!({"how": 3}), "fail", "invalid_arguments"),
            (
                "job_status",
                json!({"job_id": 404}),
                "job_status",
                "tool_error",
            ),
            ("panic", json!({}), "panic", "panic"),
            ("no such tool", json!({}), "_other", "client_error"),
        ];
        for (tool, arguments, label, outcome) in endings {
            let series = format!(r#"mcp_tool_calls_total{{tool="{label}",outcome="{outcome}"}}"#);
            assert_eq!(server.metric(&series), Some(0.0), "{series}");
            server.call(tool, &arguments);
            assert_eq!(server.metric(&series), Some(1.0), "{series}");
        }
        let error = r#"mcp_tool_errors_total{tool="job_status",error="job_not_found"}"#;
        assert_eq!(server.metric(error), Some(1.0));
        let accepted =
            server.metric(r#"operation_calls_total{operation="accept_job",outcome="ok"}"#);
        assert_eq!(accepted, Some(0.0));
    }
}

#[test]
fn a_tool_that_panics_is_answered_at_once() {
    let data = TempDir::new().unwrap();
    for arguments in [&[][..], &["--stateless-json"]] {
        let server = Running::start(&data, arguments);
        let asked = Instant::now();
        let answer = server.call("panic", &json!({}));
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "{:?}",
            asked.elapsed()
        );
    }
}

#[test]
fn what_is_recorded_through_the_facade_is_on_the_same_scrape() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &[]);
    let starts = server.metric(r#"traceo_starts_total{transport="http"}"#);
    assert_eq!(starts, Some(1.0));
}

#[test]
fn the_report_names_every_declared_metric_and_its_budget() {
    let report = Command::new(TRACEO).arg("metrics").output().unwrap();
    assert!(report.status.success());
    let report = String::from_utf8(report.stdout).unwrap();
    for name in [
        "traceo_engine_csv_rows_total",
        "http_requests_total",
        "ENGINE",
    ] {
        assert!(report.contains(name), "{report}");
    }
}

#[test]
fn the_configuration_is_shown_without_secrets() {
    let config = Command::new(TRACEO)
        .arg("config")
        .env("OBS_METRICS_TOKEN", "0123456789abcdef")
        .env("OBS_SHUTDOWN_TIMEOUT", "7s")
        .output()
        .unwrap();
    assert!(config.status.success());
    let config = String::from_utf8(config.stdout).unwrap();
    for part in ["OBS_ENV", "OBS_METRICS_TOKEN", "7s", "stderr"] {
        assert!(config.contains(part), "{part} in {config}");
    }
    assert!(!config.contains("0123456789abcdef"), "{config}");
}

#[test]
fn variables_that_make_no_sense_are_all_named_and_nothing_starts() {
    let data = TempDir::new().unwrap();
    let refused = Command::new(TRACEO)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path().join("data"))
        .env("LOG_FORMAT", "yaml")
        .env("OBS_SHUTDOWN_TIMEOUT", "soon")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(78));
    let message = String::from_utf8(refused.stderr).unwrap();
    for variable in ["LOG_FORMAT", "OBS_SHUTDOWN_TIMEOUT"] {
        assert!(message.contains(variable), "{message}");
    }
    assert!(refused.stdout.is_empty() && !data.path().join("data").exists());
}

#[test]
fn outside_of_dev_a_scrape_needs_the_token_and_the_welcome_says_so() {
    let data = TempDir::new().unwrap();
    let prod = ("OBS_ENV", "prod");
    let closed = Running::start_with(&data, &[], &[prod]);
    assert!(
        closed.welcome.contains("OBS_METRICS_TOKEN"),
        "{}",
        closed.welcome
    );
    let answer = get(&closed.address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    drop(closed);

    let token = ("OBS_METRICS_TOKEN", "0123456789abcdef");
    let open = Running::start_with(&data, &[], &[prod, token]);
    let answer = get(&open.address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let header = "Authorization: Bearer 0123456789abcdef\r\n";
    let answer = get_with(header, &open.address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!open.welcome.contains("0123456789abcdef"));
    for path in ["/health", "/ready", "/startup"] {
        let answer = get(&open.address, path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}

#[test]
fn every_line_of_a_job_has_the_id_of_the_request_that_brought_it() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &["--stateless-json"]);
    let job = server.call_with(
        "X-Correlation-ID: the-import\r\n",
        "ingest_csv",
        &json!({"content": "a\n1\n"}),
    );
    server.ended(&job["result"]["structuredContent"]["job_id"]);
    server.wait_for_metric(
        r#"traceo_engine_job_duration_seconds_count{kind="csv_import"}"#,
        1.0,
    );
    let mut server = server;
    assert!(server.signal("TERM").success());
    let log = fs::read_to_string(data.path().join("log")).unwrap();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for message in ["job accepted", "job ended", "request_completed"] {
        let found = lines
            .iter()
            .any(|line| line["message"] == message && line["correlation_id"] == "the-import");
        assert!(found, "{message} in {log}");
    }
}

#[test]
fn a_busy_port_is_named_with_the_way_out() {
    let data = TempDir::new().unwrap();
    let server = Running::start(&data, &[]);
    let second = Command::new(TRACEO)
        .args(["--listen", &server.address, "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    let (_, port) = server.address.rsplit_once(':').unwrap();
    assert!(message.contains(&format!("port {port}")), "{message}");
    assert!(message.contains("--listen"), "{message}");
}

#[test]
fn a_place_where_nothing_can_be_kept_is_named_with_the_way_out() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("a-file");
    fs::write(&file, "").unwrap();
    let refused = Command::new(TRACEO)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("a-file"), "{message}");
    assert!(message.contains("--data"), "{message}");
}

#[test]
fn it_stops_within_seconds_although_a_client_listens() {
    let data = TempDir::new().unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = Running::start(&data, &[]);
        let mut stream = server.open_event_stream();
        let asked = Instant::now();
        assert!(server.signal(signal).success(), "stopped by {signal}");
        assert!(
            asked.elapsed() < Duration::from_secs(4),
            "{:?}",
            asked.elapsed()
        );
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).ok();
    }
}

#[test]
fn a_job_of_a_killed_process_is_failed_at_the_next_start_with_its_rows_kept() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("long.csv");
    let content = "n,text\n".to_owned() + &"1,some text\n".repeat(500_000);
    fs::write(&file, content).unwrap();

    let mut server = Running::start(&data, &[]);
    let job = server.call("ingest_csv", &json!({"path": file}));
    let id = &job["result"]["structuredContent"]["job_id"];
    server.report_when(id, |report| report["rows_ok"] != 0);
    server.kill();

    let server = Running::start(&data, &[]);
    let report = server.ended(id);
    assert_eq!(report["status"], "failed", "{report}");
    assert_eq!(report["failure"]["kind"], "interrupted", "{report}");
    assert_ne!(report["rows_ok"], 0, "{report}");
    let failed = server.metric(r#"traceo_engine_jobs{status="failed"}"#);
    assert_eq!(failed, Some(1.0));
}

#[test]
fn over_pipes_standard_output_carries_answers_and_nothing_else() {
    let data = TempDir::new().unwrap();
    let mut server = Command::new(TRACEO)
        .args(["mcp", "--stdio", "--data"])
        .arg(data.path())
        .env("OBS_ADMIN_ADDR", "127.0.0.1:0")
        .env("RUST_LOG", "debug")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = server.stdin.take().unwrap();
    let mut answers = BufReader::new(server.stdout.take().unwrap());
    let mut logs = BufReader::new(server.stderr.take().unwrap());
    let admin = loop {
        let mut line = String::new();
        assert_ne!(
            logs.read_line(&mut line).unwrap(),
            0,
            "the address is named"
        );
        if let Some((_, rest)) = line.split_once("metrics on http://") {
            break rest.split_once('/').unwrap().0.to_owned();
        }
    };
    let mut ask = |message: serde_json::Value| writeln!(requests, "{message}").unwrap();
    let mut answer = || {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        serde_json::from_str::<serde_json::Value>(&line).expect("every line is JSON")
    };
    ask(
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }}),
    );
    assert_eq!(answer()["result"]["serverInfo"]["name"], "traceo");
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    ask(
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "ingest_csv", "arguments": {"content": "a\n1\n"},
        }}),
    );
    assert_eq!(answer()["result"]["structuredContent"]["job_id"], 1);
    let page = get(&admin, "/metrics");
    assert_eq!(
        metric(&page, r#"traceo_starts_total{transport="stdio"}"#),
        Some(1.0)
    );
    drop(requests);
    assert!(server.wait().unwrap().success());
    let mut rest = String::new();
    logs.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("job accepted"), "{rest}");
}
