//! Which events are logged.

use std::fmt;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Filter};

/// The targets of spans that are made for whoever exports them.
const EXPORTED_SPANS: [&str; 2] = ["obs::http", "obs::db"];

/// The filter of `RUST_LOG` or `LOG_LEVEL`, for the log's layer; see
/// [`Obs::log_filter`](crate::Obs::log_filter).
///
/// It leaves the spans of requests and of databases out, whatever the variables say: what the former
/// would add is on every line of a request anyway, and a span that nobody else wants is never made.
pub struct LogFilter(EnvFilter);

impl LogFilter {
    pub(crate) const fn new(filter: EnvFilter) -> Self {
        Self(filter)
    }
}

fn is_for_export(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && EXPORTED_SPANS.contains(&metadata.target())
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        !is_for_export(metadata) && Filter::enabled(&self.0, metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_for_export(metadata) {
            return Interest::never();
        }
        Filter::<S>::callsite_enabled(&self.0, metadata)
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        Filter::event_enabled(&self.0, event, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Filter::on_new_span(&self.0, attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Filter::on_record(&self.0, id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_enter(&self.0, id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::on_exit(&self.0, id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::on_close(&self.0, id, context);
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFilter")
            .field(&self.0.to_string())
            .finish()
    }
}
