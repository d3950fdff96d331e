//! Both services in processes of their own, for one test.

#![allow(dead_code, reason = "no test uses everything")]

pub(crate) mod http;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::any::{AnyPoolOptions, AnyRow, install_default_drivers};
use sqlx::{Row as _, ValueRef as _};
use tempfile::TempDir;

pub(crate) const TRACEO: &str = env!("CARGO_BIN_EXE_traceo");

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The two services, which are killed when the test is over.
pub(crate) struct Services {
    pub(crate) mcp: Service,
    pub(crate) engine: Service,
    pub(crate) data: TempDir,
}

/// What the services are started with, beside what makes them find each other.
#[derive(Clone, Copy, Default)]
pub(crate) struct With<'a> {
    pub(crate) mcp: &'a [&'a str],
    pub(crate) engine: &'a [&'a str],
    /// Variables of both.
    pub(crate) variables: &'a [(&'a str, &'a str)],
}

/// One service: a process that can be killed and started again, at the same address.
pub(crate) struct Service {
    name: &'static str,
    process: Child,
    pub(crate) address: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Where its log is, that of all its processes.
    pub(crate) log: PathBuf,
    /// What it says on standard output.
    pub(crate) welcome: String,
}

impl Services {
    /// Starts both, and waits until both are ready.
    pub(crate) fn start() -> Self {
        Self::start_with(With::default())
    }

    pub(crate) fn start_with(with: With<'_>) -> Self {
        let data = TempDir::new().unwrap();
        let (engine, mcp) = (free_address(), free_address());
        let engine = Service::engine(data.path(), &engine, &mcp, with.engine, with.variables);
        let mcp = Service::mcp(data.path(), &mcp, &engine.address, with.mcp, with.variables);
        let services = Self { mcp, engine, data };
        services.wait_until_ready();
        services
    }

    pub(crate) fn wait_until_ready(&self) {
        for service in [&self.engine, &self.mcp] {
            wait_for(|| service.answers("/ready"), || service.log());
        }
    }

    /// Calls a tool as a 2026-07-28 client does.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.mcp.call(tool, arguments)
    }

    /// Asks for the import of a text, and returns the job's id.
    pub(crate) fn import(&self, more: &str, arguments: &Value) -> String {
        let answer = self.mcp.call_with(more, "ingest_csv", arguments);
        let id = &answer["result"]["structuredContent"]["job_id"];
        let id = id.as_str().unwrap_or_else(|| panic!("{answer}"));
        id.to_owned()
    }

    /// The report of a job once it is what is asked for.
    pub(crate) fn report_when(&self, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
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

    pub(crate) fn ended(&self, id: &str) -> Value {
        self.report_when(id, |report| report["ended_at"].is_string())
    }

    /// Waits until the MCP server knows by webhook how a job ended, and returns its state there.
    pub(crate) fn told(&self, id: &str) -> String {
        let query = format!("SELECT status FROM imports WHERE job_id = '{id}'");
        let state = || self.mcp_rows(&query).concat().concat();
        wait_for(
            || !matches!(state().as_str(), "" | "pending" | "running"),
            || self.mcp.log(),
        );
        state()
    }

    /// The rows of a query to the data of the engine.
    pub(crate) fn engine_rows(&self, query: &str) -> Vec<Vec<String>> {
        rows(&self.data.path().join("engine/engine.db"), query)
    }

    /// The rows of a query to the data of the MCP server.
    pub(crate) fn mcp_rows(&self, query: &str) -> Vec<Vec<String>> {
        rows(&self.data.path().join("mcp/mcp.db"), query)
    }
}

impl Service {
    /// Starts an engine that tells the MCP server at an address, and waits until it lives.
    pub(crate) fn engine(
        data: &Path,
        address: &str,
        mcp: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        // Every request of a test comes from one address.
        let usual = ["engine", "--rate-limit", "100000", "--lease-ms", "1000"];
        let peer = ("MCP_URL", format!("http://{mcp}"));
        let given = [&usual[..], arguments].concat();
        Self::start("engine", data, address, &given, peer, variables)
    }

    /// Starts an MCP server that asks the engine at an address, and waits until it lives.
    pub(crate) fn mcp(
        data: &Path,
        address: &str,
        engine: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let peer = ("ENGINE_URL", format!("http://{engine}"));
        let given = [&["mcp"][..], arguments].concat();
        Self::start("mcp", data, address, &given, peer, variables)
    }

