//! The panic hook: every panic is one event, whoever catches it.
//!
//! The standard library aborts the process when a hook panics, and nothing can contain that. So
//! nothing of the user's runs here: the payload is only looked at, and what is logged are texts.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{self, Location, PanicHookInfo};
use std::time::Duration;

use tracing::Level;

use super::Obs;
use super::variable::cut;
use crate::redact::Redactor;

/// A longer message is cut.
const MAX_MESSAGE: usize = 2000;

/// Characters of a message that are looked at for secrets; far more than are kept.
const MAX_SCRUBBED: usize = 16 * 1024;

/// How long the log may take where the process ends with the hook.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is known about a panic after it was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PanicInfo {
    /// File, line and column.
    pub(crate) location: String,
    /// Whether the hook has logged it.
    pub(crate) logged: bool,
}

thread_local! {
    static LAST: RefCell<Option<PanicInfo>> = const { RefCell::new(None) };
    /// Whether the hook runs on this thread.
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// Returns what the hook knows about the last panic of this thread, once.
///
/// Call it where a panic is caught, on the thread that caught it. Calling it before the code that
/// may panic forgets an older one: a panic that is resumed does not pass the hook again.
pub(crate) fn take_last_panic() -> Option<PanicInfo> {
    LAST.try_with(|last| last.try_borrow_mut().ok()?.take())
        .ok()
        .flatten()
}

/// Puts the hook in front of the one that is there, which is called for what nobody logs; if
/// `chains`, for everything.
pub(super) fn install(obs: &Obs, chains: bool) {
    // While a panic unwinds, the standard library allows no change.
    if std::thread::panicking() {
        return;
    }
    let obs = obs.clone();
    let backtraces = obs.http().settings.log.debugs("obs::panic");
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let logged = on_panic(&obs, backtraces, info);
        if chains || !logged {
            previous(info);
        }
    }));
}

/// Logs the panic and returns whether anybody listens.
fn on_panic(obs: &Obs, backtraces: bool, info: &PanicHookInfo<'_>) -> bool {
    // What is logged in here may be written by code that panics. The second panic ends the
    // process; the first one should not be logged twice before.
    if IN_HOOK.try_with(|inside| inside.replace(true)) != Ok(false) {
        return false;
    }
    let location = info.location().map_or_else(String::new, place);
    let message = message(info.payload(), &obs.http().redactor);
    let logged = tracing::enabled!(target: "obs::panic", Level::ERROR);
    if logged {
        if backtraces && tracing::enabled!(target: "obs::panic", Level::DEBUG) {
            let backtrace = Backtrace::force_capture().to_string();
            tracing::error!(target: "obs::panic", location, backtrace, "{message}");
        } else {
            tracing::error!(target: "obs::panic", location, "{message}");
        }
    }
    #[cfg(feature = "sentry")]
    if let Some(sentry) = &obs.http().sentry {
        sentry.panicked(&message, &location);
    }
    remember(PanicInfo { location, logged });
    if cfg!(panic = "abort") {
        // The process ends when the hook returns.
        let _ = obs.flush(LAST_WORDS);
    }
    let _ = IN_HOOK.try_with(|inside| inside.set(false));
    logged
}

fn remember(panic: PanicInfo) {
    // The thread may be ending, or be in the middle of taking the last one.
    drop(LAST.try_with(|last| last.try_borrow_mut().map(|mut last| last.replace(panic))));
}

/// Returns the text of a payload, scrubbed before it is cut: half of a secret no longer looks like
/// one.
fn message(payload: &(dyn Any + Send), redactor: &Redactor) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.map_or_else(
        || "a panic whose payload is no text".to_owned(),
        |text| cut(&redactor.scrub(&cut(text, MAX_SCRUBBED)), MAX_MESSAGE),
    )
}

fn place(location: &Location<'_>) -> String {
    let file = without_machine(location.file());
    format!("{file}:{}:{}", location.line(), location.column())
}

/// Takes off where a machine keeps the sources of dependencies and of the standard library.
pub(crate) fn without_machine(file: &str) -> &str {
    ["/registry/src/", "/git/checkouts/", "/rustc/"]
        .iter()
        .find_map(|folder| {
            let (_, after) = file.split_once(folder)?;
            // The name of the registry, or a hash.
            after.split_once('/').map(|(_, rest)| rest)
        })
        .unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use super::{message, without_machine};
    use crate::redact::Redactor;

    #[test]
    fn where_a_machine_keeps_sources_is_not_shown() {
        for (file, shown) in [
            ("src/main.rs", "src/main.rs"),
            (
                "/srv/.cargo/registry/src/index-0123/tokio-1.0.0/src/lib.rs",
                "tokio-1.0.0/src/lib.rs",
            ),
            (
                "/rustc/0123abc/library/core/src/option.rs",
                "library/core/src/option.rs",
            ),
        ] {
            assert_eq!(without_machine(file), shown);
        }
    }

    #[test]
    fn a_secret_at_the_edge_of_what_is_kept_is_not_torn() {
        let redactor = Redactor::default();
        for back in 0..40 {
            let padding = "word ".repeat(500);
            let padding = &padding[..2_000 - back];
            let text = format!("{padding}https://shop:hunter2@db.internal/x {padding}");
            let shown = message(&text, &redactor);
            assert!(!shown.contains("hunter"), "{back}");
        }
    }

    #[test]
    fn every_payload_has_a_message_of_bounded_length() {
        let message = |payload: &(dyn Any + Send)| message(payload, &Redactor::default());
        assert_eq!(message(&"text"), "text");
        assert_eq!(message(&"text".to_owned()), "text");
        assert_eq!(message(&7_i32), "a panic whose payload is no text");
        assert_eq!(message(&"x".repeat(1 << 20)).len(), 2000 + '…'.len_utf8());
    }
}
