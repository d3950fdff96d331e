//! What a call is counted as.

use super::event::Said;
use super::family::CallFamily;
use super::guard::Call;
use super::operation::{Ending, ToolOperation};
use super::outcome::{Outcome, Seen};
use super::scope::{self, Claim, Scope};
use super::site::Site;
use super::span::{self, CallSpan};
use tracing::Span;

/// Decides at the begin of a call what it is counted as.
pub trait Target: Copy {
    /// The call while it runs.
    type Active: Active;

    /// Begins the call; `span` is the one that holds its fields.
    fn begin(self, span: Option<Span>) -> Self::Active;
}

/// A call while it runs. Dropping it counts it as cancelled.
pub trait Active {
    /// Runs a part of the call, in its span; a panic that unwinds out of it ends the call.
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R;

    /// Runs what belongs to the call in its span, and lets it end in no way.
    fn within_span(&mut self, body: impl FnOnce());

    /// Ends the call with what its result shows.
    fn finish(&mut self, seen: Seen);

    /// Ends the call while a panic unwinds.
    fn panicked(&mut self);
}

/// Ends a call unless it is disarmed: only a panic leaves it armed.
struct OnUnwind<F: FnMut()>(Option<F>);

impl<F: FnMut()> Drop for OnUnwind<F> {
    fn drop(&mut self) {
        if let Some(mut panicked) = self.0.take() {
            panicked();
        }
    }
}

/// An operation. Not the reference alone: the compiler forgets lifetimes when it asks whether a
/// future is `Send`, and only a type without any implements the trait for all of them.
#[derive(Clone, Copy, Debug)]
pub struct Operation(pub &'static Site);

impl Target for Operation {
    type Active = OperationCall;

    #[inline]
    fn begin(self, span: Option<Span>) -> OperationCall {
        OperationCall::begin(self.0, span)
    }
}

/// An operation while it runs.
#[derive(Debug)]
pub struct OperationCall {
    /// Dropped first: its time ends before that of the span.
    call: Call,
    span: CallSpan,
}

impl OperationCall {
    #[inline]
    fn begin(site: &'static Site, fields: Option<Span>) -> Self {
        let span = match fields {
            Some(span) => CallSpan::given(span),
            None => site.open_span(),
        };
        Self {
            call: Call::begin(site),
            span,
        }
    }
}

impl Active for OperationCall {
    #[inline]
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R {
        let Self { call, span } = self;
        let mut unwinding = OnUnwind(Some(|| panicked(call, span)));
        let entered = span.enter();
        let result = body();
        drop(entered);
        unwinding.0 = None;
        result
    }

    fn within_span(&mut self, body: impl FnOnce()) {
        let _entered = self.span.enter();
        body();
    }

    #[inline]
    fn finish(&mut self, seen: Seen) {
        self.call.finish(seen);
        if !matches!(seen, Seen::Ok) {
            self.span.ended(Outcome::Error, seen.error_kind());
        }
    }

    #[cold]
    fn panicked(&mut self) {
        panicked(&mut self.call, &self.span);
    }
}

#[cold]
fn panicked(call: &mut Call, span: &CallSpan) {
    call.end(Outcome::Panic, None, Said::default());
    span.ended(Outcome::Panic, None);
}

/// The function of an MCP tool.
///
/// A client's call comes through the server, which may count it already; Rust code may call the
/// function as well, and then it is an operation.
#[derive(Clone, Copy, Debug)]
pub enum ToolFn {
    /// Nobody else counts this tool, unless there is a scope.
    Alone {
        /// Where a client's call is counted.
        tool: &'static Site,
        /// Where a call by Rust code inside another tool is counted.
        operation: &'static Site,
    },
    /// The impl block around it is observed and counts the clients' calls.
    Inside {
        /// The tool's name.
        tool: &'static str,
        /// Where a call by Rust code is counted, if the user asked for that.
        operation: Option<&'static Site>,
    },
}

impl Target for ToolFn {
    type Active = ToolCall;

    fn begin(self, span: Option<Span>) -> ToolCall {
        let (name, operation) = match self {
            Self::Alone { tool, operation } => (tool.name(), Some(operation)),
            Self::Inside { tool, operation } => (tool, operation),
        };
        match (scope::enter(name, span.as_ref()), self) {
            (Claim::Mine, _) => ToolCall::Enriching(around(span)),
            (Claim::Nothing, Self::Alone { tool, .. }) => ToolCall::Counting(Box::new(Counting {
                call: Call::begin(tool),
                scope: Scope {
                    entered: true,
                    ..Scope::of(tool.name())
                },
                fields: span,
                operation: ToolOperation::alone(tool.name()),
            })),
            (Claim::Nothing | Claim::Another, _) => match operation {
                Some(site) => ToolCall::Operation(OperationCall::begin(site, span)),
                None => ToolCall::Silent(around(span)),
            },
        }
    }
}

fn around(fields: Option<Span>) -> CallSpan {
    fields.map_or_else(CallSpan::default, CallSpan::given)
}

/// What a tool's function turned out to be when it was called.
#[derive(Debug)]
pub enum ToolCall {
    /// Its call is counted here.
    Counting(Box<Counting>),
    /// It was called by Rust code.
    Operation(OperationCall),
    /// Its call is counted further out; the span holds its fields.
    Enriching(CallSpan),
    /// It was called by Rust code, and nobody asked for that to be counted.
    Silent(CallSpan),
}

/// A tool call that its own function counts.
#[derive(Debug)]
pub struct Counting {
    call: Call,
    scope: Scope,
    /// The span that holds the fields.
    fields: Option<Span>,
    operation: ToolOperation,
}

impl Counting {
    /// Runs what belongs to the call, in the spans around it.
    fn around<R>(&self, body: impl FnOnce() -> R) -> R {
        self.operation.within(|| match &self.fields {
            Some(span) => span.in_scope(body),
            None => body(),
        })
    }

    fn end(&mut self, outcome: Outcome, seen: Seen) {
        let Self {
            call,
            scope,
            fields,
            operation,
        } = self;
        let ending = Ending::of(scope, outcome, seen);
        let tool = operation.span().clone();
        operation.within(|| {
            let said = Said {
                span: Some(fields.as_ref().unwrap_or(&tool)),
                cause: ending.cause(),
            };
            call.end(outcome, ending.kind, said);
        });
        if let Some(span) = fields {
            span::ended(span, outcome, ending.kind);
        }
        operation.end(outcome, seen.code(), &ending);
    }
}

/// Ends a tool call unless it is disarmed: only a panic leaves it armed.
struct Unwinding<'a>(Option<&'a mut Counting>);

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        if let Some(counting) = self.0.take() {
            counting.panicked();
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.end(Outcome::Cancelled, Seen::Ok);
    }
}

