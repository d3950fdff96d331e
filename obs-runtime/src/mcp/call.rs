//! The future of a tool call, counted where the server takes it.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::operation::{Answer, Operation, Within};
use super::origin::Origin;
use super::result::{ToolResult, outcome};
use crate::Label;
use crate::call::{Call, OTHER, Outcome, Said, Scope, Site, Told, forget, tools, with_current};
use pin_project_lite::pin_project;
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

/// Observes one tool call of a server that is written without macros.
///
/// `tool` is a [`Label`]: an enum of the server's tools with a fallback for names it does not have.
/// `call` gets the context back and makes the answer.
///
/// # Cancel safety
/// Dropping the future counts the call as cancelled, and so does an answer that comes after the
/// client cancelled the request.
///
/// # Cardinality
/// The values of the label.
///
/// # Errors
/// Whatever `call` returns, and JSON-RPC -32603 if it panics.
///
/// # Example
/// ```
/// # use rmcp::{ErrorData, RoleServer, ServerHandler};
/// # use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
/// # use rmcp::service::RequestContext;
/// use obs_runtime as obs;
///
/// #[derive(obs::Label, Clone, Copy)]
/// enum EchoTool {
///     Echo,
///     #[label(other, value = "_other")]
///     Other,
/// }
///
/// struct Echo;
///
/// impl ServerHandler for Echo {
///     async fn call_tool(
///         &self,
///         request: CallToolRequestParams,
///         context: RequestContext<RoleServer>,
///     ) -> Result<CallToolResponse, ErrorData> {
///         let tool = EchoTool::from_str_or_other(&request.name);
///         obs::mcp::call_tool(tool, context, async |_context| match tool {
///             EchoTool::Echo => Ok(CallToolResult::success(vec![ContentBlock::text("hi")]).into()),
///             EchoTool::Other => Err(ErrorData::invalid_params("tool not found", None)),
///         })
///         .await
///     }
/// }
/// ```
pub fn call_tool<R, Fut>(
    tool: impl Label,
    context: RequestContext<RoleServer>,
    call: impl FnOnce(RequestContext<RoleServer>) -> Fut,
) -> impl Future<Output = Result<R, ErrorData>>
where
    R: ToolResult,
    Fut: Future<Output = Result<R, ErrorData>>,
{
    let observation = at_labelled_handler(tool, &context);
    // Called in the first poll, so that a panic in it is answered as well.
    observation.of(async move { call(context).await })
}

/// The tools of one impl block and their sites; what `#[observed]` on it generates.
pub trait ToolSet: Label {
    /// Returns the sites in the order of the label's values.
    fn sites() -> &'static [Site];
}

/// Which place takes the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Handler,
    Router,
}

/// What is needed to observe a call, taken before the request and its context are moved.
#[derive(Debug)]
#[must_use]
pub struct Observation<K> {
    site: Option<&'static Site>,
    place: Place,
    origin: Origin,
    cancelled: K,
}

/// Observes a call at `call_tool`, by the sites of its impl block.
pub fn at_handler<L: ToolSet>(
    tool: L,
    context: &RequestContext<RoleServer>,
) -> Observation<impl Fn() -> bool + use<L>> {
    observe(L::sites(), tool.index(), Place::Handler, context)
}

/// Observes a call at `call_tool`, by any label.
pub fn at_labelled_handler<L: Label>(
    tool: L,
    context: &RequestContext<RoleServer>,
) -> Observation<impl Fn() -> bool + use<L>> {
    observe(tools(L::VALUES), tool.index(), Place::Handler, context)
}

pub(super) fn observe(
    sites: &'static [Site],
    index: usize,
    place: Place,
    context: &RequestContext<RoleServer>,
) -> Observation<impl Fn() -> bool + use<>> {
    let cancellation = context.ct.clone();
    Observation {
        // Clamped like every label.
        site: sites.get(index).or(sites.last()),
        place,
        origin: Origin::of(context),
        cancelled: move || cancellation.is_cancelled(),
    }
}

impl<K: Fn() -> bool> Observation<K> {
    /// Observes the future that makes the answer.
    pub fn of<F>(self, future: F) -> ToolCallFuture<F, K> {
        ToolCallFuture {
            future: Some(future),
            state: State::Waiting {
                site: self.site,
                place: self.place,
            },
            origin: self.origin,
            cancelled: self.cancelled,
        }
    }
}

pin_project! {
    /// Observes a tool call from its first poll to its answer.
    ///
    /// # Cancel safety
    /// Dropping it counts the call as cancelled.
    #[must_use = "a future does nothing until it is awaited"]
    pub struct ToolCallFuture<F, K> {
        #[pin]
        future: Option<F>,
        state: State,
        origin: Origin,
        cancelled: K,
    }

    impl<F, K> PinnedDrop for ToolCallFuture<F, K> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _within = this.state.enter(this.origin);
            // What it does when it is dropped belongs to the call.
            this.future.set(None);
            *this.state = State::Passing;
        }
    }
}

