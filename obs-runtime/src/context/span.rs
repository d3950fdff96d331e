//! The context in which a tracing span was made.

use tracing::dispatcher::get_default;
use tracing::{Span, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::Ctx;

/// What `obs`' layers leave in the extensions of a span that is made in a context.
pub(crate) struct SpanCtx(Ctx);

/// Notes in which context spans are made, beside a layer that wants them for itself.
#[cfg(feature = "otlp")]
pub(crate) struct CtxLayer;

#[cfg(feature = "otlp")]
impl<S> tracing_subscriber::Layer<S> for CtxLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(
        &self,
        _: &tracing::span::Attributes<'_>,
        id: &tracing::span::Id,
        context: tracing_subscriber::layer::Context<'_, S>,
    ) {
        if let Some(span) = context.span(id) {
            SpanCtx::note(&span);
        }
    }
}

impl SpanCtx {
    /// Notes in which context a span is made.
    pub(crate) fn note<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) {
        if let Some(ctx) = Ctx::entered() {
            span.extensions_mut().replace(Self(ctx));
        }
    }

    /// Returns the context of a span or of the nearest one around it.
    pub(crate) fn find<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<Ctx> {
        span.scope()
            .find_map(|span| Some(span.extensions().get::<Self>()?.0.clone()))
    }
}

/// Returns the context of the current span.
pub(super) fn current() -> Option<Ctx> {
    get_default(|dispatch| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let span = registry.current_span();
        SpanCtx::find(&registry.span(span.id()?)?)
    })
}

/// The target of spans that only carry a context: what runs `.in_current_span()` is found by them
/// also where nobody wants the request's own span.
pub(crate) const CARRIER_SPAN: &str = "obs::context";

/// Makes the span that is the operation of a context: what is exported has the ids, the parent, the
/// link and the sampling that the context says, whatever else is current.
///
/// Spans within an operation are ordinary ones.
pub(crate) fn open_span(ctx: &Ctx, make: impl FnOnce() -> Span) -> Span {
    #[cfg(feature = "otlp")]
    {
        crate::otlp::open(ctx, make)
    }
    #[cfg(not(feature = "otlp"))]
    ctx.scope(make)
}

/// Ends the span that [`open_span`] made, as far as it is exported: now, and not when the last of its
/// tasks has ended. What is recorded on it afterwards is lost.
pub(crate) fn end_span(ctx: &Ctx) {
    #[cfg(feature = "otlp")]
    crate::otlp::end(ctx);
    #[cfg(not(feature = "otlp"))]
    let _ = ctx;
}

/// Without feature `otlp` there are no spans to carry along.
#[cfg(not(feature = "otlp"))]
#[derive(Debug)]
pub(crate) struct Innermost;

#[cfg(not(feature = "otlp"))]
impl Innermost {
    pub(crate) const fn within(_: Option<&Ctx>) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "with feature `otlp` it is used")]
    pub(crate) const fn enter(&self) -> Option<std::convert::Infallible> {
        None
    }
}
