//! The engine as a process: killed, stopped, and with a receiver of webhooks that comes and goes.
#![cfg(unix)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use tempfile::TempDir;

/// How long what must happen may take; no test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// An engine that is killed when the test is over.
struct Engine {
    process: Child,
    address: String,
}

impl Engine {
    fn start(data: &TempDir, mcp_url: &str, arguments: &[&str]) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(data.path().join("log"));
        let mut process = Command::new(env!("CARGO_BIN_EXE_traceo"))
            .args(["engine", "--listen", "127.0.0.1:0", "--lease-ms", "500"])
            .arg("--data")
            .arg(data.path())
            .args(arguments)
            .env("OBS_ENV", "dev")
            .env("MCP_URL", mcp_url)
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            .stdout(Stdio::piped())
            .stderr(log.unwrap())
            .spawn()
            .unwrap();
        let mut welcome = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while !welcome.contains("Ctrl-C") {
            let line = lines.next().expect("the engine says how to stop it");
            welcome += &line.unwrap();
            welcome.push('\n');
        }
        let (_, rest) = welcome.split_once("http://").unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        Self {
            process,
            address: address.to_owned(),
        }
    }

    fn ask(&self, head: &str, body: &str) -> (u16, Value) {
        let (status, text) = exchange(&self.address, head, body);
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    fn upload(&self, correlation_id: &str, content: &str) -> (u16, Value) {
        let head = format!("POST /uploads HTTP/1.1\r\nX-Correlation-ID: {correlation_id}\r\n");
        self.ask(&head, content)
    }

    fn submit(&self, correlation_id: &str, content: &str) -> String {
        let (status, job) = self.upload(correlation_id, content);
        assert_eq!(status, 202, "{job}");
        job["job_id"].as_str().unwrap().to_owned()
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    fn job_when(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        until(|| {
            last = self.get(&format!("/jobs/{id}")).1;
            is_so(&last)
        });
        last
    }

    fn ended(&self, id: &str) -> Value {
        self.job_when(id, |job| job["ended_at"].is_string())
    }

    /// Every series of the scrape.
    fn metrics(&self) -> HashMap<String, f64> {
        let (_, text) = exchange(&self.address, "GET /metrics HTTP/1.1\r\n", "");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                Some((series.to_owned(), value.parse().ok()?))
            })
            .collect()
    }

    fn wait_for_metric(&self, series: &str, value: f64) {
        until(|| self.metrics().get(series) == Some(&value));
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn terminate(&mut self) -> ExitStatus {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// One request on a connection of its own.
fn exchange(address: &str, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head =
        format!("{head}Host: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

fn until(mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "it never holds");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a receiver got: headers in lower case, and the body.
type Got = Arc<Mutex<Vec<(HashMap<String, String>, Value)>>>;

/// Takes every webhook on an address, as long as the process lives.
fn receive_on(listener: TcpListener) -> Got {
    let got = Got::default();
    let kept = Arc::clone(&got);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || serve(&stream.unwrap(), &kept));
        }
    });
    got
}

fn serve(stream: &TcpStream, got: &Got) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let status = if first.starts_with("POST /webhooks/jobs ") {
            got.lock()
                .unwrap()
                .push((headers, serde_json::from_slice(&body).unwrap()));
            "202 Accepted"
        } else {
            "200 OK"
        };
        let mut stream = stream;
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
    }
}

fn receiver() -> (String, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, receive_on(listener))
}

fn rows(count: u32) -> String {
    let mut content = "n,text\n".to_owned();
    for n in 0..count {
        writeln!(content, "{n},some text that takes room").unwrap();
    }
    content
}

/// The lines of the log that have a correlation id.
fn lines(data: &TempDir, correlation_id: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(data.path().join("log")).unwrap();
    let values = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    values
        .filter(|line: &Value| line["correlation_id"] == correlation_id)
        .collect()
}

/// Asks the database of an engine.
fn number(data: &TempDir, query: &str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let file = data.path().join("engine").join("engine.db");
        let options = SqliteConnectOptions::new().filename(file);
        let mut database = options.connect().await.unwrap();
        let row = sqlx::query(query).fetch_one(&mut database).await.unwrap();
        row.get(0)
    })
}

