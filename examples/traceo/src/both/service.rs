//! How each of the two services is started: its command line, its variables, its log.

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Failure;
use super::log_file;
use super::process::Process;

/// Where the two services listen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) mcp: SocketAddr,
    pub(crate) engine: SocketAddr,
}

impl Addresses {
    /// Sees that nobody listens there; port 0 becomes one that is free.
    pub(crate) fn free(mcp: SocketAddr, engine: SocketAddr) -> Result<Self, Failure> {
        let bind = |service, address| {
            let bound = TcpListener::bind(address).and_then(|listener| {
                let address = listener.local_addr()?;
                Ok((listener, address))
            });
            bound.map_err(|error| Failure::Address {
                service,
                address,
                error,
            })
        };
        // Both at a time, so that they differ.
        let (mcp, engine) = (bind("mcp", mcp)?, bind("engine", engine)?);
        Ok(Self {
            mcp: mcp.1,
            engine: engine.1,
        })
    }

    pub(crate) fn mcp_url(&self) -> String {
        format!("http://{}", self.mcp)
    }

    pub(crate) fn engine_url(&self) -> String {
        format!("http://{}", self.engine)
    }
}

/// One of the two services, as it is started as often as need be.
#[derive(Debug)]
pub(crate) struct Service {
    /// What people call it.
    pub(crate) title: &'static str,
    pub(crate) address: SocketAddr,
    /// Its JSON log, which is appended to.
    pub(crate) log: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Variables of this process that it does not get.
    pub(crate) without: Vec<&'static str>,
}

impl Service {
    pub(crate) fn engine(
        addresses: &Addresses,
        data: &Path,
        careless: bool,
    ) -> Result<Self, Failure> {
        let mut engine = Self::new("engine", "engine", addresses.engine, data)?;
        engine.variables.push(("MCP_URL", addresses.mcp_url()));
        if careless {
            engine.arguments.push("--careless".into());
        }
        Ok(engine)
    }

    pub(crate) fn mcp(addresses: &Addresses, data: &Path) -> Result<Self, Failure> {
        let mut mcp = Self::new("mcp", "MCP server", addresses.mcp, data)?;
        mcp.variables.push(("ENGINE_URL", addresses.engine_url()));
        Ok(mcp)
    }

    fn new(
        name: &'static str,
        title: &'static str,
        address: SocketAddr,
        data: &Path,
    ) -> Result<Self, Failure> {
        let logs = data.join("logs");
        let logs = std::path::absolute(&logs).unwrap_or(logs);
        std::fs::create_dir_all(&logs).map_err(|error| Failure::Logs {
            directory: logs.display().to_string(),
            error,
        })?;
        let arguments = [
            name.into(),
            "--listen".into(),
            address.to_string().into(),
            "--data".into(),
            data.into(),
            "--until-stdin-closes".into(),
        ];
        let mut variables = Vec::new();
        // The log is a file that programs read, unless somebody wants it otherwise.
        if std::env::var_os("LOG_FORMAT").is_none_or(|format| format.is_empty()) {
            variables.push(("LOG_FORMAT", "json".to_owned()));
        }
        Ok(Self {
            title,
            address,
            log: logs.join(format!("{name}.log")),
            arguments: arguments.to_vec(),
            variables,
            without: Vec::new(),
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Starts a process of it.
    pub(crate) fn start(&self) -> Result<Process, Failure> {
        let log = log_file::append(&self.log).map_err(|error| Failure::Logs {
            directory: self.log.display().to_string(),
            error,
        })?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::System("find the program traceo itself", error))?;
        let mut command = Command::new(program);
        for variable in &self.without {
            command.env_remove(variable);
        }
        command
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log);
        Process::start(&mut command).map_err(|error| Failure::System("start a process", error))
    }

    /// Returns the last lines of its log.
    pub(super) fn last_lines(&self) -> String {
        log_file::last_lines(&self.log)
    }
}
