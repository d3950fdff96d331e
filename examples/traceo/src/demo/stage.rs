//! What the scenes play on: two services, a third party, a client of them all.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::sleep;

use super::client::Client;
use super::ledger::Ledger;
use super::pace::Timing;
use super::scrape::{Labels, Page};
use super::screen::Screen;
use super::watch::{Watch, watch};
use crate::both::{Addresses, Failure, Process, Service, until_ready};

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(10);

/// How long what was done may take to be counted, imported and delivered.
const SETTLE: Duration = Duration::from_secs(60);

/// How many lines of a trace are shown; all of them can be asked for.
const TRACE_LINES: usize = 14;

/// Requests that one address may send per second: more than the scenes send, but the flood.
pub(super) const RATE_LIMIT: u32 = 400;

/// Why the demonstration ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Start(#[from] Failure),
    #[error("no answer: {0}")]
    NoAnswer(#[from] reqwest::Error),
    #[error("cannot {0}: {1}")]
    System(&'static str, std::io::Error),
}

/// A service whose counters are added up over all its processes.
#[derive(Debug)]
pub(super) struct Kept {
    service: Service,
    process: Process,
    past: Vec<Page>,
}

/// Something that must hold, and whether it did.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) holds: bool,
}

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) client: Client,
    pub(super) ledger: Arc<Ledger>,
    pub(super) screen: Arc<Screen>,
    pub(super) seen: Arc<Watch>,
    pub(super) addresses: Addresses,
    pub(super) timing: Timing,
    pub(super) data: PathBuf,
    pub(super) checks: Vec<Check>,
    pub(super) engine: Kept,
    pub(super) mcp: Kept,
    stand_in: Process,
    third_party: SocketAddr,
    watching: tokio::task::JoinHandle<()>,
}

/// Variables that would lead the services out of the demonstration, or close `/metrics`.
const NOT_PASSED_ON: [&str; 5] = [
    "DATABASE_URL",
    "REDIS_URL",
    "OBS_METRICS_TOKEN",
    "OBS_METRICS_TOKEN_FILE",
    "RUST_LOG",
];

impl Stage {
    pub(super) async fn set(data: PathBuf, timing: Timing) -> Result<Self, Broken> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let screen = Arc::new(Screen::new());
        let addresses = Addresses::free(any, any)?;
        let third_party = Addresses::free(any, any)?.mcp;
        let stand_in = third_party_process(third_party)
            .map_err(|error| Broken::System("start the third party", error))?;

