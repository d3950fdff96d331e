//! `#[problem(mcp)]`: one derive says how an error answers a request and a tool call.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use obs::TestObs;
use obs::catalog::Value;
use rmcp::handler::server::wrapper::Json;
use rmcp::model::{CallToolResult, ContentBlock, IntoContents};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, tool, tool_router};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

const CAUSE: &str = "the disk of shelf 12 is gone";

#[derive(Debug, obs::ErrorLabel, obs::ProblemError, thiserror::Error)]
#[problem(mcp)]
enum ShelfError {
    #[error("there is no job {0}")]
    #[problem(status = 404, detail)]
    JobNotFound(u64),
    #[error("page {0} of user kim@example.com")]
    #[problem(status = 422, title = "No such page", detail)]
    Page(u64),
    #[error("{0}")]
    #[problem(status = 503, retry_after = 5)]
    Disk(&'static str),
    #[error(transparent)]
    #[problem(transparent)]
    Stock(#[from] StockError),
}

#[derive(Debug, obs::ErrorLabel, obs::ProblemError, thiserror::Error)]
enum StockError {
    #[error("none left")]
    #[problem(status = 409, detail)]
    SoldOut,
}

#[derive(Serialize, JsonSchema)]
struct Found {
    id: u64,
}

#[derive(Clone)]
struct Shelf;

fn error(number: u64) -> ShelfError {
    match number {
        1 => ShelfError::JobNotFound(7),
        2 => ShelfError::Page(2),
        3 => ShelfError::Disk(CAUSE),
        _ => StockError::SoldOut.into(),
    }
}

macro_rules! tools {
    ($($typed:ident $raised:ident $number:literal;)+) => {
        #[obs::observed]
        #[tool_router(server_handler)]
        impl Shelf {
            $(
                #[tool]
                async fn $typed(&self) -> Result<Json<Found>, ShelfError> {
                    Err(error($number))
                }

                #[tool]
                async fn $raised(&self) -> Result<CallToolResult, ErrorData> {
                    Err(error($number))?
                }
            )+

            /// Makes an error of its own of one that it has made good, of the same JSON-RPC code.
            #[tool]
            async fn recovers(&self) -> Result<CallToolResult, ErrorData> {
                let _recovered = ErrorData::from(error(3));
                Err(ErrorData::internal_error("of its own", None))
            }

            /// Fails by hand after an error that it has made good.
            #[tool]
            async fn by_hand(&self) -> CallToolResult {
                let _recovered = ErrorData::from(error(3));
                CallToolResult::error(vec![ContentBlock::text("by hand")])
            }

            /// Says it by itself before it answers.
            #[tool]
            async fn reports(&self) -> Result<Json<Found>, ShelfError> {
                tracing::error!("the shelf has fallen");
                Err(error(3))
            }
        }
    };
}

tools! {
    typed_1 raised_1 1;
    typed_2 raised_2 2;
    typed_3 raised_3 3;
    typed_4 raised_4 4;
}

/// Its tools count themselves.
#[derive(Clone)]
struct Lone;

#[tool_router(server_handler)]
impl Lone {
    #[obs::observed]
    #[tool]
    async fn lone_raised(&self) -> Result<CallToolResult, ErrorData> {
        Err(error(3))?
    }
}

fn app(t: &TestObs) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::<LocalSessionManager>::default();
    let service = StreamableHttpService::new(|| Ok(Shelf), sessions, config);
    let router = Router::new()
        .route("/disk", get(|| async { error(3) }))
        .nest_service("/mcp", service);
    t.obs().wrap(router)
}

async fn call(t: &TestObs, tool: &str) -> serde_json::Value {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": {}}});
    let request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("x-correlation-id", "c-7")
        .body(Body::from(message.to_string()))
        .unwrap();
    let response = t.request(app(t), request).await;
    assert_eq!(response.status(), 200);
    serde_json::from_slice(response.body()).unwrap()
}

fn errors(t: &TestObs, tool: &str, error: &str) -> f64 {
    t.metric("mcp_tool_errors_total", &[("tool", tool), ("error", error)])
}

#[obs::test]
async fn t16_the_text_of_a_result_is_the_detail_or_the_title_and_the_code(t: TestObs) {
    let rows = [
        ("typed_1", "there is no job 7 (code: job_not_found)"),
        ("typed_2", "page 2 of user [redacted] (code: page)"),
        ("typed_3", "Service Unavailable (code: disk)"),
        ("typed_4", "none left (code: sold_out)"),
    ];
    for (tool, text) in rows {
        let answer = call(&t, tool).await;
        let result = &answer["result"];
        assert_eq!(result["isError"], true, "{answer}");
        assert_eq!(
            result["content"],
            json!([{"type": "text", "text": text}]),
            "{tool}"
        );
        let labels = [("tool", tool), ("outcome", "tool_error")];
        assert_eq!(t.metric("mcp_tool_calls_total", &labels), 1.0);
    }
    for (tool, kind) in [
        ("typed_1", "job_not_found"),
        ("typed_2", "page"),
        ("typed_3", "disk"),
        ("typed_4", "sold_out"),
    ] {
        assert_eq!(errors(&t, tool, kind), 1.0, "{tool}");
    }
}

#[obs::test]
async fn t16_an_error_behind_a_question_mark_is_a_json_rpc_error_with_its_code(t: TestObs) {
    let rows = [
        (
            "raised_1",
            -32002,
            "there is no job 7",
            json!({"code": "job_not_found", "status": 404, "correlation_id": "c-7"}),
            "client_error",
        ),
        (
            "raised_2",
            -32602,
            "page 2 of user [redacted]",
            json!({"code": "page", "status": 422, "correlation_id": "c-7"}),
            "client_error",
        ),
        (
            "raised_3",
            -32603,
            "Service Unavailable",
            json!({"code": "disk", "status": 503, "correlation_id": "c-7", "retry_after": 5}),
            "error",
        ),
        (
            "raised_4",
            -32602,
            "none left",
            json!({"code": "sold_out", "status": 409, "correlation_id": "c-7"}),
            "client_error",
        ),
    ];
    for (tool, code, message, data, outcome) in rows {
        let answer = call(&t, tool).await;
        let expected = json!({"code": code, "message": message, "data": data});
        assert_eq!(answer["error"], expected, "{tool}");
        let labels = [("tool", tool), ("outcome", outcome)];
        assert_eq!(t.metric("mcp_tool_calls_total", &labels), 1.0, "{tool}");
        let kind = data["code"].as_str().unwrap();
        assert_eq!(errors(&t, tool, kind), 1.0, "{tool}");
    }
}

#[obs::test]
async fn what_a_fault_was_about_is_in_the_log_and_never_in_the_answer(t: TestObs) {
    for tool in ["typed_3", "raised_3"] {
        let answer = call(&t, tool).await.to_string();
        assert!(!answer.contains("shelf 12"), "{answer}");
    }
    call(&t, "typed_1").await;
    let lines = t.logs();
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line.message() == "tool call failed")
        .collect();
    assert_eq!(failed.len(), 3);
    for line in &failed[..2] {
        line.field("error_code", "disk")
            .field("error", CAUSE)
            .field("correlation_id", "c-7");
    }
    failed[2]
        .field("error_code", "job_not_found")
        .no_field("error");
}

