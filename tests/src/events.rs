//! Events that were logged, for tests that ask what was said and how often.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};

/// What was logged on this thread since it was made.
#[derive(Clone, Debug, Default)]
pub struct Events {
    lines: Arc<Mutex<Vec<(Level, String)>>>,
}

impl Events {
    /// Records the events of this thread until the guard is dropped.
    #[must_use]
    pub fn of_this_thread() -> (Self, tracing::subscriber::DefaultGuard) {
        let events = Self::default();
        let subscriber = tracing_subscriber::registry().with(events.clone());
        (events, tracing::subscriber::set_default(subscriber))
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
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Events {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((*event.metadata().level(), line.0));
    }
}
