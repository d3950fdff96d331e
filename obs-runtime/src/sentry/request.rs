//! The hub of one request or job, and the transaction of one request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use ::sentry::protocol::{Event, SpanId, SpanStatus, TraceContext, TraceId, Value};
use ::sentry::{Hub, HubSwitchGuard, Level, Transaction, TransactionContext, TransactionOrSpan};

use super::counts::{Kind, Outcome};
use super::{Sentry, fields, head, sample};
use crate::context::{Annotation, Ctx, Operation, RequestLabels, SentryDecision, WeakCtx};
use crate::problem::{ERROR, ERROR_CODE, ErrorCode, harmless};
use crate::redact::Redactor;

/// What a context brings to Sentry; lives in the [`Ctx`].
pub(crate) struct Bound {
    sentry: Sentry,
    hub: Arc<Hub>,
    facts: Arc<Facts>,
}

/// What every event of a context says.
pub(super) struct Facts {
    correlation_id: String,
    request_id: Option<String>,
    service: Arc<str>,
    redactor: Arc<Redactor>,
    trace: TraceContext,
    /// Knows the route, which may only be found further in.
    ctx: WeakCtx,
    /// Whether an error was captured, also if sampling left it out afterwards.
    captured: AtomicBool,
    /// Of what this is an operation within.
    outer: Option<Arc<Self>>,
}

