//! The context of a request, and which one is current.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::annotation::{Annotation, Annotations};
use super::entered::{self, Entered};
use super::id::Id;
use super::operation::{Operation, Own};
use super::place::Place;
use super::remote::SentryDecision;
use super::sampler::TracePolicy;
use super::span;
use super::trace::TraceContext;
use super::{Carried, InScope};
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
    place: Place,
    own: Own,
    common: Common,
    /// The test in which it was made, if any: its requests, tool calls and jobs belong to it.
    test: Carried,
    /// Where its errors are reported; made when there is something to report to.
    #[cfg(feature = "sentry")]
    sentry: OnceLock<crate::sentry::Bound>,
    /// Its span, as what is exported knows it.
    #[cfg(feature = "otlp")]
    span: crate::otlp::SpanSlot,
}

/// What the operations of one request have in common.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are the large one, and should allocate once"
)]
enum Common {
    Own(Shared),
    Of(Ctx),
}

struct Shared {
    correlation_id: Id,
    /// What a message within the request brought, where the request itself brought none.
    adopted: OnceLock<Id>,
    request_id: Option<Id>,
    baggage: Option<Arc<str>>,
    /// Whether the trace is passed on to others.
    propagates: bool,
    request: Option<HttpRequest>,
    /// The labels of a request whose route was only known further in.
    mounted: OnceLock<RequestLabels>,
    /// Whether every line is kept, whatever the sampling says.
    kept: AtomicBool,
    annotations: Annotations,
    /// What every line says from now on.
    bound: Annotations,
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
    /// Whether what the peer says of its trace is believed.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only messages of the feature bring another trace")
    )]
    pub(crate) trusted: bool,
    /// What a browser with Sentry has decided, if one sent it and has.
    #[cfg_attr(
        not(feature = "sentry"),
        expect(dead_code, reason = "only the feature reads it")
    )]
    pub(crate) sentry: Option<SentryDecision>,
}

/// What a context is made of.
pub(crate) struct CtxParts {
    pub(crate) correlation_id: Id,
    pub(crate) request_id: Option<Id>,
    pub(crate) place: Place,
    pub(crate) baggage: Option<Arc<str>>,
    pub(crate) propagates: bool,
    pub(crate) request: Option<HttpRequest>,
    pub(crate) kept: bool,
}

impl Ctx {
    /// Begins something that no request caused: a job, a tool call over standard input, a tick.
    ///
    /// Its correlation id is a new UUID of version 7.
    #[must_use]
    pub fn new() -> Self {
        Self::alone(Own::default())
    }

    /// Begins an operation that nothing caused.
    #[cfg(feature = "rmcp")]
    pub(crate) fn named(operation: Operation) -> Self {
        Self::alone(Own {
            operation: Some(operation),
            baggage: None,
        })
    }

    fn alone(own: Own) -> Self {
        let policy = TracePolicy::global();
        let parts = CtxParts {
            correlation_id: Id::generate(),
            request_id: None,
            place: Place::root(&policy, None),
            baggage: None,
            propagates: policy.tracecontext,
            request: None,
            kept: true,
        };
        Self::begin(parts, own)
    }

    pub(crate) fn from_parts(parts: CtxParts) -> Self {
        Self::begin(parts, Own::default())
    }

    /// Begins an operation that is of no request.
    pub(crate) fn begin(parts: CtxParts, own: Own) -> Self {
        Self::of(
            parts.place,
            own,
            Common::Own(Shared {
                correlation_id: parts.correlation_id,
                adopted: OnceLock::new(),
                request_id: parts.request_id,
                baggage: parts.baggage,
                propagates: parts.propagates,
                request: parts.request,
                mounted: OnceLock::new(),
                kept: AtomicBool::new(parts.kept),
                annotations: Annotations::default(),
                bound: Annotations::default(),
            }),
        )
    }

