//! The spans of tool calls and of a client's requests, as somebody's own subscriber sees them, and a
//! chain of servers that call each other.

mod mcp_support;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, Once, PoisonError};

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use mcp_support::{Client, connect};
use obs::mcp::{ObservedClient, WithContext, observe_client};
use obs::{Ctx, Obs, TraceContext};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ContentBlock, PaginatedRequestParams, RequestMetaObject,
    RequestParamsMeta,
};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

// ---- what is seen of spans

type Fields = BTreeMap<String, String>;

static ENDED: Mutex<Vec<Fields>> = Mutex::new(Vec::new());

struct Recorder;

#[derive(Default)]
struct Reader(Fields);

impl Visit for Reader {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() && metadata.target() == "obs::mcp"
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut reader = Reader::default();
        attributes.record(&mut reader);
        let span = context.span(id).unwrap();
        span.extensions_mut().insert(reader);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Reader>().unwrap());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let reader = span.extensions_mut().remove::<Reader>().unwrap();
        ENDED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader.0);
    }
}

fn record() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Returns the spans of this name and kind that have ended, once there is one.
async fn spans(kind: &str, name: &str) -> Vec<Fields> {
    for _ in 0..500 {
        let all = ENDED.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let found: Vec<Fields> = all
            .into_iter()
            .filter(|span| span["otel.kind"] == kind && span["otel.name"] == name)
            .collect();
        if !found.is_empty() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no span {name}");
}

async fn span(kind: &str, name: &str) -> Fields {
    let mut all = spans(kind, name).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn get<'a>(span: &'a Fields, key: &str) -> Option<&'a str> {
    span.get(key).map(String::as_str)
}

// ---- how calls end

#[derive(Deserialize, JsonSchema)]
struct Number {
    #[expect(dead_code, reason = "only its type matters")]
    number: u32,
}

struct Ends;

#[obs::observed]
#[tool_router(server_handler)]
impl Ends {
    #[tool]
    async fn span_ok(&self) -> String {
        "ok".to_owned()
    }

    #[tool]
    async fn span_is_error(&self) -> Result<CallToolResult, ErrorData> {
        Ok(CallToolResult::error(vec![ContentBlock::text("no")]))
    }

    #[tool]
    async fn span_internal(&self) -> Result<String, ErrorData> {
        Err(ErrorData::internal_error("the engine is away", None))
    }

    #[tool]
    async fn span_invalid(&self) -> Result<String, ErrorData> {
        Err(ErrorData::invalid_params("nothing to add", None))
    }

    #[tool]
    async fn span_arguments(&self, _: Parameters<Number>) -> String {
        "never".to_owned()
    }

    #[tool]
    async fn span_panics(&self) -> String {
        panic!("secret")
    }
}

#[tokio::test]
async fn every_ending_has_the_status_of_the_conventions_and_clients_mistakes_are_no_errors() {
    record();
    let client = connect(Ends).await;
    // The tool, the server's span: status, error type, code; the client's error type.
    let rows = [
        ("span_ok", None, None, None, None),
        (
            "span_is_error",
            Some("ERROR"),
            Some("tool_error"),
            None,
            Some("tool_error"),
        ),
        (
            "span_internal",
            Some("ERROR"),
            Some("-32603"),
            Some("-32603"),
            Some("-32603"),
        ),
        ("span_invalid", None, None, Some("-32602"), Some("-32602")),
        (
            "span_arguments",
            Some("ERROR"),
            Some("tool_error"),
            None,
            Some("tool_error"),
        ),
        (
            "span_panics",
            Some("ERROR"),
            Some("panic"),
            Some("-32603"),
            Some("-32603"),
        ),
    ];
    let observed = observe_client(&*client);
    for (tool, status, error, code, at_client) in rows {
        drop(observed.call_tool(CallToolRequestParams::new(tool)).await);
        let name = format!("tools/call {tool}");
        let server = span("server", &name).await;
        assert_eq!(get(&server, "otel.status_code"), status, "{tool}");
        assert_eq!(get(&server, "error.type"), error, "{tool}");
        assert_eq!(get(&server, "rpc.response.status_code"), code, "{tool}");
        assert_eq!(get(&server, "mcp.method.name"), Some("tools/call"));
        assert_eq!(get(&server, "gen_ai.operation.name"), Some("execute_tool"));
        assert_eq!(get(&server, "gen_ai.tool.name"), Some(tool));
        assert_eq!(get(&server, "network.transport"), Some("pipe"));
        assert_eq!(get(&server, "network.protocol.name"), None);
        assert_eq!(get(&server, "mcp.session.id"), None);
        assert!(server["jsonrpc.request.id"].parse::<u64>().is_ok());
        let client = span("client", &name).await;
        assert_eq!(get(&client, "error.type"), at_client, "{tool}");
        assert_eq!(get(&client, "otel.status_code"), at_client.map(|_| "ERROR"));
        assert_eq!(get(&client, "gen_ai.tool.name"), Some(tool));
    }
    let internal = span("server", "tools/call span_internal").await;
    assert_eq!(
        get(&internal, "otel.status_description"),
        Some("the engine is away")
    );
    let panics = span("server", "tools/call span_panics").await;
    assert!(!format!("{panics:?}").contains("secret"));

    // What the server does not have is said by no name of the client's.
    drop(
        client
            .call_tool(CallToolRequestParams::new("span_nobody"))
            .await,
    );
    let other = spans("server", "tools/call _other").await;
    assert!(
        other
            .iter()
            .all(|span| span["gen_ai.tool.name"] == "_other")
    );
    assert!(
        other
            .iter()
            .all(|span| get(span, "otel.status_code").is_none())
    );
}

