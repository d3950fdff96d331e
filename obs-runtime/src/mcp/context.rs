//! The context of a tool call: that of the HTTP request that brought it, or one of its own.

use rmcp::RoleServer;
use rmcp::service::RequestContext;

#[cfg(feature = "http")]
use crate::context::{Ctx, Entered};

/// Where a tool call belongs.
#[derive(Clone, Debug)]
pub(super) struct CallContext {
    #[cfg(feature = "http")]
    ctx: Ctx,
}

#[cfg(feature = "http")]
impl CallContext {
    /// Finds the context of a call.
    ///
    /// rmcp runs calls in tasks of its own; over HTTP it hands the request's head along, over
    /// standard input nothing, and then the call begins a context.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let ctx = context
            .extensions
            .get::<http::request::Parts>()
            .and_then(|head| head.extensions.get::<Ctx>())
            .cloned()
            .or_else(Ctx::current)
            .unwrap_or_default();
        // Tool calls are rare and dear next to requests: no line of theirs is left out.
        ctx.keep();
        Self { ctx }
    }

    /// Runs what belongs to the call.
    pub(super) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(Some(self.ctx.clone()));
        f()
    }
}

#[cfg(not(feature = "http"))]
impl CallContext {
    pub(super) fn of(_: &RequestContext<RoleServer>) -> Self {
        Self {}
    }

    #[expect(clippy::unused_self, reason = "as with feature `http`")]
    pub(super) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}
