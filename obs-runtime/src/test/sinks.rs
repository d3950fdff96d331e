//! Where the log lines and Sentry envelopes of a test go: memory.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::Scope;
use crate::log::LogOutput;
#[cfg(feature = "sentry")]
use crate::sentry::Deliver;

/// The sinks of one test. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TestSinks {
    scope: Scope,
    lines: Memory,
    #[cfg(feature = "sentry")]
    envelopes: super::sentry::Envelopes,
}

/// Bytes that one thread writes and another reads.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl TestSinks {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            lines: Memory::default(),
            #[cfg(feature = "sentry")]
            envelopes: super::sentry::Envelopes::default(),
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope.clone()
    }

    pub(crate) fn log(&self) -> LogOutput {
        LogOutput::Memory(Box::new(self.lines.clone()))
    }

    #[cfg(feature = "sentry")]
    pub(crate) fn sentry(&self) -> Box<dyn Deliver> {
        Box::new(self.envelopes.clone())
    }

    /// Returns what was logged, as it was written.
    pub(super) fn lines(&self) -> Vec<u8> {
        let lines = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }

    #[cfg(feature = "sentry")]
    pub(super) fn envelopes(&self) -> &super::sentry::Envelopes {
        &self.envelopes
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TestSinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSinks").finish_non_exhaustive()
    }
}
