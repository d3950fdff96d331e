//! `traceo demo`, as short as it can be: both services, and what happens to them.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Process, Signal, not_outliving_us};
use super::{build, wait_for};

/// A demonstration that runs.
#[derive(Debug)]
pub struct Demonstration {
    /// The MCP server.
    pub mcp: SocketAddr,
    /// The engine.
    pub engine: SocketAddr,
    process: Process,
    folder: TempDir,
}

impl Demonstration {
    /// Starts one with these variables, and waits until both services answer.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let shown = folder.path().join("shown");
        let mut command = not_outliving_us(Signal::Term, build::traceo());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(variables.iter().copied())
            .args(["demo", "--fast", "--data"])
            .arg(folder.path().join("data"))
            .stdout(File::create(&shown).expect("a file"));
        let mut process = Process::start("demo", folder.path(), &mut command);
        let address = |text: &str, name: &str| -> Option<SocketAddr> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            let address = line.split("http://").nth(1)?.strip_suffix("/metrics")?;
            address.parse().ok()
        };
        let (mcp, engine) = wait_for("both services", Duration::from_secs(60), || {
            assert!(!process.ended(), "the demonstration has ended");
            let text = fs::read_to_string(&shown).ok()?;
            Some((address(&text, "MCP server")?, address(&text, "engine")?))
        });
        Self {
            mcp,
            engine,
            process,
            folder,
        }
    }

    /// Waits for its end, doing something again and again.
    ///
    /// # Panics
    ///
    /// Where it does not end.
    pub fn play(&mut self, mut meanwhile: impl FnMut()) -> ExitStatus {
        wait_for(
            "the end of the demonstration",
            Duration::from_secs(300),
            || {
                meanwhile();
                self.process.wait(Duration::from_millis(200))
            },
        )
    }

    /// What it has shown.
    pub fn shown(&self) -> String {
        fs::read_to_string(self.folder.path().join("shown")).unwrap_or_default()
    }
}

impl Drop for Demonstration {
    fn drop(&mut self) {
        self.process.stop(Signal::Term, Duration::from_secs(15));
    }
}
