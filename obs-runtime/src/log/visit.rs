//! From the values of an event or a span to rendered fields: contained, bounded, redacted.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::Event;
use tracing::field::{Field, Visit};

use super::fields::{Clash, Fields};
use super::notation::Key;
use super::sensitive::SensitiveKeys;
use crate::call::forget;
use crate::prefix::prefix_of;
use crate::redact::{REDACTED, Redactor};

/// Bytes of one value that are looked at; what is behind them is not written.
const MAX_VALUE: usize = 32 * 1024;

/// Causes of an error that are written.
const MAX_CAUSES: usize = 16;

const PANICKED: &str = "[panicked]";

/// What is left of a value before it is written.
pub(super) struct Values<'a> {
    pub(super) redactor: &'a Redactor,
    pub(super) keys: &'a mut SensitiveKeys,
    /// Holds what a value says about itself before it is redacted.
    pub(super) scratch: &'a mut String,
    /// Whether causes and backtraces of errors are written.
    pub(super) chains: bool,
}

impl Values<'_> {
    /// Makes the scratch hold what `write` says, redacted; returns whether it is all of it.
    fn take(&mut self, write: impl FnOnce(&mut Bounded<'_>) -> fmt::Result) -> bool {
        self.scratch.clear();
        let mut bounded = Bounded {
            text: self.scratch,
            is_cut: false,
        };
        // A `Display` is somebody else's code.
        let written = catch_unwind(AssertUnwindSafe(|| write(&mut bounded)));
        let is_cut = bounded.is_cut;
        if let Err(panic) = written {
            forget(panic);
            // Some unwrap what writing returns, and it says no when there is enough.
            if !is_cut {
                self.scratch.clear();
                self.scratch.push_str(PANICKED);
            }
        }
        if is_cut {
            let whole = without_torn_secret(self.scratch).len();
            self.scratch.truncate(whole);
        }
        !is_cut
    }

    /// Returns a text as it may be seen, and whether it is all of it.
    pub(super) fn seen<'t>(&self, text: &'t str) -> (Cow<'t, str>, bool) {
        let shown = if self.chains {
            text
        } else {
            without_chain(text)
        };
        if shown.len() <= MAX_VALUE {
            return (self.redactor.scrub(shown), true);
        }
        let shown = without_torn_secret(prefix_of(shown, MAX_VALUE));
        (self.redactor.scrub(shown), false)
    }

    /// Makes the scratch hold the message of an event; returns whether it is all of it.
    pub(super) fn message(&mut self, event: &Event<'_>) -> bool {
        self.scratch.clear();
        let mut message = Message {
            values: self,
            is_whole: true,
        };
        event.record(&mut message);
        message.is_whole
    }

    /// Returns what may be seen of a text under a sensitive key: a session id as its hash.
    pub(super) fn hidden<'t>(&self, key: &str, text: &'t str) -> Cow<'t, str> {
        catch_unwind(AssertUnwindSafe(|| self.redactor.value(key, text))).unwrap_or_else(|panic| {
            forget(panic);
            Cow::Borrowed(REDACTED)
        })
    }

    /// As [`is_sensitive`](Self::is_sensitive), for names that live as long as the process.
    fn is_field_sensitive(&mut self, name: &'static str) -> bool {
        if let Some(known) = self.keys.get(name) {
            return known;
        }
        let is_sensitive = self.is_sensitive(name);
        self.keys.set(name, is_sensitive);
        is_sensitive
    }

    pub(super) fn is_sensitive(&self, key: &str) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.redactor.is_sensitive(key))).unwrap_or_else(|panic| {
            forget(panic);
            true
        })
    }
}

/// Takes a text up to the limit, then says that there is enough.
pub(super) struct Bounded<'a> {
    pub(super) text: &'a mut String,
    pub(super) is_cut: bool,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_VALUE.saturating_sub(self.text.len());
        let fitting = prefix_of(text, room);
        self.text.push_str(fitting);
        if fitting.len() == text.len() {
            return Ok(());
        }
        self.is_cut = true;
        Err(fmt::Error)
    }
}

/// Leaves away the last word of a text that was cut: half a token no longer looks like one.
fn without_torn_secret(text: &str) -> &str {
    let part_of_token = |c: char| c.is_alphanumeric() || "._~+/=@:%-".contains(c);
    let part_of_number = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-');
    text.trim_end_matches(part_of_token)
        .trim_end_matches(part_of_number)
}

