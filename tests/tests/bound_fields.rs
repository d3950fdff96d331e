//! `obs::bind`: who has what was bound, in the log and in Sentry.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use obs::{Carrier, TestObs};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{tool, tool_router};
use serde_json::json;

#[derive(Clone)]
struct Desk;

#[obs::observed]
#[tool_router(server_handler)]
impl Desk {
    #[tool]
    async fn bound_upload(&self) -> String {
        tracing::info!("in the tool");
        obs::bind("job_id", 7);
        obs::spawn(store()).await.unwrap();
        tracing::error!("the tool fails");
        let carrier = Carrier::current();
        let job = carrier.job("bound.work", 1).bind("job_id", 7);
        job.run(async { tracing::error!("the job fails") }).await;
        String::new()
    }
}

#[obs::observed]
async fn store() {
    tracing::info!("in the operation");
}

/// What a service does with its bearer token.
async fn authenticated(request: Request, next: Next) -> Response {
    obs::bind("user_id", "u-17");
    next.run(request).await
}

fn app(t: &TestObs) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let store = Arc::<LocalSessionManager>::default();
    let service = StreamableHttpService::new(|| Ok(Desk), store, config);
    let router = Router::new()
        .nest_service("/mcp", service)
        .layer(from_fn(authenticated));
    t.obs().wrap(router)
}

#[obs::test]
async fn t22_what_a_request_binds_is_on_the_lines_and_events_of_its_tool_call(t: TestObs) {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "bound_upload", "arguments": {}}});
    let request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("x-correlation-id", "c-7")
        .body(Body::from(message.to_string()))
        .unwrap();
    let answer = t.request(app(&t), request).await;
    assert_eq!(answer.status(), 200);

    let lines = t.logs();
    lines
        .assert_one("in the tool")
        .field("user_id", "u-17")
        .field("correlation_id", "c-7")
        .no_field("job_id");
    for message in ["in the operation", "the tool fails", "request_completed"] {
        let line = lines.assert_one(message);
        line.field("user_id", "u-17").field("job_id", 7);
    }
    // A carrier has ids alone.
    lines
        .assert_one("the job fails")
        .field("correlation_id", "c-7")
        .field("job_id", 7)
        .no_field("user_id");

    let events = t.sentry_events();
    assert_eq!(events.len(), 2, "{events:#?}");
    for event in &events {
        assert_eq!(event["tags"]["correlation_id"], "c-7");
        assert_eq!(event["tags"]["job_id"], "7");
    }
    assert_eq!(events[0]["message"], "the tool fails");
    assert_eq!(events[0]["user"], json!({"id": "u-17"}));
    assert_eq!(events[1]["message"], "the job fails");
    assert_eq!(events[1]["tags"]["job"], "bound.work");
    assert_eq!(events[1].get("user"), None);
}
