//! Spans to an OpenTelemetry collector: what `tracing` knows, under the ids of the context.

mod bridge;
mod ids;
mod sampler;

pub(crate) use bridge::{Attached, SpanSlot, attach, current, open};
