//! The future of an observed call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::outcome::Seen;
use super::plan::FieldSpan;
use super::record::Records;
use super::target::{Active, Target};
use pin_project_lite::pin_project;

pin_project! {
    /// Observes a future from its first poll to its end.
    ///
    /// # Cancel safety
    /// Dropping it after its first poll counts the call as cancelled; a future that was never
    /// polled is no call.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct Observed<F, T, R, S, C>
    where
        T: Target,
        R: Records,
    {
        #[pin]
        future: Option<F>,
        state: State<T, R, S>,
        seen: Option<C>,
    }

    impl<F, T, R, S, C> PinnedDrop for Observed<F, T, R, S, C>
    where
        T: Target,
        R: Records,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What it does when it is dropped belongs to the call.
            if let State::Running(active, _) = this.state {
                active.within_span(|| this.future.set(None));
            }
        }
    }
}

enum State<T: Target, R: Records, S> {
    Waiting(Option<(T, R, S)>),
    /// The second records when it is dropped.
    Running(T::Active, R::Running),
    Done,
}

impl<F, T: Target, R: Records, S, C> Observed<F, T, R, S, C> {
    #[inline]
    pub(super) fn new(future: F, target: Option<T>, records: R, span: S, seen: C) -> Self {
        Self {
            future: Some(future),
            state: State::Waiting(target.map(|target| (target, records, span))),
            seen: Some(seen),
        }
    }
}

impl<F, T, R, S, C> Future for Observed<F, T, R, S, C>
where
    F: Future,
    T: Target,
    R: Records,
    S: FieldSpan,
    C: FnOnce(&F::Output) -> Seen,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let (state, seen) = (this.state, this.seen);
        let Some(future) = this.future.as_pin_mut() else {
            // Only its drop takes the future away.
            return Poll::Pending;
        };
        if let State::Waiting(waiting) = state
            && let Some((target, records, span)) = waiting.take()
        {
            *state = State::Running(target.begin(span.take()), records.begin());
        }
        let State::Running(active, _) = state else {
            return future.poll(cx);
        };
        let value = ready!(active.within(|| future.poll(cx)));
        if let Some(seen) = seen.take() {
            active.finish(seen(&value));
        }
        *state = State::Done;
        Poll::Ready(value)
    }
}

impl<F, T: Target, R: Records, S, C> fmt::Debug for Observed<F, T, R, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").finish_non_exhaustive()
    }
}
