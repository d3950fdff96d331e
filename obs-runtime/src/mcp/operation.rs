//! A tool call as an operation: its context, its span, its transaction.

#[cfg(feature = "http")]
use crate::context::{Ctx, Entered, end_span, open_span};
#[cfg(feature = "sentry")]
use crate::sentry::{Fault, HubEntered, SentryOperation};

use tracing::Span;

use super::origin::Origin;
#[cfg(feature = "http")]
use super::origin::begin_alone;
#[cfg(feature = "http")]
use super::span::Facts;
use super::span::{say_ended, tool_span};
use crate::call::{Outcome, Told, contained};

/// The operation of a call that is counted here.
pub(crate) struct Operation {
    begun_as: &'static str,
    pub(crate) span: Span,
    #[cfg(feature = "http")]
    ctx: Ctx,
    #[cfg(feature = "sentry")]
    sentry: Option<SentryOperation>,
}

/// What the client was answered where that is a JSON-RPC error.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer<'a> {
    pub(crate) code: Option<i32>,
    pub(crate) message: Option<&'a str>,
}

/// Makes an operation the current one of this thread until it is dropped.
#[must_use]
pub(crate) struct Within {
    #[cfg(feature = "sentry")]
    _hub: Option<HubEntered>,
    #[cfg(feature = "http")]
    _entered: Entered,
}

impl Within {
    /// Enters what is known before the call has begun.
    #[cfg(feature = "http")]
    pub(super) fn of(origin: &Origin) -> Option<Self> {
        let outer = origin.outer()?;
        Some(Self {
            _entered: Entered::new(Some(outer.clone())),
            #[cfg(feature = "sentry")]
            _hub: None,
        })
    }

    #[cfg(not(feature = "http"))]
    pub(super) const fn of(_: &Origin) -> Option<Self> {
        None
    }
}

impl Operation {
    /// Begins it; `nested` is whether another tool makes the call.
    #[cfg(feature = "http")]
    pub(super) fn begin(origin: &Origin, tool: &'static str, nested: bool) -> Self {
        let ctx = if nested {
            origin.begin_within(tool)
        } else {
            origin.begin(tool)
        };
        Self::of(ctx, tool, Some(&origin.facts))
    }

    /// Begins the operation of a call of which the request is not known.
    #[cfg(feature = "http")]
    pub(crate) fn alone(tool: &'static str) -> Self {
        Self::of(begin_alone(tool), tool, None)
    }

    #[cfg(feature = "http")]
    fn of(ctx: Ctx, tool: &'static str, facts: Option<&Facts>) -> Self {
        let mut span = Span::none();
        contained(|| {
            span = open_span(&ctx, || tool_span(tool, facts, Some(ctx.correlation_id())));
        });
        #[cfg(feature = "sentry")]
        let mut sentry = None;
        #[cfg(feature = "sentry")]
        contained(|| sentry = SentryOperation::begin(&ctx, "mcp.server"));
        Self {
            begun_as: tool,
            span,
            #[cfg(feature = "sentry")]
            sentry,
            ctx,
        }
    }

    #[cfg(not(feature = "http"))]
    pub(super) fn begin(origin: &Origin, tool: &'static str, _: bool) -> Self {
        Self {
            begun_as: tool,
            span: tool_span(tool, Some(&origin.facts), None),
        }
    }

    #[cfg(not(feature = "http"))]
    pub(crate) fn alone(tool: &'static str) -> Self {
        Self {
            begun_as: tool,
            span: tool_span(tool, None, None),
        }
    }

    #[cfg(feature = "http")]
    pub(crate) fn enter(&self) -> Within {
        Within {
            _entered: Entered::new(Some(self.ctx.clone())),
            #[cfg(feature = "sentry")]
            _hub: self.sentry.as_ref().map(SentryOperation::enter),
        }
    }

    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "as with feature `http`")]
    pub(crate) const fn enter(&self) -> Within {
        Within {}
    }

    /// Says how it ended; `tool` is what the tool turned out to be, if that is something else. Must
    /// not panic: runs in `Drop`.
    pub(crate) fn end(
        &mut self,
        tool: Option<&'static str>,
        outcome: Outcome,
        answer: Answer<'_>,
        told: Option<&Told>,
    ) {
        let Answer { code, message } = answer;
        contained(|| {
            let tool = tool.unwrap_or(self.begun_as);
            say_ended(&self.span, self.begun_as, tool, outcome, code, message);
        });
        #[cfg(feature = "http")]
        contained(|| end_span(&self.ctx));
        #[cfg(feature = "sentry")]
        if let Some(sentry) = self.sentry.take() {
            let fault = told.filter(|told| told.is_fault).map(|told| Fault {
                code: told.kind.as_str(),
                cause: told.cause.as_deref(),
            });
            contained(|| sentry.finish(outcome.as_str(), fault));
        }
        #[cfg(not(feature = "sentry"))]
        let _ = told;
    }
}
