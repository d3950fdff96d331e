//! Which traces are recorded, and what crosses the border of the process.

use std::sync::{Arc, PoisonError, RwLock};

use super::trace::{TraceContext, TraceId};

/// Decides once for each trace.
///
/// Also in a process that exports nothing: the flag travels on, and must mean the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampler {
    /// The share of the traces that is recorded, from 0 to 1.
    pub(crate) ratio: f64,
    /// Whether the decision of a parent stands.
    pub(crate) parent_based: bool,
}

impl Sampler {
    pub(crate) const OFF: Self = Self {
        ratio: 0.0,
        parent_based: true,
    };

    /// Returns whether a trace is recorded.
    pub(crate) fn decide(self, parent: Option<TraceContext>, trace_id: TraceId) -> bool {
        match parent {
            Some(parent) if self.parent_based => parent.sampled,
            _ => self.keeps(trace_id),
        }
    }

    /// The rule of OpenTelemetry's `TraceIdRatioBased`, so that services with the same ratio record
    /// the same traces, whatever they are written in.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the rule is made of 63 bits; the ratio is from 0 to 1"
    )]
    fn keeps(self, trace_id: TraceId) -> bool {
        if self.ratio >= 1.0 {
            return true;
        }
        let bound = (self.ratio.max(0.0) * (1_u64 << 63) as f64) as u64;
        let lower = trace_id.to_u128() as u64;
        lower >> 1 < bound
    }
}

/// What is recorded, and what is passed on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TracePolicy {
    pub(crate) sampler: Sampler,
    /// Whether `traceparent` and `tracestate` are read and written.
    pub(crate) tracecontext: bool,
    /// The keys of `baggage` that are passed on.
    pub(crate) baggage_keys: Vec<String>,
}

impl TracePolicy {
    /// What holds before anything is installed.
    pub(crate) const UNSET: Self = Self {
        sampler: Sampler::OFF,
        tracecontext: true,
        baggage_keys: Vec::new(),
    };

    /// Returns the policy of the process, for what belongs to no request.
    pub(crate) fn global() -> Arc<Self> {
        let policy = GLOBAL.read().unwrap_or_else(PoisonError::into_inner);
        policy.clone().unwrap_or_else(|| Arc::new(Self::UNSET))
    }

    /// Makes this the policy of the process.
    pub(crate) fn install(self: &Arc<Self>) {
        let mut policy = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
        *policy = Some(Arc::clone(self));
    }

    /// Begins a trace.
    pub(crate) fn root(&self) -> TraceContext {
        let root = TraceContext::root(false);
        TraceContext {
            sampled: self.sampler.decide(None, root.trace_id),
            ..root
        }
    }

    /// Begins a span below that of a peer.
    pub(crate) fn below(&self, parent: TraceContext) -> TraceContext {
        TraceContext {
            sampled: self.sampler.decide(Some(parent), parent.trace_id),
            ..parent.child()
        }
    }
}

static GLOBAL: RwLock<Option<Arc<TracePolicy>>> = RwLock::new(None);

#[cfg(test)]
mod tests {
    use super::Sampler;
    use crate::context::TraceContext;

    #[test]
    fn a_ratio_keeps_its_share_and_a_parent_decides_where_it_may() {
        let tenth = Sampler {
            ratio: 0.1,
            parent_based: true,
        };
        let kept = (0..10_000)
            .filter(|_| tenth.decide(None, TraceContext::root(false).trace_id))
            .count();
        assert!((800..1_200).contains(&kept), "{kept} of 10,000");
        let (none, all) = (
            Sampler::OFF,
            Sampler {
                ratio: 1.0,
                ..tenth
            },
        );
        for sampled in [false, true] {
            let parent = TraceContext::root(sampled);
            assert_eq!(none.decide(Some(parent), parent.trace_id), sampled);
            assert_eq!(all.decide(Some(parent), parent.trace_id), sampled);
            let alone = Sampler {
                parent_based: false,
                ..all
            };
            assert!(alone.decide(Some(parent), parent.trace_id));
        }
        assert!(!none.decide(None, TraceContext::root(false).trace_id));
    }
}
