//! The context in which a tracing span was made.

use tracing::dispatcher::get_default;
use tracing::{Span, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::Ctx;

/// What `obs`' log layer leaves in the extensions of a span that is made in a context.
pub(crate) struct SpanCtx(pub(crate) Ctx);

impl SpanCtx {
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
