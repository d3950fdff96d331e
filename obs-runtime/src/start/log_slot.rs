//! The log, started when somebody wants it.

use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::catalog::{Families, Part, Totals};
use crate::log::{LogOptions, Logs};

/// A place for the log's writer: empty until the log is installed or composed.
pub(crate) struct LogSlot {
    running: OnceLock<Logs>,
    /// The directives that decide where causes and backtraces are logged. Those about spans, which
    /// the log cannot read, leave it to the subscriber.
    filter: String,
    /// Until the log is started.
    options: Mutex<Option<LogOptions>>,
}

impl LogSlot {
    pub(super) fn new(options: LogOptions, filter: &str) -> Self {
        Self {
            filter: filter.to_owned(),
            running: OnceLock::new(),
            options: Mutex::new(Some(options)),
        }
    }

    /// Returns the log, if anybody wanted it.
    pub(crate) fn running(&self) -> Option<&Logs> {
        self.running.get()
    }

    /// Returns the log, and starts its writer the first time.
    pub(crate) fn start(&self) -> io::Result<&Logs> {
        let mut options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = self.running.get() {
            return Ok(running);
        }
        let options = options
            .take()
            .ok_or_else(|| io::Error::other("the log could not be started before"))?;
        let debugged = self.filter.parse().ok();
        let logs = Logs::start(options)?;
        if let Some(debugged) = debugged {
            logs.debug_in(debugged);
        }
        Ok(self.running.get_or_init(|| logs))
    }
}

impl Part for LogSlot {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        if let Some(logs) = self.running() {
            logs.collect(totals, families);
        } else if families.is_description() {
            crate::log::describe(families);
        }
    }
}