// ---- what the transport says

struct Served;

#[obs::observed]
#[tool_router(server_handler)]
impl Served {
    #[tool]
    async fn span_in_session(&self) -> String {
        String::new()
    }

    #[tool]
    async fn span_stateless(&self) -> String {
        String::new()
    }

    #[tool]
    async fn span_modern(&self) -> String {
        String::new()
    }
}

async fn post(app: &Router, message: Value, headers: &[(&str, &str)]) -> axum::response::Response {
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(message.to_string())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success(), "{response:?}");
    response
}

fn served(sessions: bool) -> Router {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap();
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = sessions;
    config.json_response = !sessions;
    let service =
        StreamableHttpService::new(|| Ok(Served), Arc::<LocalSessionManager>::default(), config);
    obs.wrap(Router::new().nest_service("/mcp", service))
}

fn request(tool: &str, meta: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": "a client's id", "method": "tools/call", "params": {
        "name": tool, "arguments": {}, "_meta": meta}})
}

#[tokio::test]
async fn a_session_has_an_id_on_the_span_where_the_convention_allows_it_and_never_the_secret() {
    record();
    let app = served(true);
    let initialize = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let response = post(&app, initialize, &[]).await;
    let session = response.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    drop(response.into_body().collect().await.unwrap());
    let within = [("mcp-session-id", &*session)];
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    drop(post(&app, initialized, &within).await);
    drop(post(&app, request("span_in_session", &json!({})), &within).await);
    let seen = span("server", "tools/call span_in_session").await;
    let id = get(&seen, "mcp.session.id").expect("it is allowed");
    assert!(
        id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert!(
        !format!("{seen:?}").contains(&session),
        "the session's id is a secret"
    );
    assert_eq!(get(&seen, "mcp.protocol.version"), Some("2025-11-25"));
    assert_eq!(get(&seen, "network.transport"), Some("tcp"));
    assert_eq!(get(&seen, "network.protocol.name"), Some("http"));
    assert_eq!(get(&seen, "network.protocol.version"), Some("1.1"));
    assert_eq!(get(&seen, "jsonrpc.request.id"), Some("a client's id"));

    // 2026-07-28 has no sessions, whatever header a client sends.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let headers = [
        ("mcp-session-id", "somebody's"),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "span_modern"),
    ];
    drop(
        post(&app, request("span_modern", &meta), &headers)
            .await
            .into_body()
            .collect()
            .await,
    );
    let seen = span("server", "tools/call span_modern").await;
    assert_eq!(get(&seen, "mcp.protocol.version"), Some("2026-07-28"));
    assert_eq!(get(&seen, "mcp.session.id"), None);

    let app = served(false);
    let headers = [("mcp-protocol-version", "2025-06-18")];
    drop(
        post(&app, request("span_stateless", &json!({})), &headers)
            .await
            .into_body()
            .collect()
            .await,
    );
    let seen = span("server", "tools/call span_stateless").await;
    assert_eq!(get(&seen, "mcp.protocol.version"), Some("2025-06-18"));
    assert_eq!(get(&seen, "mcp.session.id"), None, "nobody has one");
}

// ---- without the impl block

struct Alone;

#[tool_router]
impl Alone {
    #[obs::observed]
    #[tool]
    async fn span_alone(&self) -> Result<String, ErrorData> {
        let first = Ctx::current().expect("a context of its own");
        tokio::task::yield_now().await;
        assert_eq!(Ctx::current().unwrap().trace(), first.trace());
        Err(ErrorData::internal_error("no", None))
    }
}

#[tool_handler(router = Self::tool_router())]
impl ServerHandler for Alone {}

