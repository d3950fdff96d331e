//! What the log says about a collector that does not take spans: seldom, and when it does again.

use std::time::{Duration, Instant};

use super::counts::DROPPED;

/// How often it is said.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Failures in a row that are nothing to speak of: a connection that had become stale.
const SILENT: u32 = 1;

#[derive(Debug, Default)]
pub(super) struct Troubles {
    failures: u32,
    said: Option<Instant>,
    /// Nobody said yet that it works again.
    is_open: bool,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Failing(String),
    Works,
}

impl Troubles {
    /// Failures since the last success.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// A batch was not taken. `for_good`: it will not be tried again.
    pub(super) fn failed(&mut self, why: &str, for_good: bool, now: Instant) -> Option<Said> {
        self.failures = self.failures.saturating_add(1);
        if self.failures <= SILENT && !for_good {
            return None;
        }
        self.refused_some(why, now)
    }

    /// A batch was taken without some of its spans: the collector works, and must not be spared.
    pub(super) fn refused_some(&mut self, why: &str, now: Instant) -> Option<Said> {
        let is_due = self
            .said
            .is_none_or(|said| now.saturating_duration_since(said) >= SAY_EVERY);
        if !is_due {
            return None;
        }
        self.said = Some(now);
        self.is_open = true;
        Some(Said::Failing(why.to_owned()))
    }

    /// A batch was taken.
    pub(super) fn worked(&mut self) -> Option<Said> {
        self.failures = 0;
        std::mem::take(&mut self.is_open).then_some(Said::Works)
    }
}

impl Said {
    /// Writes the line, outside of everything that keeps the thread from being observed.
    pub(super) fn write(&self, dropped: u64) {
        match self {
            Self::Failing(why) => tracing::warn!(
                target: "obs::otlp",
                why,
                dropped,
                "the collector does not take spans; see {DROPPED}"
            ),
            Self::Works => tracing::info!(
                target: "obs::otlp",
                dropped,
                "the collector takes spans again"
            ),
        }
    }
}
