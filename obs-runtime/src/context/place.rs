//! Where in which trace an operation is.

use std::sync::Arc;

use super::ctx::Ctx;
use super::remote::Remote;
use super::sampler::TracePolicy;
use super::trace::TraceContext;

/// Where in which trace an operation is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The operation's own span.
    pub(crate) trace: TraceContext,
    /// The span that it is below of.
    pub(crate) parent: Option<TraceContext>,
    /// Whether that one is of another process.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(dead_code, reason = "only what is exported says it")
    )]
    pub(crate) parent_is_remote: bool,
    /// A span that it belongs to without being below of it.
    pub(crate) link: Option<TraceContext>,
    pub(crate) tracestate: Option<Arc<str>>,
}

impl Place {
    /// Begins a trace.
    pub(crate) fn root(policy: &TracePolicy, link: Option<TraceContext>) -> Self {
        Self {
            trace: policy.root(),
            parent: None,
            parent_is_remote: false,
            link,
            tracestate: None,
        }
    }

    /// Continues the trace of a peer.
    pub(crate) fn below(remote: &Remote, policy: &TracePolicy) -> Self {
        Self {
            trace: remote.begin(policy),
            parent: Some(remote.trace),
            parent_is_remote: true,
            link: None,
            tracestate: remote.tracestate.clone(),
        }
    }

    /// Begins a span below one of this process.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only tool calls are operations within another")
    )]
    pub(crate) fn within(ctx: &Ctx, link: Option<TraceContext>) -> Self {
        let outer = ctx.place();
        Self {
            trace: outer.trace.child(),
            parent: Some(outer.trace),
            parent_is_remote: false,
            link,
            tracestate: outer.tracestate.clone(),
        }
    }
}
