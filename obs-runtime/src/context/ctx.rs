//! The context of a request, and which one is current.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::annotation::{Annotation, Annotations};
use super::id::Id;
use super::span;
use super::trace::TraceContext;
use crate::http::Traffic;

/// What belongs to one request, job or tool call: its correlation id, its request id, its trace.
///
/// Cheap to clone. [`Ctx::current`] finds it in handlers, tools, what [`spawn`](crate::spawn) and
/// its like started, and below a tracing span that was made in it.
///
/// # Example
/// ```
/// use obs_runtime::Ctx;
///
/// let ctx = Ctx::new();
/// let inner = ctx.scope(|| Ctx::current().unwrap());
/// assert_eq!(inner.correlation_id(), ctx.correlation_id());
/// assert!(Ctx::current().is_none());
/// ```
#[derive(Clone)]
pub struct Ctx {
    inner: Arc<Inner>,
}

struct Inner {
    correlation_id: Id,
    request_id: Option<Id>,
    trace: TraceContext,
    /// The span of the peer that this one is below of.
    parent: Option<TraceContext>,
    /// The span of a peer that is not trusted to be a parent.
    link: Option<TraceContext>,
    request: Option<HttpRequest>,
    /// The labels of a request whose route was only known further in.
    mounted: OnceLock<RequestLabels>,
    /// Whether every line is kept, whatever the sampling says.
    kept: AtomicBool,
    annotations: Annotations,
    /// Where its errors are reported; made when there is something to report to.
    #[cfg(feature = "sentry")]
    sentry: OnceLock<crate::sentry::Bound>,
}

/// A context that is not kept alive by this.
#[cfg(feature = "sentry")]
pub(crate) struct WeakCtx(std::sync::Weak<Inner>);

#[cfg(feature = "sentry")]
impl WeakCtx {
    pub(crate) fn upgrade(&self) -> Option<Ctx> {
        let inner = self.0.upgrade()?;
        Some(Ctx { inner })
    }
}

/// What every log line of an HTTP request says about it.
#[derive(Clone, Debug)]
pub struct RequestLabels {
    /// The method, one of the ten known or `other`.
    pub method: &'static str,
    /// The route's template.
    pub route: Arc<str>,
}

/// The HTTP request that a context belongs to.
pub(crate) struct HttpRequest {
    pub(crate) labels: RequestLabels,
    /// Where it is counted.
    pub(crate) traffic: Arc<Traffic>,
}

/// What a context is made of.
pub(crate) struct CtxParts {
    pub(crate) correlation_id: Id,
    pub(crate) request_id: Option<Id>,
    pub(crate) trace: TraceContext,
    pub(crate) parent: Option<TraceContext>,
    pub(crate) link: Option<TraceContext>,
    pub(crate) request: Option<HttpRequest>,
    pub(crate) kept: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<Ctx>> = const { RefCell::new(None) };
}

impl Ctx {
    /// Begins something that no request caused: a job, a tool call over standard input, a tick.
    ///
    /// Its correlation id is a new UUID of version 7.
    #[must_use]
    pub fn new() -> Self {
        Self::from_parts(CtxParts {
            correlation_id: Id::generate(),
            request_id: None,
            trace: TraceContext::root(false),
            parent: None,
            link: None,
            request: None,
            kept: true,
        })
    }

    pub(crate) fn from_parts(parts: CtxParts) -> Self {
        Self {
            inner: Arc::new(Inner {
                correlation_id: parts.correlation_id,
                request_id: parts.request_id,
                trace: parts.trace,
                parent: parts.parent,
                link: parts.link,
                request: parts.request,
                mounted: OnceLock::new(),
                kept: AtomicBool::new(parts.kept),
                annotations: Annotations::default(),
                #[cfg(feature = "sentry")]
                sentry: OnceLock::new(),
            }),
        }
    }

