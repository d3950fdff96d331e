//! The program as people and MCP clients start it.
#![cfg(unix)]

#[path = "server/large.rs"]
mod large;
mod services;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use services::http::{get, get_with, metric};
use services::{Service, Services, With, command, free_address, wait_for};
use tempfile::TempDir;

const STATELESS: With<'static> = With {
    mcp: &["--stateless-json"],
    engine: &[],
    variables: &[],
};

const NO_JOB: &str = "job_00000000000000000000000000000000";

/// An MCP server whose engine is not there.
fn alone(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Service {
    Service::mcp(data, &free_address(), &free_address(), arguments, variables)
}

fn broken_file() -> Value {
    json!({"path": concat!(env!("CARGO_MANIFEST_DIR"), "/data/broken.csv")})
}

#[test]
fn it_says_what_to_open_and_paste_where_things_are_and_how_to_stop() {
    let data = TempDir::new().unwrap();
    let server = alone(data.path(), &[], &[]);
    let address = &server.address;
    let database = data.path().join("mcp").join("mcp.db");
    for part in [
        format!("http://{address}/metrics"),
        format!(r#"{{"type": "http", "url": "http://{address}/mcp"}}"#),
        database.display().to_string(),
        "ENGINE_URL".to_owned(),
        "Ctrl-C".to_owned(),
    ] {
        assert!(
            server.welcome.contains(&part),
            "{part} in {}",
            server.welcome
        );
    }
    assert!(database.is_file());
    let page = get(address, "/");
    assert!(page.contains(&server.welcome), "{page}");
}

#[test]
fn a_file_is_imported_and_described_over_http() {
    for with in [With::default(), STATELESS] {
        let services = Services::start_with(with);
        let id = services.import("", &broken_file());
        let report = services.ended(&id);
        assert_eq!(report["status"], "completed", "{report}");
        assert_eq!(
            (&report["rows_ok"], &report["rows_rejected"]),
            (&json!(6), &json!(4))
        );
        assert_eq!(report["source"], "file");
        let kinds: Vec<_> = report["errors"].as_array().unwrap().iter().collect();
        assert_eq!(kinds[0]["kind"], "wrong_column_count");
        let table = services.call("column_stats", &json!({"job_id": id}));
        let columns = table["result"]["structuredContent"]["columns"]
            .as_array()
            .unwrap();
        assert_eq!(columns[0]["name"], "station");
        let jobs = services.call("list_jobs", &json!({"status": "completed"}));
        assert_eq!(
            jobs["result"]["structuredContent"]["jobs"][0]["job_id"],
            *id
        );
    }
}

#[test]
fn the_types_of_columns_are_found_out_and_can_be_declared() {
    let services = Services::start_with(STATELESS);
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
        let id = services.import("", &arguments);
        assert_eq!(services.ended(&id)["rows_rejected"], 0);
        let table = services.call("column_stats", &json!({"job_id": id}));
        let columns = table["result"]["structuredContent"]["columns"].as_array();
        let found: Vec<_> = columns
            .unwrap()
            .iter()
            .map(|column| &column["type"])
            .collect();
        assert_eq!(found, types);
        let one = json!({"job_id": id, "column": "no such"});
        let answer = services.call("column_stats", &one);
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("has no column `no such`; it has: "), "{text}");
    }
}

#[test]
fn wrong_arguments_are_an_answer_and_not_a_crash() {
    let services = Services::start_with(STATELESS);
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
        ("ingest_csv", json!({"content": ""})),
        ("ingest_csv", json!({"path": "/no/such.csv"})),
        ("job_status", json!({"job_id": 12345})),
        ("job_status", json!({"job_id": "job_1"})),
        ("job_status", json!({"job_id": "../limits"})),
        ("list_jobs", json!({"limit": -1})),
        ("column_stats", json!({"job_id": NO_JOB})),
        ("cancel_job", json!({"job_id": NO_JOB})),
        ("external_data", json!({"currency": "euros"})),
    ];
    for (tool, arguments) in wrong {
        let answer = services.call(tool, &arguments);
        assert_eq!(
            answer["result"]["isError"], true,
            "{tool} {arguments}: {answer}"
        );
    }
    let answer = services.call("job_status", &json!({"job_id": "job_1"}));
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("`job_` and 32 hexadecimal digits"), "{text}");
    let answer = services.call("slow", &json!({"seconds": 1e9}));
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    let limits = services.call("limits", &json!({}));
    assert_eq!(limits["result"]["isError"], false);
    let limits = &limits["result"]["structuredContent"];
    assert_eq!(limits["file_bytes"], 1024 * 1024 * 1024);
    assert_eq!(limits["inline_bytes"], 1024 * 1024);
}

