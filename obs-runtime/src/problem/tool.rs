//! An error as the answer of an MCP tool.

use rmcp::ErrorData;
use rmcp::model::{ContentBlock, ErrorCode as RpcCode};
use serde_json::json;

use super::answer::Problem;
use super::error::{ErrorCode, ProblemError};
use crate::call::{Told, tell};
use crate::context::Ctx;

/// What the implementations of `#[problem(mcp)]` consist of.
pub mod surface {
    pub use super::{contents, error_data};
    pub use rmcp::ErrorData;
    pub use rmcp::model::IntoContents;

    /// What a result is made of.
    pub type Contents = Vec<rmcp::model::ContentBlock>;
}

/// Returns what a result with `isError` says: what the caller may know, and the code.
pub fn contents<E: ProblemError>(error: &E) -> Vec<ContentBlock> {
    let (problem, code) = (Problem::from(error), ErrorCode::of(error));
    let text = format!("{} (code: {})", message(&problem), code.as_str());
    leave(&problem, code, None);
    vec![ContentBlock::text(text)]
}

/// Returns the JSON-RPC error.
pub fn error_data<E: ProblemError>(error: &E) -> ErrorData {
    let (problem, code) = (Problem::from(error), ErrorCode::of(error));
    let rpc = match problem.status.as_u16() {
        404 => RpcCode::RESOURCE_NOT_FOUND,
        400..=499 => RpcCode::INVALID_PARAMS,
        _ => RpcCode::INTERNAL_ERROR,
    };
    let mut data = json!({ "code": code.as_str(), "status": problem.status.as_u16() });
    if let Some(after) = problem.retry_after {
        data["retry_after"] = after.as_secs().into();
    }
    if let Some(ctx) = Ctx::current() {
        data["correlation_id"] = ctx.correlation_id().into();
    }
    let message = message(&problem).to_owned();
    leave(&problem, code, Some(rpc.0));
    ErrorData::new(rpc, message, Some(data))
}

fn message(problem: &Problem) -> &str {
    problem.detail.as_deref().unwrap_or(&problem.title)
}

/// Leaves for whoever counts the call what its answer does not say.
fn leave(problem: &Problem, code: ErrorCode, rpc: Option<i32>) {
    tell(Told {
        kind: code.kind,
        is_fault: problem.status.is_server_error(),
        cause: problem.cause.clone(),
        rpc,
    });
}
