//! What each of the two services counts.

pub(crate) mod engine;
pub(crate) mod mcp;
