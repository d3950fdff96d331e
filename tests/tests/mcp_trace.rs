//! Where in which trace a tool call is: `_meta`, the HTTP request, both, or neither, in every mode
//! of rmcp, from peers that are trusted and from others.

mod mcp_support;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt;
use mcp_support::connect;
use obs::{Ctx, Obs, TraceContext};
use rmcp::model::{CallToolRequestParams, RequestMetaObject, RequestParamsMeta};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{tool, tool_router};
use serde_json::{Value, json};
use tower::ServiceExt;

const META: &str = "00-11111111111111111111111111111111-1111111111111111-03";
const HEADER: &str = "00-22222222222222222222222222222222-2222222222222222-01";

// ---- the server

#[derive(Clone)]
struct Where;

#[obs::observed]
#[tool_router(server_handler)]
impl Where {
    #[tool(description = "Says where in which trace it runs")]
    async fn trace_where(&self) -> String {
        tokio::task::yield_now().await;
        let spawned = obs::spawn(async { here() }).await.unwrap();
        assert_eq!(spawned, here());
        spawned.to_string()
    }
}

fn here() -> Value {
    let Some(ctx) = Ctx::current() else {
        return Value::Null;
    };
    let text = |at: Option<TraceContext>| at.map(|at| at.traceparent());
    json!({
        "correlation_id": ctx.correlation_id(),
        "own": ctx.trace().traceparent(),
        "parent": text(ctx.parent()),
        "link": text(ctx.link()),
        "tracestate": ctx.tracestate(),
        "route": ctx.request().map(|request| request.route.to_string()),
    })
}

/// Where the tool was.
#[derive(Debug)]
struct Seen(Value);

impl Seen {
    fn at(&self, key: &str) -> Option<TraceContext> {
        self.0[key]
            .as_str()
            .map(|text| TraceContext::parse(text).unwrap())
    }

    fn own(&self) -> TraceContext {
        self.at("own").unwrap()
    }
}

/// The spans of the HTTP requests, by correlation id.
static REQUESTS: Mutex<Option<HashMap<String, TraceContext>>> = Mutex::new(None);

fn request_of(correlation_id: &str) -> TraceContext {
    let all = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    all.as_ref().unwrap()[correlation_id]
}

async fn remember(request: axum::extract::Request, next: Next) -> Response {
    note();
    next.run(request).await
}

fn note() {
    let ctx = Ctx::current().unwrap();
    let mut all = REQUESTS.lock().unwrap_or_else(PoisonError::into_inner);
    all.get_or_insert_default()
        .insert(ctx.correlation_id().to_owned(), ctx.trace());
}

// ---- the modes

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Session,
    StatelessSse,
    StatelessJson,
    /// Without a handshake, against a server that has sessions as well.
    Modern,
}

const MODES: [Mode; 4] = [
    Mode::Session,
    Mode::StatelessSse,
    Mode::StatelessJson,
    Mode::Modern,
];

struct Server {
    mode: Mode,
    app: Router,
    session: Option<String>,
}

/// What a client sends along.
#[derive(Clone, Copy, Debug)]
struct Sent<'a> {
    id: &'a str,
    meta: Option<&'a str>,
    header: Option<&'a str>,
    trusted: bool,
}

impl Server {
    async fn start(mode: Mode) -> Self {
        let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
            .unwrap()
            .detached()
            .unwrap();
        let mut config = StreamableHttpServerConfig::default();
        config.legacy_session_mode = matches!(mode, Mode::Session | Mode::Modern);
        config.json_response = mode == Mode::StatelessJson;
        let service =
            StreamableHttpService::new(|| Ok(Where), Arc::<LocalSessionManager>::default(), config);
        let routes = Router::new()
            .nest_service("/mcp", service)
            .layer(from_fn(remember));
        let mut server = Self {
            mode,
            app: obs.wrap(routes),
            session: None,
        };
        if mode == Mode::Session {
            server.begin_session().await;
        }
        server
    }

