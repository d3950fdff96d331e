//! What the output of `#[observed]` calls.

pub use crate::call::surface::*;
#[cfg(feature = "rmcp")]
pub use crate::mcp::surface as mcp;

/// Calls a closure; the bound makes it `FnOnce`, so that it may return what it borrows from its
/// captures.
#[inline]
pub fn once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Stands in a `return` that is never reached, to say what an async block returns.
///
/// # Panics
/// Always.
pub fn typed<R>() -> R {
    unreachable!("it only says a type")
}

/// Says what a future resolves to, before anybody looks at its output.
#[inline]
pub fn future_of<R, F: Future<Output = R>>(future: F) -> F {
    future
}