    /// Returns the context that the calling code belongs to.
    ///
    /// That is the one whose [`scope`](Self::scope), future or task runs, or else the one in which
    /// the current tracing span was made.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::entered().or_else(span::current)
    }

    /// The context that was entered on this thread.
    pub(crate) fn entered() -> Option<Self> {
        CURRENT
            .try_with(|current| current.try_borrow().ok()?.clone())
            .ok()
            .flatten()
    }

    /// Runs a closure in this context.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(Some(self.clone()));
        f()
    }

    /// Returns the correlation id: 1 to 128 characters of `[A-Za-z0-9._~-]`.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.inner.correlation_id.as_str()
    }

    /// Returns the id of the HTTP request, if there is one: of the same form.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.inner.request_id.as_ref().map(Id::as_str)
    }

    /// Returns where in which trace this is.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.inner.trace
    }

    /// Returns the peer's span that this one is below of.
    #[must_use]
    pub fn parent(&self) -> Option<TraceContext> {
        self.inner.parent
    }

    /// Returns the span of a peer that is not trusted to be a parent.
    #[must_use]
    pub fn link(&self) -> Option<TraceContext> {
        self.inner.link
    }

    /// Returns the method and route of the HTTP request, if there is one.
    #[must_use]
    pub fn request(&self) -> Option<&RequestLabels> {
        let http = self.inner.request.as_ref()?;
        Some(self.inner.mounted.get().unwrap_or(&http.labels))
    }

    /// Returns where the HTTP request is counted, if there is one.
    pub(crate) fn traffic(&self) -> Option<&Arc<Traffic>> {
        Some(&self.inner.request.as_ref()?.traffic)
    }

    /// Gives the HTTP request the route of a service that is mounted below its own.
    pub(crate) fn mount(&self, route: &Arc<str>) {
        if let Some(http) = &self.inner.request {
            // The outermost mount wins: its template holds the whole path.
            self.inner.mounted.get_or_init(|| RequestLabels {
                method: http.labels.method,
                route: Arc::clone(route),
            });
        }
    }

    /// Returns the route that was given by [`mount`](Self::mount).
    pub(crate) fn mounted(&self) -> Option<&str> {
        Some(&self.inner.mounted.get()?.route)
    }

    /// Adds a field to the request's canonical log line; see [`annotate`](crate::annotate).
    pub fn annotate(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Annotation>) {
        self.inner.annotations.set(key.into(), value.into());
    }

    /// Keeps every line of this request in the log, whatever the sampling says.
    pub fn keep(&self) {
        self.inner.kept.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.inner.kept.load(Ordering::Relaxed)
    }

    pub(crate) fn annotations(&self) -> Vec<(Cow<'static, str>, Annotation)> {
        self.inner.annotations.get()
    }

    pub(crate) fn correlation(&self) -> &Id {
        &self.inner.correlation_id
    }

    #[cfg(feature = "sentry")]
    pub(crate) fn sentry(&self) -> &OnceLock<crate::sentry::Bound> {
        &self.inner.sentry
    }

    #[cfg(feature = "sentry")]
    pub(crate) fn downgrade(&self) -> WeakCtx {
        WeakCtx(Arc::downgrade(&self.inner))
    }

    pub(crate) fn request_header(&self) -> Option<&Id> {
        self.inner.request_id.as_ref()
    }
}

impl Default for Ctx {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ctx")
            .field("correlation_id", &self.inner.correlation_id)
            .field("request_id", &self.inner.request_id)
            .field("trace", &self.inner.trace)
            .finish_non_exhaustive()
    }
}

/// Makes a context, or none, the current one of this thread until it is dropped.
///
/// Never held across an `.await`: it cannot be sent.
#[must_use]
pub(crate) struct Entered {
    previous: Option<Ctx>,
    on_this_thread: PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn new(ctx: Option<Ctx>) -> Self {
        let previous = CURRENT
            .try_with(|current| current.replace(ctx))
            .unwrap_or_default();
        Self {
            previous,
            on_this_thread: PhantomData,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // Dropped only after the cell is free again: a context's drop runs code of its own.
        let ended = CURRENT.try_with(|current| current.replace(previous));
        drop(ended);
    }
}
