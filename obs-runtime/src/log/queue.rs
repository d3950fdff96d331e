//! The bounded queue between the threads that log and the one that writes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Level;

use super::Flushed;

/// Bytes that may wait. As many again may be with the writer, so the log holds 4 MiB at most.
pub(super) const CAPACITY: usize = 2 * 1024 * 1024;

/// The last part of the room, kept for errors: a flood of lesser lines must not push them out.
const RESERVE_SHARE: usize = 16;

/// How long the writer collects lines once it was woken: one wake-up for all of them.
const COLLECT: Duration = Duration::from_millis(3);

/// Memory that is kept when a burst is over.
const KEPT: usize = 64 * 1024;

/// Why a line was dropped: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// The queue had no room.
    Full,
    /// The log was closed.
    Closed,
    /// Writing it failed.
    Failed,
    /// It came from a value that was being written, or from the writer itself.
    Nested,
}

impl Dropped {
    pub(super) const VALUES: [&'static str; 4] = ["full", "closed", "write_failed", "nested"];
}

pub(super) const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

const fn level_index(level: Level) -> usize {
    match level {
        Level::ERROR => 0,
        Level::WARN => 1,
        Level::INFO => 2,
        Level::DEBUG => 3,
        Level::TRACE => 4,
    }
}

/// What went wrong with the sink: the values of the label `kind`.
pub(super) const ERROR_KINDS: [&str; 8] = [
    "broken_pipe",
    "no_space",
    "would_block",
    "bad_descriptor",
    "interrupted",
    "write_zero",
    "panicked",
    "other",
];

/// What happened so far; always consistent with itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) levels: [u64; LEVELS.len()],
    pub(super) dropped: [u64; Dropped::VALUES.len()],
    pub(super) errors: [u64; ERROR_KINDS.len()],
    /// Lines that were given to the sink as a whole.
    pub(super) written: u64,
}

impl Counts {
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Lines that were neither written nor dropped yet.
    pub(super) fn pending(&self) -> u64 {
        let logged: u64 = self.levels.iter().sum();
        logged.saturating_sub(self.written + self.dropped())
    }

    fn drop_lines(&mut self, reason: Dropped, lines: u64) {
        self.dropped[reason as usize] += lines;
    }
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes those who wait for the writer.
    settled: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    lines: Vec<u8>,
    waiting: u64,
    writer: Writer,
    is_urgent: bool,
    is_closed: bool,
    /// Flushes asked for, and how many of them were served.
    asked: u64,
    served: u64,
    /// Dropped lines that no line of the log has told of.
    unsaid: u64,
    /// The sink took a part of a line and refused the rest.
    is_torn: bool,
    counts: Counts,
}

