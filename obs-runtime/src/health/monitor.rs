//! One check while the service runs: asked at most once at a time, its answer shared and kept.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::check::Check;
use crate::redact::Redactor;

/// What is said of a failure in the log, in characters.
const MAX_TEXT: usize = 500;

/// How long beyond its limit a run has to end by itself. Only one that blocks its thread does not,
/// and the next probe shall not find a run that is about to end.
const GRACE: Duration = Duration::from_millis(20);

/// A registered check and what is known of it.
#[derive(Debug)]
pub(super) struct Monitor {
    name: Arc<str>,
    check: Check,
    redactor: Arc<Redactor>,
    state: Mutex<State>,
    /// The number of the last run that is over.
    over: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    seen: Option<Seen>,
    runs: u64,
    /// When the run that is under way began.
    running: Option<Instant>,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) up: bool,
    pub(super) took: Duration,
    at: Instant,
}

impl Monitor {
    pub(super) fn new(name: Arc<str>, check: Check, redactor: Arc<Redactor>) -> Self {
        Self {
            name,
            check,
            redactor,
            state: Mutex::default(),
            over: watch::Sender::new(0),
        }
    }

    pub(super) fn is_critical(&self) -> bool {
        self.check.is_critical()
    }

    /// Returns the last answer, however old it is.
    pub(super) fn last(&self) -> Option<Seen> {
        self.state().seen
    }

    /// Asks, unless the last answer is still good or the question is already asked. The future
    /// waits for the answer, no longer than the check's time limit.
    pub(super) fn ask(self: &Arc<Self>) -> impl Future<Output = Seen> + Send + use<> {
        let me = Arc::clone(self);
        let asked = self.start();
        async move {
            match asked {
                Asked::Known(seen) => seen,
                Asked::Run { number, since } => me.wait(number, since).await,
            }
        }
    }

    fn start(self: &Arc<Self>) -> Asked {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(since) = state.running {
            let number = state.runs;
            return Asked::Run { number, since };
        }
        if let Some(seen) = state.seen
            && now.saturating_duration_since(seen.at) < self.check.keeps()
        {
            return Asked::Known(seen);
        }
        state.runs += 1;
        state.running = Some(now);
        let number = state.runs;
        drop(state);
        // A task of its own: one that blocks its thread keeps nobody else from answering.
        let run = Run {
            monitor: Arc::clone(self),
            since: now,
            outcome: Err("it panicked, or the runtime ended".to_owned()),
        };
        tokio::spawn(run.run());
        Asked::Run { number, since: now }
    }

    async fn wait(&self, number: u64, since: Instant) -> Seen {
        let patience = self.check.patience().saturating_add(GRACE);
        let left = patience.saturating_sub(since.elapsed());
        let mut over = self.over.subscribe();
        let finished = time::timeout(left, over.wait_for(|over| *over >= number)).await;
        if finished.is_err() {
            self.overdue(number, since);
        }
        self.last().unwrap_or(Seen {
            up: false,
            took: since.elapsed(),
            at: Instant::now(),
        })
    }

    /// Notes that a run hangs. It is not asked again before it is over.
    fn overdue(&self, number: u64, since: Instant) {
        let state = self.state();
        if state.running.is_some() && state.runs == number {
            self.note(state, since, Err(self.late()));
        }
    }

    fn over(&self, since: Instant, outcome: Result<(), String>) {
        let outcome = match outcome {
            // Blocked beyond its time, and ready at the first look afterwards.
            Ok(()) if since.elapsed() > self.check.patience() => Err(self.late()),
            outcome => outcome,
        };
        let mut state = self.state();
        state.running = None;
        let number = state.runs;
        self.note(state, since, outcome);
        self.over.send_replace(number);
    }

    /// Notes an answer, and says so where it is another than the last.
    fn note(&self, mut state: MutexGuard<'_, State>, since: Instant, outcome: Result<(), String>) {
        let now = Instant::now();
        let before = state.seen.map(|seen| seen.up);
        state.seen = Some(Seen {
            up: outcome.is_ok(),
            took: now.saturating_duration_since(since),
            at: now,
        });
        // Whatever listens to the log may look at the checks.
        drop(state);
        let check = &*self.name;
        match (before, outcome) {
            (None | Some(true), Err(error)) => {
                let error: String = self.redactor.scrub(&error).chars().take(MAX_TEXT).collect();
                tracing::warn!(target: "obs::health", check, error, "a dependency is down");
            }
            (Some(false), Ok(())) => {
                tracing::info!(target: "obs::health", check, "a dependency is up again");
            }
            _ => {}
        }
    }

    fn late(&self) -> String {
        format!("no answer within {:?}", self.check.patience())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Asked {
    Known(Seen),
    Run { number: u64, since: Instant },
}

/// One run; however it ends, the next one may begin.
struct Run {
    monitor: Arc<Monitor>,
    since: Instant,
    outcome: Result<(), String>,
}

impl Run {
    async fn run(mut self) {
        let check = &self.monitor.check;
        let answer = time::timeout(check.patience(), check.probe()).await;
        self.outcome = answer.unwrap_or_else(|_| Err(self.monitor.late()));
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Ok(()));
        self.monitor.over(self.since, outcome);
    }
}