fn uploads(data: &Path) -> usize {
    let files = std::fs::read_dir(data.join("engine").join("uploads")).unwrap();
    files.count()
}

/// Rows that take longer to import than it takes to see that they are being imported.
const LONG: u32 = 400_000;

#[test]
fn an_engine_that_is_killed_again_and_again_loses_no_job_and_does_none_twice() {
    let data = TempDir::new().unwrap();
    let (mcp_url, got) = receiver();
    let mut engine = Engine::start(&data, &mcp_url, &[]);
    let ids: Vec<_> = (0..20)
        .map(|n| engine.submit(&format!("short-{n}"), &rows(n * 10 + 1)))
        .collect();
    let long = engine.submit("long", &rows(LONG));
    for attempt in 1..=2 {
        // What a dead engine left says `running` until its lease is over.
        engine.job_when(&long, |job| {
            job["attempts"] == attempt
                && job["status"] == "running"
                && job["rows_ok"].as_i64() > Some(0)
        });
        engine.kill();
        engine = Engine::start(&data, &mcp_url, &[]);
    }
    let job = engine.ended(&long);
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(
        (&job["attempts"], &job["rows_ok"]),
        (&json!(3), &json!(LONG))
    );
    for (n, id) in (0..).zip(&ids) {
        let job = engine.ended(id);
        assert_eq!(
            (&job["status"], &job["rows_ok"]),
            (&json!("completed"), &json!(n * 10 + 1))
        );
    }
    engine.wait_for_metric(r#"traceo_engine_jobs{status="completed"}"#, 21.0);
    engine.wait_for_metric(r#"traceo_engine_jobs{status="running"}"#, 0.0);
    engine.wait_for_metric(r#"traceo_engine_jobs{status="pending"}"#, 0.0);
    engine.wait_for_metric("traceo_engine_webhook_backlog", 0.0);
    // A delivery that was under way when the engine was killed comes again, under its name.
    let got = got.lock().unwrap();
    let mut deliveries = HashMap::new();
    for (headers, body) in got.iter() {
        let job = body["job_id"].as_str().unwrap().to_owned();
        let delivery = headers["webhook-id"].clone();
        assert_eq!(
            *deliveries.entry(job).or_insert_with(|| delivery.clone()),
            delivery
        );
    }
    assert_eq!(deliveries.len(), 21);
    assert_eq!(uploads(data.path()), 0);

    // One row for each that was counted, one end for each job.
    let rows = (0..20).map(|n| i64::from(n * 10 + 1)).sum::<i64>() + i64::from(LONG);
    assert_eq!(number(&data, "SELECT count(*) FROM job_rows"), rows);
    assert_eq!(number(&data, "SELECT sum(rows_ok) FROM jobs"), rows);
    let ends = "SELECT count(*) FROM audit_logs WHERE action = 'job_ended'";
    assert_eq!(number(&data, ends), 21);
    assert_eq!(number(&data, "SELECT count(*) FROM webhooks"), 21);

    // Every attempt is a trace of its own, with the id of the upload.
    let lines = lines(&data, "long");
    let ended: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "job ended")
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["attempt"], 3);
    let upload = lines
        .iter()
        .find(|line| line["message"] == "job accepted")
        .unwrap();
    assert_eq!(upload["job_id"], json!(long));
    assert_ne!(upload["trace_id"], ended[0]["trace_id"]);
}

#[test]
fn webhooks_wait_for_a_receiver_that_is_dead_and_over_a_restart() {
    let data = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mcp_url = format!("http://{address}");
    drop(listener);
    let mut engine = Engine::start(&data, &mcp_url, &[]);
    let id = engine.submit("waits", "a\n1\n");
    engine.ended(&id);
    engine.wait_for_metric("traceo_engine_webhook_backlog", 1.0);
    until(|| {
        let metrics = engine.metrics();
        let failed = r#"traceo_engine_webhook_deliveries_total{result="failed"}"#;
        metrics.get(failed) >= Some(&1.0)
    });
    let (status, ready) = engine.get("/ready");
    assert_eq!(
        (status, &ready["checks"]["mcp"]["status"]),
        (200, &json!("failed")),
        "{ready}"
    );
    assert!(engine.terminate().success());

    let engine = Engine::start(&data, &mcp_url, &[]);
    let got = receive_on(TcpListener::bind(address).unwrap());
    engine.wait_for_metric(
        r#"traceo_engine_webhook_deliveries_total{result="delivered"}"#,
        1.0,
    );
    engine.wait_for_metric("traceo_engine_webhook_backlog", 0.0);
    let got = got.lock().unwrap();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].0["x-correlation-id"], "waits");
    assert_eq!(got[0].1["status"], "completed");
}

