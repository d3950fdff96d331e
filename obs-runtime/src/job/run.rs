//! One attempt to do a job.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tracing::Span;
use tracing::field::Empty;

use crate::call::contained;
use crate::clock::Stopwatch;
use crate::context::{Annotation, CARRIER_SPAN, Ctx, Entered, end_span, open_span};
use crate::metric::nanos_to_millis;
#[cfg(feature = "sentry")]
use crate::sentry::SentryOperation;

/// The target of a job's own lines.
pub(crate) const JOB: &str = "obs::job";

/// The message of a job's first line: what is left of one whose process was killed.
pub(crate) const JOB_STARTED: &str = "job_started";

/// The message of a job's canonical line.
pub(crate) const JOB_COMPLETED: &str = "job_completed";

/// One attempt to do a job, about to begin; made by [`Carrier::job`](crate::Carrier::job).
#[derive(Debug)]
#[must_use = "a job is done by `run` or `try_run`"]
pub struct Job {
    ctx: Ctx,
    name: &'static str,
    attempt: u32,
}

impl Job {
    pub(super) const fn new(ctx: Ctx, name: &'static str, attempt: u32) -> Self {
        Self { ctx, name, attempt }
    }

    /// Returns the context that the job runs in.
    #[must_use]
    pub const fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// Puts a field on every line of the job, and on what it reports to Sentry, as
    /// [`bind`](crate::bind) does: the id by which the service knows it.
    ///
    /// # Example
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let (carrier, id) = (obs_runtime::Carrier::new(), 7);
    /// let job = carrier.job("webhook.deliver", 1).bind("job_id", id);
    /// job.run(async { tracing::info!("the line has the job's id") }).await;
    /// # }
    /// ```
    pub fn bind(self, key: impl Into<Cow<'static, str>>, value: impl Into<Annotation>) -> Self {
        self.ctx.bind(key, value);
        self
    }

    /// Does the job; whatever value it ends with, it has not failed.
    ///
    /// The future runs in the job's context, and is dropped in it: lines have the correlation id,
    /// `job` and `attempt`; requests that it sends and errors that it reports belong to the job. At its
    /// beginning stands one line `job_started`, at its end one line `job_completed` with `outcome` and `duration_ms` and what was
    /// [annotated](crate::annotate); spans are exported and sent to Sentry as one transaction a job.
    /// Nothing is counted: [`#[observed]`](crate::observed) on the function that does the job does
    /// that.
    ///
    /// # Panics
    /// If the future does: the panic goes on, and the job's outcome is `panic`.
    ///
    /// # Cancel safety
    /// A job that is dropped before its end has the outcome `cancelled`; one that was never polled has
    /// not begun.
    pub fn run<F: Future>(
        self,
        future: F,
    ) -> JobFuture<F, impl FnOnce(&F::Output) -> Option<&'static str>> {
        JobFuture::new(self, future, |_: &F::Output| None)
    }

    /// Does the job as [`run`](Self::run); an `Err` is the failure of this attempt.
    ///
    /// It gives the outcome `error`, the type of the error as the span's `error.type`, and a line of
    /// level WARN: what a failed attempt means is for the service to say.
    pub fn try_run<F, T, E>(
        self,
        future: F,
    ) -> JobFuture<F, impl FnOnce(&F::Output) -> Option<&'static str>>
    where
        F: Future<Output = Result<T, E>>,
    {
        JobFuture::new(self, future, |result: &Result<T, E>| {
            result.is_err().then(std::any::type_name::<E>)
        })
    }
}

pin_project! {
    /// A job that is being done.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct JobFuture<F, J> {
        #[pin]
        future: Option<F>,
        job: Job,
        failure: Option<J>,
        running: Option<Running>,
    }

    impl<F, J> PinnedDrop for JobFuture<F, J> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            match this.running {
                Some(running) => {
                    let future = &mut this.future;
                    running.scope(|| future.set(None));
                    running.end(End::Cancelled);
                }
                None => this.job.ctx.scope(|| this.future.set(None)),
            }
        }
    }
}

impl<F, J> JobFuture<F, J> {
    fn new(job: Job, future: F, failure: J) -> Self {
        Self {
            future: Some(future),
            job,
            failure: Some(failure),
            running: None,
        }
    }
}

