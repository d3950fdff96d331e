//! The context in which a tracing span was made.

use tracing::Subscriber;
use tracing::dispatcher::get_default;
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
