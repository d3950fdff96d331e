//! Both services of the example, started as a test wants them and started again where they were,
//! and a tool called by hand.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::database::Database;
use super::http::{self, free_address};
use super::page::Page;
use super::process::{Process, Signal, not_outliving_us, tell};
use super::{build, wait_for};

/// How long a service may take to start, beside others.
const START: Duration = Duration::from_secs(30);

/// How long a tool may take: the services give up sooner what does not answer them.
const CALL: Duration = Duration::from_secs(60);

/// How the services are started.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Variables of both, and no others of theirs.
    pub variables: Vec<(&'static str, String)>,
    /// More arguments of the engine.
    pub engine: Vec<&'static str>,
    /// Who is told how jobs end, instead of the MCP server.
    pub told: Option<SocketAddr>,
}

impl Plan {
    /// Sets a variable.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// The MCP server and the engine, with a folder of their own.
#[derive(Debug)]
pub struct Both {
    /// The MCP server.
    pub mcp: One,
    /// The engine.
    pub engine: One,
    /// Their folder, which is also a place for what the test needs.
    pub folder: TempDir,
    postgres: Option<String>,
}

/// One of the services.
#[derive(Debug)]
pub struct One {
    /// Where it listens, whenever it is started.
    pub address: SocketAddr,
    name: &'static str,
    folder: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    process: Option<Process>,
}

impl Both {
    /// Starts both and waits for them.
    ///
    /// # Panics
    ///
    /// Where one does not start.
    pub fn start(plan: &Plan) -> Self {
        let mut both = Self::prepare(plan);
        both.engine.start();
        both.mcp.start();
        both
    }

    /// Says how both will be started.
    ///
    /// # Panics
    ///
    /// Where there is no place for them.
    pub fn prepare(plan: &Plan) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (mcp_at, engine_at) = (free_address(), free_address());
        let told = plan.told.unwrap_or(mcp_at);
        let one = |name, address: SocketAddr, arguments: &[&str], other: (&str, SocketAddr)| {
            let own = plan.variables.iter();
            let own = own.map(|(name, value)| ((*name).to_owned(), value.clone()));
            let other = (other.0.to_owned(), format!("http://{}", other.1));
            One {
                address,
                name,
                folder: folder.path().to_owned(),
                arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
                variables: own.chain([other]).collect(),
                process: None,
            }
        };
        // Every request of a test comes from one address.
        let mut of_engine = vec!["--rate-limit", "100000"];
        of_engine.extend(&plan.engine);
        let of_mcp = ["--stateless-json"];
        let both = Self {
            mcp: one("mcp", mcp_at, &of_mcp, ("ENGINE_URL", engine_at)),
            engine: one("engine", engine_at, &of_engine, ("MCP_URL", told)),
            postgres: plan
                .variables
                .iter()
                .find(|(name, _)| *name == "DATABASE_URL")
                .map(|(_, url)| url.clone()),
            folder,
        };
        fs::create_dir_all(both.logs()).expect("a folder for the logs");
        both
    }

    /// Where the logs are, and nothing else.
    pub fn logs(&self) -> PathBuf {
        self.folder.path().join("logs")
    }

    /// The database of one of them.
    ///
    /// # Panics
    ///
    /// Where it cannot be opened.
    pub fn database(&self, of: &One) -> Database {
        if let Some(url) = &self.postgres {
            return Database::schema(url, &format!("traceo_{}", of.name));
        }
        let file = format!("data/{0}/{0}.db", of.name);
        Database::file(&self.folder.path().join(file))
    }

    /// Calls a tool as a 2026-07-28 client does, with more headers.
    ///
    /// # Panics
    ///
    /// Where there is no answer of MCP.
    pub fn call(&self, tool: &str, arguments: &Value, headers: &[(&str, &str)]) -> Called {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        let mut all = vec![
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", tool),
        ];
        all.extend(headers);
        let response = http::post(self.mcp.address, "/mcp", &all, &body.to_string(), CALL);
        let response = response.expect("an answer");
        assert_eq!(response.status, 200, "{response:?}");
        let answer = serde_json::from_str(&response.body);
        Called {
            answer: answer.unwrap_or_else(|_| panic!("not JSON: {}", response.body)),
            headers: response.headers,
        }
    }
}

