//! What a call is counted as.

use super::guard::Call;
use super::operation::ToolOperation;
use super::outcome::{Outcome, Seen};
use super::scope::{self, Claim, Scope};
use super::site::Site;
use tracing::Span;

/// Decides at the begin of a call what it is counted as.
pub trait Target: Copy {
    /// The call while it runs.
    type Active: Active;

    /// Begins the call; `span` is the one that holds its fields.
    fn begin(self, span: Option<&Span>) -> Self::Active;
}

/// A call while it runs. Dropping it counts it as cancelled.
pub trait Active {
    /// Runs a part of the call; a panic that unwinds out of it ends the call.
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R;

    /// Ends the call with what its result shows.
    fn finish(&mut self, seen: Seen);

    /// Ends the call while a panic unwinds.
    fn panicked(&mut self);
}

/// Ends a call unless it is disarmed: only a panic leaves it armed.
struct OnUnwind<'a, A: Active>(Option<&'a mut A>);

impl<A: Active> Drop for OnUnwind<'_, A> {
    fn drop(&mut self) {
        if let Some(active) = self.0.take() {
            active.panicked();
        }
    }
}

/// An operation. Not the reference alone: the compiler forgets lifetimes when it asks whether a
/// future is `Send`, and only a type without any implements the trait for all of them.
#[derive(Clone, Copy, Debug)]
pub struct Operation(pub &'static Site);

impl Target for Operation {
    type Active = Call;

    #[inline]
    fn begin(self, _: Option<&Span>) -> Call {
        Call::begin(self.0)
    }
}

impl Active for Call {
    #[inline]
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R {
        let mut unwinding = OnUnwind(Some(self));
        let result = body();
        unwinding.0 = None;
        result
    }

    #[inline]
    fn finish(&mut self, seen: Seen) {
        Call::finish(self, seen);
    }

    #[cold]
    fn panicked(&mut self) {
        self.end(Outcome::Panic, None, None);
    }
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

    fn begin(self, span: Option<&Span>) -> ToolCall {
        let (name, operation) = match self {
            Self::Alone { tool, operation } => (tool.name(), Some(operation)),
            Self::Inside { tool, operation } => (tool, operation),
        };
        let count = |site: Option<&'static Site>| {
            site.map_or(ToolCall::Silent, |site| {
                ToolCall::Operation(Call::begin(site))
            })
        };
        match (scope::enter(name, span), self) {
            (Claim::Mine, _) => ToolCall::Enriching,
            (Claim::Nothing, Self::Alone { tool, .. }) => ToolCall::Counting(Box::new(Counting {
                call: Call::begin(tool),
                scope: Scope {
                    entered: true,
                    ..Scope::of(tool.name())
                },
                fields: span.cloned(),
                operation: ToolOperation::alone(tool.name()),
            })),
            (Claim::Nothing | Claim::Another, _) => count(operation),
        }
    }
}

/// What a tool's function turned out to be when it was called.
#[derive(Debug)]
pub enum ToolCall {
    /// Its call is counted here.
    Counting(Box<Counting>),
    /// It was called by Rust code.
    Operation(Call),
    /// Its call is counted further out.
    Enriching,
    /// It was called by Rust code, and nobody asked for that to be counted.
    Silent,
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
    fn end(&mut self, outcome: Outcome, seen: Seen) {
        let Self {
            call,
            fields,
            operation,
            ..
        } = self;
        let tool = operation.span().clone();
        operation.within(|| {
            let span = fields.as_ref().unwrap_or(&tool);
            call.end(outcome, seen.error_kind(), Some(span));
        });
        operation.end(outcome, seen.code());
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
        let unwinding = OnUnwind(Some(self));
        let result = match &unwinding.0 {
            Some(active) => active.operation.within(|| scope.within(body)),
            None => scope.within(body),
        };
        let mut unwinding = unwinding;
        if let Some(active) = unwinding.0.take() {
            active.scope = scope;
        }
        result
    }

    fn finish(&mut self, seen: Seen) {
        self.end(super::family::CallFamily::Tool.outcome(seen), seen);
    }

    fn panicked(&mut self) {
        self.end(Outcome::Panic, Seen::Ok);
    }
}

impl Active for ToolCall {
    fn within<R>(&mut self, body: impl FnOnce() -> R) -> R {
        match self {
            Self::Counting(counting) => counting.within(body),
            Self::Operation(call) => Active::within(call, body),
            Self::Enriching | Self::Silent => body(),
        }
    }

    fn finish(&mut self, seen: Seen) {
        match self {
            Self::Counting(counting) => counting.finish(seen),
            Self::Operation(call) => call.finish(seen),
            Self::Enriching => {
                if let Some(kind) = seen.error_kind() {
                    scope::with_current(|scope| scope.error = Some(kind));
                }
            }
            Self::Silent => {}
        }
    }

    fn panicked(&mut self) {
        match self {
            Self::Counting(counting) => counting.panicked(),
            Self::Operation(call) => call.panicked(),
            Self::Enriching | Self::Silent => {}
        }
    }
}
