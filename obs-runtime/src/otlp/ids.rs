//! The ids of spans: those that a context has decided, else random ones.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

use crate::context::{self, TraceContext};

thread_local! {
    static PINNED: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// Decides the ids and the sampling of the span that begins next on this thread, while it lives.
pub(super) struct Pinned {
    outer: Option<TraceContext>,
}

impl Pinned {
    pub(super) fn new(trace: TraceContext) -> Self {
        Self {
            outer: PINNED
                .try_with(|pinned| pinned.replace(Some(trace)))
                .ok()
                .flatten(),
        }
    }

    /// Returns what was decided.
    pub(super) fn get() -> Option<TraceContext> {
        PINNED.try_with(Cell::get).ok().flatten()
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = PINNED.try_with(|pinned| pinned.set(self.outer));
    }
}

/// Makes the ids of spans.
#[derive(Debug)]
pub(super) struct CtxIds;

impl IdGenerator for CtxIds {
    fn new_trace_id(&self) -> TraceId {
        let id = Pinned::get().map_or_else(context::TraceId::random, |trace| trace.trace_id);
        TraceId::from_bytes(id.to_u128().to_be_bytes())
    }

    fn new_span_id(&self) -> SpanId {
        let id = Pinned::get().map_or_else(context::SpanId::random, |trace| trace.span_id);
        SpanId::from_bytes(id.to_u64().to_be_bytes())
    }
}
