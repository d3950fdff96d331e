//! What `traceo artifacts` makes, and the example system run with it: both services with a token, a
//! Prometheus and an Alertmanager on the generated configuration.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::alertmanager::Alertmanager;
use super::build;
use super::component::Component;
use super::http::{self, free_address};
use super::process::{Process, Signal, not_outliving_us};
use super::prometheus::Prometheus;
use super::wait_for;

/// What a stack needs.
pub const COMPONENTS: [Component; 4] = [
    Component::Prometheus,
    Component::Promtool,
    Component::Alertmanager,
    Component::Amtool,
];

/// The folder that the artifacts were written to.
#[derive(Debug)]
pub struct Artifacts {
    /// What it is removed with.
    root: TempDir,
}

impl Artifacts {
    /// Renders those of the example system.
    ///
    /// # Panics
    ///
    /// Where that fails.
    pub fn render() -> Self {
        let root = TempDir::new().expect("a temporary folder");
        let status = Command::new(build::traceo())
            .arg("artifacts")
            .arg(root.path())
            .status()
            .expect("it starts");
        assert!(status.success(), "traceo artifacts: {status}");
        Self { root }
    }

    /// The folder `deploy`.
    pub fn deploy(&self) -> PathBuf {
        self.root.path().join("deploy")
    }

    /// The text of a file.
    ///
    /// # Panics
    ///
    /// Where it is not there.
    pub fn read(&self, path: &str) -> String {
        let path = self.root.path().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// The example system under watch.
#[derive(Debug)]
pub struct Stack {
    /// The configuration, where it runs.
    pub artifacts: Artifacts,
    /// The server that scrapes.
    pub prometheus: Prometheus,
    /// The server that it tells.
    pub alertmanager: Alertmanager,
    /// Where each service listens, by name.
    pub services: [(&'static str, SocketAddr); 2],
    variables: Vec<(&'static str, String)>,
    processes: Vec<Process>,
    logs: TempDir,
}

impl Stack {
    /// Starts it on artifacts whose secrets were made, with variables for the services.
    ///
    /// Of the configuration, what needs a network of containers is changed: the addresses, and how
    /// often it scrapes, which a test cannot wait for.
    ///
    /// # Panics
    ///
    /// Where something does not start.
    pub fn start(artifacts: Artifacts, variables: &[(&'static str, String)]) -> Self {
        let services = [
            ("traceo-mcp", free_address()),
            ("traceo-engine", free_address()),
        ];
        let deploy = artifacts.deploy();
        let alertmanager = deploy.join("alertmanager/alertmanager.yml");
        let secrets = deploy.join("alertmanager/secrets");
        edit(&alertmanager, |text| {
            let text = text.replace("/etc/alertmanager/secrets", &secrets.to_string_lossy());
            let waits = ["10s", "30s", "1m"].map(|it| format!("group_wait: {it}"));
            waits
                .iter()
                .fold(text, |text, wait| text.replace(wait, "group_wait: 1s"))
        });
        let alertmanager = Alertmanager::start_on(&alertmanager);
        let prometheus = deploy.join("prometheus");
        edit(&prometheus.join("prometheus.yml"), |text| {
            text.replace("_interval: 15s", "_interval: 1s")
                .replace("scrape_timeout: 10s", "scrape_timeout: 1s")
        });
        for folder in ["targets", "stack"] {
            fs::remove_dir_all(prometheus.join(folder)).expect("a folder");
            fs::create_dir(prometheus.join(folder)).expect("a folder");
        }
        let groups = services.map(|(name, address)| {
            format!("- labels: {{service: {name}, environment: prod}}\n  targets: ['{address}']\n")
        });
        fs::write(prometheus.join("targets/prod.yml"), groups.concat()).expect("a file");
        let group = format!(
            "- labels: {{job: alertmanager}}\n  targets: ['{}']\n",
            alertmanager.address
        );
        fs::write(prometheus.join("stack/alertmanager.yml"), group).expect("a file");
        let mut stack = Self {
            prometheus: Prometheus::start_in(&prometheus),
            alertmanager,
            artifacts,
            services,
            variables: variables.to_vec(),
            processes: Vec::new(),
            logs: TempDir::new().expect("a temporary folder"),
        };
        stack.start_services();
        stack
    }

    /// Ends the services one after the other, as a deployment does, and starts them again.
    ///
    /// # Panics
    ///
    /// Where one does not end, or does not start.
    pub fn restart_services(&mut self) {
        for mut process in std::mem::take(&mut self.processes) {
            process.stop(Signal::Term, Duration::from_secs(10));
        }
        self.start_services();
    }

    /// The lines that a service wrote.
    pub fn log_of(&self, service: &str) -> PathBuf {
        self.logs.path().join(format!("{service}.log"))
    }

    fn start_services(&mut self) {
        let [(_, mcp), (_, engine)] = self.services;
        let tokens = self.artifacts.deploy().join("secrets/metrics-tokens");
        for (name, address) in self.services {
            let data = self.logs.path().join("data");
            let role = name.trim_start_matches("traceo-");
            let mut command = not_outliving_us(Signal::Kill, build::traceo());
            command
                .env_clear()
                .env("OBS_ENV", "prod")
                .env("OBS_METRICS_TOKEN_FILE", &tokens)
                .env("OBS_SHUTDOWN_TIMEOUT", "3s")
                .env("LOG_FORMAT", "json")
                .env("MCP_URL", format!("http://{mcp}"))
                .env("ENGINE_URL", format!("http://{engine}"))
                .envs(self.variables.iter().map(|(name, value)| (*name, value)))
                .arg(role)
                .arg("--data")
                .arg(data)
                .args(["--listen", &address.to_string()])
                .stdout(Stdio::null());
            let log = self.log_of(name);
            let process = Process::appending(name, &log, &mut command);
            self.processes.push(process);
        }
        for (name, address) in self.services {
            wait_for(name, Duration::from_secs(30), || {
                let answer = http::get(address, "/ready", "*/*").ok()?;
                (answer.status == 200).then_some(())
            });
        }
    }
}

/// Changes a file; a change that changes nothing is one that the file has outgrown.
fn edit(path: &Path, change: impl Fn(String) -> String) {
    let text = fs::read_to_string(path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let changed = change(text.clone());
    assert_ne!(changed, text, "{} has none of it", path.display());
    fs::write(path, changed).expect("it can be written");
}
