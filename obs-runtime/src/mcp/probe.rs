//! What rmcp's own types say about a call; these methods beat the traits of `call::probe`.

use super::result::{ToolResult, is_error};
use crate::call::{Bad, Good, SeenResult as Seen};
use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, CallToolResult};

fn answer<R: ToolResult>(answer: &R) -> Seen {
    if answer.result().is_some_and(is_error) {
        Seen::IsError
    } else {
        Seen::Ok
    }
}

impl Good<'_, CallToolResult> {
    /// Looks at `isError`.
    pub fn __obs_seen(self) -> Seen {
        answer(self.0)
    }
}

impl Good<'_, CallToolResponse> {
    /// Looks at `isError`.
    pub fn __obs_seen(self) -> Seen {
        answer(self.0)
    }
}

impl Good<'_, ErrorData> {
    /// A tool may return the JSON-RPC error itself.
    pub fn __obs_seen(self) -> Seen {
        Seen::Rpc(self.0.code.0)
    }
}

impl Bad<'_, ErrorData> {
    /// Looks at the JSON-RPC code.
    pub fn __obs_seen(self) -> Seen {
        Seen::Rpc(self.0.code.0)
    }
}
