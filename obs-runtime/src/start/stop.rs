//! The end: everything out, in order, within the time there is.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::Obs;
use super::losses::Losses;

/// What the log keeps of the time limit.
#[cfg(any(feature = "otlp", feature = "sentry"))]
const LOG_RESERVE: Duration = Duration::from_millis(500);

impl Obs {
    /// Waits until what was logged, exported and sent to Sentry before has left the process.
    ///
    /// Blocks the calling thread, no longer than `patience`; the writers have threads of their
    /// own, so it may be called from anywhere, an async function included.
    pub fn flush(&self, patience: Duration) -> Losses {
        self.empty(deadline(patience), false)
    }

    /// Begins the shutdown, then does what [`flush`](Self::flush) does, and closes the log.
    ///
    /// [`run`](crate::run) does it for you. What is logged or traced afterwards is dropped and counted. A
    /// second call finds nothing to do.
    ///
    /// # Example
    /// ```standalone_crate
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// let obs = obs_runtime::Obs::from_env(obs_runtime::service!())?.install()?;
    /// // … the service …
    /// let losses = obs.stop(Duration::from_secs(5));
    /// if !losses.is_empty() {
    ///     eprintln!("{losses}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(self, patience: Duration) -> Losses {
        self.http().shutdown.begin();
        self.stop_until(deadline(patience))
    }

    pub(super) fn stop_until(&self, deadline: Instant) -> Losses {
        self.empty(deadline, true)
    }

    /// Spans first, then Sentry, and the log last: both may have something to say in it.
    fn empty(&self, deadline: Instant, closes: bool) -> Losses {
        let mut losses = Losses::default();
        #[cfg(feature = "otlp")]
        if let Some(traces) = &self.http().traces {
            #[cfg(feature = "sentry")]
            let with_sentry = self.http().sentry.is_some();
            #[cfg(not(feature = "sentry"))]
            let with_sentry = false;
            let until = spans_until(deadline, with_sentry);
            let complete = if closes {
                traces.stop(until)
            } else {
                traces.flush(until)
            };
            losses.spans = traces.lost();
            losses.spans_incomplete = !complete;
        }
        #[cfg(feature = "sentry")]
        if let Some(sentry) = &self.http().sentry {
            // The log must still have a moment when Sentry cannot be reached.
            let patience = left(deadline).saturating_sub(LOG_RESERVE);
            // Never closed: the client may be the service's own.
            losses.sentry_incomplete = !sentry.flush(patience);
            losses.sentry_events = sentry.lost();
        }
        if let Some(logs) = self.http().logs.running() {
            let flushed = if closes {
                logs.close(left(deadline))
            } else {
                logs.flush(left(deadline))
            };
            losses.log_lines = flushed.dropped;
            losses.log_incomplete = !flushed.complete;
        }
        losses
    }
}

/// When the spans must be out: a collector that does not answer leaves the log a moment, and Sentry,
/// where there is one, half of the time.
#[cfg(feature = "otlp")]
fn spans_until(end: Instant, with_sentry: bool) -> Instant {
    let patience = left(end).saturating_sub(LOG_RESERVE);
    deadline(if with_sentry { patience / 2 } else { patience })
}

/// The moment after so much time. So much that no clock can say it is a day.
pub(super) fn deadline(patience: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(patience)
        .or_else(|| now.checked_add(Duration::from_secs(86_400)))
        .unwrap_or(now)
}

/// The time that is left.
pub(super) fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// Writes a line to standard error. Nobody may be reading it, which is no reason to wait or to
/// panic.
pub(super) fn say(line: &str) {
    const PATIENCE: Duration = Duration::from_millis(100);
    let line = format!("{line}\n");
    let (said, wait) = mpsc::channel();
    let write = move || {
        drop(io::stderr().write_all(line.as_bytes()));
        let _ = said.send(());
    };
    // Without a thread to be had, nothing is said.
    if thread::Builder::new().spawn(write).is_ok() {
        let _ = wait.recv_timeout(PATIENCE);
    }
}
