//! A server in a process of its own, and as little of an HTTP client as it takes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const TRACEO: &str = env!("CARGO_BIN_EXE_traceo");

/// A server that is killed when the test is over.
pub(crate) struct Running {
    process: Child,
    pub(crate) address: String,
    pub(crate) welcome: String,
}

impl Running {
    pub(crate) fn start(data: &TempDir, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, &[])
    }

    /// Starts it with variables of the environment. Its log is in `log` below `data`.
    pub(crate) fn start_with(
        data: &TempDir,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let log = File::create(data.path().join("log")).unwrap();
        let mut process = Command::new(TRACEO)
            .args(["mcp", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut welcome = String::new();
        while !welcome.contains("Ctrl-C") {
            let line = lines.next().expect("the server says how to stop it");
            welcome += &line.unwrap();
            welcome.push('\n');
        }
        let (_, rest) = welcome.split_once("http://").unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        Self {
            process,
            address: address.to_owned(),
            welcome,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Calls a tool as a 2026-07-28 client does.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.call_with("", tool, arguments)
    }

    /// Calls a tool with more headers, each with its line end.
    pub(crate) fn call_with(&self, more: &str, tool: &str, arguments: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        let headers = format!(
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n\
             Connection: close\r\n{more}"
        );
        let mut answer = String::new();
        let mut stream = self.post(&headers, &body);
        stream.read_to_string(&mut answer).unwrap();
        let start = answer
            .find(r#"{"jsonrpc""#)
            .unwrap_or_else(|| panic!("{answer}"));
        let mut values = serde_json::Deserializer::from_str(&answer[start..]).into_iter();
        values.next().unwrap().unwrap()
    }

    /// Opens a session and listens to it, as 2025 clients do.
    pub(crate) fn open_event_stream(&self) -> TcpStream {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }});
        let mut answer = String::new();
        let mut stream = self.post("Connection: close\r\n", &body);
        stream.read_to_string(&mut answer).unwrap();
        let header = answer
            .lines()
            .find_map(|line| line.strip_prefix("mcp-session-id: "));
        let session = header.unwrap_or_else(|| panic!("{answer}"));

        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET /mcp HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\
             Mcp-Session-Id: {session}\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut status = [0; 15];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200 OK");
        stream
    }

    fn post(&self, headers: &str, body: &Value) -> TcpStream {
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        stream
    }

    /// The value of one series, written as it is on the scrape.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        metric(&get(&self.address, "/metrics"), series)
    }

    /// Waits until a series has a value: a job is stored as ended a moment before it is counted.
    pub(crate) fn wait_for_metric(&self, series: &str, value: f64) {
        let started = Instant::now();
        while self.metric(series) != Some(value) {
            let now = self.metric(series);
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{series} is {now:?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The report of a job once it is what is asked for.
    pub(crate) fn report_when(&self, id: &Value, is_so: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.call("job_status", &json!({"job_id": id}));
            let report = &answer["result"]["structuredContent"];
            if is_so(report) {
                return report.clone();
            }
            assert!(started.elapsed() < Duration::from_secs(600), "{answer}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn ended(&self, id: &Value) -> Value {
        self.report_when(id, |report| report["ended_at"].is_string())
    }

    pub(crate) fn signal(&mut self, name: &str) -> ExitStatus {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
        self.process.wait().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn get(address: &str, path: &str) -> String {
    get_with("", address, path)
}

/// Gets a page with more headers, each with its line end.
pub(crate) fn get_with(more: &str, address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn metric(page: &str, series: &str) -> Option<f64> {
    let mut lines = page.lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    value.parse().ok()
}
