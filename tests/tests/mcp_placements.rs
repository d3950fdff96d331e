//! Every ending of a tool call, wherever the attribute stands: counted once, and answered.

mod mcp_support;

use mcp_support::{Client, call, call_with, code, connect, count, eventually, outcomes};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, ErrorCode, JsonObject};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Json, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: u32,
    b: u32,
}

#[derive(Serialize, JsonSchema)]
struct Sum {
    sum: u32,
}

#[derive(obs::ErrorLabel, Debug)]
enum AddError {
    #[label(ignore)]
    Overflow(#[expect(dead_code, reason = "shown by Debug")] u32),
    Odd,
}

impl rmcp::model::IntoContents for AddError {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(format!("{self:?}"))]
    }
}

/// A server with one tool for each ending; `$prefix` keeps its names apart from the others'.
macro_rules! server {
    (
        $server:ident, [$(#[$above:meta])*], [$(#[$method:meta])*],
        $ok:tt $sync:tt $json:tt $kinds:tt $is_error:tt $rpc:tt $client:tt $panics:tt $panics_sync:tt $slow:tt
    ) => {
        #[derive(Clone)]
        struct $server;

        $(#[$above])*
        impl $server {
            $(#[$method])*
            #[tool(name = $ok, description = "adds")]
            async fn ok(&self, Parameters(add): Parameters<Add>) -> String {
                (add.a + add.b).to_string()
            }

            $(#[$method])*
            #[tool(name = $sync)]
            fn sync(&self, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
                drop(context);
                Ok(CallToolResult::success(vec![]))
            }

            $(#[$method])*
            #[tool(name = $json)]
            async fn json(&self, Parameters(add): Parameters<Add>) -> Result<Json<Sum>, String> {
                let sum = add.a.checked_add(add.b).ok_or("overflow")?;
                Ok(Json(Sum { sum }))
            }

            $(#[$method])*
            #[tool(name = $kinds)]
            async fn kinds(&self, Parameters(add): Parameters<Add>) -> Result<String, AddError> {
                match (add.a, add.b) {
                    (0, _) => Err(AddError::Odd),
                    (1, b) => Err(AddError::Overflow(b)),
                    _ => Ok("fine".to_owned()),
                }
            }

            $(#[$method])*
            #[tool(name = $is_error)]
            async fn is_error(&self) -> Result<CallToolResult, ErrorData> {
                Ok(CallToolResult::error(vec![ContentBlock::text("no")]))
            }

            $(#[$method])*
            #[tool(name = $rpc)]
            async fn rpc(&self) -> Result<CallToolResult, ErrorData> {
                Err(ErrorData::internal_error("no", None))
            }

            $(#[$method])*
            #[tool(name = $client)]
            async fn client(&self) -> Result<CallToolResult, ErrorData> {
                Err(ErrorData::invalid_params("not like this", None))
            }

            $(#[$method])*
            #[tool(name = $panics)]
            async fn panics(&self) -> String {
                tokio::task::yield_now().await;
                panic!("secret")
            }

            $(#[$method])*
            #[tool(name = $panics_sync)]
            fn panics_sync(&self) -> String {
                panic!("secret")
            }

            $(#[$method])*
            #[tool(name = $slow)]
            async fn slow(&self, context: RequestContext<RoleServer>) -> String {
                context.ct.cancelled().await;
                "late".to_owned()
            }
        }
    };
}

fn add(a: u32, b: u32) -> JsonObject {
    serde_json::from_value(serde_json::json!({ "a": a, "b": b })).unwrap()
}

/// What a placement can see besides what runs inside the tools' functions.
#[derive(Clone, Copy, PartialEq)]
enum Sees {
    /// Arguments, unknown tools, and panics, which it answers.
    Everything,
    /// The same, but a router does not pass on what it does not have.
    NoUnknownTools,
    /// What a tool's function does; nothing answers its panics.
    FunctionsOnly,
}

#[expect(clippy::too_many_lines, reason = "one list of all endings")]
async fn every_ending(client: Client, prefix: &str, sees: Sees) {
    let tool = |name: &str| format!("{prefix}_{name}");
    let calls_outside = sees != Sees::FunctionsOnly;

    call_with(&client, &tool("ok"), add(1, 2)).await.unwrap();
    call_with(&client, &tool("ok"), add(3, 4)).await.unwrap();
    let bad = call(&client, &tool("ok")).await.unwrap();
    assert_eq!(bad.is_error, Some(true));
    let expected: &[_] = if calls_outside {
        &[("ok", 2), ("invalid_arguments", 1)]
    } else {
        &[("ok", 2)]
    };
    assert_eq!(outcomes(&tool("ok")), expected);
    let counted = if calls_outside { 3 } else { 2 };
    let durations = "mcp_tool_call_duration_seconds_count";
    assert_eq!(count(durations, &[("tool", &tool("ok"))]), counted);

    call(&client, &tool("sync")).await.unwrap();
    assert_eq!(outcomes(&tool("sync")), [("ok", 1)]);

    call_with(&client, &tool("json"), add(1, 2)).await.unwrap();
    call_with(&client, &tool("json"), add(u32::MAX, 1))
        .await
        .unwrap();
    assert_eq!(outcomes(&tool("json")), [("ok", 1), ("tool_error", 1)]);

    call_with(&client, &tool("kinds"), add(0, 0)).await.unwrap();
    call_with(&client, &tool("kinds"), add(1, 0)).await.unwrap();
    call_with(&client, &tool("kinds"), add(1, 0)).await.unwrap();
    assert_eq!(outcomes(&tool("kinds")), [("tool_error", 3)]);
    for (kind, expected) in [("odd", 1), ("overflow", 2)] {
        let labels = [("tool", &*tool("kinds")), ("error", kind)];
        assert_eq!(count("mcp_tool_errors_total", &labels), expected, "{kind}");
    }

    call(&client, &tool("is_error")).await.unwrap();
    assert_eq!(outcomes(&tool("is_error")), [("tool_error", 1)]);

    assert_eq!(
        code(call(&client, &tool("rpc")).await),
        ErrorCode::INTERNAL_ERROR
    );
    assert_eq!(outcomes(&tool("rpc")), [("error", 1)]);

    assert_eq!(
        code(call(&client, &tool("client")).await),
        ErrorCode::INVALID_PARAMS
    );
    assert_eq!(outcomes(&tool("client")), [("client_error", 1)]);

    for panics in ["panics", "panics_sync"] {
        if calls_outside {
            let answer = call(&client, &tool(panics)).await;
            assert!(!format!("{answer:?}").contains("secret"));
            assert_eq!(code(answer), ErrorCode::INTERNAL_ERROR);
        } else {
            let request = CallToolRequestParams::new(tool(panics));
            let wait = std::time::Duration::from_millis(100);
            assert!(
                tokio::time::timeout(wait, client.call_tool(request))
                    .await
                    .is_err()
            );
        }
        assert_eq!(outcomes(&tool(panics)), [("panic", 1)]);
    }

    // A cancelled request is only known to be one by what was around the function.
    let request = CallToolRequestParams::new(tool("slow"));
    let slow = client.call_tool(request);
    let in_flight = || count("mcp_tool_calls_in_flight", &[("tool", &tool("slow"))]);
    tokio::select! {
        _ = slow => panic!("it waits to be cancelled"),
        () = eventually("in flight", || in_flight() == 1) => {}
    }
    eventually("not in flight", || in_flight() == 0).await;
    let ending = if calls_outside { "cancelled" } else { "ok" };
    assert_eq!(outcomes(&tool("slow")), [(ending, 1)]);

    let unknown = |outcome| {
        count(
            "mcp_tool_calls_total",
            &[("tool", "_other"), ("outcome", outcome)],
        )
    };
    let before = unknown("client_error");
    let nobody = format!("{prefix}_nobody");
    assert_eq!(
        code(call(&client, &nobody).await),
        ErrorCode::INVALID_PARAMS
    );
    assert_eq!(outcomes(&nobody), [], "a client's string is no label value");
    if sees == Sees::Everything {
        // Other tests count unknown tools at the same time.
        assert!(unknown("client_error") > before);
    }

    let names = [
        "ok",
        "sync",
        "json",
        "kinds",
        "is_error",
        "rpc",
        "client",
        "panics",
        "panics_sync",
        "slow",
    ];
    for name in names {
        let labels = [("tool", &*tool(name))];
        assert_eq!(count("mcp_tool_calls_in_flight", &labels), 0, "{name}");
    }
}

macro_rules! placement {
    ($test:ident, $server:ident, $prefix:literal, $sees:ident) => {
        #[tokio::test]
        async fn $test() {
            every_ending(connect($server).await, $prefix, Sees::$sees).await;
        }
    };
}

server! {
    Above, [#[obs::observed] #[tool_router(server_handler)]], [],
    "above_ok" "above_sync" "above_json" "above_kinds" "above_is_error" "above_rpc" "above_client" "above_panics" "above_panics_sync" "above_slow"
}
placement!(
    above_the_router_of_a_server_handler,
    Above,
    "above",
    Everything
);

server! {
    Both, [#[obs::observed] #[tool_router(server_handler)]], [#[obs::observed]],
    "both_ok" "both_sync" "both_json" "both_kinds" "both_is_error" "both_rpc" "both_client" "both_panics" "both_panics_sync" "both_slow"
}
placement!(
    on_the_impl_block_and_on_its_methods,
    Both,
    "both",
    Everything
);

server! {
    Below, [#[tool_router(server_handler)] #[obs::observed]], [],
    "below_ok" "below_sync" "below_json" "below_kinds" "below_is_error" "below_rpc" "below_client" "below_panics" "below_panics_sync" "below_slow"
}
placement!(
    below_the_router_of_a_server_handler,
    Below,
    "below",
    NoUnknownTools
);

server! {
    Router, [#[obs::observed] #[tool_router]], [],
    "router_ok" "router_sync" "router_json" "router_kinds" "router_is_error" "router_rpc" "router_client" "router_panics" "router_panics_sync" "router_slow"
}
#[tool_handler]
impl ServerHandler for Router {}
placement!(above_a_router_alone, Router, "router", NoUnknownTools);

server! {
    Named, [#[tool_router(router = tools)] #[obs::observed]], [#[obs::observed]],
    "named_ok" "named_sync" "named_json" "named_kinds" "named_is_error" "named_rpc" "named_client" "named_panics" "named_panics_sync" "named_slow"
}
#[tool_handler(router = Self::tools())]
impl ServerHandler for Named {}
placement!(
    below_a_router_of_another_name,
    Named,
    "named",
    NoUnknownTools
);

server! {
    Twice, [#[obs::observed] #[tool_router]], [#[obs::observed]],
    "twice_ok" "twice_sync" "twice_json" "twice_kinds" "twice_is_error" "twice_rpc" "twice_client" "twice_panics" "twice_panics_sync" "twice_slow"
}
#[obs::observed]
#[tool_handler]
impl ServerHandler for Twice {}
placement!(
    on_the_router_the_handler_and_the_methods,
    Twice,
    "twice",
    Everything
);

server! {
    Under, [#[obs::observed] #[tool_router]], [],
    "under_ok" "under_sync" "under_json" "under_kinds" "under_is_error" "under_rpc" "under_client" "under_panics" "under_panics_sync" "under_slow"
}
#[tool_handler]
#[obs::observed]
impl ServerHandler for Under {}
placement!(below_the_handler, Under, "under", Everything);

server! {
    Methods, [#[tool_router(server_handler)]], [#[obs::observed]],
    "methods_ok" "methods_sync" "methods_json" "methods_kinds" "methods_is_error" "methods_rpc" "methods_client" "methods_panics" "methods_panics_sync" "methods_slow"
}
placement!(on_the_methods_alone, Methods, "methods", FunctionsOnly);

server! {
    Library, [#[tool_router]], [#[obs::observed]],
    "library_ok" "library_sync" "library_json" "library_kinds" "library_is_error" "library_rpc" "library_client" "library_panics" "library_panics_sync" "library_slow"
}
#[derive(obs::Label, Clone, Copy)]
enum LibraryTools {
    LibraryOk,
    LibrarySync,
    LibraryJson,
    LibraryKinds,
    LibraryIsError,
    LibraryRpc,
    LibraryClient,
    LibraryPanics,
    LibraryPanicsSync,
    LibrarySlow,
    #[label(other, value = "_other")]
    Other,
}
impl ServerHandler for Library {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<rmcp::model::CallToolResponse, ErrorData> {
        let tool = LibraryTools::from_str_or_other(&request.name);
        obs::mcp::call_tool(tool, context, async move |context| {
            let context = rmcp::handler::server::tool::ToolCallContext::new(self, request, context);
            obs::mcp::observe_router(Self::tool_router())
                .call(context)
                .await
        })
        .await
    }
}
placement!(in_the_library_forms, Library, "library", Everything);
