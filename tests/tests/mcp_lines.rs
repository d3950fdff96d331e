//! What a tool call leaves in the log and with Sentry: its own ids, and those of the HTTP request
//! that brought it.
//!
//! In a process of its own, because there is one log and one Sentry.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use http_body_util::BodyExt;
use obs::{Carrier, Obs};
use obs_tests::lines::{Line, Written, show_failures};
use obs_tests::sentry::SentryServer;
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, tool, tool_router};
use serde_json::{Value, json};
use tower::ServiceExt;

const META: &str = "00-11111111111111111111111111111111-1111111111111111-01";

#[derive(Clone)]
struct Shop;

#[obs::observed]
#[tool_router(server_handler)]
impl Shop {
    #[tool]
    async fn lines_order(&self) -> String {
        tracing::info!("ordering");
        obs::bind("job_id", "j-7");
        obs::annotate("items", 3);
        let spawned = obs::spawn(async { tracing::info!("packing") });
        spawned.await.unwrap();
        tracing::info!(tool = "the event's own", "ordered");
        Carrier::current().to_string()
    }

    #[tool]
    async fn lines_fails(&self) -> Result<String, ErrorData> {
        tracing::error!("the till is closed");
        Err(ErrorData::internal_error("closed", None))
    }
}

async fn call(app: &Router, id: Option<&str>, tool: &str, meta: Value) -> Value {
    let peer: SocketAddr = ([127, 0, 0, 1], 4_000).into();
    let mut request = Request::post("/mcp")
        .extension(ConnectInfo(peer))
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    if let Some(id) = id {
        request = request.header("x-correlation-id", id);
    }
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": {}, "_meta": meta}});
    let request = request.body(Body::from(message.to_string())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{response:?}");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

fn line<'a>(lines: &'a [Line], message: &str) -> &'a Line {
    lines.iter().find(|line| line.says(message)).unwrap()
}

// One test, because there is one log.
#[expect(clippy::too_many_lines, reason = "one call, followed into every sink")]
#[tokio::test]
async fn t23_a_tools_lines_have_its_ids_its_fields_and_those_of_its_request() {
    let sentry = SentryServer::start();
    let written = Written::default();
    let obs = Obs::from_vars(
        obs::service!(),
        [("OBS_ENV", "dev"), ("SENTRY_DSN", sentry.dsn())],
    )
    .unwrap()
    .log_writer(written.clone())
    .install()
    .unwrap();
    show_failures();
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = false;
    config.json_response = true;
    let service =
        StreamableHttpService::new(|| Ok(Shop), Arc::<LocalSessionManager>::default(), config);
    let app = obs.wrap(Router::new().nest_service("/mcp", service));

    let answer = call(
        &app,
        Some("order-1"),
        "lines_order",
        json!({"traceparent": META}),
    )
    .await;
    let from_meta = json!({"traceparent": META, "x-correlation-id": "order-2"});
    call(&app, None, "lines_order", from_meta.clone()).await;
    call(&app, Some("order-3"), "lines_order", from_meta).await;
    call(&app, Some("order-4"), "lines_fails", json!({})).await;
    let losses = obs.flush(Duration::from_secs(60));
    assert_eq!(losses.log_lines(), 0, "{losses}");

    let lines = written.of("order-1");
    let http = line(&lines, "request_completed");
    let ordering = line(&lines, "ordering");
    assert_eq!(
        http["items"], 3,
        "the tool's annotation is on the request's line"
    );
    assert_eq!(http["job_id"], "j-7");
    assert_eq!(http.get("tool"), None);
    assert_eq!(ordering["tool"], "lines_order");
    assert_eq!(ordering["method"], "POST");
    assert_eq!(ordering["route"], "/mcp");
    assert_eq!(ordering["request_id"], http["request_id"]);
    assert_eq!(ordering["trace_id"], META[3..35]);
    assert_ne!(ordering["trace_id"], http["trace_id"]);
    assert_ne!(ordering["span_id"], http["span_id"]);
    assert_eq!(ordering.get("job_id"), None, "it did not exist yet");
    for message in ["packing", "ordered"] {
        let later = line(&lines, message);
        assert_eq!(later["job_id"], "j-7");
        assert_eq!(later["span_id"], ordering["span_id"], "{message}");
    }
    assert_eq!(line(&lines, "packing")["tool"], "lines_order");
    assert_eq!(line(&lines, "ordered")["tool"], "the event's own");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    let Ok(carrier) = text.parse::<Carrier>();
    assert_eq!(carrier.correlation_id(), "order-1");
    assert_eq!(
        carrier.trace().unwrap().span_id.to_string(),
        ordering.text("span_id")
    );

    // A request without an id of its own has the message's; one with an id keeps it.
    let adopted = written.of("order-2");
    assert_eq!(line(&adopted, "ordering")["route"], "/mcp");
    assert_eq!(line(&adopted, "request_completed")["items"], 3);
    assert!(line(&written.of("order-3"), "ordering").says("ordering"));

    // Sentry: the event is the tool's, and the tool a span of the request's transaction.
    let sent = sentry.text();
    let json = |part: &str| -> Vec<Value> {
        let lines = sent.lines().filter(|line| line.contains(part));
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    let events = json("the till is closed");
    let event = events
        .iter()
        .find(|event| event.get("spans").is_none())
        .unwrap();
    assert_eq!(event["tags"]["correlation_id"], "order-4");
    assert_eq!(event["tags"]["tool"], "lines_fails");
    assert_eq!(event["transaction"], "tools/call lines_fails");
    let failed = written.of("order-4");
    let own = line(&failed, "the till is closed");
    assert_eq!(event["contexts"]["trace"]["span_id"], own["span_id"]);
    let http = line(&failed, "request_completed");
    let ended = line(&failed, "tool call failed");
    assert_eq!(ended["parent_span_id"], http["span_id"]);
    assert_eq!(http.get("parent_span_id"), None, "nothing brought it");
    let transactions = json("tools/call lines_fails");
    let of_request: Vec<&Value> = transactions
        .iter()
        .filter(|it| it["contexts"]["trace"]["op"] == "http.server")
        .collect();
    assert_eq!(of_request.len(), 1, "{transactions:?}");
    assert_eq!(
        of_request[0]["contexts"]["trace"]["span_id"],
        http["span_id"]
    );
    let span = &of_request[0]["spans"][0];
    assert_eq!(span["op"], "mcp.server");
    assert_eq!(span["description"], "tools/call lines_fails");
    assert_eq!(span["status"], "internal_error");
    assert_eq!(span["trace_id"], own["trace_id"]);
    assert_eq!(span["span_id"], own["span_id"]);
    assert_eq!(
        span["parent_span_id"], http["span_id"],
        "without `_meta` the request is its parent"
    );
}
