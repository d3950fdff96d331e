//! Where the context and OpenTelemetry's own meet.
//!
//! A [`Ctx`] decides the ids of its operation before there is a span; OpenTelemetry's spans take
//! them over. While a context is entered, its span is OpenTelemetry's current one, so that spans
//! made in it are its children also where no tracing span was carried along.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{
    SpanContext, SpanId as OtelSpanId, TraceContextExt, TraceFlags, TraceId as OtelTraceId,
    TraceState,
};
use opentelemetry::{Context, ContextGuard};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::ids::Pinned;
use crate::context::{Ctx, SpanId, TraceContext, TraceId};

/// Whether spans have been exported in this process: before that, nothing here costs anything.
static ON: AtomicBool = AtomicBool::new(false);

/// Notes that spans are exported from now on.
pub(super) fn switch_on() {
    ON.store(true, Ordering::Release);
}

fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The span of a context, as OpenTelemetry knows it.
///
/// Never left half made: a context is set once, whole, and only read afterwards.
#[derive(Default)]
pub(crate) struct SpanSlot(AssertUnwindSafe<OnceLock<Context>>);

impl fmt::Debug for SpanSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanSlot").finish_non_exhaustive()
    }
}

/// Which operation a span belongs to: stands in OpenTelemetry's contexts from that of the operation's
/// own span on, and so in those of all spans below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Of(TraceContext);

/// Makes the span of a context OpenTelemetry's current one until it is dropped.
pub(crate) struct Attached {
    _guard: ContextGuard,
}

/// Enters the span of a context, or none.
///
/// Where a span within the operation is the current one, it stays: who enters the context again there
/// is still below it.
pub(crate) fn attach(ctx: Option<&Ctx>) -> Option<Attached> {
    if !is_on() || ctx.is_some_and(is_within) {
        return None;
    }
    let context = ctx.map_or_else(Context::new, |ctx| {
        // No span of this process: the first ones below it are roots here, by which it is known when
        // nothing is held any longer for an error.
        let made = || alone(ctx.trace(), ctx.tracestate(), true).with_value(Of(ctx.trace()));
        ctx.span().0.get_or_init(made).clone()
    });
    Some(Attached {
        _guard: context.attach(),
    })
}

fn is_within(ctx: &Ctx) -> bool {
    Context::map_current(|context| is_of(context, ctx))
}

fn is_of(context: &Context, ctx: &Ctx) -> bool {
    context.get::<Of>() == Some(&Of(ctx.trace()))
}

/// The span within an operation that was the current one, for where the operation goes on: what is
/// started in a call is below that call, also where only a span that nobody exports lies between.
#[derive(Debug)]
pub(crate) struct Innermost(AssertUnwindSafe<Option<Context>>);

impl Innermost {
    pub(crate) fn within(ctx: Option<&Ctx>) -> Self {
        let current = ctx.filter(|_| is_on()).and_then(|ctx| {
            Context::map_current(|context| is_of(context, ctx).then(|| context.clone()))
        });
        Self(AssertUnwindSafe(current))
    }

    pub(crate) fn enter(&self) -> Option<Attached> {
        let guard = self.0.clone()?.attach();
        Some(Attached { _guard: guard })
    }
}

/// Returns OpenTelemetry's current span.
pub(crate) fn current() -> Option<TraceContext> {
    if !is_on() {
        return None;
    }
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| {
            TraceContext::from_parts(
                TraceId::from_u128(u128::from_be_bytes(span.trace_id().to_bytes())),
                SpanId::from_u64(u64::from_be_bytes(span.span_id().to_bytes())),
                span.trace_flags().to_u8(),
            )
        })
    })
}

/// Makes the span that is the operation of a context.
pub(crate) fn open(ctx: &Ctx, make: impl FnOnce() -> Span) -> Span {
    if !is_on() {
        return ctx.scope(make);
    }
    let place = ctx.place();
    let parent = place.parent.map_or_else(Context::new, |parent| {
        alone(parent, ctx.tracestate(), place.parent_is_remote)
    });
    let parent = parent.with_value(Of(place.trace));
    let span = {
        // Entered first, and said to be within the operation: so the context enters nothing on top of
        // it, and the span does not become its own parent.
        let _parent = parent.attach();
        ctx.scope(make)
    };
    if let Some(link) = place.link {
        span.add_link(span_context(link, None, true));
    }
    let _pinned = Pinned::new(place.trace);
    // The span begins when somebody asks for it, and takes the ids that are pinned then.
    let begun = span.context();
    if begun.span().span_context().is_valid() {
        ctx.span().0.get_or_init(|| begun);
    }
    span
}

/// Ends the span that is the operation of a context.
///
/// A tracing span ends with the last who holds it, and each task that the operation has started does:
/// its span would say how long they ran, and one that never ends would keep it from being exported.
pub(crate) fn end(ctx: &Ctx) {
    if let Some(context) = ctx.span().0.get() {
        context.span().end();
    }
}

/// A context that holds a span which is recorded elsewhere.
fn alone(trace: TraceContext, tracestate: Option<&str>, remote: bool) -> Context {
    Context::new().with_remote_span_context(span_context(trace, tracestate, remote))
}

fn span_context(trace: TraceContext, tracestate: Option<&str>, remote: bool) -> SpanContext {
    let state = tracestate.and_then(|state| state.parse::<TraceState>().ok());
    SpanContext::new(
        OtelTraceId::from_bytes(trace.trace_id.to_u128().to_be_bytes()),
        OtelSpanId::from_bytes(trace.span_id.to_u64().to_be_bytes()),
        TraceFlags::new(trace.flags()),
        remote,
        state.unwrap_or_default(),
    )
}
