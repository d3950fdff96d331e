//! The Python clients, `mcp` and `fastmcp`, driven over pipes.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, Era, Kind, Target};
use super::component::Component;
use super::process::Process;
use super::workspace;

/// Which client library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// The official SDK.
    Mcp,
    /// `FastMCP`.
    FastMcp,
}

/// What a client says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Telemetry {
    /// As whom.
    pub service: &'static str,
    /// Where its spans go, over HTTP.
    pub collector: SocketAddr,
    /// Whether its requests have spans and headers of their own, beside those of MCP.
    pub http: bool,
}

/// A client with an open connection.
#[derive(Debug)]
pub struct Python {
    /// The client's process.
    pub process: Process,
    /// The protocol version that client and server agreed on.
    pub protocol: String,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Python {
    /// Starts a client and connects it.
    ///
    /// # Panics
    ///
    /// Where it does not get a connection.
    pub fn connect(library: Library, era: Era, target: &Target, folder: &Path) -> Self {
        let command = Command::new(Component::Python.path());
        Self::start_client(command, library, era, target, folder)
    }

    /// Starts the client of the official SDK with OpenTelemetry switched on, and connects it. Its
    /// code is that of [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// Where it does not get a connection.
    pub fn traced(telemetry: Telemetry, era: Era, target: &Target, folder: &Path) -> Self {
        let mut command = Command::new(Component::PythonOpenTelemetry.path());
        command
            .arg(Component::Python.path())
            .env("OTEL_SERVICE_NAME", telemetry.service)
            .env("OTEL_TRACES_EXPORTER", "otlp")
            .env("OTEL_METRICS_EXPORTER", "none")
            .env("OTEL_LOGS_EXPORTER", "none")
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("http://{}", telemetry.collector),
            );
        if !telemetry.http {
            command.env("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "httpx,httpx2");
        }
        Self::start_client(command, Library::Mcp, era, target, folder)
    }

    fn start_client(
        mut command: Command,
        library: Library,
        era: Era,
        target: &Target,
        folder: &Path,
    ) -> Self {
        command
            .arg(workspace().join("tests/clients/mcp_client.py"))
            .arg(match library {
                Library::Mcp => "mcp",
                Library::FastMcp => "fastmcp",
            })
            .arg(match era {
                Era::Legacy => "legacy",
                Era::Modern => "auto",
            });
        match target {
            Target::Http(address) => {
                command.args(["http", &Target::url(*address)]);
            }
            Target::Stdio {
                command: server,
                environment,
                stderr,
            } => {
                command.arg("stdio").arg(stderr).args(server);
                command.envs(environment.iter().cloned());
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start("client", folder, &mut command);
        let orders = process.child.stdin.take();
        let stdout = process.child.stdout.take().expect("a piped output");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut client = Self {
            process,
            protocol: String::new(),
            orders,
            lines,
        };
        let connected = client.read();
        assert_eq!(connected["kind"], "connected", "{connected}");
        client.protocol = text(&connected);
        client
    }

    /// Calls a tool and waits for how it ends.
    ///
    /// # Panics
    ///
    /// Where the client breaks.
    pub fn call(&mut self, tool: &str, arguments: &Value, timeout: Option<f64>) -> Answer {
        self.start(tool, arguments, timeout);
        let answer = self.read();
        let kind = match answer["kind"].as_str() {
            Some("ok") => Kind::Ok,
            Some("tool_error") => Kind::ToolError,
            Some("rpc_error") => Kind::RpcError,
            Some("gave_up") => Kind::GaveUp,
            _ => panic!("not an answer: {answer}"),
        };
        Answer {
            kind,
            code: answer["code"].as_i64(),
            text: text(&answer),
            seconds: answer["seconds"].as_f64(),
        }
    }

    /// Calls a tool and does not wait.
    ///
    /// # Panics
    ///
    /// Where the client has ended.
    pub fn start(&mut self, tool: &str, arguments: &Value, timeout: Option<f64>) {
        let order = json!({ "tool": tool, "arguments": arguments, "timeout": timeout });
        let orders = self.orders.as_mut().expect("an open client");
        writeln!(orders, "{order}").expect("the client reads");
    }

    /// Ends the connection in an orderly way.
    ///
    /// # Panics
    ///
    /// Where the client does not end.
    pub fn close(mut self) {
        self.orders = None;
        let limit = Duration::from_secs(20);
        super::wait_for("the end of the client", limit, || {
            self.process.ended().then_some(())
        });
    }

    fn read(&mut self) -> Value {
        let line = self.lines.recv_timeout(Duration::from_secs(30));
        let line = line.unwrap_or_else(|error| panic!("no word from the client: {error}"));
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"))
    }
}

fn text(answer: &Value) -> String {
    answer["text"].as_str().unwrap_or_default().to_owned()
}