    /// Begins another operation of the same request, with a span of its own.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only tool calls are operations within another")
    )]
    pub(crate) fn within(&self, place: Place, own: Own) -> Self {
        // Whoever begins it may be a task that nobody has made part of the test.
        let _test = self.enter_test();
        Self::of(place, own, Common::Of(self.clone()))
    }

    fn of(place: Place, own: Own, common: Common) -> Self {
        Self {
            inner: Arc::new(Inner {
                place,
                own,
                common,
                test: Carried::current(),
                #[cfg(feature = "sentry")]
                sentry: OnceLock::new(),
                #[cfg(feature = "otlp")]
                span: crate::otlp::SpanSlot::default(),
            }),
        }
    }

    fn shared(&self) -> &Shared {
        match &self.inner.common {
            Common::Own(shared) => shared,
            Common::Of(outer) => outer.shared(),
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
        entered::entered()
    }

    /// Runs a closure in this context.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(Some(self.clone()));
        f()
    }

    /// Returns the correlation id: 1 to 128 characters of `[A-Za-z0-9._~-]`.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.correlation().as_str()
    }

    /// Returns the id of the HTTP request, if there is one: of the same form.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.shared().request_id.as_ref().map(Id::as_str)
    }

    /// Returns where in which trace this is.
    #[must_use]
    pub fn trace(&self) -> TraceContext {
        self.inner.place.trace
    }

    /// Returns the innermost span of its trace that is exported, or else its own.
    pub(crate) fn innermost(&self) -> TraceContext {
        let own = self.trace();
        #[cfg(feature = "otlp")]
        {
            // A context that was entered without its span is of another trace.
            let innermost = crate::otlp::current();
            innermost
                .filter(|inner| inner.trace_id == own.trace_id)
                // OpenTelemetry's spans forget it where they begin a trace or are not recorded.
                .map_or(own, |inner| TraceContext {
                    random: own.random,
                    ..inner
                })
        }
        #[cfg(not(feature = "otlp"))]
        own
    }

    /// Returns the span that this one is below of: a peer's, or for a tool call that of the HTTP
    /// request.
    #[must_use]
    pub fn parent(&self) -> Option<TraceContext> {
        self.inner.place.parent
    }

    /// Returns a span that this one belongs to without being below of it: that of a peer that is not
    /// trusted to be a parent, that of the HTTP request of a tool call whose parent is its own
    /// client, or for a job that is tried again that of whoever made it.
    #[must_use]
    pub fn link(&self) -> Option<TraceContext> {
        self.inner.place.link
    }

    /// Returns what came with the trace for the tracing systems of others: the `tracestate`.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.inner.place.tracestate.as_deref()
    }

    /// Returns the `baggage` that came in, under the keys that the service passes on.
    #[must_use]
    pub fn baggage(&self) -> Option<&str> {
        let own = self.inner.own.baggage.as_ref();
        own.or(self.shared().baggage.as_ref()).map(|all| &**all)
    }

    pub(crate) fn place(&self) -> &Place {
        &self.inner.place
    }

    #[cfg(feature = "otlp")]
    pub(crate) fn span(&self) -> &crate::otlp::SpanSlot {
        &self.inner.span
    }

    /// Whether the trace is passed on to others.
    pub(crate) fn propagates(&self) -> bool {
        self.shared().propagates
    }

    /// Returns the HTTP request that this belongs to.
    #[cfg_attr(
        not(any(feature = "rmcp", feature = "sentry")),
        expect(dead_code, reason = "only the features ask")
    )]
    pub(crate) fn http(&self) -> Option<&HttpRequest> {
        self.shared().request.as_ref()
    }

    /// Returns the method and route of the HTTP request, if there is one.
    #[must_use]
    pub fn request(&self) -> Option<&RequestLabels> {
        let http = self.shared().request.as_ref()?;
        Some(self.shared().mounted.get().unwrap_or(&http.labels))
    }

    /// Returns where the HTTP request is counted, if there is one.
    pub(crate) fn traffic(&self) -> Option<&Arc<Traffic>> {
        Some(&self.shared().request.as_ref()?.traffic)
    }

    /// Gives the HTTP request the route of a service that is mounted below its own.
    pub(crate) fn mount(&self, route: &Arc<str>) {
        if let Some(http) = &self.shared().request {
            // The outermost mount wins: its template holds the whole path.
            self.shared().mounted.get_or_init(|| RequestLabels {
                method: http.labels.method,
                route: Arc::clone(route),
            });
        }
    }

    /// Returns the route that was given by [`mount`](Self::mount).
    pub(crate) fn mounted(&self) -> Option<&str> {
        Some(&self.shared().mounted.get()?.route)
    }

    /// Adds a field to the request's canonical log line; see [`annotate`](crate::annotate).
    pub fn annotate(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Annotation>) {
        self.shared().annotations.set(key.into(), value.into());
    }

    /// Keeps every line of this request in the log, whatever the sampling says.
    pub fn keep(&self) {
        self.shared().kept.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.shared().kept.load(Ordering::Relaxed)
    }

    pub(crate) fn annotations(&self) -> Vec<(Cow<'static, str>, Annotation)> {
        self.shared().annotations.get()
    }

    /// Makes the thread work for the test in which this was made, if any, until the result is
    /// dropped.
    pub(crate) fn enter_test(&self) -> InScope {
        self.inner.test.enter()
    }

    pub(crate) fn correlation(&self) -> &Id {
        let shared = self.shared();
        shared.adopted.get().unwrap_or(&shared.correlation_id)
    }

    /// Takes the correlation id of a message over, unless the request brought one or has another
    /// already.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only messages of the feature bring one")
    )]
    pub(crate) fn adopt(&self, id: &Id) {
        let shared = self.shared();
        if let Id::Generated(_) = shared.correlation_id {
            shared.adopted.get_or_init(|| id.clone());
        }
    }

    /// Returns what this is the operation of, where that is no request.
    pub(crate) fn operation(&self) -> Option<Operation> {
        self.inner.own.operation
    }

    /// Puts a field on every later line of this request; see [`bind`](crate::bind).
    pub fn bind(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Annotation>) {
        self.shared().bound.set(key.into(), value.into());
    }

    /// Returns what [`bind`](Self::bind) put on the lines of this request under a key.
    ///
    /// # Example
    /// ```
    /// # use obs_runtime::Annotation;
    /// let ctx = obs_runtime::Ctx::new();
    /// ctx.bind("tenant", "acme");
    /// assert_eq!(ctx.bound("tenant"), Some(Annotation::Text("acme".to_owned())));
    /// assert_eq!(ctx.bound("user_id"), None);
    /// ```
    #[must_use]
    pub fn bound(&self, key: &str) -> Option<Annotation> {
        self.shared().bound.value(key)
    }

    pub(crate) fn all_bound(&self) -> Vec<(Cow<'static, str>, Annotation)> {
        self.shared().bound.get()
    }

    #[cfg(feature = "sentry")]
    pub(crate) fn sentry(&self) -> &OnceLock<crate::sentry::Bound> {
        &self.inner.sentry
    }

    /// Returns what this is an operation within.
    #[cfg(feature = "sentry")]
    pub(crate) fn outer(&self) -> Option<&Self> {
        match &self.inner.common {
            Common::Own(_) => None,
            Common::Of(outer) => Some(outer),
        }
    }

    /// Returns where this, or else what it is within, reports its errors.
    #[cfg(feature = "sentry")]
    pub(crate) fn sentry_around(&self) -> Option<crate::sentry::Sentry> {
        match (self.inner.sentry.get(), &self.inner.common) {
            (Some(bound), _) => Some(bound.sentry()),
            (None, Common::Of(outer)) => outer.sentry_around(),
            (None, Common::Own(_)) => None,
        }
    }

    #[cfg(feature = "sentry")]
    pub(crate) fn downgrade(&self) -> WeakCtx {
        WeakCtx(Arc::downgrade(&self.inner))
    }

    pub(crate) fn request_header(&self) -> Option<&Id> {
        self.shared().request_id.as_ref()
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
            .field("correlation_id", self.correlation())
            .field("request_id", &self.shared().request_id)
            .field("trace", &self.inner.place.trace)
            .finish_non_exhaustive()
    }
}