        let mut engine = Service::engine(&addresses, &data, true)?;
        let options = [
            "--rate-limit",
            &RATE_LIMIT.to_string(),
            // An engine that was killed is missed after so many milliseconds.
            "--lease-ms",
            "1500",
            "--max-file-mb",
            "16",
        ];
        engine.arguments.extend(options.map(Into::into));
        let quotes = format!("http://{third_party}");
        engine.variables.push(("EXTERNAL_DATA_URL", quotes));
        let mut mcp = Service::mcp(&addresses, &data)?;
        for service in [&mut engine, &mut mcp] {
            // Everything is kept and everything may be looked at, as on a developer's machine.
            service.variables.push(("OBS_ENV", "dev".to_owned()));
            service.variables.push(("LOG_FORMAT", "json".to_owned()));
            service.without.extend(NOT_PASSED_ON);
        }
        let (engine, mcp) = (Kept::start(engine)?, Kept::start(mcp)?);
        let ledger = Arc::new(Ledger::default());
        let client = Client::new(&addresses, Arc::clone(&ledger))?;
        let seen = Arc::new(Watch::default());
        let watching = tokio::spawn(watch(
            client.clone(),
            addresses,
            Arc::clone(&screen),
            Arc::clone(&seen),
        ));
        let mut stage = Self {
            client,
            ledger,
            screen,
            seen,
            addresses,
            timing,
            data,
            checks: Vec::new(),
            engine,
            mcp,
            stand_in,
            third_party,
            watching,
        };
        let (engine, mcp) = (&mut stage.engine, &mut stage.mcp);
        tokio::try_join!(engine.until_ready(), mcp.until_ready())?;
        Ok(stage)
    }

    /// Stops everything that was started.
    pub(super) async fn clear(&mut self) {
        self.watching.abort();
        tokio::join!(
            self.engine.process.stop(STOP),
            self.mcp.process.stop(STOP),
            self.stand_in.stop(STOP),
        );
    }

    pub(super) fn say(&self, text: &str) {
        self.screen.say(text);
    }

    /// Announces a scene.
    pub(super) fn scene(&self, title: &str, what: &str, look: &[String]) {
        let look: Vec<_> = look.iter().map(|line| format!("   look: {line}")).collect();
        self.say(&format!("\n== {title}\n   {what}\n{}", look.join("\n")));
    }

    /// Returns a command that shows what was logged about an id.
    pub(super) fn trace_command(&self, id: &str) -> String {
        format!("traceo trace {id} --data {}", self.data.display())
    }

    pub(super) fn curl(&self, path: &str) -> String {
        format!("curl -s '{}{path}'", self.addresses.engine_url())
    }

    /// Remembers an id for the end, and shows how to follow it.
    pub(super) fn trail(&self, what: &'static str, correlation: &str) {
        self.ledger.trail(what, correlation);
        self.say(&format!(
            "   follow: {}   # {what}",
            self.trace_command(correlation)
        ));
    }

    /// Notes that a number must be what is expected.
    pub(super) fn must_equal(&mut self, what: &str, expected: f64, found: f64) {
        self.check(
            what,
            &expected.to_string(),
            &found.to_string(),
            same(expected, found),
        );
    }

    pub(super) fn check(&mut self, what: &str, expected: &str, found: &str, holds: bool) {
        let mark = if holds { "ok" } else { "NOT SO" };
        self.say(&format!("   {mark}: {what}: {found} (expected {expected})"));
        self.note(what, expected, found, holds);
    }

    pub(super) fn note(&mut self, what: &str, expected: &str, found: &str, holds: bool) {
        self.checks.push(Check {
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
            holds,
        });
    }

    /// Waits until a counter of the engine, over all its processes, is what is expected, and
    /// returns what it is.
    pub(super) async fn counted(
        &self,
        who: Who,
        name: &str,
        labels: Labels<'_>,
        expected: f64,
    ) -> f64 {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let found = match who {
                Who::Engine => self.engine.counted(&self.client, name, labels).await,
                Who::Mcp => self.mcp.counted(&self.client, name, labels).await,
            };
            let found = found.unwrap_or(f64::NAN);
            if same(found, expected) || Instant::now() > end {
                return found;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all jobs have ended and every webhook is delivered.
    pub(super) async fn settle(&self) -> bool {
        let end = Instant::now() + SETTLE;
        let idle = [
            ("traceo_engine_jobs", &[("status", "pending")][..]),
            ("traceo_engine_jobs", &[("status", "running")]),
            ("traceo_engine_webhook_backlog", &[]),
            ("traceo_engine_queue_depth", &[]),
        ];
        let mut calm = 0;
        while Instant::now() < end {
            let page = self
                .client
                .metrics(&self.engine.service.url("/metrics"))
                .await;
            let is_idle = page.is_ok_and(|page| {
                idle.iter()
                    .all(|(name, labels)| same(page.sum(name, labels), 0.0))
            });
            // Gauges of the database are looked at now and then, so that one look is not enough.
            calm = if is_idle { calm + 1 } else { 0 };
            if calm == 3 && self.all_ended().await {
                return true;
            }
            sleep(Duration::from_millis(100)).await;
        }
        false
    }

    async fn all_ended(&self) -> bool {
        for job in self.ledger.jobs().iter().rev() {
            let answer = self.client.get(&format!("/jobs/{job}")).await;
            if !answer.is_ok_and(|answer| answer.body["ended_at"].is_string()) {
                return false;
            }
        }
        true
    }

    /// Dials what share of the requests the third party never answers.
    pub(super) async fn third_party_times_out(&self, share: f64) -> Result<(), Broken> {
        let url = format!("http://{}/faults", self.third_party);
        self.client.put(&url, &json!({"timeout": share})).await?;
        Ok(())
    }

    /// Returns the state of a job.
    pub(super) async fn job(&self, id: &str) -> Result<Value, Broken> {
        Ok(self.client.get(&format!("/jobs/{id}")).await?.body)
    }

    /// Shows the beginning of what was logged about an id.
    pub(super) async fn show_trace(&self, id: &str) -> Result<bool, Broken> {
        let program = std::env::current_exe()
            .map_err(|error| Broken::System("find the program traceo itself", error))?;
        let mut command = Command::new(program);
        command.args(["trace", id, "--data"]).arg(&self.data);
        let output = command
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| Broken::System("start `traceo trace`", error))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let shown: Vec<_> = text
            .lines()
            .take(TRACE_LINES)
            .map(|line| format!("   | {line}"))
            .collect();
        self.say(&shown.join("\n"));
        let more = text.lines().count().saturating_sub(TRACE_LINES);
        if more > 0 {
            self.say(&format!("   | … {more} more lines"));
        }
        Ok(output.status.success() && text.contains(id))
    }
}

/// One of the two services.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Engine,
    Mcp,
}

/// Counts are whole numbers, which these are exactly.
pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.5
}

impl Kept {
    fn start(service: Service) -> Result<Self, Broken> {
        let process = service.start()?;
        Ok(Self {
            service,
            process,
            past: Vec::new(),
        })
    }

    async fn until_ready(&mut self) -> Result<(), Broken> {
        until_ready(&self.service, &mut self.process, START).await?;
        Ok(())
    }

    pub(super) async fn page(&self, client: &Client) -> Result<Page, Broken> {
        Ok(client.metrics(&self.service.url("/metrics")).await?)
    }

    /// Adds a counter up over all processes.
    pub(super) async fn counted(
        &self,
        client: &Client,
        name: &str,
        labels: Labels<'_>,
    ) -> Result<f64, Broken> {
        let now = self.page(client).await?.sum(name, labels);
        Ok(now
            + self
                .past
                .iter()
                .map(|page| page.sum(name, labels))
                .sum::<f64>())
    }

    /// Ends it at once, as a crash would; its counters so far are kept.
    pub(super) async fn kill(&mut self, client: &Client) -> Result<(), Broken> {
        self.past.push(self.page(client).await?);
        self.process.kill().await;
        Ok(())
    }

    /// Stops it as an operator does.
    pub(super) async fn stop(&mut self, client: &Client) -> Result<(), Broken> {
        self.past.push(self.page(client).await?);
        self.process.stop(STOP).await;
        Ok(())
    }

    pub(super) async fn start_again(&mut self) -> Result<(), Broken> {
        self.process = self.service.start()?;
        self.until_ready().await
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id().unwrap_or(0)
    }

    pub(super) fn log(&self) -> &Path {
        &self.service.log
    }
}

fn third_party_process(listen: SocketAddr) -> std::io::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["stand-in", "--listen", &listen.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process::start(&mut command)
}
