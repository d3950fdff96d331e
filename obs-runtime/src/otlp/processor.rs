//! What the OpenTelemetry SDK calls when a span begins and ends. Nothing here waits for anything.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, SpanContext, TraceContextExt};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::bound;
use super::counts::Dropped;
use super::hold::Held;
use super::queue::{Queue, Waiting};

/// Puts spans into the queue, those of traces that are not sampled once their request failed.
#[derive(Debug)]
pub(super) struct Processor {
    pub(super) queue: Arc<Queue>,
    pub(super) held: Held,
}

impl SpanProcessor for Processor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        let context = span.span_context();
        if !context.is_sampled() {
            self.held.started(context, parent.span().span_context());
        }
    }

    fn on_end(&self, mut span: SpanData) {
        let bytes = bound::bound(&mut span);
        if span.span_context.is_sampled() {
            self.queue.push([Waiting { span, bytes }]);
            return;
        }
        let released = self.held.ended(Waiting { span, bytes });
        self.queue.lose(Dropped::HeldOverflow, released.lost);
        if !released.spans.is_empty() {
            self.queue.push(released.spans.into_iter().map(sampled));
        }
    }

    /// Does nothing: `Traces` flushes, within a deadline.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// Does nothing: `Traces` stops, within a deadline. The SDK would call it in some `Drop`.
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// What is exported says that it is: a collector that samples by the flag must not lose it.
fn sampled(mut waiting: Waiting) -> Waiting {
    let context = &waiting.span.span_context;
    waiting.span.span_context = SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags().with_sampled(true),
        context.is_remote(),
        context.trace_state().clone(),
    );
    waiting
}