enum State {
    Waiting {
        site: Option<&'static Site>,
        place: Place,
    },
    Counting(Box<Counting>),
    /// Counted further out.
    Passing,
}

struct Counting {
    call: Call,
    scope: Scope,
    operation: Operation,
    tool: &'static str,
    ended: bool,
}

impl Counting {
    fn begin(site: &'static Site, place: Place, origin: &Origin, nested: bool) -> Self {
        Self {
            call: Call::begin(site),
            scope: Scope {
                routed: place == Place::Router,
                ..Scope::of(site.name())
            },
            operation: Operation::begin(origin, site.name(), nested),
            tool: site.name(),
            ended: false,
        }
    }

    /// Ends the call; in the log, under the span that has the fields. Must not panic: runs in
    /// `Drop`.
    fn end(&mut self, outcome: Outcome, answered: Option<&ErrorData>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let code = answered.map(|error| error.code.0);
        let told = self.scope.told(outcome, code);
        let told = told.filter(|told| answered.is_none_or(|error| says(error, told)));
        let returned = self.scope.error.take();
        let error = returned
            .or(told.as_ref().map(|told| told.kind))
            .filter(|_| outcome.result() == "failed");
        let span = self.scope.span.take();
        let said = Said {
            span: Some(span.as_ref().unwrap_or(&self.operation.span)),
            cause: told.as_ref().and_then(|told| told.cause.as_deref()),
        };
        self.call.end(outcome, error, said);
        let message = answered.map(|error| &*error.message);
        let answer = Answer { code, message };
        self.operation
            .end(Some(self.tool), outcome, answer, told.as_deref());
    }
}

/// Whether a JSON-RPC error was made of this one, and not of another that the tool has made good.
fn says(error: &ErrorData, told: &Told) -> bool {
    let code = error.data.as_ref().and_then(|data| data.get("code"));
    code.and_then(|code| code.as_str()) == Some(told.kind.as_str())
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled, None);
    }
}

impl State {
    /// Begins the call, unless the same call is counted further out.
    fn begin(&mut self, origin: &Origin) {
        let Self::Waiting { site, place } = *self else {
            return;
        };
        // Not the whole context: a tool that another one calls is within that.
        #[cfg(feature = "http")]
        let _test = origin.outer().map(crate::context::Ctx::enter_test);
        let passing = with_current(|scope| {
            // A router that is observed twice takes the same call twice; a tool that calls another
            // one through a router makes a call of its own.
            let again = place == Place::Router && site.is_some_and(|it| it.name() == scope.tool);
            let same = !scope.entered && (!scope.routed || again);
            if same && scope.tool == OTHER {
                // The handler knows the tools of one impl block; this router is of another.
                scope.site = site;
            }
            scope.routed |= place == Place::Router;
            same
        });
        *self = match (site, passing) {
            (Some(site), None | Some(false)) => {
                let nested = passing.is_some();
                Self::Counting(Box::new(Counting::begin(site, place, origin, nested)))
            }
            _ => Self::Passing,
        };
    }

    /// Enters the call, or before its begin what is known of it. What is counted further out is
    /// within that.
    fn enter(&self, origin: &Origin) -> Option<Within> {
        match self {
            Self::Counting(counting) => Some(counting.operation.enter()),
            Self::Waiting { .. } => Within::of(origin),
            Self::Passing => None,
        }
    }
}

impl<R, F, K> Future for ToolCallFuture<F, K>
where
    R: ToolResult,
    F: Future<Output = Result<R, ErrorData>>,
    K: Fn() -> bool,
{
    type Output = Result<R, ErrorData>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.state.begin(this.origin);
        let _within = this.state.enter(this.origin);
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let State::Counting(counting) = this.state else {
            return future.poll(cx);
        };
        let (scope, span) = (&mut counting.scope, &counting.operation.span);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            span.in_scope(|| scope.within(|| future.poll(cx)))
        }));
        if let Some(site) = counting.scope.site.take() {
            counting.call.move_to(site);
            counting.scope.tool = site.name();
            counting.tool = site.name();
        }
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(answer)) => {
                let outcome = if (this.cancelled)() {
                    Outcome::Cancelled
                } else {
                    outcome(&answer, counting.scope.entered)
                };
                counting.end(outcome, answer.as_ref().err());
                Poll::Ready(answer)
            }
            Err(panic) => {
                counting.end(Outcome::Panic, None);
                forget(panic);
                // It must not be polled again, and its drop may panic as well.
                let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
                if let Err(panic) = dropped {
                    forget(panic);
                }
                Poll::Ready(Err(ErrorData::internal_error("internal error", None)))
            }
        }
    }
}

impl<F, K> fmt::Debug for ToolCallFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCallFuture").finish_non_exhaustive()
    }
}
