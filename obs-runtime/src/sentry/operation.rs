//! The hub of a job or a tool call while it runs, and its transaction.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ::sentry::protocol::{Event, SpanStatus};
use ::sentry::{Hub, HubSwitchGuard, Level, TransactionOrSpan};

use super::counts::{Kind, Outcome};
use super::request::{Facts, begin_span, begin_transaction, fingerprint, is_part};
use super::{Sentry, sample};
use crate::context::Ctx;
use crate::problem::{ERROR, ERROR_CODE};

/// Where what belongs to no request is reported.
static INSTALLED: RwLock<Option<Sentry>> = RwLock::new(None);

impl Sentry {
    /// Makes this the one of what belongs to no request.
    pub(super) fn serve_operations(&self) {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        *installed = Some(self.clone());
    }

    /// Returns where a context reports: where its request does, or else where the process does.
    fn of(ctx: &Ctx) -> Option<Self> {
        ctx.sentry_around().or_else(|| {
            INSTALLED
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        })
    }
}

/// One job or tool call.
///
/// Dropped without [`finish`](Self::finish), it reports nothing.
#[must_use = "an operation reports when it is finished"]
pub(crate) struct SentryOperation {
    /// Keeps what the hub's events are filled with.
    ctx: Ctx,
    hub: Arc<Hub>,
    facts: Arc<Facts>,
    /// Its own transaction, or its part of another.
    recorded: Option<TransactionOrSpan>,
}

/// An error of a known code that was answered, and is the service's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault<'a> {
    pub(crate) code: &'static str,
    /// What it was about, without secrets.
    pub(crate) cause: Option<&'a str>,
}

/// The hub of an operation is the thread's current one until this is dropped.
pub(crate) type HubEntered = HubSwitchGuard;

impl SentryOperation {
    /// Begins an operation, if there is a Sentry; `op` is one of Sentry's names for kinds of spans.
    pub(crate) fn begin(ctx: &Ctx, op: &'static str) -> Option<Self> {
        let sentry = Sentry::of(ctx)?;
        let bound = sentry.bound(ctx);
        let (hub, facts) = bound.parts();
        let begin = |sampled| Some(begin_transaction(&hub, &facts, op, sampled).into());
        let recorded = match &sentry.inner.own {
            // One root for what is one trace: the request's.
            _ if is_part(ctx) => begin_span(&hub, &facts, op),
            // The service's own client decides by itself.
            None => begin(None),
            Some(own) if sample::trace(ctx.trace().trace_id.to_u128(), own.traces_rate) => {
                begin(Some(true))
            }
            Some(own) => {
                own.counts.add(Kind::Transaction, Outcome::SampledOut);
                None
            }
        };
        Some(Self {
            ctx: ctx.clone(),
            hub,
            facts,
            recorded,
        })
    }

    /// Makes the operation's hub the thread's current one.
    pub(crate) fn enter(&self) -> HubEntered {
        HubSwitchGuard::new(Arc::clone(&self.hub))
    }

    /// Ends the operation: one issue if the service was at fault and nothing was reported, and the
    /// transaction.
    pub(crate) fn finish(self, outcome: &'static str, fault: Option<Fault<'_>>) {
        if let Some(fault) = fault.filter(|_| !self.facts.was_captured()) {
            let name = self.facts.name(&self.ctx).unwrap_or_default();
            let mut event = Event {
                message: Some(format!("{name}: {}", fault.code)),
                level: Level::Error,
                logger: Some("obs::mcp".to_owned()),
                fingerprint: fingerprint(name, fault.code),
                ..Event::default()
            };
            event
                .tags
                .insert(ERROR_CODE.to_owned(), fault.code.to_owned());
            if let Some(cause) = fault.cause {
                event.extra.insert(ERROR.to_owned(), cause.into());
            }
            self.hub.capture_event(event);
        }
        let Some(recorded) = self.recorded else {
            return;
        };
        recorded.set_name(&self.facts.name(&self.ctx).unwrap_or_default());
        for (tag, value) in self.facts.all_tags(&self.ctx) {
            recorded.set_tag(&tag, value);
        }
        recorded.set_status(status_of(outcome));
        recorded.set_data("outcome", outcome.into());
        // It takes what the scope of the current hub says.
        Hub::run(self.hub, || recorded.finish());
    }
}

/// Source: Sentry, "Span Status", those of gRPC.
fn status_of(outcome: &str) -> SpanStatus {
    match outcome {
        "ok" => SpanStatus::Ok,
        "cancelled" => SpanStatus::Cancelled,
        "invalid_arguments" | "client_error" => SpanStatus::InvalidArgument,
        "tool_error" => SpanStatus::UnknownError,
        _ => SpanStatus::InternalError,
    }
}

impl fmt::Debug for SentryOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryOperation").finish_non_exhaustive()
    }
}
