//! The bounded queue between those who end spans and the thread that exports them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::counts::{Counts, Dropped};
use crate::start::QueueSettings;

/// Bytes that may wait.
pub(super) const MAX_BYTES: usize = 12 * 1024 * 1024;

/// Bytes that are exported at once, as they lie in memory. Collectors take 4 MiB over gRPC.
pub(super) const BATCH_BYTES: usize = 3 * 1024 * 1024;

/// A span that waits, and the memory that it takes.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) span: SpanData,
    pub(super) bytes: usize,
}

/// The spans that wait.
#[derive(Debug)]
pub(super) struct Queue {
    settings: QueueSettings,
    /// Every span is to be seen at once.
    is_prompt: bool,
    state: Mutex<State>,
    /// Wakes the thread. It alone waits for it.
    work: Notify,
    /// Wakes those who wait for the thread.
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Spans that the thread has taken and not settled.
    in_flight: u64,
    /// Spans that were accepted ever, and those of them that are out of the queue and settled.
    accepted: u64,
    settled: u64,
    /// Up to which of the accepted spans nothing must wait.
    hurry: u64,
    /// When the stop must be over, while there is one.
    deadline: Option<Instant>,
    stopped: bool,
    exported: u64,
    dropped: [u64; Dropped::VALUES.len()],
}

/// How it stands with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hurry {
    No,
    /// Somebody waits.
    Flush,
    /// The process ends then.
    Stop(Instant),
    /// It is over.
    Stopped,
}

impl State {
    fn hurry(&self) -> Hurry {
        match self.deadline {
            _ if self.stopped => Hurry::Stopped,
            Some(deadline) => Hurry::Stop(deadline),
            None if self.settled < self.hurry => Hurry::Flush,
            None => Hurry::No,
        }
    }

    /// Gives up what is left, for good.
    fn close(&mut self) {
        let left = self.waiting.len() as u64 + self.in_flight;
        self.drop_spans(Dropped::Stopped, left);
        self.settled += left;
        self.in_flight = 0;
        self.bytes = 0;
        self.waiting = VecDeque::new();
        self.stopped = true;
    }

    fn drop_spans(&mut self, reason: Dropped, spans: u64) {
        self.dropped[reason as usize] += spans;
    }
}

impl Queue {
    pub(super) fn new(settings: QueueSettings, is_prompt: bool) -> Self {
        Self {
            settings,
            is_prompt,
            state: Mutex::default(),
            work: Notify::new(),
            settled: Condvar::new(),
        }
    }

    /// Takes spans, or counts those for which there is no room.
    pub(super) fn push(&self, spans: impl IntoIterator<Item = Waiting>) {
        let mut wakes = false;
        {
            let mut state = self.lock();
            for span in spans {
                if state.stopped {
                    state.drop_spans(Dropped::AfterStop, 1);
                } else if state.waiting.len() >= self.settings.spans
                    || state.bytes + span.bytes > MAX_BYTES
                {
                    state.drop_spans(Dropped::QueueFull, 1);
                } else {
                    let before = state.bytes;
                    state.bytes += span.bytes;
                    state.accepted += 1;
                    state.waiting.push_back(span);
                    wakes |= self.is_prompt
                        || state.waiting.len() == self.settings.batch
                        || (before < BATCH_BYTES && state.bytes >= BATCH_BYTES);
                }
            }
        }
        if wakes {
            self.work.notify_one();
        }
    }

    /// Counts spans that never came here.
    pub(super) fn lose(&self, reason: Dropped, spans: u64) {
        if spans > 0 {
            self.lock().drop_spans(reason, spans);
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            exported: state.exported,
            dropped: state.dropped,
            waiting: state.waiting.len() as u64 + state.in_flight,
        }
    }

