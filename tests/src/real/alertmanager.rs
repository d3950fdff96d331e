//! A real Alertmanager, started on a configuration.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::component::Component;
use super::http::{self, free_address};
use super::process::{Process, Signal, not_outliving_us};
use super::wait_for;

/// How long it may take to start, beside others.
const START: Duration = Duration::from_secs(30);

/// A running Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    /// Where its API listens.
    pub address: SocketAddr,
    process: Process,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts it on a file, beside which lies what that names.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_on(config: &Path) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let address = free_address();
        let mut command = not_outliving_us(Signal::Kill, Component::Alertmanager.path());
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            // Otherwise it listens for peers on every interface.
            .arg("--cluster.listen-address=")
            .arg("--log.level=warn");
        let process = Process::start("alertmanager", folder.path(), &mut command);
        let mut alertmanager = Self {
            address,
            process,
            _folder: folder,
        };
        wait_for("an Alertmanager that is ready", START, || {
            let ended = alertmanager.process.ended();
            assert!(!ended, "it has ended: {}", alertmanager.log());
            let ready = http::get(address, "/-/ready", "*/*").ok()?;
            (ready.status == 200).then_some(())
        });
        alertmanager
    }

    /// What it wrote: warnings and errors only.
    pub fn log(&self) -> String {
        self.process.log()
    }
}
