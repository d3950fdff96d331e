//! The bounded queue between those who capture and the thread that sends.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::sentry::transports::{RateLimiter, RateLimitingCategory};
use ::sentry::{Envelope, Transport};

use super::counts::{Counts, Kind, Outcome};
use super::deliver::{Answer, Deliver};
use super::envelope::{self, Item};
use super::sample::Sampler;
use crate::redact::Redactor;

/// Envelopes that may wait.
pub(super) const CAPACITY: usize = 256;

/// Envelopes that may wait besides, if they hold the first of a kind.
const FIRSTS_CAPACITY: usize = 512;

/// How often it is said that the server takes nothing.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// The transport of our client.
#[derive(Clone)]
pub(super) struct Queue {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to send, or it is over.
    work: Condvar,
    /// Nothing waits and nothing is being sent.
    idle: Condvar,
    capacity: usize,
    counts: Counts,
    sampler: Arc<Sampler>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Envelope>,
    busy: bool,
    stopped: bool,
}

/// What the thread works with.
pub(super) struct Worker {
    pub(super) deliver: Box<dyn Deliver>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) sampler: Arc<Sampler>,
    pub(super) counts: Counts,
    pub(super) traces_rate: f64,
}

impl Queue {
    pub(super) fn start(worker: Worker, capacity: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            idle: Condvar::new(),
            capacity,
            counts: worker.counts,
            sampler: Arc::clone(&worker.sampler),
        });
        let queue = Self {
            shared: Arc::clone(&shared),
        };
        // Never joined: it may be waiting for a server, and ends with the process.
        std::thread::Builder::new()
            .name("obs-sentry".to_owned())
            .spawn(move || work(&shared, worker))?;
        Ok(queue)
    }

    fn wait_until_idle(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.busy || !state.waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.idle.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Envelope> {
        let mut state = self.lock();
        loop {
            if let Some(envelope) = state.waiting.pop_front() {
                state.busy = true;
                return Some(envelope);
            }
            state.busy = false;
            self.idle.notify_all();
            if state.stopped {
                return None;
            }
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Counts an envelope that is not going to be sent.
    fn lose(&self, envelope: &Envelope, outcome: Outcome) {
        for item in envelope.items() {
            self.counts.add(envelope::kind_of(item), outcome);
        }
        if let Some(kind) = envelope::first_of_kind(envelope) {
            self.sampler.forget(kind);
        }
    }
}

impl Transport for Queue {
    fn send_envelope(&self, envelope: Envelope) {
        let is_first = envelope::first_of_kind(&envelope).is_some();
        let capacity = self.shared.capacity + if is_first { FIRSTS_CAPACITY } else { 0 };
        let mut state = self.shared.lock();
        if state.stopped || state.waiting.len() >= capacity {
            drop(state);
            self.shared.lose(&envelope, Outcome::QueueFull);
            return;
        }
        state.waiting.push_back(envelope);
        drop(state);
        self.shared.work.notify_one();
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.wait_until_idle(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        let complete = self.wait_until_idle(timeout);
        let left = {
            let mut state = self.shared.lock();
            state.stopped = true;
            std::mem::take(&mut state.waiting)
        };
        self.shared.work.notify_all();
        for envelope in left {
            self.shared.lose(&envelope, Outcome::Failed);
        }
        complete
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // The thread has the other one.
        if Arc::strong_count(&self.shared) <= 2 {
            self.shared.lock().stopped = true;
            self.shared.work.notify_all();
        }
    }
}

/// What the thread does until the queue is closed.
fn work(shared: &Shared, mut worker: Worker) {
    let mut limits = RateLimiter::new();
    let mut troubles = Troubles::default();
    while let Some(envelope) = shared.next() {
        let sent = catch_unwind(AssertUnwindSafe(|| {
            worker.send(&envelope, &mut limits, &mut troubles);
        }));
        if sent.is_err() {
            shared.lose(&envelope, Outcome::Failed);
        }
    }
}

impl Worker {
    fn send(&mut self, envelope: &Envelope, limits: &mut RateLimiter, troubles: &mut Troubles) {
        let read = envelope::read(envelope, &self.redactor, Some(self.traces_rate));
        let mut items = Vec::new();
        for item in read.items {
            if item.withheld {
                self.end(&item, Outcome::Withheld);
            } else if limits.is_enabled(category(item.kind)) {
                items.push(item);
            } else {
                self.end(&item, Outcome::RateLimited);
            }
        }
        if items.is_empty() {
            return;
        }
        let answer = self.deliver.deliver(&envelope::write(&read.header, &items));
        limit(limits, &answer);
        let outcome = match answer.status {
            Some(200..=299) => Outcome::Sent,
            Some(429) => Outcome::RateLimited,
            _ => Outcome::Failed,
        };
        troubles.say(&answer, outcome);
        for item in &items {
            self.end(item, outcome);
        }
    }

    fn end(&self, item: &Item, outcome: Outcome) {
        self.counts.add(item.kind, outcome);
        if outcome != Outcome::Sent
            && let Some(kind) = item.first_of_kind
        {
            self.sampler.forget(kind);
        }
    }
}

fn category(kind: Kind) -> RateLimitingCategory {
    match kind {
        Kind::Error => RateLimitingCategory::Error,
        Kind::Transaction => RateLimitingCategory::Transaction,
        Kind::Other => RateLimitingCategory::Any,
    }
}

fn limit(limits: &mut RateLimiter, answer: &Answer) {
    if let Some(header) = &answer.rate_limits {
        limits.update_from_sentry_header(header);
    } else if let Some(header) = &answer.retry_after {
        limits.update_from_retry_after(header);
    } else if answer.status == Some(429) {
        limits.update_from_429();
    }
}

/// Says in the log, now and then, that events do not arrive.
#[derive(Default)]
struct Troubles {
    said: Option<Instant>,
}

impl Troubles {
    fn say(&mut self, answer: &Answer, outcome: Outcome) {
        let is_due = self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY);
        if outcome == Outcome::Failed && is_due {
            self.said = Some(Instant::now());
            tracing::warn!(
                target: "obs::sentry",
                status = answer.status,
                why = answer.why,
                "Sentry does not take events; see obs_sentry_events_total"
            );
        }
    }
}
