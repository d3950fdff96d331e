//! Which spans are recorded, and which of them for good.

use std::sync::Arc;

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

use super::ids::Pinned;
use crate::context::{self, TracePolicy};

/// Takes the decision of the context, of the local parent, or else that of the policy.
///
/// What is not sampled may be recorded all the same, until it is known whether it fails.
#[derive(Clone, Debug)]
pub(super) struct CtxSampler {
    policy: Arc<TracePolicy>,
    keeps_errors: bool,
}

impl CtxSampler {
    pub(super) fn new(policy: Arc<TracePolicy>, keeps_errors: bool) -> Self {
        Self {
            policy,
            keeps_errors,
        }
    }

    fn decide(&self, parent: Option<&Context>, trace_id: TraceId) -> bool {
        if let Some(pinned) = Pinned::get() {
            return pinned.sampled;
        }
        let parent = parent.map(Context::span);
        match parent.map(|span| span.span_context().clone()) {
            // Of this process, where the trace was decided already.
            Some(parent) if parent.is_valid() => parent.is_sampled(),
            _ => {
                let id = u128::from_be_bytes(trace_id.to_bytes());
                self.policy
                    .sampler
                    .decide(None, context::TraceId::from_u128(id))
            }
        }
    }
}

impl ShouldSample for CtxSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let decision = if self.decide(parent_context, trace_id) {
            SamplingDecision::RecordAndSample
        } else if self.keeps_errors {
            SamplingDecision::RecordOnly
        } else {
            SamplingDecision::Drop
        };
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state: parent_context.map_or_else(TraceState::default, |parent| {
                parent.span().span_context().trace_state().clone()
            }),
        }
    }
}
