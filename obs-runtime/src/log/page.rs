//! What happens, told to a page of the service's own: each line as JSON, and each span that has ended.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;
use super::asked::AskedEachTime;
use super::fields::{Clash, Fields};
use super::filter::LogFilter;
use super::layer::{LogLayer, Sink};
use super::line::Layout;
use super::visit::Bounded;
use crate::call::contained;
use crate::context::{Ctx, SpanCtx, SpanId, is_worth_showing};
use crate::http::{AdminPage, EndedSpan, is_answering};
use crate::prefix::prefix_of;
use crate::redact::Redactor;
use crate::start::Obs;

/// What a page is told with.
pub(crate) struct PageFeedOptions {
    pub(crate) page: Arc<dyn AdminPage>,
    pub(crate) service: String,
    pub(crate) environment: String,
    pub(crate) redactor: Arc<Redactor>,
    /// The directives that decide where causes and backtraces are shown.
    pub(crate) filter: String,
}

/// Tells a page what happens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PageFeed {
    lines: LogLayer,
    spans: SpanLayer,
}

impl PageFeed {
    pub(crate) fn new(options: PageFeedOptions) -> Self {
        let page = options.page;
        let layout = Arc::new(Layout::new(
            LogFormat::Json,
            false,
            &options.service,
            &options.environment,
            options.redactor,
        ));
        if let Ok(targets) = options.filter.parse() {
            drop(layout.debugged.set(targets));
        }
        Self {
            lines: LogLayer {
                layout: Arc::clone(&layout),
                sink: Sink::Page(Arc::clone(&page)),
            },
            spans: SpanLayer { layout, page },
        }
    }

    /// Returns the layer: lines that the filter lets through, and spans whatever the filter says.
    pub(crate) fn layer<S>(&self, filter: LogFilter) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let spans: FilterFn = filter_fn(is_worth_showing as fn(&Metadata<'_>) -> bool);
        let spans = spans.with_max_level_hint(tracing::Level::INFO);
        let lines = self.lines.clone().with_filter(filter);
        lines.and_then(self.spans.clone().with_filter(AskedEachTime(spans)))
    }
}

/// Tells of spans that have ended.
#[derive(Clone)]
struct SpanLayer {
    layout: Arc<Layout>,
    page: Arc<dyn AdminPage>,
}

/// What is known of a span before it ends: by page, because more than one may see the span.
struct Opens(Vec<Open>);

impl Opens {
    fn of(&self, page: u64) -> Option<&Open> {
        self.0.iter().find(|open| open.page == page)
    }

    fn of_mut(&mut self, page: u64) -> Option<&mut Open> {
        self.0.iter_mut().find(|open| open.page == page)
    }
}

/// What one page is told of a span when it ends.
struct Open {
    page: u64,
    key: u64,
    parent: Option<u64>,
    ctx: Option<Ctx>,
    /// Whether it is the first span of its context.
    is_operation: bool,
    /// Under which id it is exported, once that is known.
    id: Option<SpanId>,
    started: SystemTime,
    since: Instant,
    said: Said,
    fields: Option<Fields>,
}

/// What a span says in the words of OpenTelemetry.
#[derive(Default)]
struct Said {
    name: Option<String>,
    failed: Option<bool>,
}

impl Said {
    /// Takes over what another says later.
    fn and_then(&mut self, later: Self) {
        self.name = later.name.or(self.name.take());
        self.failed = later.failed.or(self.failed);
    }
}

/// Reads what a span says.
struct Words<'a> {
    said: Said,
    redactor: &'a Redactor,
}

impl Visit for Words<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "otel.name" => {
                // A secret that is cut is none that could be found.
                let name = self.redactor.scrub(value);
                self.said.name = Some(prefix_of(&name, MAX_NAME).to_owned());
            }
            "otel.status_code" => self.said.failed = Some(value.eq_ignore_ascii_case("error")),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if ["otel.name", "otel.status_code"].contains(&field.name()) {
            let mut text = String::new();
            // A `Display` is somebody else's code.
            contained(|| {
                let mut bounded = Bounded {
                    text: &mut text,
                    is_cut: false,
                };
                // It says when there is enough.
                let _ = write!(bounded, "{value:?}");
            });
            self.record_str(field, &text);
        }
    }
}

/// Bytes of the name of a span.
const MAX_NAME: usize = 256;

/// The number of the next span; those of `tracing` are used again.
static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

