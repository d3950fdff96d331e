//! What a context is the operation of, where that is no HTTP request.

use std::sync::Arc;

/// An operation with a name, which stands on every line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A call of an MCP tool.
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only the feature has tools")
    )]
    Tool(&'static str),
    /// An attempt to do a job, counted from 1.
    Job { name: &'static str, attempt: u32 },
}

/// What one operation has for itself.
#[derive(Debug, Default)]
pub(crate) struct Own {
    pub(crate) operation: Option<Operation>,
    /// In place of the request's.
    pub(crate) baggage: Option<Arc<str>>,
}