impl<F, J> Future for JobFuture<F, J>
where
    F: Future,
    J: FnOnce(&F::Output) -> Option<&'static str>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let running = this.running.get_or_insert_with(|| Running::begin(this.job));
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            // Only its end and its drop take the future away.
            return Poll::Pending;
        };
        let mut unwinding = OnUnwind(Some(running));
        let polled = unwinding.running(|| future.poll(cx));
        let running = unwinding.0.take();
        let value = ready!(polled);
        let failure = this.failure.take().and_then(|failure| failure(&value));
        if let Some(running) = running {
            running.scope(|| this.future.set(None));
            running.end(failure.map_or(End::Ok, End::Failed));
        }
        Poll::Ready(value)
    }
}

/// Ends a job unless it is disarmed: only a panic leaves it armed.
struct OnUnwind<'a>(Option<&'a mut Running>);

impl OnUnwind<'_> {
    fn running<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(running) => running.scope(f),
            None => f(),
        }
    }
}

impl Drop for OnUnwind<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            running.end(End::Panicked);
        }
    }
}

/// How a job ended.
#[derive(Clone, Copy)]
enum End {
    Ok,
    /// The type of the error.
    Failed(&'static str),
    Panicked,
    Cancelled,
}

impl End {
    const fn outcome(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(_) => "error",
            Self::Panicked => "panic",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job from its first poll to its end, recorded once.
struct Running {
    ctx: Ctx,
    /// For whoever exports spans; disabled where nobody does.
    span: Span,
    watch: Stopwatch,
    ended: bool,
    #[cfg(feature = "sentry")]
    sentry: Option<SentryOperation>,
}

impl Running {
    fn begin(job: &Job) -> Self {
        let ctx = job.ctx.clone();
        let mut span = Span::none();
        contained(|| span = open_span(&ctx, || job_span(job)));
        #[cfg(feature = "sentry")]
        let mut sentry = None;
        #[cfg(feature = "sentry")]
        contained(|| sentry = SentryOperation::begin(&ctx, "queue.process"));
        let running = Self {
            #[cfg(feature = "sentry")]
            sentry,
            ctx,
            span,
            watch: Stopwatch::start(),
            ended: false,
        };
        contained(|| running.scope(|| tracing::info!(target: JOB, "{}", JOB_STARTED)));
        running
    }

    /// Runs what belongs to the job.
    fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(Some(self.ctx.clone()));
        #[cfg(feature = "sentry")]
        let _hub = self.sentry.as_ref().map(SentryOperation::enter);
        self.span.in_scope(f)
    }

    /// Must not panic: runs in `Drop`, and while a panic unwinds.
    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let outcome = end.outcome();
        let duration_ms = nanos_to_millis(self.watch.nanos());
        contained(|| {
            self.scope(|| {
                let error = match end {
                    End::Failed(error) => Some(error),
                    End::Panicked => Some("panic"),
                    End::Ok | End::Cancelled => None,
                };
                if let Some(error) = error {
                    self.span.record("otel.status_code", "ERROR");
                    self.span.record("error.type", error);
                    // The level of an event is a constant.
                    tracing::warn!(target: JOB, outcome, duration_ms, "{}", JOB_COMPLETED);
                } else {
                    tracing::info!(target: JOB, outcome, duration_ms, "{}", JOB_COMPLETED);
                }
            });
        });
        contained(|| end_span(&self.ctx));
        #[cfg(feature = "sentry")]
        if let Some(sentry) = self.sentry.take() {
            contained(|| sentry.finish(outcome, None));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only where the future's own drop panicked.
        self.end(End::Cancelled);
    }
}

/// The span of a job. Source: OpenTelemetry, "Semantic conventions for messaging spans", as far as
/// they fit a job that no broker brought.
fn job_span(job: &Job) -> Span {
    let span = tracing::info_span!(
        target: "obs::job",
        "job",
        otel.name = job.name,
        otel.kind = "consumer",
        otel.status_code = Empty,
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        obs.job.name = job.name,
        obs.job.attempt = i64::from(job.attempt),
        correlation_id = job.ctx.correlation_id(),
        error.type = Empty,
    );
    if span.is_disabled() {
        return tracing::error_span!(target: CARRIER_SPAN, "job");
    }
    span
}

impl<F, J> fmt::Debug for JobFuture<F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobFuture")
            .field("job", &self.job)
            .finish_non_exhaustive()
    }
}