#[obs::test]
async fn a_tool_that_counts_itself_counts_the_code_as_well(t: TestObs) {
    let answer = Lone.lone_raised().await;
    assert_eq!(answer.unwrap_err().code.0, -32603);
    assert_eq!(errors(&t, "lone_raised", "disk"), 1.0);
    let line = t.logs().assert_one("tool call failed");
    line.field("error_code", "disk").field("error", CAUSE);
}

#[obs::test]
async fn an_error_that_was_made_good_is_not_the_one_that_is_counted(t: TestObs) {
    call(&t, "recovers").await;
    call(&t, "by_hand").await;
    let all = t.metrics().families();
    let errors = all
        .iter()
        .filter(|family| family.name == "mcp_tool_errors_total");
    let samples: Vec<_> = errors.flat_map(|family| &family.samples).collect();
    let counted = samples
        .iter()
        .any(|sample| sample.value != Value::Unsigned(0));
    assert!(!counted, "{samples:#?}");
    assert_eq!(t.sentry_events().len(), 0);
}

#[obs::test]
async fn t16_in_sentry_the_code_makes_the_issue(t: TestObs) {
    call(&t, "typed_1").await;
    call(&t, "raised_2").await;
    assert_eq!(t.sentry_events().len(), 0, "the caller's mistakes");

    call(&t, "typed_3").await;
    call(&t, "raised_3").await;
    let events = t.sentry_events();
    assert_eq!(events.len(), 2, "{events:#?}");
    for (event, tool) in events.iter().zip(["typed_3", "raised_3"]) {
        assert_eq!(
            event["fingerprint"],
            json!([format!("tools/call {tool}"), "disk"])
        );
        assert_eq!(event["message"], format!("tools/call {tool}: disk"));
        assert_eq!(event["tags"]["error_code"], "disk");
        assert_eq!(event["tags"]["tool"], tool);
        assert_eq!(event["tags"]["correlation_id"], "c-7");
        assert_eq!(event["extra"]["error"], CAUSE);
    }

    call(&t, "reports").await;
    let events = t.sentry_events();
    assert_eq!(events.len(), 3, "what the tool has reported itself is one");
    assert_eq!(events[2]["message"], "the shelf has fallen");

    let request = Request::get("/disk").body(Body::empty()).unwrap();
    assert_eq!(t.request(app(&t), request).await.status(), 503);
    let event = &t.sentry_events()[3];
    assert_eq!(event["fingerprint"], json!(["GET /disk", "disk"]));
    assert_eq!(event["message"], "HTTP 503 GET /disk: disk");
}

#[test]
fn outside_of_any_call_it_is_an_answer_as_well_without_an_id() {
    let error = ErrorData::from(ShelfError::JobNotFound(7));
    let data = json!({"code": "job_not_found", "status": 404});
    assert_eq!(error.data, Some(data));
    let contents = ShelfError::Disk("x").into_contents();
    assert_eq!(
        contents,
        [ContentBlock::text("Service Unavailable (code: disk)")]
    );
}
