//! The example's two services with variables of the test's own, each of which can be ended and be
//! started anew where it was.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, free_address};
use super::page::Page;
use super::process::{Process, Signal, not_outliving_us};
use super::{build, wait_for};

const START: Duration = Duration::from_secs(30);

/// Both services and their folder.
#[derive(Debug)]
pub struct Services {
    /// The MCP server.
    pub mcp: One,
    /// The engine.
    pub engine: One,
    // Behind the services: they go before it.
    _folder: TempDir,
}

/// One of them.
#[derive(Debug)]
pub struct One {
    /// Where it listens, however often it is started.
    pub address: SocketAddr,
    service: &'static str,
    folder: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    starts: u32,
    process: Option<Process>,
}

impl Services {
    /// Starts both, every line logged as JSON, with these variables besides.
    ///
    /// # Panics
    ///
    /// Where one does not start.
    pub fn start(variables: &[(&str, &str)], engine_arguments: &[&str]) -> Self {
        let mut services = Self::prepare(variables, engine_arguments);
        services.engine.start();
        services.mcp.start();
        services
    }

    /// Says how both will be started.
    ///
    /// # Panics
    ///
    /// Where there is no place for them.
    pub fn prepare(variables: &[(&str, &str)], engine_arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (mcp, engine) = (free_address(), free_address());
        let one = |service, address, arguments: &[&str], other: (&str, SocketAddr)| {
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let url = format!("http://{}", other.1);
            One {
                address,
                service,
                folder: folder.path().to_owned(),
                arguments: arguments.iter().map(ToString::to_string).collect(),
                variables: variables
                    .iter()
                    .copied()
                    .chain([(other.0, url.as_str())])
                    .map(owned)
                    .collect(),
                starts: 0,
                process: None,
            }
        };
        // Every request of a test comes from one address.
        let arguments = [&["--rate-limit", "100000"], engine_arguments].concat();
        Self {
            mcp: one("mcp", mcp, &[], ("ENGINE_URL", engine)),
            engine: one("engine", engine, &arguments, ("MCP_URL", mcp)),
            _folder: folder,
        }
    }

    /// The folder of both.
    pub fn folder(&self) -> &Path {
        &self.engine.folder
    }
}

impl One {
    /// Starts it and waits until it serves; its lines go to a file.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(&mut self) {
        self.starts += 1;
        let name = format!("{}-{}", self.service, self.starts);
        let process = Process::start(&name, &self.folder, &mut self.command());
        self.serving(process);
    }

    /// Starts it and waits until it serves; its lines go elsewhere.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_writing_to(&mut self, errors: Stdio) {
        let process = Process::without_log(self.service, self.command().stderr(errors));
        self.serving(process);
    }

    fn serving(&mut self, process: Process) {
        let (address, service) = (self.address, self.service);
        let process = self.process.insert(process);
        wait_for(service, START, || {
            assert!(!process.ended(), "{service} has ended");
            let answer = http::get(address, "/startup", "*/*").ok()?;
            (answer.status == 200).then_some(())
        });
    }

    /// Kills it, as a machine that loses power would.
    pub fn kill(&mut self) {
        // Dropped, it is killed.
        self.process = None;
    }

    /// Lets it stand still.
    ///
    /// # Panics
    ///
    /// Where it does not run.
    pub fn freeze(&self) {
        self.process.as_ref().expect("it runs").freeze();
    }

    /// Lets it go on.
    ///
    /// # Panics
    ///
    /// Where it does not run.
    pub fn thaw(&self) {
        self.process.as_ref().expect("it runs").thaw();
    }

    /// Tells it to end, and says whether it ended well.
    ///
    /// # Panics
    ///
    /// Where it does not run.
    pub fn terminate(&mut self) -> bool {
        let mut process = self.process.take().expect("it runs");
        super::process::tell(Signal::Term, [process.child.id()]);
        let status = process.wait(Duration::from_secs(30));
        status.is_some_and(|status| status.success())
    }

    /// Gets a path.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    pub fn get(&self, path: &str) -> http::Response {
        let answer = http::get(self.address, path, "*/*");
        answer.unwrap_or_else(|error| panic!("{} {path}: {error}", self.service))
    }

    /// The numbers of now.
    pub fn page(&self) -> Page {
        Page::now(self.address)
    }

    /// The status of `/ready`, and what it says of a check.
    ///
    /// # Panics
    ///
    /// Where it says nothing.
    pub fn ready(&self, check: &str) -> (u16, String) {
        let ready = self.get("/ready");
        let body: Value = serde_json::from_str(&ready.body).expect("JSON");
        let said = body["checks"][check]["status"].as_str();
        let said = said.unwrap_or_else(|| panic!("no check {check}: {body}"));
        (ready.status, said.to_owned())
    }

    /// Every whole line since the first start, whose text went to a file.
    ///
    /// # Panics
    ///
    /// Where one is not JSON.
    pub fn lines(&self) -> Vec<Value> {
        let files = (1..=self.starts)
            .map(|start| self.folder.join(format!("{}-{start}.log", self.service)));
        let texts = files.map(|file| fs::read_to_string(file).expect("a log"));
        let mut lines = Vec::new();
        for text in texts {
            // What was killed may have been in the middle of one.
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            lines.extend(whole.lines().map(|line| {
                let parsed = serde_json::from_str::<Value>(line);
                parsed.unwrap_or_else(|_| panic!("not JSON: {line}"))
            }));
        }
        lines
    }

    fn command(&self) -> Command {
        let mut command = if cfg!(target_os = "linux") {
            not_outliving_us(Signal::Kill, build::traceo())
        } else {
            Command::new(build::traceo())
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs([("OBS_ENV", "dev"), ("LOG_FORMAT", "json")])
            .envs(self.variables.iter().cloned())
            .current_dir(&self.folder)
            .args([self.service, "--listen", &self.address.to_string()])
            .arg("--data")
            .arg(self.folder.join("data"))
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}
