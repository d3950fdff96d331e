//! What was lost when the service stopped.

use std::fmt;

/// What did not reach its sink, counted from the start; made by [`Obs::flush`](crate::Obs::flush)
/// and [`Obs::stop`](crate::Obs::stop).
///
/// `Display` is one line for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "it says whether anything was lost"]
pub struct Losses {
    pub(super) log_lines: u64,
    pub(super) log_incomplete: bool,
    pub(super) sentry_events: u64,
    pub(super) sentry_incomplete: bool,
    pub(super) spans: u64,
    pub(super) spans_incomplete: bool,
}

impl Losses {
    /// Returns whether everything that was accepted reached its sink.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns how many log lines were dropped.
    #[must_use]
    pub const fn log_lines(&self) -> u64 {
        self.log_lines
    }

    /// Returns how many Sentry events were dropped because their queue was full.
    #[must_use]
    pub const fn sentry_events(&self) -> u64 {
        self.sentry_events
    }

    /// Returns how many spans were dropped: for want of room, by a collector that did not take
    /// them, or because it was time to stop. Those that sampling left out are not among them.
    #[must_use]
    pub const fn spans(&self) -> u64 {
        self.spans
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing was lost");
        }
        let mut parts = Vec::new();
        if self.spans > 0 {
            parts.push(dropped(self.spans, "span"));
        }
        if self.spans_incomplete {
            parts.push("not every span could be exported in time".to_owned());
        }
        if self.log_lines > 0 {
            parts.push(dropped(self.log_lines, "log line"));
        }
        if self.log_incomplete {
            parts.push("the log could not be written to its end in time".to_owned());
        }
        if self.sentry_events > 0 {
            parts.push(dropped(self.sentry_events, "Sentry event"));
        }
        if self.sentry_incomplete {
            parts.push("not everything could be sent to Sentry in time".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

fn dropped(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what} was dropped"),
        _ => format!("{count} {what}s were dropped"),
    }
}
