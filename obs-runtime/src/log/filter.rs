//! Which events are logged.

use std::fmt;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Context, Filter};

use super::asked::asked;
use crate::context::CARRIER_SPAN;

/// The targets of spans that are made for whoever exports them. What the log says of them, a line
/// has from the context.
const EXPORTED_SPANS: [&str; 6] = [
    "obs::call",
    "obs::client",
    "obs::db",
    "obs::http",
    "obs::job",
    "obs::mcp",
];

/// The filter of `RUST_LOG` or `LOG_LEVEL`, for the log's layer; see
/// [`Obs::log_filter`](crate::Obs::log_filter).
///
/// It leaves the spans of `obs`' own out, whatever the variables say: what they would add to a line
/// is on it anyway, and a span that nobody else wants is never made. In place of a request's it takes
/// one without fields, by which `.in_current_span()` carries the ids along.
pub struct LogFilter(EnvFilter);

impl LogFilter {
    pub(crate) const fn new(filter: EnvFilter) -> Self {
        Self(filter)
    }
}

pub(super) fn is_exported_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && EXPORTED_SPANS.contains(&metadata.target())
}

fn is_carrier(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == CARRIER_SPAN
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        is_carrier(metadata)
            || !is_exported_span(metadata) && Filter::enabled(&self.0, metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_exported_span(metadata) {
            return Interest::never();
        }
        if is_carrier(metadata) {
            return Interest::sometimes();
        }
        asked(Filter::<S>::callsite_enabled(&self.0, metadata))
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