    /// Waits for a batch and takes it; not before the given time, unless somebody hurries. `None`
    /// once the queue was stopped.
    pub(super) async fn take(&self, since: Instant, not_before: Instant) -> Option<Vec<SpanData>> {
        loop {
            let wait = {
                let mut state = self.lock();
                let now = Instant::now();
                let due = after(since, self.settings.delay);
                let is_full = state.waiting.len() >= self.settings.batch
                    || state.bytes >= BATCH_BYTES
                    || self.is_prompt;
                let ready = match state.hurry() {
                    Hurry::Stopped => return None,
                    Hurry::Flush | Hurry::Stop(_) => now,
                    Hurry::No if is_full => not_before,
                    Hurry::No => not_before.max(due),
                };
                if state.waiting.is_empty() {
                    self.settings.delay
                } else if ready <= now {
                    return Some(self.pop(&mut state));
                } else {
                    ready - now
                }
            };
            // Nothing happens while it waits but what it is told of.
            let _ = timeout(wait, self.work.notified()).await;
        }
    }

    fn pop(&self, state: &mut State) -> Vec<SpanData> {
        let mut batch = Vec::with_capacity(self.settings.batch.min(state.waiting.len()));
        let mut bytes = 0;
        while batch.len() < self.settings.batch && bytes < BATCH_BYTES {
            let Some(waiting) = state.waiting.pop_front() else {
                break;
            };
            bytes += waiting.bytes;
            batch.push(waiting.span);
        }
        state.bytes -= bytes;
        state.in_flight = batch.len() as u64;
        batch
    }

    /// Waits until a time, or until somebody hurries who did not before.
    pub(super) async fn rest(&self, until: Instant, before: Hurry) {
        loop {
            let now = Instant::now();
            if until <= now || self.hurry() != before {
                return;
            }
            let _ = timeout(until - now, self.work.notified()).await;
        }
    }

    pub(super) fn hurry(&self) -> Hurry {
        self.lock().hurry()
    }

    /// Says what became of the batch that was taken.
    ///
    /// What the stop has counted already stays counted as it did.
    pub(super) fn settle(&self, exported: u64, dropped: u64, reason: Dropped) {
        {
            let mut state = self.lock();
            if state.in_flight == 0 {
                return;
            }
            state.settled += state.in_flight;
            state.in_flight = 0;
            state.exported += exported;
            state.drop_spans(reason, dropped);
        }
        self.settled.notify_all();
    }

    /// Gives up what was taken, however much that is.
    pub(super) fn settle_all(&self, reason: Dropped) {
        let in_flight = self.lock().in_flight;
        self.settle(0, in_flight, reason);
    }

    /// Spans that wait, in batches; begun ones count.
    pub(super) fn backlog(&self) -> usize {
        self.lock().waiting.len().div_ceil(self.settings.batch)
    }

    /// Waits until what was accepted before is settled. Returns whether it is.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        let target = state.accepted;
        if state.settled >= target {
            return true;
        }
        state.hurry = state.hurry.max(target);
        self.work.notify_one();
        self.wait(state, target, deadline).1
    }

    /// As [`flush`](Self::flush), and afterwards nothing is accepted; what is left is counted.
    pub(super) fn stop(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        if state.stopped {
            return true;
        }
        let earlier = state.deadline.map_or(deadline, |other| other.min(deadline));
        state.deadline = Some(earlier);
        self.work.notify_one();
        let target = state.accepted;
        let (mut state, complete) = self.wait(state, target, deadline);
        state.close();
        drop(state);
        self.work.notify_one();
        self.settled.notify_all();
        complete
    }

    /// Gives up everything that waits: the collector does not answer, and the process ends.
    pub(super) fn give_up(&self) {
        self.lock().close();
        self.settled.notify_all();
    }

    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        target: u64,
        deadline: Instant,
    ) -> (MutexGuard<'a, State>, bool) {
        while state.settled < target {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return (state, false);
            }
            let waited = self.settled.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        (state, true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment so much later. So much that no clock can say it is now.
pub(super) fn after(moment: Instant, time: Duration) -> Instant {
    moment.checked_add(time).unwrap_or(moment)
}
