//! The example's two services, started for one test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::bridge::Bridge;
use super::client::Target;
use super::http::{self, free_address};
use super::process::Process;
use super::{build, wait_for};

/// How the server answers clients of the old protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// In sessions, as event streams.
    Sessions,
    /// Each request for itself, as JSON.
    StatelessJson,
}

/// An MCP server that listens and the engine behind it, with a folder of their own.
#[derive(Debug)]
pub struct Traceo {
    /// Where `/mcp` and `/metrics` are.
    pub address: SocketAddr,
    /// The MCP server.
    pub process: Process,
    /// The engine.
    pub engine: Engine,
    /// Their folder, which is also a place for what the test needs.
    pub folder: TempDir,
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    /// Where it listens.
    pub address: SocketAddr,
    /// The engine.
    pub process: Process,
}

impl Engine {
    /// Starts an engine that tells `mcp` how jobs ended, and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(folder: &Path, mcp: SocketAddr) -> Self {
        let address = free_address();
        let mut command = command(folder, "engine");
        command
            .args(["--listen", &address.to_string()])
            // Every request of a test comes from one address.
            .args(["--rate-limit", "100000"])
            .env("MCP_URL", format!("http://{mcp}"));
        let mut engine = Self {
            address,
            process: Process::start("traceo-engine", folder, &mut command),
        };
        wait_for("the engine", Duration::from_secs(20), || {
            assert!(!engine.process.ended(), "the engine has ended");
            metrics_are_there(address)
        });
        engine
    }
}

impl Traceo {
    /// Starts both services and waits for them.
    ///
    /// # Panics
    ///
    /// Where one does not start.
    pub fn listening(answers: Answers) -> Self {
        let mut server = Self::starting(answers);
        wait_for("the server", Duration::from_secs(20), || {
            assert!(!server.process.ended(), "the server has ended");
            metrics_are_there(server.address)
        });
        server
    }

    /// Starts the engine, then the MCP server, which it does not look at.
    ///
    /// # Panics
    ///
    /// Where one cannot be started.
    pub fn starting(answers: Answers) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let address = free_address();
        let engine = Engine::start(folder.path(), address);
        let mut command = command(folder.path(), "mcp");
        command
            .args(["--listen", &address.to_string()])
            .env("ENGINE_URL", format!("http://{}", engine.address));
        if answers == Answers::StatelessJson {
            command.arg("--stateless-json");
        }
        let process = Process::start("traceo", folder.path(), &mut command);
        Self {
            address,
            process,
            engine,
            folder,
        }
    }

    /// What clients connect to.
    pub fn target(&self) -> Target {
        Target::Http(self.address)
    }
}

/// How a client starts the server over pipes, and where `/metrics` is then.
pub fn over_pipes(folder: &Path, engine: &Engine) -> (Target, SocketAddr) {
    let admin = free_address();
    let target = Target::Stdio {
        command: vec![
            build::traceo().to_string_lossy().into_owned(),
            "mcp".to_owned(),
            "--stdio".to_owned(),
            "--data".to_owned(),
            folder.join("data").to_string_lossy().into_owned(),
        ],
        environment: vec![
            ("OBS_ADMIN_ADDR".to_owned(), admin.to_string()),
            (
                "ENGINE_URL".to_owned(),
                format!("http://{}", engine.address),
            ),
        ],
        stderr: folder.join("traceo.log"),
    };
    (target, admin)
}

/// The server over pipes, where it outlives its client, and where `/metrics` is.
pub fn over_a_bridge(folder: &Path, engine: &Engine) -> (Bridge, SocketAddr) {
    let admin = free_address();
    let mut server = command(folder, "mcp");
    server.arg("--stdio");
    server.env("OBS_ADMIN_ADDR", admin.to_string());
    server.env("ENGINE_URL", format!("http://{}", engine.address));
    let bridge = Bridge::start(&mut server, folder);
    (bridge, admin)
}

/// Waits until `/metrics` is there.
///
/// # Panics
///
/// Where it does not come.
pub fn wait_for_metrics(address: SocketAddr) {
    wait_for("the first page of metrics", Duration::from_secs(20), || {
        metrics_are_there(address)
    });
}

fn metrics_are_there(address: SocketAddr) -> Option<()> {
    let response = http::get(address, "/metrics", "text/plain").ok()?;
    (response.status == 200).then_some(())
}

fn command(folder: &Path, service: &str) -> Command {
    let mut command = Command::new(build::traceo());
    command
        .current_dir(folder)
        .arg(service)
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Outside of dev a scrape needs a token.
        .env("OBS_ENV", "dev")
        .env_remove("RUST_LOG");
    for variable in ["DATABASE_URL", "REDIS_URL", "EXTERNAL_DATA_URL"] {
        command.env_remove(variable);
    }
    command
}
