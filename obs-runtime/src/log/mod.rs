//! Logs: one JSON object per line, written by a thread of its own.
//!
//! An event becomes a line on the thread it happens on (`layer`, `line`, `visit`, `fields`,
//! `notation`), the line goes into a bounded queue (`queue`), and one thread takes everything that
//! is there and writes it (`writer`, `sink`). Nothing but that thread ever waits for the sink.

mod asked;
mod counts;
mod fields;
mod filter;
mod layer;
mod line;
mod notation;
mod page;
mod queue;
mod sample;
mod sensitive;
mod sink;
#[cfg(test)]
mod tests;
mod timestamp;
mod visit;
mod writer;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use crate::redact::Redactor;
use layer::Sink;
use line::Layout;
use queue::Queue;

pub use filter::LogFilter;
pub use layer::LogLayer;

#[cfg(any(feature = "otlp", feature = "sentry"))]
pub(crate) use asked::AskedEachTime;
pub(crate) use counts::{NAMES, describe};
pub(crate) use page::{PageFeed, PageFeedOptions};
pub(crate) use sample::keeps;
#[cfg(feature = "otlp")]
pub(crate) use timestamp::timestamp;

/// The target of the lines about requests.
pub(crate) const REQUEST: &str = "obs::request";

/// The target of the lines about tool calls.
const TOOL_CALL: &str = "obs::mcp";

/// The message of the line that says that a request began.
pub(crate) const REQUEST_STARTED: &str = "request_started";

/// The message of the canonical line of a request.
pub(crate) const REQUEST_COMPLETED: &str = "request_completed";

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
    /// The memory of a test, which has room for every line.
    #[cfg(feature = "test")]
    Memory(Box<dyn io::Write + Send>),
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
#[derive(Clone)]
pub(crate) struct Logs {
    log: Arc<Log>,
}

/// What `Logs` and the layers share. The writer ends when the last of them is gone.
struct Log {
    layout: Arc<Layout>,
    queue: Arc<Queue>,
}

/// What became of the lines when the log was flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// Lines dropped since the start.
    pub(crate) dropped: u64,
    /// Whether everything else was written.
    pub(crate) complete: bool,
}

impl Logs {
    /// Starts the writer's thread.
    pub(crate) fn start(options: LogOptions) -> io::Result<Self> {
        let capacity = options.output.capacity();
        Self::with_capacity(options, capacity)
    }

    fn with_capacity(options: LogOptions, capacity: usize) -> io::Result<Self> {
        let layout = Arc::new(Layout::new(
            options.format,
            options.output.wants_colour(),
            &options.service,
            &options.environment,
            options.redactor,
        ));
        let queue = Arc::new(Queue::new(capacity));
        writer::start(
            Arc::clone(&queue),
            Arc::clone(&layout),
            options.output.open(),
        )?;
        Ok(Self {
            log: Arc::new(Log { layout, queue }),
        })
    }

    pub(crate) fn layer(&self) -> LogLayer {
        LogLayer {
            layout: Arc::clone(&self.log.layout),
            sink: Sink::Writer(Arc::clone(&self.log)),
        }
    }

    /// Says for which targets debugging is on, and with it causes and backtraces of errors.
    ///
    /// Unless it is said, they are written where any layer of the subscriber wants `debug`. The
    /// first call counts.
    pub(crate) fn debug_in(&self, targets: Targets) {
        drop(self.log.layout.debugged.set(targets));
    }

    /// Waits until what was logged before is written, no longer than `patience`.
    pub(crate) fn flush(&self, patience: Duration) -> Flushed {
        self.log.queue.flush(patience)
    }

    /// Takes no more lines, then flushes. Later lines are counted as dropped.
    pub(crate) fn close(&self, patience: Duration) -> Flushed {
        self.log.queue.close();
        self.flush(patience)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}
