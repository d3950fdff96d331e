//! Which tool call the running code belongs to.
//!
//! A tool call may pass several places that could count it: `call_tool`, the router, the tool's
//! own function. The outermost one counts; it puts a scope around the others, and they leave in
//! it what only they know. The scope lives in the counting future and is swapped into a
//! thread-local while that future is polled, so it needs neither allocation nor atomics.

use std::cell::Cell;

use super::outcome::ErrorKind;
#[cfg(feature = "rmcp")]
use super::outcome::Outcome;
#[cfg(feature = "rmcp")]
use super::site::Site;

/// What is known of the current tool call.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) tool: &'static str,
    /// A router has taken the call.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only rmcp has routers")
    )]
    pub(crate) routed: bool,
    /// The tool's function has been entered.
    pub(crate) entered: bool,
    /// The site of the router that took the call, where the place that counts knows no name for it.
    #[cfg(feature = "rmcp")]
    pub(crate) site: Option<&'static Site>,
    /// The kind of error that the tool's function returned.
    pub(crate) error: Option<ErrorKind>,
    /// The last error that was made an answer, whether or not that became the tool's.
    #[cfg(feature = "rmcp")]
    pub(crate) told: Option<Box<Told>>,
    /// The span that holds the fields of the tool's function.
    pub(crate) span: Option<tracing::Span>,
}

/// What is known of an error that says itself how it answers.
#[cfg(feature = "rmcp")]
#[derive(Debug)]
#[cfg_attr(
    not(feature = "http"),
    expect(dead_code, reason = "only errors of the feature say how they answer")
)]
pub(crate) struct Told {
    pub(crate) kind: ErrorKind,
    /// Whether the service is at fault.
    #[cfg_attr(
        all(feature = "http", not(feature = "sentry")),
        expect(dead_code, reason = "it is what Sentry is told of")
    )]
    pub(crate) is_fault: bool,
    /// What it was about, where the service is at fault: for the log, never for the client.
    pub(crate) cause: Option<String>,
    /// The code of the JSON-RPC error that it became, or nothing where it became a result.
    pub(crate) rpc: Option<i32>,
}

/// Leaves an error in the current scope.
#[cfg(all(feature = "http", feature = "rmcp"))]
pub(crate) fn tell(told: Told) {
    with_current(|scope| scope.told = Some(Box::new(told)));
}

#[cfg(feature = "rmcp")]
impl Scope {
    /// Takes the error that the call was answered with, if it is the one that was left here.
    pub(crate) fn told(&mut self, outcome: Outcome, rpc: Option<i32>) -> Option<Box<Told>> {
        let told = self.told.take()?;
        let is_answer = match outcome {
            Outcome::ToolError => told.rpc.is_none(),
            Outcome::Error | Outcome::ClientError => told.rpc.is_some() && told.rpc == rpc,
            _ => false,
        };
        is_answer.then_some(told)
    }
}

thread_local! {
    static CURRENT: Cell<Option<Scope>> = const { Cell::new(None) };
}

impl Scope {
    pub(crate) fn of(tool: &'static str) -> Self {
        Self {
            tool,
            ..Self::default()
        }
    }

    /// Runs `body` in this scope.
    pub(crate) fn within<R>(&mut self, body: impl FnOnce() -> R) -> R {
        let inner = Some(std::mem::take(self));
        let outer = swap(inner);
        let _restored = Restore { scope: self, outer };
        body()
    }
}

/// Returns `None` where the thread has no locals any more.
fn swap(scope: Option<Scope>) -> Option<Scope> {
    CURRENT
        .try_with(|current| current.replace(scope))
        .ok()
        .flatten()
}

/// Puts the outer scope back, also when a panic unwinds.
struct Restore<'a> {
    scope: &'a mut Scope,
    outer: Option<Scope>,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        *self.scope = swap(self.outer.take()).unwrap_or_default();
    }
}

/// Changes the current scope, if there is one and its thread still lives.
pub(crate) fn with_current<R>(change: impl FnOnce(&mut Scope) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| {
            let mut scope = current.take()?;
            let result = change(&mut scope);
            current.set(Some(scope));
            Some(result)
        })
        .ok()
        .flatten()
}

/// What a tool's function is to the current scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// There is no tool call around it.
    Nothing,
    /// It is the tool that is being called.
    Mine,
    /// Another tool is being called, or this one called itself.
    Another,
}

/// Enters a tool's function.
pub(crate) fn enter(tool: &str, span: Option<&tracing::Span>) -> Claim {
    with_current(|scope| {
        // An outer place may not know the name of a tool that its router does know.
        if scope.entered || !(scope.tool == tool || scope.tool == OTHER) {
            return Claim::Another;
        }
        scope.entered = true;
        scope.span = span.cloned();
        Claim::Mine
    })
    .unwrap_or(Claim::Nothing)
}

/// The name of tools that the server does not have.
pub(crate) const OTHER: &str = "_other";
