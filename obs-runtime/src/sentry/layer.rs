//! Events of `tracing`: ERROR becomes an event, INFO and WARN become breadcrumbs.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use ::sentry::Hub;
use ::sentry::integrations::tracing::{BreadcrumbLayer, ErrorLayer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, Filtered, filter_fn};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{Sentry, panic};
use crate::call::contained;
use crate::context::{Ctx, SpanCtx};
use crate::log::AskedEachTime;
use crate::start::Obs;

/// What `obs` says there is reported by other ways: the request by its finish, the panic by the
/// hook, Sentry's own troubles not to Sentry. The spans of requests (`obs::http`), of jobs
/// (`obs::job`), of databases (`obs::db`) and of calls (`obs::call`) would be made for nothing. What
/// `sqlx` says about a slow statement is the statement,
/// with whatever was written into it.
const NOT_REPORTED: &[&str] = &[
    "obs::request",
    "obs::panic",
    "obs::sentry",
    "obs::http",
    "obs::db",
    "obs::job",
    "obs::call",
    "sqlx::query",
];

/// A layer for `tracing_subscriber` that reports errors to Sentry.
///
/// Each event goes to the hub of the request or job that it belongs to, whatever thread it is on.
/// An event is of level ERROR; INFO and WARN before it are its breadcrumbs, 50 at most.
pub struct SentryLayer {
    sentry: Sentry,
    errors: ErrorLayer,
    breadcrumbs: BreadcrumbLayer,
}

impl Sentry {
    /// Returns the layer, which asks for nothing below INFO.
    pub(crate) fn layer<S>(&self) -> Filtered<SentryLayer, AskedEachTime<FilterFn>, S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let layer = SentryLayer {
            sentry: self.clone(),
            errors: ErrorLayer::new(),
            breadcrumbs: BreadcrumbLayer::new(),
        };
        let filter = filter_fn(is_reported as fn(&Metadata<'_>) -> bool);
        layer.with_filter(AskedEachTime(filter.with_max_level_hint(Level::INFO)))
    }
}

impl Obs {
    /// Returns the layer that reports errors to Sentry, for a subscriber of the service's own; see
    /// [`Setup::logs`](crate::Setup::logs).
    ///
    /// It has its own filter, and asks for nothing below INFO. `None`, a layer that does nothing,
    /// stands for no Sentry.
    #[must_use]
    pub fn sentry_layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + 'static>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.http().sentry.as_ref().map(Sentry::layer)
    }
}

fn is_reported(metadata: &Metadata<'_>) -> bool {
    // Of tool calls only the events: their spans would be made for nothing as well.
    let is_tool_span = metadata.is_span() && metadata.target() == "obs::mcp";
    *metadata.level() <= Level::INFO && !is_tool_span && !NOT_REPORTED.contains(&metadata.target())
}

impl<S> Layer<S> for SentryLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // The log's layer does the same for the spans that it sees.
        if let Some(span) = context.span(id) {
            SpanCtx::note(&span);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(_turn) = Turn::take() else {
            return;
        };
        let span = || SpanCtx::find(&context.event_span(event)?);
        let ctx = Ctx::entered().or_else(span);
        let hub = match &ctx {
            Some(ctx) => Arc::clone(self.sentry.bound(ctx).hub()),
            None => Arc::new(self.sentry.new_hub()),
        };
        if *event.metadata().level() == Level::ERROR {
            if is_of_a_panic(event) && panic::was_reported() {
                return;
            }
            contained(|| Hub::run(hub, || self.errors.on_event(event, context)));
        } else if ctx.is_some() {
            // Without a context there is nothing that they could come before.
            contained(|| Hub::run(hub, || self.breadcrumbs.on_event(event, context)));
        }
    }
}

/// How deep events may be reported while an event is reported, by a `Debug` that logs: one that
/// logs itself would never end.
const MAX_DEPTH: u8 = 2;

thread_local! {
    static DEPTH: Cell<u8> = const { Cell::new(0) };
}

/// The right to report an event on this thread.
struct Turn;

impl Turn {
    fn take() -> Option<Self> {
        let depth = DEPTH.get();
        (depth < MAX_DEPTH).then(|| {
            DEPTH.set(depth + 1);
            Self
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// The line of a tool that panicked, which comes after that of the hook.
fn is_of_a_panic(event: &Event<'_>) -> bool {
    #[derive(Default)]
    struct Message {
        is_of_a_panic: bool,
    }

    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                self.is_of_a_panic = format!("{value:?}") == "tool panicked";
            }
        }
    }

    if event.metadata().target() != "obs::mcp" {
        return false;
    }
    let mut message = Message::default();
    event.record(&mut message);
    message.is_of_a_panic
}

impl fmt::Debug for SentryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryLayer").finish_non_exhaustive()
    }
}
