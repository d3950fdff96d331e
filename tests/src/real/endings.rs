//! The ways a call of the example server can end.

use serde_json::{Value, json};

use super::calls::Call;
use super::client::Kind;

/// One way for a call to end while the client waits for it.
#[derive(Debug)]
pub struct Ending {
    /// The tool that is called.
    pub tool: &'static str,
    /// With what.
    pub arguments: Value,
    /// What the client sees.
    pub kind: Kind,
    /// The code, where that is a JSON-RPC error.
    pub code: Option<i64>,
    /// What the server counts.
    pub counted: Call<'static>,
}

fn ending(tool: &'static str, arguments: Value, kind: Kind, outcome: &'static str) -> Ending {
    let counted = Call {
        tool,
        outcome,
        error: None,
    };
    Ending {
        tool,
        arguments,
        kind,
        code: None,
        counted,
    }
}

/// Every way, but for those in which the client leaves.
pub fn endings() -> Vec<Ending> {
    let ok = ending("limits", json!({}), Kind::Ok, "ok");
    let tool_error = ending(
        "fail",
        json!({ "how": "tool_error" }),
        Kind::ToolError,
        "tool_error",
    );
    let rpc_error = Ending {
        code: Some(-32603),
        ..ending(
            "fail",
            json!({ "how": "internal_error" }),
            Kind::RpcError,
            "error",
        )
    };
    let refused = Ending {
        code: Some(-32602),
        ..ending(
            "fail",
            json!({ "how": "invalid_params" }),
            Kind::RpcError,
            "client_error",
        )
    };
    let bad_arguments = ending(
        "fail",
        json!({ "how": 3 }),
        Kind::ToolError,
        "invalid_arguments",
    );
    let unknown_tool = Ending {
        code: Some(-32602),
        counted: Call {
            tool: "_other",
            outcome: "client_error",
            error: None,
        },
        ..ending("no_such_tool", json!({}), Kind::RpcError, "client_error")
    };
    let panic = Ending {
        code: Some(-32603),
        ..ending("panic", json!({}), Kind::RpcError, "panic")
    };
    vec![
        ok,
        tool_error,
        rpc_error,
        refused,
        bad_arguments,
        unknown_tool,
        panic,
    ]
}
