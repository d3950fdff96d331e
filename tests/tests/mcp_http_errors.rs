//! What rmcp answers over HTTP is what its client gets: compared byte for byte with and without
//! `obs.wrap`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use obs::Obs;
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{tool, tool_router};
use serde_json::{Value, json};
use tower::ServiceExt;

/// What `obs` puts on a response, and what a clock does.
const ADDED: [&str; 3] = ["x-correlation-id", "x-request-id", "date"];

#[derive(Clone)]
struct Desk;

#[obs::observed]
#[tool_router(server_handler)]
impl Desk {
    #[tool(description = "Rings the bell")]
    async fn ring(&self) -> String {
        "rang".to_owned()
    }
}

fn server(sessions: bool) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(sessions)
        .with_json_response(!sessions)
        .with_allowed_origins(["https://app.example.com"])
        .with_max_request_body_bytes(2_000);
    let service =
        StreamableHttpService::new(|| Ok(Desk), Arc::<LocalSessionManager>::default(), config);
    Router::new().nest_service("/mcp", service)
}

/// A request as a good client sends it, but for the headers that are given.
#[derive(Clone)]
struct Asked {
    method: &'static str,
    /// With `None`, the header is left away.
    headers: Vec<(&'static str, Option<&'static [u8]>)>,
    body: String,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "texts and references to values alike"
)]
fn asked(
    method: &'static str,
    headers: &[(&'static str, Option<&'static [u8]>)],
    body: impl ToString,
) -> Asked {
    Asked {
        method,
        headers: headers.to_vec(),
        body: body.to_string(),
    }
}

async fn send(app: &Router, asked: &Asked, session: Option<&HeaderValue>) -> Response {
    let mut request = Request::new(Body::from(asked.body.clone()));
    *request.method_mut() = asked.method.parse().unwrap();
    *request.uri_mut() = "/mcp".parse().unwrap();
    let headers = request.headers_mut();
    for (name, value) in [
        ("host", "127.0.0.1"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(session) = session {
        headers.insert("mcp-session-id", session.clone());
    }
    for (name, value) in &asked.headers {
        match value {
            Some(value) => drop(headers.insert(*name, HeaderValue::from_bytes(value).unwrap())),
            None => drop(headers.remove(*name)),
        }
    }
    app.clone().oneshot(request).await.unwrap()
}

/// The status, the headers that are compared, and every byte of the body.
async fn seen(response: Response) -> (u16, HeaderMap, Vec<u8>) {
    let status = response.status().as_u16();
    let mut headers = response.headers().clone();
    for name in ADDED {
        headers.remove(name);
    }
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, headers, body.to_vec())
}

fn rpc(method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}})
}

fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}})
}

/// Asks both the same, and returns what both answered.
async fn both(
    (bare, wrapped): (&Router, &Router),
    asked: &Asked,
    sessions: [Option<&HeaderValue>; 2],
) -> (u16, String) {
    let told = format!("{} {:?}", asked.method, asked.headers);
    let expected = seen(send(bare, asked, sessions[0]).await).await;
    let response = send(wrapped, asked, sessions[1]).await;
    for name in ["x-correlation-id", "x-request-id"] {
        let values = response.headers().get_all(name).iter().count();
        assert_eq!(values, 1, "{name} of {told}");
    }
    let found = seen(response).await;
    assert_eq!(found, expected, "{told}");
    let body = String::from_utf8_lossy(&expected.2).into_owned();
    (expected.0, body)
}

fn pair(sessions: bool) -> (Obs, Router, Router) {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "prod")]).unwrap();
    let obs = setup.detached().unwrap();
    let wrapped = obs.wrap(server(sessions));
    (obs, server(sessions), wrapped)
}

