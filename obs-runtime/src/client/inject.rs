//! The ids of a request, written into the headers of another.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::context::{Ctx, TRACEPARENT, TRACESTATE, TraceContext, TracePolicy};

/// Adds the ids of a context, or of a trace alone, to the headers; returns the names of what was
/// added.
///
/// What the caller set by hand stays: whoever writes a `traceparent` of its own means it.
pub(super) fn inject(ctx: Option<&Ctx>, headers: &mut HeaderMap) -> Vec<HeaderName> {
    let mut ids = HeaderMap::with_capacity(4);
    if let Some(ctx) = ctx {
        ctx.inject(&mut ids);
    } else if let Some(trace) = TraceContext::current()
        && TracePolicy::global().tracecontext
        && let Ok(value) = HeaderValue::try_from(trace.traceparent())
    {
        ids.insert(TRACEPARENT, value);
    }
    if headers.contains_key(TRACEPARENT) {
        // One says something about the other.
        ids.remove(TRACEPARENT);
        ids.remove(TRACESTATE);
    }
    let mut added = Vec::with_capacity(ids.keys_len());
    for (name, value) in &ids {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
            added.push(name.clone());
        }
    }
    added
}
