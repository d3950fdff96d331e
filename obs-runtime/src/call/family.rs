//! The two families of observed calls: their names, labels, outcomes and buckets.

use super::outcome::{Outcome, Seen, is_client_code};

/// Which families a call is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallFamily {
    /// `mcp_tool_…`: a tool of an MCP server, called by a client.
    Tool,
    /// `operation_…`: anything else.
    Operation,
}

/// The boundaries of the OpenTelemetry conventions for MCP, in seconds.
pub(crate) static TOOL_BUCKETS: [f64; 14] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

/// Buckets for operations, in seconds; they hold the usual objectives 0.75, 1 and 1.5.
pub(crate) static OPERATION_BUCKETS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0,
];

/// The names of one family and of its HELP texts.
pub(crate) struct Names {
    pub(crate) calls: (&'static str, &'static str),
    pub(crate) duration: (&'static str, &'static str),
    pub(crate) in_flight: (&'static str, &'static str),
    pub(crate) errors: (&'static str, &'static str),
}

static TOOL: Names = Names {
    calls: (
        "mcp_tool_calls_total",
        "MCP tool calls that ended, by tool and outcome: tool_error answered isError, error is the server's fault, client_error and invalid_arguments the caller's.",
    ),
    duration: (
        "mcp_tool_call_duration_seconds",
        "Seconds that MCP tool calls took, by tool and result.",
    ),
    in_flight: (
        "mcp_tool_calls_in_flight",
        "MCP tool calls that are running now, by tool.",
    ),
    errors: (
        "mcp_tool_errors_total",
        "Errors that MCP tools returned, by tool and kind of error.",
    ),
};

static OPERATION: Names = Names {
    calls: (
        "operation_calls_total",
        "Observed operations that ended, by operation and by how they ended.",
    ),
    duration: (
        "operation_duration_seconds",
        "Seconds that observed operations took, by operation and result.",
    ),
    in_flight: (
        "operations_in_flight",
        "Observed operations that are running now, by operation.",
    ),
    errors: (
        "operation_errors_total",
        "Errors that observed operations returned, by operation and kind of error.",
    ),
};

impl CallFamily {
    /// Returns the name of the label that holds the call's name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Operation => "operation",
        }
    }

    /// Returns the outcomes a call of this family can have.
    #[must_use]
    pub fn outcomes(self) -> &'static [Outcome] {
        &Outcome::ALL[..self.outcome_count()]
    }

    pub(crate) const fn outcome_count(self) -> usize {
        match self {
            Self::Tool => Outcome::ALL.len(),
            Self::Operation => 4,
        }
    }

    pub(crate) fn names(self) -> &'static Names {
        match self {
            Self::Tool => &TOOL,
            Self::Operation => &OPERATION,
        }
    }

    /// Says how a call ended whose result shows `seen`.
    pub(crate) fn outcome(self, seen: Seen) -> Outcome {
        match (self, seen) {
            (_, Seen::Ok) => Outcome::Ok,
            // rmcp makes `isError` of every error that is not its own `ErrorData`.
            (Self::Tool, Seen::Err(_) | Seen::IsError) => Outcome::ToolError,
            (Self::Tool, Seen::Rpc(code)) if is_client_code(code) => Outcome::ClientError,
            (Self::Operation, _) | (Self::Tool, Seen::Rpc(_)) => Outcome::Error,
        }
    }
}