impl Active for Counting {
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R {
        let mut scope = std::mem::take(&mut self.scope);
        let mut unwinding = Unwinding(Some(self));
        let body = || scope.within(body);
        let result = match &unwinding.0 {
            Some(counting) => counting.around(body),
            None => body(),
        };
        if let Some(counting) = unwinding.0.take() {
            counting.scope = scope;
        }
        result
    }

    fn within_span(&mut self, body: impl FnOnce()) {
        self.around(body);
    }

    fn finish(&mut self, seen: Seen) {
        self.end(CallFamily::Tool.outcome(seen), seen);
    }

    fn panicked(&mut self) {
        self.end(Outcome::Panic, Seen::Ok);
    }
}

impl Active for ToolCall {
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R {
        match self {
            Self::Counting(counting) => counting.within(body),
            Self::Operation(call) => call.within(body),
            Self::Enriching(span) | Self::Silent(span) => {
                let mut unwinding = OnUnwind(Some(|| span.ended(Outcome::Panic, None)));
                let entered = span.enter();
                let result = body();
                drop(entered);
                unwinding.0 = None;
                result
            }
        }
    }

    fn within_span(&mut self, body: impl FnOnce()) {
        match self {
            Self::Counting(counting) => counting.within_span(body),
            Self::Operation(call) => call.within_span(body),
            Self::Enriching(span) | Self::Silent(span) => {
                let _entered = span.enter();
                body();
            }
        }
    }

    fn finish(&mut self, seen: Seen) {
        match self {
            Self::Counting(counting) => counting.finish(seen),
            Self::Operation(call) => call.finish(seen),
            Self::Enriching(span) => {
                span.ended(CallFamily::Tool.outcome(seen), seen.error_kind());
                if let Some(kind) = seen.error_kind() {
                    scope::with_current(|scope| scope.error = Some(kind));
                }
            }
            Self::Silent(span) => {
                span.ended(CallFamily::Operation.outcome(seen), seen.error_kind());
            }
        }
    }

    fn panicked(&mut self) {
        match self {
            Self::Counting(counting) => counting.panicked(),
            Self::Operation(call) => call.panicked(),
            Self::Enriching(span) | Self::Silent(span) => span.ended(Outcome::Panic, None),
        }
    }
}
