//! Carrying the context into tasks and threads.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tracing::Span;
use tracing::instrument::{Instrument, Instrumented};

#[cfg(not(feature = "otlp"))]
use super::span::Innermost;
use super::{Carried, Ctx, Entered};
#[cfg(feature = "otlp")]
use crate::otlp::Innermost;

pin_project! {
    /// A future that runs in a context, and is dropped in it.
    #[derive(Debug)]
    #[must_use = "a future does nothing until it is awaited"]
    pub struct WithCtx<F> {
        #[pin]
        future: Option<F>,
        ctx: Option<Ctx>,
        innermost: Innermost,
        test: Carried,
    }

    impl<F> PinnedDrop for WithCtx<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _test = this.test.enter();
            let _innermost = this.innermost.enter();
            let _entered = Entered::new(this.ctx.clone());
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for WithCtx<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _test = this.test.enter();
        let _innermost = this.innermost.enter();
        let _entered = Entered::new(this.ctx.clone());
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            // Only its drop takes the future away.
            None => Poll::Pending,
        }
    }
}

/// Runs futures in a context.
pub trait InCtx: Future + Sized {
    /// Runs the future in the context that is current now, wherever it is polled.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use obs_runtime::{Ctx, InCtx};
    ///
    /// let ctx = Ctx::new();
    /// let work = ctx.scope(|| async { Ctx::current() }.in_ctx());
    /// let found = tokio::spawn(work).await.unwrap().unwrap();
    /// assert_eq!(found.correlation_id(), ctx.correlation_id());
    /// # }
    /// ```
    fn in_ctx(self) -> WithCtx<Self> {
        self.with_ctx(Ctx::current())
    }

    /// Runs the future in the given context, or in none.
    fn with_ctx(self, ctx: impl Into<Option<Ctx>>) -> WithCtx<Self> {
        let ctx = ctx.into();
        WithCtx {
            future: Some(self),
            innermost: Innermost::within(ctx.as_ref()),
            ctx,
            test: Carried::current(),
        }
    }
}

impl<F: Future> InCtx for F {}

/// Spawns a task that belongs to the current request: same ids, same tracing span.
///
/// As `tokio::spawn`, which knows nothing of requests: lines of a task started by it have no ids.
///
/// When [`run`](crate::run) ends, such tasks have a second to end by themselves; what takes longer must
/// be awaited by the service, after `obs.serve` has returned, or is dropped and said.
///
/// # Panics
/// Outside of a tokio runtime.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let task = obs_runtime::spawn(async { 7 });
/// assert_eq!(task.await.unwrap(), 7);
/// # }
/// ```
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let running = Running::new();
    tokio::spawn(carried(async move {
        let _running = running;
        future.await
    }))
}

/// Tasks of [`spawn`] that have not ended.
static TASKS: AtomicUsize = AtomicUsize::new(0);

/// Returns how many tasks of [`spawn`] have not ended.
pub(crate) fn tasks() -> usize {
    TASKS.load(Ordering::Acquire)
}

struct Running(());

impl Running {
    fn new() -> Self {
        TASKS.fetch_add(1, Ordering::AcqRel);
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        TASKS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Runs a blocking closure that belongs to the current request, as `tokio::task::spawn_blocking`.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let (ctx, span, test) = (Ctx::current(), Span::current(), Carried::current());
    let innermost = Innermost::within(ctx.as_ref());
    tokio::task::spawn_blocking(move || {
        let _test = test.enter();
        let _innermost = innermost.enter();
        let _entered = Entered::new(ctx);
        span.in_scope(f)
    })
}

/// Spawns on a `JoinSet` what belongs to the current request.
pub trait JoinSetExt<T> {
    /// As [`JoinSet::spawn`], with the same ids and the same tracing span.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    fn spawn_in_ctx<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static;
}

impl<T: 'static> JoinSetExt<T> for JoinSet<T> {
    fn spawn_in_ctx<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.spawn(carried(future))
    }
}

fn carried<F: Future>(future: F) -> WithCtx<Instrumented<F>> {
    future.in_current_span().in_ctx()
}