#[test]
fn a_third_party_is_asked_for_what_a_currency_is_worth() {
    let services = Services::start_with(STATELESS);
    // The stand-in for it fails now and then.
    let quote = || services.call("external_data", &json!({"currency": "EUR"}))["result"].clone();
    wait_for(|| quote()["isError"] == false, || services.engine.log());
    let quote = &quote()["structuredContent"];
    assert_eq!(quote["currency"], "EUR", "{quote}");
    assert!(quote["value"].as_f64().unwrap() > 0.0);
    for text in ["symbol", "timestamp", "source"] {
        assert!(quote[text].is_string(), "{quote}");
    }
}

#[test]
fn what_was_imported_is_on_the_scrape_and_was_there_at_zero_before() {
    let services = Services::start_with(STATELESS);
    let engine = [
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
    let mcp = [
        (r#"traceo_mcp_imports_total{source="file"}"#, 1.0),
        (r#"traceo_mcp_imports_total{source="inline"}"#, 1.0),
        (r#"traceo_mcp_known_imports{status="completed"}"#, 1.0),
        (r#"traceo_mcp_known_imports{status="failed"}"#, 1.0),
        (r#"traceo_mcp_known_imports{status="pending"}"#, 0.0),
        (
            r#"traceo_mcp_webhooks_received_total{receipt="taken"}"#,
            2.0,
        ),
        ("traceo_mcp_webhook_lag_seconds_count", 2.0),
        ("traceo_mcp_webhook_backlog", 0.0),
    ];
    let expected = [(&services.engine, &engine), (&services.mcp, &mcp)];
    for (service, series) in expected {
        for (series, _) in series {
            assert_eq!(service.metric(series), Some(0.0), "{series}");
        }
    }
    for arguments in [broken_file(), json!({"content": "\n\n"})] {
        let id = services.import("", &arguments);
        services.ended(&id);
    }
    for (service, series) in expected {
        for (series, value) in series {
            service.wait_for_metric(series, *value);
        }
        let uptime = format!("{}_uptime_seconds", service.metrics_prefix());
        assert!(service.metric(&uptime).is_some(), "{uptime}");
    }
    let busy = r#"traceo_engine_worker_busy_seconds_total{source="file"}"#;
    let busy = services.engine.metric(busy);
    assert!(busy.is_some_and(|busy| busy > 0.0), "{busy:?}");
}

#[test]
fn every_call_is_counted_once_with_the_way_it_ended() {
    for with in [With::default(), STATELESS] {
        let services = Services::start_with(with);
        let server = &services.mcp;
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
                json!({"job_id": NO_JOB}),
                "job_status",
                "tool_error",
            ),
            (
                "job_status",
                json!({"job_id": "job_1"}),
                "job_status",
                "invalid_arguments",
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
        let taken = r#"operation_calls_total{operation="take_webhook",outcome="ok"}"#;
        assert_eq!(server.metric(taken), Some(0.0));
    }
}

#[test]
fn a_tool_that_panics_is_answered_at_once() {
    let data = TempDir::new().unwrap();
    for arguments in [&[][..], &["--stateless-json"]] {
        let server = alone(data.path(), arguments, &[]);
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
    let server = alone(data.path(), &[], &[]);
    let starts = server.metric(r#"traceo_starts_total{transport="http"}"#);
    assert_eq!(starts, Some(1.0));
}

#[test]
fn the_report_names_every_declared_metric_and_its_budget() {
    let report = command().arg("metrics").output().unwrap();
    assert!(report.status.success());
    let report = String::from_utf8(report.stdout).unwrap();
    for name in [
        "traceo_engine_csv_rows_total",
        "traceo_mcp_webhooks_received_total",
        "http_requests_total",
        "ENGINE",
        "MCP",
    ] {
        assert!(report.contains(name), "{report}");
    }
}

#[test]
fn the_configuration_is_shown_without_secrets() {
    let config = command()
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
    for service in ["mcp", "engine"] {
        let refused = command()
            .args([service, "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path().join("data"))
            .env("LOG_FORMAT", "yaml")
            .env("OBS_SHUTDOWN_TIMEOUT", "soon")
            .env("ENGINE_URL", "somewhere")
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(78));
        let message = String::from_utf8(refused.stderr).unwrap();
        for variable in ["LOG_FORMAT", "OBS_SHUTDOWN_TIMEOUT", "ENGINE_URL"] {
            assert!(message.contains(variable), "{message}");
        }
        assert!(refused.stdout.is_empty() && !data.path().join("data").exists());
    }
}

#[test]
fn outside_of_dev_a_scrape_needs_the_token_and_the_welcome_says_so() {
    let data = TempDir::new().unwrap();
    let prod = ("OBS_ENV", "prod");
    let closed = alone(data.path(), &[], &[prod]);
    assert!(
        closed.welcome.contains("OBS_METRICS_TOKEN"),
        "{}",
        closed.welcome
    );
    let answer = get(&closed.address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    drop(closed);

    let token = ("OBS_METRICS_TOKEN", "0123456789abcdef");
    let variables = &[prod, token];
    let services = Services::start_with(With {
        variables,
        ..With::default()
    });
    for service in [&services.mcp, &services.engine] {
        let answer = get(&service.address, "/metrics");
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        let header = "Authorization: Bearer 0123456789abcdef\r\n";
        let answer = get_with(header, &service.address, "/metrics");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        for path in ["/health", "/ready", "/startup"] {
            let answer = get(&service.address, path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    }
    assert!(!services.mcp.welcome.contains("0123456789abcdef"));
}

#[test]
fn every_line_about_a_job_has_the_id_and_the_user_of_the_request_that_brought_it() {
    let services = Services::start_with(STATELESS);
    let id = services.import(
        "X-Correlation-ID: the-import\r\nAuthorization: Bearer the-token-of-ada\r\n",
        &json!({"content": "a\n1\n"}),
    );
    assert_eq!(services.told(&id), "completed");

    let told = [
        (&services.mcp, "import accepted"),
        (&services.mcp, "request_completed"),
        (&services.engine, "request_completed"),
        (&services.mcp, "webhook taken"),
        (&services.mcp, "job end recorded"),
    ];
    let mut users = BTreeSet::new();
    for (service, message) in told {
        let line = service.wait_for_line(&[
            ("message", message),
            ("correlation_id", "the-import"),
            ("job_id", &id),
        ]);
        users.insert(line["user_id"].as_str().unwrap_or("nobody").to_owned());
    }
    let user = users.first().unwrap().clone();
    assert!(user.starts_with("usr_") && users.len() == 1, "{users:?}");

    for (service, rows) in [
        (&services.mcp, services.mcp_rows(AUDIT)),
        (&services.engine, services.engine_rows(AUDIT)),
    ] {
        assert!(rows.len() > 1, "{rows:?}");
        for row in &rows {
            assert_eq!(
                row[1..],
                ["the-import".to_owned(), user.clone()],
                "{rows:?}"
            );
        }
        let log = service.log();
        assert!(!log.contains("the-token-of-ada"), "{log}");
    }
    let received = services.mcp_rows(AUDIT);
    let actions: Vec<_> = received.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        actions,
        ["import_recorded", "webhook_received", "import_updated"]
    );
}

const AUDIT: &str = "SELECT action, correlation_id, actor FROM audit_logs ORDER BY at, id";

#[test]
fn a_busy_port_is_named_with_the_way_out() {
    let data = TempDir::new().unwrap();
    let server = alone(data.path(), &[], &[]);
    let second = command()
        .args(["mcp", "--listen", &server.address, "--data"])
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
    let refused = command()
        .args(["mcp", "--listen", "127.0.0.1:0", "--data"])
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
        let mut server = alone(data.path(), &[], &[]);
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
fn a_job_of_a_killed_engine_is_done_by_the_next_once_and_told_once() {
    let mut services = Services::start();
    let file = services.data.path().join("long.csv");
    let content = "n,text\n".to_owned() + &"1,some text\n".repeat(300_000);
    fs::write(&file, content).unwrap();

    let id = services.import("X-Correlation-ID: long-one\r\n", &json!({"path": file}));
    services.report_when(&id, |report| report["rows_ok"] != 0);
    services.engine.restart();
    services.wait_until_ready();

    let report = services.ended(&id);
    assert_eq!(report["status"], "completed", "{report}");
    assert_eq!(report["rows_ok"], 300_000, "{report}");
    assert_eq!(report["attempts"], 2, "{report}");
    assert_eq!(services.told(&id), "completed");
    let completed = r#"traceo_engine_jobs{status="completed"}"#;
    services.engine.wait_for_metric(completed, 1.0);
    let updated = "SELECT correlation_id FROM audit_logs WHERE action = 'import_updated'";
    assert_eq!(services.mcp_rows(updated), [["long-one"]]);
}

#[test]
fn a_killed_mcp_server_hears_of_the_end_when_it_is_back() {
    let mut services = Services::start();
    let file = services.data.path().join("long.csv");
    let content = "n,text\n".to_owned() + &"1,some text\n".repeat(100_000);
    fs::write(&file, content).unwrap();
    let id = services.import("X-Correlation-ID: told-late\r\n", &json!({"path": file}));
    services.mcp.kill();
    let completed = r#"traceo_engine_jobs{status="completed"}"#;
    services.engine.wait_for_metric(completed, 1.0);
    let waiting = "SELECT status FROM imports";
    assert_eq!(services.mcp_rows(waiting), [["pending"]]);

    services.mcp.restart();
    assert_eq!(services.told(&id), "completed");
    let updated = "SELECT correlation_id FROM audit_logs WHERE action = 'import_updated'";
    assert_eq!(services.mcp_rows(updated), [["told-late"]]);
}

#[test]
fn it_is_ready_while_the_engine_is_and_says_what_is_missing() {
    let mut services = Services::start();
    let checks = || {
        let answer = get(&services.mcp.address, "/ready");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<Value>(body).unwrap()
    };
    let ready = checks();
    assert_eq!(ready["status"], "ok", "{ready}");
    for check in ["database", "engine", "webhook_backlog"] {
        assert!(ready["checks"].get(check).is_some(), "{check} in {ready}");
    }
    services.engine.kill();
    wait_for(|| !services.mcp.answers("/ready"), || services.mcp.log());
    assert!(services.mcp.answers("/health"));
    let answer = services.call("limits", &json!({}));
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("cannot be reached"), "{text}");
    assert!(text.contains("traceo engine"), "{text}");
    services.engine.restart();
    services.wait_until_ready();
}

#[test]
fn over_pipes_standard_output_carries_answers_and_nothing_else() {
    let services = Services::start();
    let mut server = command()
        .args(["mcp", "--stdio", "--data"])
        .arg(services.data.path())
        .env("ENGINE_URL", format!("http://{}", services.engine.address))
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
    // Read on, or a full pipe would stop the server.
    let logs = std::thread::spawn(move || {
        let mut rest = String::new();
        logs.read_to_string(&mut rest).map(|_| rest)
    });
    let mut ask = |message: Value| writeln!(requests, "{message}").unwrap();
    let mut answer = || {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).expect("every line is JSON")
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
    let job = answer()["result"]["structuredContent"].clone();
    let id = job["job_id"].as_str().unwrap();
    assert_eq!(services.ended(id)["rows_ok"], 1, "{job}");
    let page = get(&admin, "/metrics");
    assert_eq!(
        metric(&page, r#"traceo_starts_total{transport="stdio"}"#),
        Some(1.0)
    );
    drop(requests);
    assert!(server.wait().unwrap().success());
    let rest = logs.join().unwrap().unwrap();
    assert!(rest.contains("import accepted"), "{rest}");
}
