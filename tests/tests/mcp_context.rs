//! A tool call belongs to the HTTP request that brought it; over pipes it has ids of its own.

mod mcp_support;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt;
use mcp_support::{call, connect};
use obs::{Ctx, Obs};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{tool, tool_router};
use serde_json::{Value, json};
use tower::ServiceExt;

#[derive(Clone)]
struct Who;

#[obs::observed]
#[tool_router(server_handler)]
impl Who {
    #[tool(description = "Says the correlation id")]
    async fn who(&self) -> String {
        tokio::task::yield_now().await;
        let spawned = obs::spawn(async { id() }).await.unwrap();
        format!("{} {spawned}", id())
    }
}

fn id() -> String {
    Ctx::current().map_or_else(|| "-".to_owned(), |ctx| ctx.correlation_id().to_owned())
}

fn server(sessions: bool) -> Router {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap();
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = sessions;
    config.json_response = !sessions;
    let service =
        StreamableHttpService::new(|| Ok(Who), Arc::<LocalSessionManager>::default(), config);
    obs.wrap(Router::new().nest_service("/mcp", service))
}

async fn post(app: &Router, id: &str, session: Option<&str>, message: Value) -> Response {
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("x-correlation-id", id);
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    let request = request.body(Body::from(message.to_string())).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// The text that the tool answered, in JSON or in an event.
async fn answer(response: Response) -> String {
    assert!(response.status().is_success(), "{response:?}");
    let mut body = response.into_body();
    let mut seen = String::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.unwrap();
        seen.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
        let text = seen
            .lines()
            .map(|line| line.strip_prefix("data: ").unwrap_or(line))
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|message| Some(message["result"]["content"][0]["text"].as_str()?.to_owned()));
        if let Some(text) = text {
            return text;
        }
    }
    panic!("no answer in {seen:?}");
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}})
}

fn call_who(n: usize) -> Value {
    json!({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {"name": "who", "arguments": {}}})
}

#[tokio::test]
async fn in_a_session_each_call_has_the_ids_of_its_own_request() {
    let app = server(true);
    let response = post(&app, "the-session", None, initialize()).await;
    let session = response.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    drop(response.into_body().collect().await.unwrap());
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    drop(post(&app, "the-notification", Some(&session), initialized).await);
    let calls = (1..=50).map(|n| {
        let (app, session) = (app.clone(), session.clone());
        async move {
            let id = format!("call-{n}");
            let response = post(&app, &id, Some(&session), call_who(n)).await;
            assert_eq!(response.headers()["x-correlation-id"], id);
            assert_eq!(answer(response).await, format!("{id} {id}"));
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for call in calls {
        tasks.spawn(call);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn without_sessions_each_call_has_the_ids_of_its_own_request() {
    let app = server(false);
    for n in 1..=20 {
        let id = format!("call-{n}");
        let response = post(&app, &id, None, call_who(n)).await;
        assert_eq!(answer(response).await, format!("{id} {id}"));
    }
}

#[tokio::test]
async fn over_pipes_each_call_has_ids_of_its_own() {
    let client = connect(Who).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let result = call(&client, "who").await.unwrap();
        let result = serde_json::to_value(result).unwrap();
        let text = result["content"][0]["text"].as_str().unwrap();
        let (own, spawned) = text.split_once(' ').unwrap();
        assert_eq!(own, spawned);
        assert_eq!(own.len(), 36);
        assert!(seen.insert(own.to_owned()), "one id for two calls");
    }
}