#[tokio::test]
async fn a_function_that_is_observed_alone_has_a_context_and_a_span_too() {
    record();
    let client = connect(Alone).await;
    drop(
        client
            .call_tool(CallToolRequestParams::new("span_alone"))
            .await,
    );
    let seen = span("server", "tools/call span_alone").await;
    assert_eq!(get(&seen, "otel.status_code"), Some("ERROR"));
    assert_eq!(get(&seen, "error.type"), Some("-32603"));
    assert_eq!(
        get(&seen, "network.transport"),
        None,
        "it does not see the request"
    );
}

// ---- servers that call each other

struct Last;

fn here() -> String {
    let ctx = Ctx::current().unwrap();
    let own = ctx.trace().traceparent();
    let parent = ctx.parent().map(|parent| parent.traceparent());
    json!({"id": ctx.correlation_id(), "own": own, "parent": parent}).to_string()
}

#[obs::observed]
#[tool_router(server_handler)]
impl Last {
    #[tool]
    async fn chain_last(&self) -> String {
        here()
    }

    #[tool]
    async fn chain_other(&self) -> String {
        here()
    }
}

struct First {
    last: ObservedClient<Client>,
}

#[obs::observed]
#[tool_router(server_handler)]
impl First {
    #[tool]
    async fn chain_first(&self) -> String {
        let result = self
            .last
            .call_tool(CallToolRequestParams::new("chain_last"))
            .await;
        format!("[{},{}]", here(), text(result.unwrap()))
    }

    /// The form per call, and for what is started elsewhere.
    #[tool]
    async fn chain_by_hand(&self) -> String {
        let params = CallToolRequestParams::new("chain_last").with_context();
        let result = (**self.last).call_tool_once(params).await.unwrap();
        let result = obs::mcp::ToolResult::result(&result).unwrap().clone();
        format!("[{},{}]", here(), text(result))
    }
}

fn text(result: CallToolResult) -> String {
    let result = serde_json::to_value(result).unwrap();
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn t14_a_chain_of_servers_is_one_trace_with_one_correlation_id() {
    record();
    let first = First {
        last: observe_client(connect(Last).await),
    };
    let client = connect(first).await;
    let observed = observe_client(&client);
    for tool in ["chain_first", "chain_by_hand"] {
        let ctx = Ctx::new();
        let call = observed.call_tool(CallToolRequestParams::new(tool));
        let result = obs::InCtx::with_ctx(call, ctx.clone()).await.unwrap();
        let seen: [Value; 2] = serde_json::from_str(&text(result)).unwrap();
        let at = |place: &Value, key: &str| TraceContext::parse(place[key].as_str().unwrap());
        let [first, last] = &seen;
        assert_eq!(at(first, "parent"), Some(ctx.trace()), "{tool}");
        assert_eq!(at(last, "parent"), at(first, "own"), "{tool}");
        assert_eq!(at(last, "own").unwrap().trace_id, ctx.trace().trace_id);
        assert_eq!(first["id"], ctx.correlation_id());
        assert_eq!(last["id"], ctx.correlation_id());
    }
    let spans = spans("client", "tools/call chain_last").await;
    assert_eq!(spans.len(), 1, "the form per call makes no span");
}

#[tokio::test]
async fn what_was_set_by_hand_is_sent_as_it_is_and_lists_work_as_before() {
    record();
    let client = observe_client(connect(Last).await);
    let by_hand = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut params = CallToolRequestParams::new("chain_other");
    let mut meta = RequestMetaObject::new();
    meta.set_traceparent(by_hand);
    params.set_meta(meta);
    let ctx = Ctx::new();
    let result = obs::InCtx::with_ctx(client.call_tool(params), ctx.clone()).await;
    let seen: Value = serde_json::from_str(&text(result.unwrap())).unwrap();
    assert_eq!(seen["parent"], by_hand);
    assert_eq!(seen["id"], ctx.correlation_id(), "which is of no trace");
    // Without any context nothing is added.
    let result = client
        .call_tool(CallToolRequestParams::new("chain_other"))
        .await;
    let seen: Value = serde_json::from_str(&text(result.unwrap())).unwrap();
    assert_eq!(seen["parent"], Value::Null);

    let names = |tools: Vec<rmcp::model::Tool>| -> Vec<String> {
        let mut names: Vec<String> = tools
            .into_iter()
            .map(|tool| tool.name.into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(client.list_all_tools().await.unwrap()),
        ["chain_last", "chain_other"]
    );
    let params = PaginatedRequestParams::default();
    let page = client.list_tools(Some(params)).await.unwrap();
    assert_eq!(names(page.tools), ["chain_last", "chain_other"]);
    let listed = spans("client", "tools/list").await;
    assert_eq!(get(&listed[0], "gen_ai.operation.name"), None);
    // What it has no method of its own for goes to the client.
    assert!(client.peer_info().is_some() && !client.is_closed());
    client.into_inner().cancel().await.unwrap();
}