    async fn begin_session(&mut self) {
        let none = Sent {
            id: "the-session",
            meta: None,
            // Of another trace than every call: nobody may become a child of the session.
            header: Some("00-99999999999999999999999999999999-9999999999999999-01"),
            trusted: true,
        };
        let response = self.post(none, json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}})).await;
        let session = response.headers()["mcp-session-id"].to_str().unwrap();
        self.session = Some(session.to_owned());
        drop(response.into_body().collect().await.unwrap());
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        drop(self.post(none, initialized).await);
    }

    async fn post(&self, sent: Sent<'_>, message: Value) -> Response {
        let peer: SocketAddr = if sent.trusted {
            ([127, 0, 0, 1], 4_000).into()
        } else {
            ([203, 0, 113, 9], 4_000).into()
        };
        let mut request = Request::post("/mcp")
            .extension(ConnectInfo(peer))
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("x-correlation-id", sent.id);
        if let Some(parent) = sent.header {
            request = request.header("traceparent", parent);
            request = request.header("tracestate", "of=header");
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        if self.mode == Mode::Modern {
            request = request
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "tools/call")
                .header("mcp-name", "trace_where");
        }
        let request = request.body(Body::from(message.to_string())).unwrap();
        self.app.clone().oneshot(request).await.unwrap()
    }

    async fn call(&self, n: usize, sent: Sent<'_>) -> Seen {
        let mut meta = json!({});
        if let Some(parent) = sent.meta {
            meta["traceparent"] = serde_json::from_str(parent).unwrap_or_else(|_| parent.into());
            meta["tracestate"] = "of=meta".into();
        }
        if self.mode == Mode::Modern {
            meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
            meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let message = json!({"jsonrpc": "2.0", "id": n, "method": "tools/call", "params": {
            "name": "trace_where", "arguments": {}, "_meta": meta}});
        Seen(answer(self.post(sent, message).await).await)
    }
}

/// What the tool answered, in JSON or in an event.
async fn answer(response: Response) -> Value {
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
            return serde_json::from_str(&text).unwrap();
        }
    }
    panic!("no answer in {seen:?}");
}

// ---- the rules

/// What `_meta.traceparent` may say, and whether that is a parent.
const METAS: [(Option<&str>, bool); 9] = [
    (None, false),
    (Some(META), true),
    (
        Some("00-11111111111111111111111111111111-1111111111111111-00"),
        true,
    ),
    (
        Some("00-11111111111111111111111111111111-1111111111111111-ff"),
        true,
    ),
    (
        Some("cc-11111111111111111111111111111111-1111111111111111-01-later"),
        true,
    ),
    (
        Some("00-00000000000000000000000000000000-1111111111111111-01"),
        false,
    ),
    (
        Some("00-11111111111111111111111111111111-1111111111111111-1"),
        false,
    ),
    (Some("7"), false),
    (Some("\"line\\nbreak\""), false),
];

fn check(sent: Sent<'_>, meta_is_valid: bool, seen: &Seen) {
    let request = request_of(sent.id);
    let meta = sent
        .meta
        .filter(|_| meta_is_valid)
        .map(|meta| TraceContext::parse(meta).unwrap());
    let case = format!("{sent:?} {seen:?}");
    let header = sent
        .header
        .map(|header| TraceContext::parse(header).unwrap());
    // The HTTP request itself.
    let continued = header.filter(|_| sent.trusted);
    assert_eq!(
        continued.is_some_and(|header| header.trace_id == request.trace_id),
        continued.is_some(),
        "{case}"
    );
    let (parent, link, state) = match meta {
        Some(meta) if sent.trusted => (meta, Some(request), Some("of=meta")),
        meta => (request, meta, continued.map(|_| "of=header")),
    };
    assert_eq!(seen.at("parent"), Some(parent), "{case}");
    assert_eq!(seen.at("link"), link, "{case}");
    assert_eq!(seen.0["tracestate"].as_str(), state, "{case}");
    let own = seen.own();
    assert_eq!(own.trace_id, parent.trace_id, "{case}");
    assert_ne!(own.span_id, parent.span_id, "{case}");
    assert_eq!(own.sampled, parent.sampled, "{case}");
    // It stays a part of the request.
    assert_eq!(seen.0["correlation_id"], sent.id, "{case}");
    assert_eq!(seen.0["route"], "/mcp", "{case}");
}

