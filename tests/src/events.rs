//! Events that were logged, for tests that ask what was said and how often.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// What was logged on this thread since it was made.
#[derive(Clone, Debug, Default)]
pub struct Events {
    lines: Arc<Mutex<Vec<(Level, String)>>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Events>> = const { RefCell::new(None) };
}

/// Ends the recording.
#[derive(Debug)]
#[must_use = "dropping it ends the recording"]
pub struct EventsGuard(());

impl Drop for EventsGuard {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(Option::take);
    }
}

impl Events {
    /// Records the events of this thread until the guard is dropped.
    ///
    /// The subscriber is the process's, and looks up the thread's recording: with one subscriber a
    /// thread, `tracing` remembers from a thread that has none that nobody wants an event.
    ///
    /// # Panics
    /// If the process has another subscriber.
    pub fn of_this_thread() -> (Self, EventsGuard) {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| {
            let subscriber = tracing_subscriber::registry().with(OfThread);
            tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
        });
        let events = Self::default();
        CURRENT.set(Some(events.clone()));
        (events, EventsGuard(()))
    }

    /// Returns the lines of a level that hold a text.
    #[must_use]
    pub fn of(&self, level: Level, text: &str) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter(|(at, line)| *at == level && line.contains(text))
            .map(|(_, line)| line.clone())
            .collect()
    }

    /// Returns everything that was said, in one text.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{:?}", self.lines)
    }

    fn push(&self, level: Level, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((level, line));
    }
}

struct OfThread;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("writing to a String");
    }
}

impl<S: tracing::Subscriber> Layer<S> for OfThread {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let Some(events) = CURRENT.with_borrow(Clone::clone) else {
            return;
        };
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        events.push(*event.metadata().level(), line.0);
    }
}
