//! A client and a server in one process, and counts by name.
//!
//! rmcp runs every call in a task of its own, which no capture can see; so the tests read the
//! process's totals, and each server has tools of its own names.
#![allow(dead_code, reason = "no test uses everything")]

use std::time::Duration;

use obs::catalog::{Value, gather};
use rmcp::model::{CallToolRequestParams, CallToolResult, ErrorCode, JsonObject};
use rmcp::service::{RoleClient, RunningService, ServiceError};
use rmcp::{ServerHandler, ServiceExt};

pub(crate) type Client = RunningService<RoleClient, ()>;

/// Serves over a pipe and returns a client of it.
pub(crate) async fn connect<S: ServerHandler>(server: S) -> Client {
    let (here, there) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let server = server.serve(there).await.expect("the client initialises");
        server.waiting().await.expect("the server ends");
    });
    ().serve(here).await.expect("the server initialises")
}

/// Calls a tool; an answer must come within a second.
pub(crate) async fn call(client: &Client, tool: &str) -> Result<CallToolResult, ServiceError> {
    call_with(client, tool, JsonObject::new()).await
}

pub(crate) async fn call_with(
    client: &Client,
    tool: &str,
    arguments: JsonObject,
) -> Result<CallToolResult, ServiceError> {
    let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    tokio::time::timeout(Duration::from_secs(1), client.call_tool(request))
        .await
        .expect("an answer within a second")
}

pub(crate) fn code(result: Result<CallToolResult, ServiceError>) -> ErrorCode {
    match result {
        Err(ServiceError::McpError(error)) => error.code,
        other => panic!("expected a JSON-RPC error, got {other:?}"),
    }
}

/// Returns what a family says for these labels, summed over the others.
pub(crate) fn count(name: &str, labels: &[(&str, &str)]) -> i64 {
    let mut sum = 0;
    for family in gather() {
        let base = name.strip_suffix("_count").unwrap_or(name);
        if family.name != base {
            continue;
        }
        for sample in &family.samples {
            let fits = labels.iter().all(|(n, v)| {
                sample
                    .labels
                    .iter()
                    .any(|(name, value)| name == n && value == v)
            });
            if fits {
                sum += match &sample.value {
                    Value::Unsigned(n) => n.cast_signed(),
                    Value::Signed(n) => *n,
                    Value::Histogram(histogram) => histogram.count().cast_signed(),
                    other => panic!("{other:?}"),
                };
            }
        }
    }
    sum
}

/// Returns the outcomes of a tool that were counted, in a stable order.
pub(crate) fn outcomes(tool: &str) -> Vec<(&'static str, i64)> {
    all_outcomes("mcp_tool_calls_total", "tool", tool)
}

pub(crate) fn operations(operation: &str) -> Vec<(&'static str, i64)> {
    all_outcomes("operation_calls_total", "operation", operation)
}

fn all_outcomes(family: &str, label: &str, name: &str) -> Vec<(&'static str, i64)> {
    const OUTCOMES: [&str; 7] = [
        "ok",
        "error",
        "panic",
        "cancelled",
        "tool_error",
        "invalid_arguments",
        "client_error",
    ];
    OUTCOMES
        .into_iter()
        .map(|outcome| {
            (
                outcome,
                count(family, &[(label, name), ("outcome", outcome)]),
            )
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Waits until a count is reached; the client's answer may come before the server counts.
pub(crate) async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    for _ in 0..200 {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never happened: {what}");
}
