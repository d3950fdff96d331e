//! A server that Sentry's clients send to, and the judge of what they sent.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::component::Component;
use super::http::{self, free_address};
use super::process::{Process, Signal, not_outliving_us};
use super::{feed, wait_for, workspace};

/// A server with one project and nothing in it.
#[derive(Debug)]
pub struct Bugsink {
    /// Where it listens.
    pub address: SocketAddr,
    /// Gunicorn, which starts a worker.
    pub process: Process,
    key: String,
    token: String,
    _folder: TempDir,
}

/// Events that the server takes for the same failure.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The type of what happened.
    pub kind: String,
    /// What happened.
    pub value: String,
    /// How many events there are.
    pub count: u64,
    /// The events as they were sent.
    pub events: Vec<Value>,
}

impl Bugsink {
    /// Starts a server on a copy of what `.ci/install` prepared, and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let gunicorn = Component::Bugsink.path();
        let seed = workspace().join("target/real/sentry/seed");
        for name in ["bugsink_conf.py", "db.sqlite3", "snappea.sqlite3"] {
            fs::copy(seed.join(name), folder.path().join(name)).expect("a prepared file");
        }
        let read = |name| {
            let text = fs::read_to_string(seed.join(name)).expect("a prepared file");
            text.trim().to_owned()
        };
        let dsn = read("dsn");
        let key = dsn
            .strip_prefix("http://")
            .and_then(|rest| rest.split('@').next())
            .expect("a DSN");
        let address = free_address();
        let mut command = not_outliving_us(Signal::Term, gunicorn);
        command
            .current_dir(folder.path())
            .env("PYTHONPATH", folder.path())
            .env("DJANGO_SETTINGS_MODULE", "bugsink_conf")
            .env("OBS_BUGSINK_PORT", address.port().to_string())
            .arg(format!("--bind={address}"))
            // Without the last one a socket stays behind in the home folder.
            .args(["--workers=1", "--threads=4", "--no-control-socket"])
            .arg("bugsink.wsgi");
        let mut server = Self {
            address,
            process: Process::start("bugsink", folder.path(), &mut command),
            key: key.to_owned(),
            token: read("token"),
            _folder: folder,
        };
        wait_for("Bugsink", Duration::from_secs(30), || {
            assert!(!server.process.ended(), "Bugsink has ended");
            let response = http::get(address, "/health/ready", "*/*").ok()?;
            (response.status == 200).then_some(())
        });
        server
    }

    /// What a client sends to.
    pub fn dsn(&self) -> String {
        format!("http://{}@{}/1", self.key, self.address)
    }

    /// What it has received. An event is there as soon as it was accepted.
    ///
    /// # Panics
    ///
    /// Where the server does not answer.
    pub fn issues(&self) -> Vec<Issue> {
        let issues = self.all("issues/?project=1");
        let issues = issues.iter().map(|issue| {
            let id = issue["id"].as_str().unwrap_or_default();
            let events = self.all(&format!("events/?issue={id}"));
            let events = events.iter().map(|event| {
                let id = event["id"].as_str().unwrap_or_default();
                self.ask(&format!("events/{id}/"))["data"].take()
            });
            Issue {
                kind: text(&issue["calculated_type"]),
                value: text(&issue["calculated_value"]),
                count: issue["digested_event_count"].as_u64().unwrap_or_default(),
                events: events.collect(),
            }
        });
        issues.collect()
    }

    /// All pages of a list.
    fn all(&self, path: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut page = self.ask(path);
        loop {
            all.extend(page["results"].as_array().cloned().unwrap_or_default());
            let Some(next) = page["next"].as_str() else {
                return all;
            };
            let (_, path) = next.split_once(API).expect("an address of the API");
            page = self.ask(path);
        }
    }

    fn ask(&self, path: &str) -> Value {
        let path = format!("{API}{path}");
        let token = format!("Bearer {}", self.token);
        let response = http::get_with(self.address, &path, &[("Authorization", &token)]);
        let response = response.expect("an answer of Bugsink");
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        serde_json::from_str(&response.body).expect("JSON")
    }
}

const API: &str = "/api/canonical/0/";

impl Drop for Bugsink {
    fn drop(&mut self) {
        self.process.stop(Signal::Term, Duration::from_secs(5));
    }
}

/// What Sentry's own normaliser has to say against an event: nothing, where it is in order.
///
/// # Panics
///
/// Where it does not run.
pub fn faults(event: &Value) -> Vec<String> {
    let mut command = Command::new(Component::Relay.path());
    command.arg(workspace().join("tests/clients/judge_event.py"));
    let output = feed(&mut command, &event.to_string());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the judge failed: {said}");
    serde_json::from_slice(&output.stdout).expect("a list of texts")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