/// What the writer does; only what sleeps or collects needs to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Sleeps,
    Collects,
    Works,
    Ended,
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) text: Vec<u8>,
    pub(super) lines: u64,
    /// Dropped lines to tell of.
    pub(super) unsaid: u64,
    flush: u64,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) written: u64,
    pub(super) failed: u64,
    /// Dropped lines that still have to be told of.
    pub(super) unsaid: u64,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                lines: Vec::new(),
                waiting: 0,
                writer: Writer::Works,
                is_urgent: false,
                is_closed: false,
                asked: 0,
                served: 0,
                unsaid: 0,
                is_torn: false,
                counts: Counts::default(),
            }),
            work: Condvar::new(),
            settled: Condvar::new(),
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, or counts it as dropped. Never waits for the sink.
    pub(super) fn push(&self, level: Level, line: &[u8]) {
        let is_error = level == Level::ERROR;
        let mut state = self.lock();
        state.counts.levels[level_index(level)] += 1;
        if state.is_closed {
            state.counts.drop_lines(Dropped::Closed, 1);
            return;
        }
        let room = if is_error {
            self.capacity
        } else {
            self.capacity - self.capacity / RESERVE_SHARE
        };
        if state.lines.len() + line.len() > room {
            state.counts.drop_lines(Dropped::Full, 1);
            state.unsaid += 1;
            return;
        }
        state.lines.extend_from_slice(line);
        state.waiting += 1;
        // The process may be about to die of it: an error does not wait for company.
        state.is_urgent |= is_error;
        let wakes = match state.writer {
            Writer::Sleeps => true,
            Writer::Collects => is_error || state.lines.len() >= self.capacity / 2,
            Writer::Works | Writer::Ended => false,
        };
        if wakes {
            state.writer = Writer::Works;
            drop(state);
            self.work.notify_one();
        }
    }

    /// Counts a line that must not be written.
    pub(super) fn refuse(&self, level: Level) {
        let mut state = self.lock();
        state.counts.levels[level_index(level)] += 1;
        state.counts.drop_lines(Dropped::Nested, 1);
        state.unsaid += 1;
    }

    /// Waits for something to write; `None` when there will be nothing any more.
    pub(super) fn take(&self, batch: &mut Batch) -> Option<()> {
        let mut state = self.lock();
        while state.lines.is_empty() && state.asked == state.served {
            if state.is_closed {
                return None;
            }
            state.writer = Writer::Sleeps;
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let hurries = |state: &State| {
            state.is_urgent
                || state.is_closed
                || state.asked != state.served
                || state.lines.len() >= self.capacity / 2
        };
        if !hurries(&state) {
            state.writer = Writer::Collects;
            let waited = self
                .work
                .wait_timeout_while(state, COLLECT, |state| state.writer == Writer::Collects);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.writer = Writer::Works;
        state.is_urgent = false;
        if batch.text.capacity() > KEPT && state.lines.len() < KEPT {
            batch.text.shrink_to(KEPT);
        }
        batch.text.clear();
        std::mem::swap(&mut batch.text, &mut state.lines);
        batch.lines = std::mem::take(&mut state.waiting);
        batch.unsaid = std::mem::take(&mut state.unsaid);
        batch.flush = state.asked;
        Some(())
    }

    pub(super) fn settle(&self, batch: &Batch, settled: &Settled) {
        let mut state = self.lock();
        state.counts.written += settled.written;
        state.counts.drop_lines(Dropped::Failed, settled.failed);
        state.unsaid += settled.unsaid;
        state.served = batch.flush;
        // What is neither settled nor waiting.
        state.is_torn = state.counts.pending() > state.waiting;
        drop(state);
        self.settled.notify_all();
    }

    pub(super) fn count_error(&self, kind: usize) {
        self.lock().counts.errors[kind] += 1;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Waits until everything that was added before is written or dropped.
    ///
    /// What is added meanwhile is not waited for, and does not make it incomplete.
    pub(super) fn flush(&self, patience: Duration) -> Flushed {
        let mut state = self.lock();
        state.asked += 1;
        let asked = state.asked;
        self.wake(&mut state);
        let waited = self.settled.wait_timeout_while(state, patience, |state| {
            state.served < asked && state.writer != Writer::Ended
        });
        let state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let complete = if state.writer == Writer::Ended {
            state.counts.pending() == 0
        } else {
            state.served >= asked && !state.is_torn
        };
        Flushed {
            dropped: state.counts.dropped(),
            complete,
        }
    }

    /// Takes no more lines; the writer ends when it has written those it has.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        self.wake(&mut state);
    }

    /// Says that the writer ended; what was still with it is dropped.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.writer = Writer::Ended;
        drop(state);
        self.settled.notify_all();
    }

    fn wake(&self, state: &mut State) {
        if matches!(state.writer, Writer::Sleeps | Writer::Collects) {
            state.writer = Writer::Works;
            self.work.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use tracing::Level;

    use super::{Batch, Queue, Settled};

    #[test]
    fn a_flush_is_complete_without_what_was_logged_after_it() {
        let queue = Queue::new(1_024);
        queue.push(Level::INFO, b"before\n");
        let flushed = thread::scope(|scope| {
            let flush = scope.spawn(|| queue.flush(Duration::from_secs(60)));
            while queue.lock().asked == 0 {
                thread::yield_now();
            }
            let mut batch = Batch::default();
            queue.take(&mut batch).unwrap();
            queue.push(Level::INFO, b"after\n");
            let settled = Settled {
                written: batch.lines,
                ..Settled::default()
            };
            queue.settle(&batch, &settled);
            flush.join().unwrap()
        });
        assert_eq!((flushed.dropped, flushed.complete), (0, true));
        assert_eq!(queue.counts().pending(), 1);
    }
}
