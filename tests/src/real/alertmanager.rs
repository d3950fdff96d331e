//! A real Alertmanager: started on a configuration, and asked what it does with alerts.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::component::Component;
use super::http::{self, free_address};
use super::process::{Process, Signal, not_outliving_us};
use super::wait_for;

/// How long it may take to start, beside others.
const START: Duration = Duration::from_secs(30);

/// A running Alertmanager with a folder of its own, which ends with it.
#[derive(Debug)]
pub struct Alertmanager {
    /// Where its API listens.
    pub address: SocketAddr,
    process: Process,
    _folder: TempDir,
}

impl Alertmanager {
    /// Starts it on a configuration whose secrets, by the names of their files, are these.
    ///
    /// The configuration looks for them below `/etc/alertmanager`, in whose place it gets a folder
    /// of its own.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(config: &str, secrets: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let file = configured(folder.path(), config, secrets);
        Self::start_in(folder, &file)
    }

    /// Starts it on a file, beside which lies what that names.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_on(config: &Path) -> Self {
        Self::start_in(TempDir::new().expect("a temporary folder"), config)
    }

    fn start_in(folder: TempDir, config: &Path) -> Self {
        let address = free_address();
        let mut command = not_outliving_us(Signal::Kill, Component::Alertmanager.path());
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            // Without peers: otherwise it would listen for them on every address.
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
            assert!(!ended, "it has ended: {}", alertmanager.process.log());
            let ready = http::get(address, "/-/ready", "*/*").ok()?;
            (ready.status == 200).then_some(())
        });
        alertmanager
    }

    /// What it wrote: warnings and errors only.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The alerts that it knows: each with `labels`, `receivers` and `status`.
    pub fn alerts(&self) -> Vec<Value> {
        let answer = http::get(self.address, "/api/v2/alerts", "application/json");
        let alerts = answer
            .ok()
            .and_then(|answer| serde_json::from_str(&answer.body).ok());
        alerts.unwrap_or_default()
    }

    /// Waits until it knows an alert with these labels.
    ///
    /// # Panics
    ///
    /// Where it does not come to know it.
    pub fn wait_for_alert(&self, labels: &[(&str, &str)], limit: Duration) -> Value {
        wait_for(&format!("an alert with {labels:?}"), limit, || {
            self.alerts().into_iter().find(|alert| has(alert, labels))
        })
    }
}

/// Whether an alert has these labels.
pub fn has(alert: &Value, labels: &[(&str, &str)]) -> bool {
    let mut labels = labels.iter();
    labels.all(|(name, value)| alert["labels"][name] == **value)
}

/// Writes a configuration and its secrets to a folder, and returns where the configuration is.
fn configured(folder: &Path, config: &str, secrets: &[(&str, &str)]) -> PathBuf {
    let below = folder.join("secrets");
    fs::create_dir_all(&below).expect("a folder");
    for (name, text) in secrets {
        fs::write(below.join(name), text).expect("a secret");
    }
    let here = folder.display().to_string();
    let config = config.replace("/etc/alertmanager", &here);
    let file = folder.join("alertmanager.yml");
    fs::write(&file, config).expect("a configuration");
    file
}
