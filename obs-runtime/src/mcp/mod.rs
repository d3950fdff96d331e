//! MCP servers built on `rmcp`: every tool call is counted once, whatever ends it.
//!
//! `#[observed]` on the impl block of the tools, or on the one of `ServerHandler`, is the usual
//! way; [`call_tool`] and [`observe_router`] are the same without macros. They may be combined:
//! the outermost place counts.
//!
//! Bare rmcp leaves a client without an answer when a tool panics. All of these answer JSON-RPC
//! -32603 `internal error` at once; what the panic said stays in the process.
//!
//! A call belongs to the HTTP request that brought it, and has its ids; over standard input each call
//! has a correlation id of its own.
//!
//! # Cardinality
//! Names of tools come from the source or from a router, never from a client: what the server
//! does not have is `_other`.

mod call;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod meta;
mod operation;
mod origin;
mod probe;
mod result;
mod router;
mod span;

pub use call::call_tool;
#[cfg(feature = "http")]
pub use client::{McpClient, ObservedClient, observe_client};
#[cfg(feature = "http")]
pub use meta::{WithContext, inject};
pub(crate) use operation::{Answer, Operation};
pub use result::ToolResult;
pub use router::observe_router;

/// What the output of `#[observed]` calls.
pub mod surface {
    pub use super::call::{Observation, ToolCallFuture, ToolSet, at_handler, at_labelled_handler};
    pub use super::router::observe_router_with;
}