#[tokio::test]
async fn every_http_error_of_a_server_with_sessions_is_the_same_with_and_without_obs() {
    let list = rpc("tools/list");
    let large = json!({"jsonrpc": "2.0", "id": 1, "method": "x".repeat(5_000)});
    let unknown: (&str, Option<&[u8]>) = ("mcp-session-id", Some(b"nobody"));
    let rows = [
        (
            406,
            asked("POST", &[("accept", Some(b"application/json"))], &list),
        ),
        (406, asked("POST", &[("accept", None)], &list)),
        (406, asked("GET", &[("accept", Some(b"text/html"))], "")),
        (
            415,
            asked("POST", &[("content-type", Some(b"text/plain"))], &list),
        ),
        (415, asked("POST", &[("content-type", None)], &list)),
        (404, asked("POST", &[unknown], &list)),
        (404, asked("GET", &[unknown], "")),
        (400, asked("GET", &[], "")),
        (400, asked("POST", &[], &list)),
        (415, asked("POST", &[], "{\"jsonrpc\": \"2.0\", ")),
        (415, asked("POST", &[], "")),
        (415, asked("POST", &[], "[1, 2]")),
        (415, asked("POST", &[], json!({"jsonrpc": "1.0"}))),
        (405, asked("PUT", &[], &list)),
        (405, asked("PATCH", &[], &list)),
        (405, asked("OPTIONS", &[], "")),
        (405, asked("HEAD", &[], "")),
        (
            403,
            asked("POST", &[("host", Some(b"evil.example"))], &list),
        ),
        (400, asked("POST", &[("host", None)], &list)),
        (400, asked("POST", &[("host", Some(b"\xff"))], &list)),
        (400, asked("POST", &[("host", Some(b"a b"))], &list)),
        (
            403,
            asked("POST", &[("origin", Some(b"https://evil.example"))], &list),
        ),
        (403, asked("POST", &[("origin", Some(b"\xff"))], &list)),
        (403, asked("GET", &[("origin", Some(b"null"))], "")),
        (413, asked("POST", &[], &large)),
        (400, asked("DELETE", &[], "")),
    ];
    let (_obs, bare, wrapped) = pair(true);
    for (status, asked) in rows {
        let (found, body) = both((&bare, &wrapped), &asked, [None, None]).await;
        assert!(!body.is_empty(), "{:?}", asked.headers);
        assert_eq!(
            found, status,
            "{} {:?}: {body}",
            asked.method, asked.headers
        );
    }
}

#[tokio::test]
async fn within_a_session_the_answers_are_the_same_with_and_without_obs() {
    let (_obs, bare, wrapped) = pair(true);
    let mut sessions = Vec::new();
    for app in [&bare, &wrapped] {
        let response = send(app, &asked("POST", &[], initialize()), None).await;
        assert_eq!(response.status(), 200);
        sessions.push(response.headers()["mcp-session-id"].clone());
        drop(response.into_body().collect().await.unwrap());
    }
    let sessions = [Some(&sessions[0]), Some(&sessions[1])];
    let version = |version: &'static [u8]| [("mcp-protocol-version", Some(version))];
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    for (status, asked) in [
        (202, asked("POST", &[], initialized)),
        (
            400,
            asked("POST", &version(b"1999-01-01"), rpc("tools/list")),
        ),
        (400, asked("GET", &version(b"\xff"), "")),
        (400, asked("DELETE", &version(b"1999-01-01"), "")),
        (202, asked("DELETE", &[], "")),
        // It is gone.
        (404, asked("POST", &[], rpc("tools/list"))),
    ] {
        let (found, body) = both((&bare, &wrapped), &asked, sessions).await;
        assert_eq!(
            found, status,
            "{} {:?}: {body}",
            asked.method, asked.headers
        );
    }
}

#[tokio::test]
async fn without_sessions_the_answers_are_the_same_with_and_without_obs() {
    let (_obs, bare, wrapped) = pair(false);
    let call = |tool: &str| json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
    for (status, asked) in [
        (405, asked("GET", &[], "")),
        (405, asked("DELETE", &[], "")),
        (415, asked("POST", &[], "nonsense")),
        (200, asked("POST", &[], call("ring"))),
        (200, asked("POST", &[], call("nothing"))),
        (200, asked("POST", &[], rpc("no/such"))),
    ] {
        let (found, body) = both((&bare, &wrapped), &asked, [None, None]).await;
        assert_eq!(
            found, status,
            "{} {:?}: {body}",
            asked.method, asked.headers
        );
    }
}
