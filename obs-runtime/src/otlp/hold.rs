//! Spans of traces that are not sampled, held until it is known whether the request failed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{SpanContext, SpanId, Status, TraceId};
use opentelemetry_sdk::trace::SpanData;

use super::queue::Waiting;

/// What may be held in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Traces with an open root.
    pub(super) traces: usize,
    pub(super) spans: usize,
    /// Of one trace, so that a long one leaves room for the others.
    pub(super) spans_of_trace: usize,
    pub(super) bytes: usize,
    /// Traces that failed and ended, for what ends or begins after them.
    pub(super) remembered: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            traces: 8_192,
            spans: 8_192,
            spans_of_trace: 512,
            bytes: 8 * 1024 * 1024,
            remembered: 1_024,
        }
    }
}

/// The spans that wait for the end of their roots in this process.
///
/// A root is a span without a parent here: a request, or a job. Once a span of its trace fails,
/// what is held of the trace is exported, and so is what ends later, under roots that begin later as
/// well. A root that ends while nothing failed takes everything with it. Spans that end after their root, those of a spawned task, are
/// exported if they failed or the trace did, and are never held.
#[derive(Debug)]
pub(super) struct Held {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    traces: HashMap<TraceId, Trace>,
    spans: usize,
    bytes: usize,
    failed: Remembered,
}

#[derive(Debug, Default)]
struct Trace {
    /// Roots that have not ended. One trace can come in more than once.
    roots: usize,
    held: VecDeque<Waiting>,
    /// Spans that found no room.
    lost: u64,
    failed: bool,
}

/// What comes out when a span ends.
#[derive(Debug, Default)]
pub(super) struct Released {
    pub(super) spans: Vec<Waiting>,
    /// Spans that would have come out, and found no room.
    pub(super) lost: u64,
}

impl Held {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            state: Mutex::default(),
        }
    }

    /// A span began.
    pub(super) fn started(&self, span: &SpanContext, parent: &SpanContext) {
        if parent.is_valid() && !parent.is_remote() {
            return;
        }
        let mut state = self.lock();
        let id = span.trace_id();
        let is_known = state.traces.contains_key(&id);
        if is_known || state.traces.len() < self.bounds.traces {
            // Whether the root that failed has ended by now is a matter of microseconds.
            let failed = state.failed.contains(id);
            let trace = state.traces.entry(id).or_default();
            trace.roots += 1;
            trace.failed |= failed;
        }
    }

    /// A span ended.
    pub(super) fn ended(&self, span: Waiting) -> Released {
        let id = span.span.span_context.trace_id();
        let is_root = is_root(&span.span);
        let failed = matches!(span.span.status, Status::Error { .. });
        let mut state = self.lock();
        let state = &mut *state;
        let mut released = Released::default();
        let Some(trace) = state.traces.get_mut(&id) else {
            if failed {
                state.failed.insert(id, self.bounds.remembered);
            }
            if failed || state.failed.contains(id) {
                released.spans.push(span);
            } else if state.traces.len() >= self.bounds.traces {
                // Nobody knows whether its request fails.
                released.lost = 1;
            }
            return released;
        };
        if failed && !trace.failed {
            trace.failed = true;
            released.lost = std::mem::take(&mut trace.lost);
            released.spans.extend(trace.held.drain(..));
            state.spans -= released.spans.len();
            state.bytes -= released.spans.iter().map(|span| span.bytes).sum::<usize>();
        }
        if trace.failed {
            released.spans.push(span);
        } else if !is_root || trace.roots > 1 {
            hold(
                &self.bounds,
                (&mut state.spans, &mut state.bytes),
                trace,
                span,
            );
        }
        if is_root {
            trace.roots = trace.roots.saturating_sub(1);
            if trace.roots == 0
                && let Some(trace) = state.traces.remove(&id)
            {
                state.spans -= trace.held.len();
                state.bytes -= trace.held.iter().map(|span| span.bytes).sum::<usize>();
                if trace.failed {
                    state.failed.insert(id, self.bounds.remembered);
                }
            }
        }
        released
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Traces, spans and bytes that are held now.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (state.traces.len(), state.spans, state.bytes)
    }
}

/// Holds a span; the oldest of its trace makes room, because what came last tells most.
fn hold(bounds: &Bounds, all: (&mut usize, &mut usize), trace: &mut Trace, span: Waiting) {
    let (spans, bytes) = all;
    let is_full = |spans: usize, bytes: usize, held: usize| {
        held >= bounds.spans_of_trace
            || spans >= bounds.spans
            || bytes.saturating_add(span.bytes) > bounds.bytes
    };
    while is_full(*spans, *bytes, trace.held.len()) {
        trace.lost += 1;
        let Some(oldest) = trace.held.pop_front() else {
            return;
        };
        *spans -= 1;
        *bytes -= oldest.bytes;
    }
    *spans += 1;
    *bytes += span.bytes;
    trace.held.push_back(span);
}

fn is_root(span: &SpanData) -> bool {
    span.parent_span_id == SpanId::INVALID || span.parent_span_is_remote
}

/// The last traces that failed.
#[derive(Debug, Default)]
struct Remembered {
    order: VecDeque<TraceId>,
    known: HashSet<TraceId>,
}

impl Remembered {
    fn insert(&mut self, id: TraceId, most: usize) {
        if self.known.insert(id) {
            self.order.push_back(id);
        }
        while self.order.len() > most {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    fn contains(&self, id: TraceId) -> bool {
        self.known.contains(&id)
    }
}
