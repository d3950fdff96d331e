//! What a tool's answer says about its call.

use crate::call::{Outcome, is_client_code};
use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CallToolResult};

/// The start of rmcp's own text for arguments that do not fit; it makes a tool's error of them.
const ARGUMENT_ERROR: &str = "failed to deserialize parameters:";

/// An answer to `tools/call`.
pub trait ToolResult {
    /// Returns the result, unless the call goes on by other means (input required, a task).
    fn result(&self) -> Option<&CallToolResult>;
}

impl ToolResult for CallToolResult {
    fn result(&self) -> Option<&CallToolResult> {
        Some(self)
    }
}

impl ToolResult for CallToolResponse {
    fn result(&self) -> Option<&CallToolResult> {
        match self {
            Self::Complete(result) => Some(result),
            _ => None,
        }
    }
}

pub(super) fn is_error(result: &CallToolResult) -> bool {
    result.is_error == Some(true)
}

/// Says how a call ended that was answered; `entered` is whether the tool's function ran.
pub(super) fn outcome<R: ToolResult>(answer: &Result<R, ErrorData>, entered: bool) -> Outcome {
    match answer {
        Ok(answer) => match answer.result() {
            Some(result) if is_error(result) => {
                if !entered && says_argument_error(result) {
                    Outcome::InvalidArguments
                } else {
                    Outcome::ToolError
                }
            }
            _ => Outcome::Ok,
        },
        Err(error) if error.code.0 == -32602 && error.message.starts_with(ARGUMENT_ERROR) => {
            Outcome::InvalidArguments
        }
        Err(error) if is_client_code(error.code.0) => Outcome::ClientError,
        Err(_) => Outcome::Error,
    }
}

fn says_argument_error(result: &CallToolResult) -> bool {
    result
        .content
        .first()
        .and_then(|content| content.as_text())
        .is_some_and(|text| text.text.starts_with(ARGUMENT_ERROR))
}
