//! Where a change comes from: the request, its trace, and who asked.

use obs::{Ctx, TraceContext};

use super::user;

/// The actor of a request that named nobody.
pub(crate) const ANONYMOUS: &str = "anonymous";

/// Where a change comes from, as its audit row says it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) correlation_id: String,
    pub(crate) trace_id: String,
    /// An opaque user id, or `anonymous`.
    pub(crate) actor: String,
}

impl Origin {
    /// Returns the origin of what is being done now; a tick of the service itself is its own.
    pub(crate) fn current() -> Self {
        let ctx = Ctx::current().unwrap_or_default();
        let trace = TraceContext::current().unwrap_or_else(|| ctx.trace());
        Self {
            correlation_id: ctx.correlation_id().to_owned(),
            trace_id: trace.trace_id.to_string(),
            actor: user::current().unwrap_or_else(|| ANONYMOUS.to_owned()),
        }
    }
}
