//! What MCP clients have in common: what they speak, whom to, and how a call ended for them.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The two worlds of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2025-11-25 and before: a session, opened with `initialize`.
    Legacy,
    /// 2026-07-28: every request for itself.
    Modern,
}

/// Whom a client talks to.
#[derive(Clone, Debug)]
pub enum Target {
    /// A server that listens.
    Http(SocketAddr),
    /// A command that the client starts and talks to over pipes.
    Stdio {
        /// The command and its arguments.
        command: Vec<String>,
        /// What it finds in its environment.
        environment: Vec<(String, String)>,
        /// Where what it writes to standard error goes.
        stderr: PathBuf,
    },
}

impl Target {
    /// Where the MCP endpoint of a listening server is.
    pub fn url(address: SocketAddr) -> String {
        format!("http://{address}/mcp")
    }
}

/// How a call ended, as the client tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A result.
    Ok,
    /// A result with `isError`.
    ToolError,
    /// A JSON-RPC error.
    RpcError,
    /// The client did not wait for the answer.
    GaveUp,
    /// The client did not send the call, because the server does not list the tool.
    NotSent,
}

/// What a client says about one call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub kind: Kind,
    /// The code of a JSON-RPC error, where the client tells it.
    pub code: Option<i64>,
    /// The text of the result or of the error.
    pub text: String,
    /// How long it took, where the client tells it.
    pub seconds: Option<f64>,
}