impl SpanLayer {
    /// Returns what values say. They are asked before the span is locked, which one that logs needs.
    fn words(&self, record: impl FnOnce(&mut dyn Visit)) -> Said {
        let mut words = Words {
            said: Said::default(),
            redactor: &self.layout.redactor,
        };
        record(&mut words);
        words.said
    }
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if is_answering() {
            return;
        }
        let Some(span) = context.span(id) else {
            return;
        };
        SpanCtx::note(&span);
        let ctx = SpanCtx::find(&span);
        let around = span.scope().skip(1).find_map(|outer| {
            let outer = outer.extensions();
            let open = outer.get::<Opens>()?.of(self.layout.id)?;
            Some((open.key, open.ctx.as_ref().map(|ctx| ctx.trace().span_id)))
        });
        let own = ctx.as_ref().map(|ctx| ctx.trace().span_id);
        let said = self.words(|visit| attributes.record(visit));
        let mut open = Open {
            page: self.layout.id,
            key: NEXT_KEY.fetch_add(1, Ordering::Relaxed),
            parent: around.map(|(key, _)| key),
            is_operation: own.is_some() && around.is_none_or(|(_, outer)| outer != own),
            ctx,
            id: None,
            started: SystemTime::now(),
            since: Instant::now(),
            said,
            fields: None,
        };
        let record = |reader: &mut super::visit::Reader<'_, '_>| attributes.record(reader);
        self.layout
            .with_span_fields(attributes.metadata(), record, |fields| {
                open.fields = Some(fields);
            });
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Opens>() {
            Some(opens) => opens.0.push(open),
            None => extensions.insert(Opens(vec![open])),
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let said = self.words(|visit| values.record(visit));
        let record = |reader: &mut super::visit::Reader<'_, '_>| values.record(reader);
        self.layout
            .with_span_fields(span.metadata(), record, |fields| {
                let mut extensions = span.extensions_mut();
                let opens = extensions.get_mut::<Opens>();
                if let Some(open) = opens.and_then(|opens| opens.of_mut(self.layout.id)) {
                    open.said.and_then(said);
                    match &mut open.fields {
                        Some(known) => known.append(&fields, Clash::Replaces),
                        none => *none = Some(fields),
                    }
                }
            });
    }

    #[cfg(feature = "otlp")]
    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        // What is exported is still the current one: its layer lies further out.
        if let Some(opens) = span.extensions_mut().get_mut::<Opens>()
            && let Some(open) = opens.of_mut(self.layout.id)
            && open.id.is_none()
        {
            let trace = open.ctx.as_ref().map(|ctx| ctx.trace().trace_id);
            let exported = crate::otlp::current();
            let exported = exported.filter(|span| Some(span.trace_id) == trace);
            open.id = exported.map(|span| span.span_id);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let open = {
            let mut extensions = span.extensions_mut();
            let Some(Opens(opens)) = extensions.get_mut() else {
                return;
            };
            let at = opens.iter().position(|open| open.page == self.layout.id);
            let Some(at) = at else { return };
            opens.swap_remove(at)
        };
        let metadata = span.metadata();
        let text = open.fields.as_ref().map_or(&b""[..], |all| &all.text);
        // Each field has its comma in front.
        let fields = str::from_utf8(text).unwrap_or_default();
        let fields = format!("{{{}}}", fields.strip_prefix(',').unwrap_or(fields));
        let name = open.said.name.as_deref().unwrap_or(metadata.name());
        let own = open.ctx.as_ref().filter(|_| open.is_operation);
        contained(|| {
            self.page.span(&EndedSpan {
                key: open.key,
                parent: open.parent,
                name,
                target: metadata.target(),
                started: open.started,
                duration: open.since.elapsed(),
                failed: open.said.failed.unwrap_or_default(),
                ctx: open.ctx.as_ref(),
                span_id: open.id.or_else(|| own.map(|ctx| ctx.trace().span_id)),
                remote_parent: own.and_then(|ctx| ctx.parent().or_else(|| ctx.link())),
                fields: &fields,
            });
        });
    }
}

impl Obs {
    /// Returns the layer that tells [`Setup::admin_page`](crate::Setup::admin_page) what happens, for a
    /// subscriber of the service's own; see [`Setup::logs`](crate::Setup::logs).
    ///
    /// It has its own filters: that of the log for lines, and spans of level INFO and above. Add it
    /// before the layer that exports spans. `None`, a layer that does nothing, stands for no page.
    #[must_use]
    pub fn admin_page_layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let feed = self.http().feed.as_ref()?;
        Some(feed.layer(self.log_filter()))
    }
}

impl fmt::Debug for PageFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageFeed").finish_non_exhaustive()
    }
}