#[tokio::test]
async fn x9_in_every_mode_meta_is_the_parent_and_the_request_is_linked_or_the_other_way_round() {
    let mut cases = 0;
    for mode in MODES {
        let server = Server::start(mode).await;
        for (meta, valid) in METAS {
            for header in [None, Some(HEADER), Some("00-broken-01")] {
                for trusted in [true, false] {
                    cases += 1;
                    let id = format!("x9-{cases}");
                    let valid_header =
                        header.filter(|header| TraceContext::parse(header).is_some());
                    let sent = Sent {
                        id: &id,
                        meta,
                        header,
                        trusted,
                    };
                    let seen = server.call(cases, sent).await;
                    let sent = Sent {
                        header: valid_header,
                        ..sent
                    };
                    check(sent, valid, &seen);
                }
            }
        }
    }
    assert_eq!(cases, 4 * 9 * 3 * 2);
}

#[tokio::test]
async fn x9_over_pipes_the_peer_is_trusted_and_without_meta_each_call_is_a_root() {
    let client = connect(Where).await;
    let mut traces = HashSet::new();
    for (meta, valid) in METAS {
        let mut params = CallToolRequestParams::new("trace_where");
        if let Some(meta) = meta {
            let value = serde_json::from_str(meta).unwrap_or_else(|_| Value::from(meta));
            let mut all = RequestMetaObject::new();
            all.insert("traceparent".to_owned(), value);
            all.set_tracestate("of=meta");
            params.set_meta(all);
        }
        let result = client.call_tool(params).await.unwrap();
        let result = serde_json::to_value(result).unwrap();
        let text = result["content"][0]["text"].as_str().unwrap();
        let seen = Seen(serde_json::from_str(text).unwrap());
        assert_eq!(seen.at("link"), None);
        let parent = meta
            .filter(|_| valid)
            .map(|meta| TraceContext::parse(meta).unwrap());
        assert_eq!(seen.at("parent"), parent, "{meta:?}");
        let state = parent.map(|_| "of=meta");
        assert_eq!(seen.0["tracestate"].as_str(), state, "{meta:?}");
        match parent {
            Some(parent) => assert_eq!(seen.own().trace_id, parent.trace_id),
            None => assert!(
                traces.insert(seen.own().trace_id),
                "one trace for two calls"
            ),
        }
        assert_eq!(seen.0["correlation_id"].as_str().unwrap().len(), 36);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t9_of_1_000_calls_in_one_session_none_sees_an_id_of_another() {
    let server = Arc::new(Server::start(Mode::Session).await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=1_000_usize {
        let server = Arc::clone(&server);
        tasks.spawn(async move {
            let id = format!("t9-{n}");
            let of = |digit: &str| format!("00-{digit}{n:031x}-{digit}{n:015x}-01");
            let (meta, header) = (of("a"), of("b"));
            // Every combination of what can be sent along.
            let sent = Sent {
                id: &id,
                meta: (n % 2 == 0).then_some(&*meta),
                header: (n % 3 == 0).then_some(&*header),
                trusted: n % 5 != 0,
            };
            check(sent, true, &server.call(n, sent).await);
        });
    }
    let mut ended = 0;
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
        ended += 1;
    }
    assert_eq!(ended, 1_000);
}

#[tokio::test]
async fn a_correlation_id_in_meta_is_taken_where_the_request_brought_none() {
    let client = connect(Where).await;
    for (id, taken) in [("order-7", true), ("a b", false), ("", false)] {
        let mut params = CallToolRequestParams::new("trace_where");
        let mut meta = RequestMetaObject::new();
        meta.insert("x-correlation-id".to_owned(), id.into());
        params.set_meta(meta);
        let result = client.call_tool(params).await.unwrap();
        let result = serde_json::to_value(result).unwrap();
        let seen: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(seen["correlation_id"] == id, taken, "{seen}");
    }
}
