//! The parts of the export, without a network.

mod console;
mod held;
mod spoken;
mod waiting;

use std::time::SystemTime;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// A span of a trace; without a parent it is a root.
fn span(trace: u64, id: u64, parent: Option<u64>, failed: bool) -> SpanData {
    SpanData {
        span_context: context(trace, id, false),
        parent_span_id: parent.map_or(SpanId::INVALID, |id| SpanId::from_bytes(id.to_be_bytes())),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: format!("{trace}/{id}").into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if failed {
            Status::error("")
        } else {
            Status::Unset
        },
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn context(trace: u64, id: u64, remote: bool) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(u128::from(trace).to_be_bytes()),
        SpanId::from_bytes(id.to_be_bytes()),
        TraceFlags::default(),
        remote,
        TraceState::default(),
    )
}
