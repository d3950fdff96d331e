//! The current context in the `_meta` of what is sent.

use rmcp::model::{RequestMetaObject, RequestParamsMeta};

use crate::context::{Ctx, TraceContext, TracePolicy};

/// Travels beside the keys of SEP-414: a trace may be sampled away, the correlation id is in every
/// log.
pub(super) const CORRELATION_ID: &str = "x-correlation-id";

/// Puts the current context into the `_meta` of a request that is about to be sent: `traceparent`,
/// `tracestate` and `baggage` as in SEP-414, and `x-correlation-id`.
///
/// What is there already stays: a `traceparent` that somebody set by hand is not replaced, and then
/// there is no `tracestate` added either. `baggage` holds what came in under the keys that the
/// service passes on. `OTEL_PROPAGATORS` may switch off the trace. Outside of any context nothing is
/// added.
///
/// [`observe_client`](super::observe_client) does this by itself, for each call. It is for what is
/// sent by other ways, such as `PeerRequestOptions::with_meta`.
///
/// # Example
/// ```
/// use obs_runtime::Ctx;
/// use rmcp::model::RequestMetaObject;
///
/// let ctx = Ctx::new();
/// let mut meta = RequestMetaObject::new();
/// ctx.scope(|| obs_runtime::mcp::inject(&mut meta));
/// let trace = ctx.trace().trace_id.to_string();
/// assert!(meta.get_traceparent().unwrap().contains(&trace));
/// ```
pub fn inject(meta: &mut RequestMetaObject) {
    let Some(ctx) = Ctx::current() else {
        let policy = TracePolicy::global();
        if let Some(trace) = TraceContext::current().filter(|_| policy.tracecontext) {
            set(meta, "traceparent", &trace.traceparent());
        }
        return;
    };
    let by_hand = meta.contains_key("traceparent");
    for (name, value) in ctx.propagated() {
        let of_the_trace = matches!(name.as_str(), "traceparent" | "tracestate");
        if !(by_hand && of_the_trace) {
            set(meta, name.as_str(), &value);
        }
    }
    set(meta, CORRELATION_ID, ctx.correlation_id());
}

/// Puts the current context into the parameters of a request; see [`inject`].
///
/// # Example
/// ```
/// use obs_runtime::Ctx;
/// use obs_runtime::mcp::WithContext;
/// use rmcp::model::{CallToolRequestParams, RequestParamsMeta};
///
/// let ctx = Ctx::new();
/// let params = ctx.scope(|| CallToolRequestParams::new("add").with_context());
/// assert!(params.traceparent().is_some());
/// ```
pub trait WithContext: RequestParamsMeta + Sized {
    /// Returns the parameters with the current context in their `_meta`.
    #[must_use]
    fn with_context(mut self) -> Self {
        let mut meta = self.meta_mut().take().unwrap_or_default();
        inject(&mut meta);
        // An empty `_meta` would be sent.
        *self.meta_mut() = (!meta.is_empty()).then_some(meta);
        self
    }
}

impl<P: RequestParamsMeta> WithContext for P {}

fn set(meta: &mut RequestMetaObject, key: &str, value: &str) {
    if !meta.contains_key(key) {
        meta.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{CallToolRequestParams, RequestMetaObject, RequestParamsMeta};

    use super::{CORRELATION_ID, WithContext, inject};
    use crate::context::Ctx;

    #[test]
    fn what_was_set_by_hand_stays() {
        let by_hand = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut meta = RequestMetaObject::new();
        meta.set_traceparent(by_hand);
        Ctx::new().scope(|| inject(&mut meta));
        assert_eq!(meta.get_traceparent(), Some(by_hand));
        assert_eq!(meta.get_tracestate(), None);
        assert!(meta.contains_key(CORRELATION_ID), "it is of no trace");
    }

    #[test]
    fn an_empty_meta_that_was_there_is_not_sent_without_a_context() {
        let params = CallToolRequestParams::new("add").with_context();
        assert_eq!(params.meta(), None);
    }
}