impl Bound {
    pub(super) fn new(sentry: &Sentry, ctx: &Ctx) -> Self {
        let outer = ctx.outer().map(|outer| sentry.bound(outer));
        let facts = Arc::new(Facts {
            correlation_id: ctx.correlation_id().to_owned(),
            request_id: ctx.request_id().map(str::to_owned),
            service: Arc::clone(&sentry.inner.service),
            redactor: Arc::clone(&sentry.inner.redactor),
            trace: trace_of(ctx),
            ctx: ctx.downgrade(),
            captured: AtomicBool::new(false),
            outer: outer.map(|outer| Arc::clone(&outer.facts)),
        });
        // What is around it has set a user perhaps, and left breadcrumbs. Its processor comes along,
        // so that an error of the one is an error of the other too; ours has the last word.
        let hub = outer.map_or_else(
            || sentry.new_hub(),
            |outer| Hub::new_from_top(Arc::clone(&outer.hub)),
        );
        let applied = Arc::clone(&facts);
        let in_another_trace = !is_part(ctx);
        hub.configure_scope(|scope| {
            if in_another_trace {
                scope.set_span(None);
            }
            scope.add_event_processor(move |event| Some(applied.apply(event)));
        });
        Self {
            sentry: sentry.clone(),
            hub: Arc::new(hub),
            facts,
        }
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(super) fn parts(&self) -> (Arc<Hub>, Arc<Facts>) {
        (Arc::clone(&self.hub), Arc::clone(&self.facts))
    }

    /// Returns where it reports.
    pub(crate) fn sentry(&self) -> Sentry {
        self.sentry.clone()
    }

    /// Notes that an error was reported, although nothing of it is sent.
    pub(super) fn mark_captured(&self) {
        let around = std::iter::successors(Some(&self.facts), |facts| facts.outer.as_ref());
        for facts in around {
            facts.captured.store(true, Ordering::Relaxed);
        }
    }
}

impl Facts {
    /// Runs for every event of the hub and of those that were derived from it.
    fn apply(&self, mut event: Event<'static>) -> Event<'static> {
        if matches!(event.level, Level::Error | Level::Fatal) {
            self.captured.store(true, Ordering::Relaxed);
        }
        let ctx = self.ctx.upgrade();
        for (tag, value) in self.tags(ctx.as_ref()) {
            event.tags.insert(tag.to_owned(), value.to_owned());
        }
        if let Some(ctx) = &ctx {
            fields::add(ctx, &self.redactor, &mut event);
        }
        let outer = ctx.as_ref().and_then(Ctx::outer);
        let outer = outer.and_then(|outer| self.name(outer));
        if event.transaction.is_none() || event.transaction == outer {
            event.transaction = ctx.as_ref().and_then(|ctx| self.name(ctx));
        }
        event
            .contexts
            .insert("trace".to_owned(), self.trace.clone().into());
        event
    }

    /// Whether an error was reported, here or further in.
    pub(super) fn was_captured(&self) -> bool {
        self.captured.load(Ordering::Relaxed)
    }

    /// Returns the name of the operation.
    #[expect(clippy::unused_self, reason = "a fact, found late")]
    pub(super) fn name(&self, ctx: &Ctx) -> Option<String> {
        match ctx.operation() {
            Some(Operation::Tool(tool)) => Some(format!("tools/call {tool}")),
            Some(Operation::Job { name, .. }) => Some(name.to_owned()),
            None => ctx.request().map(name_of),
        }
    }

    /// Returns the tags of a transaction, those that were bound included.
    pub(super) fn all_tags(&self, ctx: &Ctx) -> Vec<(String, String)> {
        let mut tags = fields::tags(&ctx.all_bound(), &self.redactor);
        // The later one stands, and ours cannot be taken for another's.
        let own = self.tags(Some(ctx));
        tags.extend(own.map(|(tag, value)| (tag.to_owned(), value.to_owned())));
        tags
    }

    fn tags<'a>(&'a self, ctx: Option<&'a Ctx>) -> impl Iterator<Item = (&'static str, &'a str)> {
        let request = ctx.and_then(Ctx::request);
        let operation = ctx
            .and_then(Ctx::operation)
            .map(|operation| match operation {
                Operation::Tool(tool) => ("tool", tool),
                Operation::Job { name, .. } => ("job", name),
            });
        [
            ("correlation_id", Some(self.correlation_id.as_str())),
            ("request_id", self.request_id.as_deref()),
            ("method", request.map(|request| request.method)),
            ("route", request.map(|request| &*request.route)),
            ("service", Some(&*self.service)),
        ]
        .into_iter()
        .filter_map(|(tag, value)| Some((tag, value?)))
        .chain(operation)
    }
}

/// What makes failures one issue, whatever else they say: where they happened, and their code.
pub(super) fn fingerprint(name: String, code: &'static str) -> Cow<'static, [Cow<'static, str>]> {
    Cow::Owned(vec![Cow::Owned(name), Cow::Borrowed(code)])
}

fn name_of(request: &RequestLabels) -> String {
    format!("{} {}", request.method, request.route)
}

fn trace_of(ctx: &Ctx) -> TraceContext {
    let trace = ctx.trace();
    TraceContext {
        trace_id: TraceId::from(trace.trace_id.to_u128().to_be_bytes()),
        span_id: SpanId::from(trace.span_id.to_u64().to_be_bytes()),
        parent_span_id: ctx
            .parent()
            .map(|parent| SpanId::from(parent.span_id.to_u64().to_be_bytes())),
        ..TraceContext::default()
    }
}

/// Whether a context is part of the transaction of what it is within: a tool call of the HTTP request
/// that brought it, unless its client has put it into a trace of its own.
pub(super) fn is_part(ctx: &Ctx) -> bool {
    ctx.outer().is_some_and(|outer| {
        let is_recorded = outer.http().is_some() || outer.operation().is_some();
        is_recorded && outer.trace().trace_id == ctx.trace().trace_id
    })
}

/// Begins the transaction of a hub; its name comes with its end.
pub(super) fn begin_transaction(
    hub: &Hub,
    facts: &Facts,
    op: &str,
    sampled: Option<bool>,
) -> Transaction {
    let trace = &facts.trace;
    let mut context = TransactionContext::new_with_details(
        "",
        op,
        trace.trace_id,
        Some(trace.span_id),
        trace.parent_span_id,
    );
    context.set_sampled(sampled);
    let transaction = hub.start_transaction(context);
    let span = transaction.clone().into();
    hub.configure_scope(|scope| scope.set_span(Some(span)));
    transaction
}

/// Begins a span below the one that a hub has from around it, if that is recorded.
pub(super) fn begin_span(hub: &Hub, facts: &Facts, op: &str) -> Option<TransactionOrSpan> {
    let outer = hub.configure_scope(|scope| scope.get_span())?;
    let id = facts.trace.span_id;
    let span: TransactionOrSpan = outer
        .start_child_with_details(op, "", id, SystemTime::now())
        .into();
    hub.configure_scope(|scope| scope.set_span(Some(span.clone())));
    Some(span)
}

/// One HTTP request: its hub, bound while it is polled, and its transaction.
///
/// Dropped without [`finish`](Self::finish), it reports nothing.
#[must_use = "a request reports when it is finished"]
pub(crate) struct SentryRequest {
    /// Keeps what the hub's events are filled with.
    ctx: Ctx,
    hub: Arc<Hub>,
    facts: Arc<Facts>,
    transaction: Option<Transaction>,
    /// That of the error that was answered, if it is of a known type.
    code: Option<ErrorCode>,
}

impl SentryRequest {
    pub(super) fn new(sentry: &Sentry, ctx: &Ctx) -> Self {
        let bound = sentry.bound(ctx);
        let mut request = Self {
            ctx: ctx.clone(),
            hub: Arc::clone(&bound.hub),
            facts: Arc::clone(&bound.facts),
            transaction: None,
            code: None,
        };
        let browser = ctx.http().and_then(|http| http.sentry.as_ref());
        let decided = browser.map(|browser| browser.sampled);
        let Some(own) = &sentry.inner.own else {
            // The service's own client decides by itself.
            request.begin(decided);
            return request;
        };
        let trace = ctx.trace().trace_id.to_u128();
        if decided.unwrap_or_else(|| sample::trace(trace, own.traces_rate)) {
            request.begin(Some(true));
            if let Some(browser) = browser {
                request.joins(browser);
            }
        } else {
            own.counts.add(Kind::Transaction, Outcome::SampledOut);
        }
        request
    }

    /// Says why the browser that began the trace records it; where it said nothing, nothing.
    fn joins(&self, browser: &SentryDecision) {
        let Some(transaction) = &self.transaction else {
            return;
        };
        let members = browser.baggage.as_deref().unwrap_or_default();
        let head = head::read(members, &self.facts.trace.trace_id.to_string());
        transaction.set_extra(head::HEAD, Value::Object(head));
    }

    fn begin(&mut self, sampled: Option<bool>) {
        let transaction = begin_transaction(&self.hub, &self.facts, "http.server", sampled);
        self.transaction = Some(transaction);
    }

    /// Notes which error the request is answered with.
    pub(crate) const fn answers(&mut self, code: ErrorCode) {
        self.code = Some(code);
    }

    /// Makes the request's hub the thread's current one, for one call or poll: `sentry::capture_*`
    /// in it reports there. Costs a swap of two pointers.
    pub(crate) fn enter(&self) -> HubSwitchGuard {
        HubSwitchGuard::new(Arc::clone(&self.hub))
    }

    /// Ends the request: one issue if it failed and nothing was reported, and the transaction.
    ///
    /// `status` is what was, or would have been, answered; `outcome` the one of the canonical line.
    pub(crate) fn finish(self, status: u16, outcome: &'static str) {
        if status >= 500 && !self.facts.was_captured() {
            let (method, route) = self
                .ctx
                .request()
                .map_or(("other", "unmatched"), |request| {
                    (request.method, &*request.route)
                });
            let mut event = Event {
                message: Some(format!("HTTP {status} {method} {route}")),
                level: Level::Error,
                logger: Some("obs::request".to_owned()),
                ..Event::default()
            };
            describe(&self.ctx, &mut event);
            if let Some(code) = self.code {
                event.fingerprint = fingerprint(format!("{method} {route}"), code.as_str());
            }
            self.hub.capture_event(event);
        }
        if let Some(transaction) = self.transaction {
            let request = self.ctx.request();
            transaction.set_name(&request.map(name_of).unwrap_or_default());
            for (tag, value) in self.facts.all_tags(&self.ctx) {
                transaction.set_tag(&tag, value);
            }
            transaction.set_status(status_of(status, outcome));
            transaction.set_data("http.response.status_code", status.into());
            transaction.set_data("outcome", outcome.into());
            // It takes what the scope of the current hub says.
            Hub::run(self.hub, || transaction.finish());
        }
    }
}

/// Adds what the error that was answered said of itself: its code, which makes it an issue of its
/// own, and its text.
fn describe(ctx: &Ctx, event: &mut Event<'_>) {
    for (key, value) in ctx.annotations() {
        let Annotation::Text(text) = value else {
            continue;
        };
        match &*key {
            ERROR_CODE => {
                if let Some(message) = &mut event.message {
                    message.push_str(": ");
                    message.push_str(&text);
                }
                event.tags.insert(key.into_owned(), text);
            }
            ERROR => {
                event.extra.insert(key.into_owned(), harmless(&text).into());
            }
            _ => {}
        }
    }
}

/// Source: Sentry, "Span Status", HTTP status codes.
fn status_of(status: u16, outcome: &str) -> SpanStatus {
    match status {
        499 => SpanStatus::Cancelled,
        ..400 if outcome == "panic" => SpanStatus::InternalError,
        ..400 => SpanStatus::Ok,
        401 => SpanStatus::Unauthenticated,
        403 => SpanStatus::PermissionDenied,
        404 => SpanStatus::NotFound,
        409 => SpanStatus::AlreadyExists,
        429 => SpanStatus::ResourceExhausted,
        400..=499 => SpanStatus::InvalidArgument,
        501 => SpanStatus::Unimplemented,
        503 => SpanStatus::Unavailable,
        504 => SpanStatus::DeadlineExceeded,
        _ => SpanStatus::InternalError,
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").finish_non_exhaustive()
    }
}

impl fmt::Debug for SentryRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryRequest").finish_non_exhaustive()
    }
}