/// What came back of a tool.
#[derive(Debug)]
pub struct Called {
    /// The message.
    pub answer: Value,
    /// The headers of the response, their names in small letters.
    pub headers: BTreeMap<String, String>,
}

impl Called {
    /// The job that the engine accepted.
    ///
    /// # Panics
    ///
    /// Where it did not.
    pub fn job(&self) -> String {
        let job = self.accepted();
        job.unwrap_or_else(|| panic!("no job: {}", self.answer))
    }

    /// The job that the engine accepted, if it did.
    pub fn accepted(&self) -> Option<String> {
        let job = self.answer["result"]["structuredContent"]["job_id"].as_str();
        job.map(str::to_owned)
    }

    /// The correlation id that the response names.
    ///
    /// # Panics
    ///
    /// Where it names none.
    pub fn correlation_id(&self) -> String {
        self.headers["x-correlation-id"].clone()
    }
}

impl One {
    /// Starts it where it has been, and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(&mut self) {
        let log = self.log_file();
        self.serving(Process::appending(self.name, &log, &mut self.command()));
    }

    /// As [`start`](Self::start), its lines going elsewhere.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_writing_to(&mut self, errors: Stdio) {
        self.serving(Process::without_log(
            self.name,
            self.command().stderr(errors),
        ));
    }

    fn command(&self) -> Command {
        let mut command = command(&self.folder, self.name);
        command
            .args(["--listen", &self.address.to_string()])
            .args(&self.arguments)
            .envs(self.variables.iter().cloned());
        command
    }

    fn serving(&mut self, process: Process) {
        self.process = Some(process);
        let address = self.address;
        let process = self.process();
        wait_for("a service", START, || {
            assert!(!process.ended(), "a service has ended");
            let response = http::get(address, "/startup", "*/*").ok()?;
            (response.status == 200).then_some(())
        });
    }

    /// Tells it to end, and says whether it ended well.
    ///
    /// # Panics
    ///
    /// Where it was not started.
    pub fn terminate(&mut self) -> bool {
        let process = self.process();
        tell(Signal::Term, [process.child.id()]);
        let status = process.wait(START);
        status.is_some_and(|status| status.success())
    }

    /// Its numbers.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn page(&self) -> Page {
        Page::now(self.address)
    }

    /// The status of `/ready`, and of one of its checks.
    ///
    /// # Panics
    ///
    /// Where it does not answer, or there is no such check.
    pub fn ready(&self, check: &str) -> (u16, String) {
        let ready = http::get(self.address, "/ready", "*/*").expect("an answer");
        let body: Value = serde_json::from_str(&ready.body).expect("JSON");
        let status = body["checks"][check]["status"].as_str();
        let status = status.unwrap_or_else(|| panic!("no check {check}: {body}"));
        (ready.status, status.to_owned())
    }

    /// Its process.
    ///
    /// # Panics
    ///
    /// Where it was not started.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it was started")
    }

    /// What all its processes wrote, up to the last whole line.
    ///
    /// # Panics
    ///
    /// Where it has no log of its own.
    pub fn log(&self) -> String {
        let mut log = fs::read_to_string(self.log_file()).expect("a log");
        log.truncate(log.rfind('\n').map_or(0, |end| end + 1));
        log
    }

    /// The same as values. What a killed process did not write to its end is left out.
    pub fn lines(&self) -> Vec<Value> {
        let log = self.log();
        log.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("logs").join(format!("{}.log", self.name))
    }
}

/// The program, with nothing of the developer's shell that would change what is tested.
pub fn command(folder: &Path, service: &str) -> Command {
    let mut command = not_outliving_us(Signal::Kill, build::traceo());
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .arg(service)
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(Stdio::null());
    command
}
