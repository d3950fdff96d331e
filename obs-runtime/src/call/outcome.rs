//! How a call can end, and what is known of a result.

use crate::label::clamp;

/// How an observed call ended: the values of the label `outcome`.
///
/// # Cardinality
/// Four values for operations (`ok`, `error`, `panic`, `cancelled`), all seven for MCP tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It returned a value.
    Ok,
    /// It returned an error; for a tool, one that is the server's fault.
    Error,
    /// It panicked.
    Panic,
    /// It was dropped before its end, or the client had cancelled it when it ended.
    Cancelled,
    /// The tool answered with `isError`.
    ToolError,
    /// The arguments did not fit the tool's parameters; the tool did not run.
    InvalidArguments,
    /// The caller's mistake: JSON-RPC -32700, -32600, -32601, -32602 or -32002.
    ClientError,
}

impl Outcome {
    /// Every outcome; operations have the first four only, so their cells need no more rows.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ok,
        Self::Error,
        Self::Panic,
        Self::Cancelled,
        Self::ToolError,
        Self::InvalidArguments,
        Self::ClientError,
    ];

    /// Returns the value of the label `outcome`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Cancelled => "cancelled",
            Self::ToolError => "tool_error",
            Self::InvalidArguments => "invalid_arguments",
            Self::ClientError => "client_error",
        }
    }

    /// Returns the value of the label `result`, of which the histograms have three.
    #[must_use]
    pub const fn result(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cancelled => "cancelled",
            _ => "failed",
        }
    }
}

/// A value of the label `error`: all the kinds its type has, and which one it is.
#[derive(Clone, Copy, Debug)]
pub struct ErrorKind {
    pub(crate) values: &'static [&'static str],
    pub(crate) index: usize,
}

impl ErrorKind {
    pub(crate) fn of<E: crate::ErrorLabel>(error: &E) -> Self {
        Self {
            values: E::VALUES,
            index: error.index(),
        }
    }

    /// Returns the kind as it stands in answers, logs and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        // Only a list written by hand can be empty.
        self.values
            .get(clamp(self.index, self.values.len()))
            .copied()
            .unwrap_or("error")
    }
}

/// What can be seen in a result, before the family says what that means.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub enum Seen {
    /// No failure.
    Ok,
    /// An `Err`, with its kind if its type lists them.
    Err(Option<ErrorKind>),
    /// An MCP result that says `isError`.
    IsError,
    /// A JSON-RPC error code.
    Rpc(i32),
}

impl Seen {
    /// Returns the JSON-RPC error code, if there is one.
    pub(crate) const fn code(self) -> Option<i32> {
        match self {
            Self::Rpc(code) => Some(code),
            _ => None,
        }
    }

    pub(crate) fn error_kind(self) -> Option<ErrorKind> {
        match self {
            Self::Err(kind) => kind,
            _ => None,
        }
    }
}

/// Whether a JSON-RPC code is the caller's mistake, by the OpenTelemetry conventions for MCP.
pub(crate) const fn is_client_code(code: i32) -> bool {
    matches!(code, -32700 | -32600 | -32601 | -32602 | -32002)
}
