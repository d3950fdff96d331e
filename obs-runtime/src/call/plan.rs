//! How a call will be observed, put together before it begins.

use std::future::Future;

use super::future::Observed;
use super::outcome::Seen;
use super::record::{And, AnyHandle, Records};
use super::target::{Active, Target};
use tracing::Span;

/// How a call will be observed.
#[derive(Debug)]
#[must_use]
pub struct Plan<T: Target, R, S> {
    target: Armed<T>,
    records: R,
    span: S,
}

/// Starts a plan.
#[inline]
pub fn plan<T: Target>(target: T) -> Plan<T, (), ()> {
    Plan {
        target: Armed(Some(target)),
        records: (),
        span: (),
    }
}

/// Counts a panic of the expressions in `fields(..)` and `record(..)`, and of the code that makes
/// a future: the call has been made by then, though it has not begun.
#[derive(Debug)]
struct Armed<T: Target>(Option<T>);

impl<T: Target> Drop for Armed<T> {
    fn drop(&mut self) {
        if let Some(target) = self.0.take()
            && std::thread::panicking()
        {
            target.begin(None).panicked();
        }
    }
}

/// The span that holds the fields of a call, if it has any.
pub trait FieldSpan {
    /// Gives it away.
    fn take(self) -> Option<Span>;
}

impl FieldSpan for () {
    #[inline]
    fn take(self) -> Option<Span> {
        None
    }
}

impl FieldSpan for Span {
    #[inline]
    fn take(self) -> Option<Span> {
        Some(self)
    }
}

impl<T: Target, R: Records, S: FieldSpan> Plan<T, R, S> {
    /// Adds a metric to record.
    #[inline]
    pub fn record(self, handle: AnyHandle) -> Plan<T, And<R>, S> {
        Plan {
            target: self.target,
            records: And(self.records, handle),
            span: self.span,
        }
    }

    /// Sets the span that holds the fields.
    #[inline]
    pub fn span(self, span: Span) -> Plan<T, R, Span> {
        Plan {
            target: self.target,
            records: self.records,
            span,
        }
    }

    /// Observes a call that ends when `body` returns.
    #[inline]
    pub fn run<V>(mut self, body: impl FnOnce() -> V, seen: impl FnOnce(&V) -> Seen) -> V {
        let Some(target) = self.target.0.take() else {
            return body();
        };
        let mut active = target.begin(self.span.take());
        let _recording = self.records.begin();
        let value = active.within(body);
        active.finish(seen(&value));
        value
    }

    /// Observes a call that begins with the first poll of a future and ends with its last.
    #[inline]
    pub fn future<F: Future, C>(mut self, future: F, seen: C) -> Observed<F, T, R, S, C>
    where
        C: FnOnce(&F::Output) -> Seen,
    {
        Observed::new(future, self.target.0.take(), self.records, self.span, seen)
    }
}