/// Leaves away the causes and the backtrace that the `Debug` of an error brings.
///
/// Their headings are those of `anyhow` and of what was modelled on it.
fn without_chain(text: &str) -> &str {
    if !text.contains('\n') {
        return text;
    }
    [
        "\n\nCaused by:",
        "\n\nStack backtrace:",
        "\nstack backtrace:",
    ]
    .into_iter()
    .fold(text, |text, heading| {
        text.split_once(heading).map_or(text, |(head, _)| head)
    })
}

/// Reads the message of an event into the scratch.
struct Message<'a, 'v> {
    values: &'a mut Values<'v>,
    is_whole: bool,
}

impl Visit for Message<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.is_whole = self.values.take(|text| text.write_str(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.is_whole = self.values.take(|text| write!(text, "{value:?}"));
        }
    }
}

/// Reads the target that a record of the `log` crate really has.
pub(super) struct LogTarget<'a>(pub(super) &'a mut String);

impl Visit for LogTarget<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.0.push_str(prefix_of(value, 256));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// Whose fields are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Span,
    Event,
    /// An event that `tracing-log` made of a record of the `log` crate.
    LogRecord,
}

/// Reads fields.
pub(super) struct Reader<'a, 'v> {
    pub(super) fields: &'a mut Fields,
    pub(super) values: &'a mut Values<'v>,
    pub(super) source: Source,
}

impl Reader<'_, '_> {
    /// Returns the key under which a field is written, if it is.
    fn key(&mut self, field: &Field) -> Option<Key<'static>> {
        let name = field.name();
        let is_elsewhere = match self.source {
            // What they say is meant for whoever exports the span.
            Source::Span => name.starts_with("otel."),
            Source::Event => name == "message",
            Source::LogRecord => name == "message" || name.starts_with("log."),
        };
        if is_elsewhere {
            return None;
        }
        Some(Key::of(name))
    }

    /// Writes a text under a key, as far as it may be seen.
    fn text(&mut self, key: Key<'static>, text: &str) {
        if self.values.is_field_sensitive(key.name) {
            let shown = self.values.hidden(key.name, text);
            return self.fields.text(key, &shown, Clash::Replaces);
        }
        let (shown, is_whole) = self.values.seen(text);
        self.fields.text(key, &shown, Clash::Replaces);
        self.fields.is_cut |= !is_whole;
    }

    /// Writes what a value says about itself.
    fn said(&mut self, key: Key<'static>, write: impl FnOnce(&mut Bounded<'_>) -> fmt::Result) {
        let is_whole = self.values.take(write);
        let said = std::mem::take(self.values.scratch);
        self.text(key, &said);
        *self.values.scratch = said;
        self.fields.is_cut |= !is_whole;
    }
}

/// Asking for a cause is somebody else's code.
fn has_cause(error: &(dyn Error + 'static)) -> bool {
    catch_unwind(AssertUnwindSafe(|| error.source().is_some())).unwrap_or_else(|panic| {
        forget(panic);
        false
    })
}

fn cause_of<'e>(error: &&'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    (*error).source()
}

macro_rules! record_scalars {
    ($($record:ident: $number:ty),+) => {$(
        fn $record(&mut self, field: &Field, value: $number) {
            if let Some(key) = self.key(field) {
                if self.values.is_field_sensitive(key.name) {
                    self.fields.text(key, REDACTED, Clash::Replaces);
                } else {
                    self.fields.scalar(key, value, Clash::Replaces);
                }
            }
        }
    )+};
}

impl Visit for Reader<'_, '_> {
    record_scalars! {
        record_f64: f64, record_i64: i64, record_u64: u64,
        record_i128: i128, record_u128: u128, record_bool: bool
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(key) = self.key(field) {
            self.text(key, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let Some(key) = self.key(field) else {
            return;
        };
        self.said(key, |text| write!(text, "{value}"));
        if self.values.chains && has_cause(value) {
            let key = Key {
                suffix: "_chain",
                ..key
            };
            self.said(key, |text| {
                let causes = std::iter::successors(value.source(), cause_of);
                for (n, cause) in causes.take(MAX_CAUSES).enumerate() {
                    let between = if n == 0 { "" } else { ": " };
                    write!(text, "{between}{cause}")?;
                }
                Ok(())
            });
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(key) = self.key(field) {
            self.said(key, |text| write!(text, "{value:?}"));
        }
    }
}
