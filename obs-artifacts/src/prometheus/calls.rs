//! Observed calls: which of them failed, and which are not judged.

/// A family of observed calls.
#[derive(Debug)]
pub(super) struct Calls {
    /// The counter.
    pub(super) family: &'static str,
    /// The label that says what was called.
    pub(super) label: &'static str,
    /// The outcomes that are failures.
    pub(super) failed: &'static [&'static str],
    /// All outcomes that count: `cancelled` is the caller's own doing and in no share, like
    /// `client_error`, a request that reached no tool.
    pub(super) judged: &'static [&'static str],
    /// The calls that are judged, as recorded.
    pub(super) rate: &'static str,
    /// Those that failed, as recorded.
    pub(super) failures: &'static str,
    /// The share that failed, as recorded.
    pub(super) ratio: &'static str,
}

/// `invalid_arguments` is a failure: the description or the schema of the tool misleads the model,
/// and nobody gets an answer.
pub(super) const TOOLS: Calls = Calls {
    family: "mcp_tool_calls_total",
    label: "tool",
    failed: &["error", "tool_error", "invalid_arguments", "panic"],
    judged: &["ok", "error", "tool_error", "invalid_arguments", "panic"],
    rate: "service_tool:mcp_tool_calls:rate5m",
    failures: "service_tool:mcp_tool_call_failures:rate5m",
    ratio: "service_tool:mcp_tool_call_failures_per_calls:ratio_rate5m",
};

pub(super) const OPERATIONS: Calls = Calls {
    family: "operation_calls_total",
    label: "operation",
    failed: &["error", "panic"],
    judged: &["ok", "error", "panic"],
    rate: "service_operation:operation_calls:rate5m",
    failures: "service_operation:operation_call_failures:rate5m",
    ratio: "service_operation:operation_call_failures_per_calls:ratio_rate5m",
};