#[test]
fn what_is_counted_is_what_is_in_the_database() {
    let data = TempDir::new().unwrap();
    let (mcp_url, _) = receiver();
    let engine = Engine::start(&data, &mcp_url, &["--max-file-mb", "1"]);
    let mut total = 0;
    for n in 1..=10 {
        let id = engine.submit(&format!("job-{n}"), &(rows(n * 500) + "broken\n"));
        total += engine.ended(&id)["rows_ok"].as_i64().unwrap();
    }
    let empty = engine.submit("empty", "\n");
    assert_eq!(engine.ended(&empty)["status"], "failed");
    let (status, problem) = engine.upload("large", &"x".repeat(1024 * 1024 + 1));
    assert_eq!(
        (status, &problem["code"]),
        (413, &json!("upload_too_large"))
    );
    assert_eq!(total, 27_500);
    engine.wait_for_metric(r#"traceo_engine_jobs{status="completed"}"#, 10.0);
    engine.wait_for_metric(
        r#"traceo_engine_webhook_deliveries_total{result="delivered"}"#,
        11.0,
    );
    let metrics = engine.metrics();
    for (series, value) in [
        (
            r#"traceo_engine_csv_rows_total{source="upload",outcome="ok"}"#,
            27_500.0,
        ),
        (
            r#"traceo_engine_csv_rows_total{source="upload",outcome="rejected"}"#,
            10.0,
        ),
        (
            r#"traceo_engine_uploads_total{source="upload",outcome="accepted"}"#,
            11.0,
        ),
        (
            r#"traceo_engine_uploads_total{source="upload",outcome="refused"}"#,
            1.0,
        ),
        (
            r#"traceo_engine_jobs_ended_total{status="completed"}"#,
            10.0,
        ),
        (r#"traceo_engine_jobs_ended_total{status="failed"}"#, 1.0),
        (
            r#"traceo_engine_job_failures_total{reason="empty_file"}"#,
            1.0,
        ),
        (r#"traceo_engine_jobs{status="failed"}"#, 1.0),
        (
            r#"operation_calls_total{operation="accept_job",outcome="ok"}"#,
            11.0,
        ),
        ("traceo_engine_queue_depth", 0.0),
    ] {
        assert_eq!(metrics.get(series), Some(&value), "{series}");
    }
    // The job id stands on the lines of the refused upload as well.
    let refused = lines(&data, "large");
    assert!(
        refused.iter().any(|line| line["job_id"].is_string()),
        "{refused:?}"
    );
}

#[test]
fn a_redis_that_is_not_there_is_said_and_jobs_are_kept() {
    let data = TempDir::new().unwrap();
    let (mcp_url, _) = receiver();
    let nowhere = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let log = File::create(data.path().join("log")).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_traceo"))
        .args(["engine", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .envs([("OBS_ENV", "dev"), ("MCP_URL", &mcp_url)])
        .env("REDIS_URL", format!("redis://{nowhere}"))
        .env_remove("DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, rest)) = line.split_once("http://") {
            break rest.split_once('/').unwrap().0.to_owned();
        }
    };
    let engine = Engine { process, address };
    let id = engine.submit("kept", "a\n1\n");
    let (status, ready) = engine.get("/ready");
    assert_eq!(
        (status, &ready["checks"]["redis"]["status"]),
        (503, &json!("failed")),
        "{ready}"
    );
    assert_eq!(engine.get(&format!("/jobs/{id}")).1["status"], "pending");
    until(|| {
        let log = std::fs::read_to_string(data.path().join("log")).unwrap();
        log.contains("the queue cannot be reached")
    });
    drop(engine);

    // In memory it goes on.
    let engine = Engine::start(&data, &mcp_url, &[]);
    assert_eq!(engine.ended(&id)["status"], "completed");
}