    fn start(
        name: &'static str,
        data: &Path,
        address: &str,
        given: &[&str],
        (peer, url): (&str, String),
        variables: &[(&str, &str)],
    ) -> Self {
        let mut arguments: Vec<_> = given.iter().map(ToString::to_string).collect();
        arguments.extend(["--listen", address, "--data"].map(str::to_owned));
        arguments.push(data.display().to_string());
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut variables: Vec<_> = variables.iter().map(own).collect();
        variables.push((peer.to_owned(), url));
        let logs = data.join("logs");
        fs::create_dir_all(&logs).unwrap();
        let log = logs.join(format!("{name}.log"));
        let mut service = Self {
            name,
            process: spawn(&arguments, &variables, &log),
            address: address.to_owned(),
            arguments,
            variables,
            log,
            welcome: String::new(),
        };
        service.wait_until_it_lives();
        service
    }

    /// Starts it again, with its arguments, its address and its data.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = spawn(&self.arguments, &self.variables, &self.log);
        self.wait_until_it_lives();
    }

    fn wait_until_it_lives(&mut self) {
        let output = self.process.stdout.take().unwrap();
        if self.name == "mcp" {
            let mut lines = BufReader::new(output).lines();
            self.welcome.clear();
            while !self.welcome.contains("Ctrl-C") {
                let line = lines.next().unwrap_or_else(|| panic!("{}", self.log()));
                self.welcome += &line.unwrap();
                self.welcome.push('\n');
            }
        }
        let started = Instant::now();
        while !self.answers("/health") {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", self.log());
            assert!(started.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What the names of its own metrics begin with.
    pub(crate) fn metrics_prefix(&self) -> String {
        format!("traceo_{}", self.name)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether a page is answered with 200.
    pub(crate) fn answers(&self, path: &str) -> bool {
        let answer = http::try_get("", &self.address, path);
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
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
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n{more}"
        );
        let answer = self.post(&headers, &body);
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
        let answer = self.post("", &body);
        let header = answer
            .lines()
            .find_map(|line| line.strip_prefix("mcp-session-id: "));
        let session = header.unwrap_or_else(|| panic!("{answer}"));

        let mut stream = http::connect(&self.address).unwrap();
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

    fn post(&self, headers: &str, body: &Value) -> String {
        let headers = format!("Accept: application/json, text/event-stream\r\n{headers}");
        http::post(&headers, &self.address, "/mcp", &body.to_string()).unwrap()
    }

    pub(crate) fn scrape(&self) -> String {
        http::get(&self.address, "/metrics")
    }

    /// The value of one series, written as it is on the scrape.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        http::metric(&self.scrape(), series)
    }

    /// Waits until a series has a value: things are stored a moment before they are counted.
    pub(crate) fn wait_for_metric(&self, series: &str, value: f64) {
        wait_for(
            || self.metric(series) == Some(value),
            || format!("{series} is {:?}", self.metric(series)),
        );
    }

    /// The log of all its processes, as it is.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The lines of the log of all its processes.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let log = self.log();
        // The last one may be half written.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        whole.lines().map(parse).collect()
    }

    /// Waits for a line of which these are true.
    pub(crate) fn wait_for_line(&self, fields: &[(&str, &str)]) -> Value {
        let is_it = |line: &Value| fields.iter().all(|(name, value)| line[*name] == *value);
        let find = || self.lines().into_iter().find(is_it);
        wait_for(
            || find().is_some(),
            || format!("{fields:?} in {}", self.log()),
        );
        find().unwrap()
    }

    pub(crate) fn signal(&mut self, name: &str) -> ExitStatus {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
        self.process.wait().unwrap()
    }

    /// Kills it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(arguments: &[String], variables: &[(String, String)], log: &Path) -> Child {
    let log: File = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log)
        .unwrap();
    command()
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The program, without the variables that whoever runs the test has set.
pub(crate) fn command() -> Command {
    let mut command = Command::new(TRACEO);
    for name in [
        "DATABASE_URL",
        "REDIS_URL",
        "ENGINE_URL",
        "MCP_URL",
        "EXTERNAL_DATA_URL",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

/// An address that nobody listens at.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_for(is_so: impl Fn() -> bool, what: impl Fn() -> String) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{}", what());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The rows of a query, each as the text of its columns; none where there is no such file yet.
fn rows(file: &Path, query: &str) -> Vec<Vec<String>> {
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}?mode=rw", file.display());
        let pool = AnyPoolOptions::new().max_connections(1).connect(&url).await;
        let pool = pool.unwrap();
        let rows = sqlx::query(query).fetch_all(&pool).await.unwrap();
        pool.close().await;
        rows.iter().map(texts).collect()
    })
}

fn texts(row: &AnyRow) -> Vec<String> {
    let text = |at: usize| {
        if row.try_get_raw(at).unwrap().is_null() {
            return String::new();
        }
        row.try_get::<String, _>(at)
            .or_else(|_| row.try_get::<i64, _>(at).map(|number| number.to_string()))
            .unwrap()
    };
    (0..row.len()).map(text).collect()
}
