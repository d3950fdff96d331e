//! The log from the event to the byte.

mod strict;

mod cost;
mod joined;
mod lines;
mod sinks;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use super::queue::CAPACITY;
use super::{LogFormat, LogOptions, LogOutput, Logs};
use crate::redact::Redactor;
use strict::Object;

/// Longer than anything here takes: a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sink that remembers.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).unwrap()
    }

    fn objects(&self) -> Vec<Object> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "a torn line");
        text.lines().map(strict::parse).collect()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(output: LogOutput, format: LogFormat) -> LogOptions {
    LogOptions {
        service: "shop".to_owned(),
        environment: "test".to_owned(),
        format,
        output,
        redactor: Arc::new(Redactor::new(&["password".to_owned()])),
    }
}

fn start(sink: impl Write + Send + 'static) -> Logs {
    start_with(sink, CAPACITY)
}

fn start_with(sink: impl Write + Send + 'static, capacity: usize) -> Logs {
    let output = LogOutput::Writer(Box::new(sink));
    Logs::with_capacity(options(output, LogFormat::Json), capacity).unwrap()
}

fn subscriber(logs: &Logs) -> Dispatch {
    Dispatch::new(registry().with(logs.layer()))
}

/// Runs something with a log of its own; returns its lines.
fn lines_of(run: impl FnOnce()) -> Vec<Object> {
    let memory = Memory::default();
    let logs = start(memory.clone());
    tracing::dispatcher::with_default(&subscriber(&logs), run);
    let flushed = logs.flush(PATIENCE);
    assert!(flushed.complete);
    memory.objects()
}

fn line_of(run: impl FnOnce()) -> Object {
    let mut lines = lines_of(run);
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}
