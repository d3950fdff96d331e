//! The layer for `tracing_subscriber`.

use std::fmt;
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Log;
use super::fields::{Clash, Fields};
use super::filter::is_exported_span;
use super::line::{Layout, Turn};
use super::visit::{Reader, Source, Values};
use crate::call::contained;
use crate::context::{Ctx, SpanCtx};
use crate::http::{AdminPage, is_answering};
use crate::start::Obs;

/// Bytes of the fields of one span.
const MAX_SPAN: usize = 16 * 1024;

/// A layer for `tracing_subscriber` that writes the log: one line for each event.
///
/// Made by [`Obs::log_layer`]. On every line stand the time, level, target, message, service and
/// environment, and what is known about the request: `correlation_id`, `request_id`, `trace_id`,
/// `span_id`, `method`, `route`. Then come the fields of the event and those of the spans around it;
/// of fields with the same name the innermost is written. A field with one of the names above is
/// written as `field_<name>`. Secrets are removed from every value.
///
/// Writing happens on a thread of the log's own. What finds no room there is dropped and counted
/// (`obs_log_lines_dropped_total`), and a line says so: no request ever waits for the log.
///
/// A line has no more than 64 KiB; where something was left away it says `"truncated":true`. Causes
/// and backtraces of errors are written where `debug` is on.
#[derive(Clone)]
pub struct LogLayer {
    pub(super) layout: Arc<Layout>,
    pub(super) sink: Sink,
}

/// Where the lines of a layer go.
#[derive(Clone)]
pub(super) enum Sink {
    /// To the writer, which ends when nobody holds the log any more.
    Writer(Arc<Log>),
    /// To a page of the service's own.
    Page(Arc<dyn AdminPage>),
}

impl Sink {
    /// Whether a line of this thread is wanted.
    fn wants_lines(&self) -> bool {
        // What a page does to answer is no news to those who look at it.
        !(matches!(self, Self::Page(_)) && is_answering())
    }

    fn push(&self, level: Level, line: &[u8]) {
        match self {
            Self::Writer(log) => log.queue.push(level, line),
            Self::Page(page) => {
                let line = str::from_utf8(line).unwrap_or_default();
                // A page is somebody else's code.
                contained(|| page.line(level, line.trim_end()));
            }
        }
    }

    fn refuse(&self, level: Level) {
        if let Self::Writer(log) = self {
            log.queue.refuse(level);
        }
    }
}

/// What a span says on the lines in it: by log, because more than one may see the span.
struct SpanFields(Vec<(u64, Fields)>);

impl LogLayer {
    fn id(&self) -> u64 {
        self.layout.id
    }
}

impl Layout {
    /// Renders fields as those of a span, and hands them over.
    ///
    /// `keep` runs when all values have been asked what they are: it may lock the span, which a
    /// value that logs needs itself.
    pub(super) fn with_span_fields(
        &self,
        metadata: &Metadata<'_>,
        record: impl FnOnce(&mut Reader<'_, '_>),
        keep: impl FnOnce(Fields),
    ) {
        let Some(mut turn) = Turn::take() else {
            return;
        };
        let mut fields = Fields::new(self.notation, MAX_SPAN);
        let scratch = turn.scratch();
        record(&mut Reader {
            fields: &mut fields,
            values: &mut Values {
                redactor: &self.redactor,
                keys: scratch.keys.of_log(self.id),
                scratch: &mut scratch.value,
                chains: self.shows_chains(metadata),
            },
            source: Source::Span,
        });
        keep(fields);
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        SpanCtx::note(&span);
        let metadata = attributes.metadata();
        if metadata.fields().is_empty() || is_exported_span(metadata) {
            return;
        }
        self.layout.with_span_fields(
            metadata,
            |reader| attributes.record(reader),
            |fields| {
                let mut extensions = span.extensions_mut();
                match extensions.get_mut::<SpanFields>() {
                    Some(all) => all.0.push((self.id(), fields)),
                    None => extensions.insert(SpanFields(vec![(self.id(), fields)])),
                }
            },
        );
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        self.layout.with_span_fields(
            span.metadata(),
            |reader| values.record(reader),
            |fields| {
                let mut extensions = span.extensions_mut();
                let Some(all) = extensions.get_mut::<SpanFields>() else {
                    return;
                };
                if let Some((_, known)) = all.0.iter_mut().find(|(log, _)| *log == self.id()) {
                    known.append(&fields, Clash::Replaces);
                }
            },
        );
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Self { layout, sink } = self;
        if !sink.wants_lines() {
            return;
        }
        let level = *event.metadata().level();
        let Some(mut turn) = Turn::take() else {
            return sink.refuse(level);
        };
        let mut ctx = Ctx::entered();
        let spans = || context.event_scope(event).into_iter().flatten();
        if ctx.is_none() {
            ctx = spans()
                .next()
                .and_then(|innermost| SpanCtx::find(&innermost));
        }
        let scratch = turn.scratch();
        layout.begin(scratch, event, ctx.as_ref());
        for span in spans() {
            if let Some(SpanFields(all)) = span.extensions().get()
                && let Some((_, fields)) = all.iter().find(|(log, _)| *log == self.id())
            {
                scratch.line.append(fields, Clash::Yields);
            }
        }
        layout.end(&mut scratch.line, ctx.as_ref());
        sink.push(level, &scratch.line.text);
    }
}

impl fmt::Debug for LogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLayer").finish_non_exhaustive()
    }
}

impl Obs {
    /// Returns the layer that writes the log, for a subscriber of the service's own; see
    /// [`Setup::logs`](crate::Setup::logs).
    ///
    /// It has no filter of its own: `.with_filter(obs.log_filter())` follows `RUST_LOG`. The lines go
    /// through the same writer as those of `obs`; add the layer to one subscriber, or every line is
    /// written twice. `None`, a layer that does nothing, stands for a writer that found no thread.
    ///
    /// # Example
    /// ```standalone_crate
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use obs_runtime::Obs;
    /// use tracing_subscriber::layer::{Layer, SubscriberExt};
    ///
    /// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
    /// let subscriber = tracing_subscriber::registry()
    ///     .with(obs.log_layer().with_filter(obs.log_filter()));
    /// tracing::subscriber::with_default(subscriber, || tracing::info!(order = 7, "paid"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn log_layer(&self) -> Option<LogLayer> {
        Some(self.http().logs.start().ok()?.layer())
    }
}
