//! The MCP server against an engine that answers as it is told to, on `SQLite`, and on a
//! `PostgreSQL` server where `TRACEO_TEST_POSTGRES` names one.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use sqlx::{Connection as _, Row as _};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::OwnedMutexGuard;

use super::engine::Engine;
use super::error::{EngineCallError, InputError};
use super::inbox::Inbox;
use super::input::Input;
use super::schema::SCHEMA;
use super::store::{Kept, Store};
use super::tools::Traceo;
use super::{http, upkeep};
use crate::api::{JobEnded, JobId, JobStatus, MAX_NAME, UploadParameters};
use crate::database::{Database, Location, now};
use crate::telemetry::{Telemetry, TestObs, code, engine_client};

/// A request that the engine got.
#[derive(Clone, Debug)]
struct Asked {
    uri: String,
    user: Option<String>,
    correlation_id: String,
    body: Bytes,
}

/// An engine that gives one answer to everything.
#[derive(Clone)]
struct Stub {
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Mutex<(StatusCode, Vec<u8>)>>,
}

impl Stub {
    async fn start() -> (Self, String) {
        let stub = Self {
            asked: Arc::default(),
            answer: Arc::new(Mutex::new((StatusCode::OK, b"{}".to_vec()))),
        };
        let router = Router::new().fallback(answer).with_state(stub.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stub, format!("http://{address}"))
    }

    fn answers(&self, status: u16, body: impl Into<Vec<u8>>) {
        let status = StatusCode::from_u16(status).unwrap();
        *self.answer.lock().unwrap() = (status, body.into());
    }

    fn accepts(&self, id: &JobId) {
        let job = json!({
            "job_id": id, "status": "pending", "source": "inline", "name": "inline",
            "attempts": 0, "rows_ok": 0, "rows_rejected": 0, "bytes_read": 0, "bytes_total": 4,
            "failure": null, "created_at": "2026-11-21T19:00:00.000Z",
            "started_at": null, "ended_at": null,
        });
        self.answers(202, job.to_string());
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(stub): State<Stub>, request: Request) -> impl IntoResponse {
    let (head, body) = request.into_parts();
    let header = |name: &str| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let asked = Asked {
        uri: head.uri.to_string(),
        user: header("x-traceo-user"),
        correlation_id: header("x-correlation-id").unwrap_or_default(),
        body: axum::body::to_bytes(body, 10_000_000).await.unwrap(),
    };
    stub.asked.lock().unwrap().push(asked);
    stub.answer.lock().unwrap().clone()
}

/// A server with data of its own.
struct Server {
    telemetry: Telemetry,
    stub: Stub,
    engine: Engine,
    database: Database,
    store: Store,
    inbox: Inbox,
    _data: TempDir,
    _alone: Option<OwnedMutexGuard<()>>,
}

/// Held by the one test that uses the server.
static ALONE: LazyLock<Arc<tokio::sync::Mutex<()>>> = LazyLock::new(Arc::default);

impl Server {
    async fn new(t: &TestObs) -> Self {
        let (stub, url) = Stub::start().await;
        let telemetry = Telemetry {
            obs: t.obs().clone(),
        };
        let data = TempDir::new().unwrap();
        let postgres = std::env::var("TRACEO_TEST_POSTGRES").ok();
        let mut alone = None;
        if let Some(url) = &postgres {
            alone = Some(Arc::clone(&ALONE).lock_owned().await);
            // As it is before the first start.
            sqlx::any::install_default_drivers();
            let mut connection = sqlx::AnyConnection::connect(url).await.unwrap();
            let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", SCHEMA.name);
            sqlx::query(&drop).execute(&mut connection).await.unwrap();
        }
        let location = Location::of(postgres.as_deref(), data.path()).unwrap();
        let database = Database::open(&location, &SCHEMA, 4, |pool| telemetry.pool(pool));
        let database = database.await.unwrap();
        let store = Store::new(database.clone());
        let client = engine_client(t.obs(), &url).unwrap();
        Self {
            telemetry,
            stub,
            engine: Engine::new(client, &url),
            database,
            inbox: Inbox::new(store.clone()),
            store,
            _data: data,
            _alone: alone,
        }
    }

    fn app(&self, stateless_json: bool) -> Router {
        let traceo = Traceo::new(self.engine.clone(), self.store.clone());
        let router = http::router(traceo, self.inbox.clone(), &[], stateless_json);
        self.telemetry.wrap(router)
    }

    /// Tells how a job ended, as the engine does.
    async fn tell(&self, t: &TestObs, delivery: &str, body: impl Into<Body>) -> Response<Bytes> {
        let request = Request::post("/webhooks/jobs")
            .header("webhook-id", delivery)
            .header("x-correlation-id", "the-upload")
            .header("traceparent", TRACEPARENT)
            .body(body.into())
            .unwrap();
        t.request(self.app(true), request).await
    }

    /// Works webhooks off until none waits.
    async fn work_off(&self, t: &TestObs) {
        let worker = tokio::spawn(t.run(self.inbox.clone().work()));
        let started = Instant::now();
        while self.store.backlog().await.unwrap().webhooks > 0 {
            assert!(started.elapsed() < Duration::from_secs(20), "worked off");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        worker.abort();
    }

    /// The rows of a query, each as its columns of text.
    async fn rows<const N: usize>(&self, query: &str) -> Vec<[String; N]> {
        let rows = sqlx::query(query).fetch_all(self.database.pool()).await;
        let row = |row: &sqlx::any::AnyRow| std::array::from_fn(|at| row.get::<String, _>(at));
        rows.unwrap().iter().map(row).collect()
    }

    async fn execute(&self, statement: &str) {
        let done = sqlx::query(statement).execute(self.database.pool()).await;
        done.unwrap();
    }
}

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const AUDITED: &str = "SELECT action, entity, correlation_id FROM audit_logs ORDER BY at, id";

fn ended(id: &JobId) -> JobEnded {
    JobEnded {
        job_id: id.clone(),
        status: JobStatus::Completed,
        rows_ok: 6,
        rows_rejected: 4,
        failure: None,
    }
}

fn text_of(ended: &JobEnded) -> String {
    serde_json::to_string(ended).unwrap()
}

/// A `tools/call` as clients of the three kinds send it.
fn call(mode: &str, session: Option<&str>, tool: &str, arguments: &Value) -> Request {
    let mut params = json!({"name": tool, "arguments": arguments});
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("x-correlation-id", format!("of-{mode}"))
        .header(AUTHORIZATION, "Bearer token-of-ada");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    if mode == "2026-07-28" {
        request = request
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool);
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    request.body(Body::from(body.to_string())).unwrap()
}

async fn open_session(t: &TestObs, app: &Router) -> String {
    let post = |body: Value, session: Option<&str>| {
        let mut request = Request::post("/mcp")
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            // Another user than that of the calls: a session belongs to nobody.
            .header(AUTHORIZATION, "Bearer token-of-bob");
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request.body(Body::from(body.to_string())).unwrap()
    };
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }});
    let answer = t.request(app.clone(), post(initialize, None)).await;
    let session = answer.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    t.request(app.clone(), post(initialized, Some(&session)))
        .await;
    session
}

#[obs::test]
async fn the_user_of_a_request_is_that_of_its_tool_call_in_every_mode(t: TestObs) {
    let server = Server::new(&t).await;
    for (mode, stateless_json) in [
        ("session", false),
        ("stateless", true),
        ("2026-07-28", false),
    ] {
        let id = JobId::new();
        server.stub.accepts(&id);
        let app = server.app(stateless_json);
        let session = if mode == "session" {
            Some(open_session(&t, &app).await)
        } else {
            None
        };
        let call = call(
            mode,
            session.as_deref(),
            "ingest_csv",
            &json!({"content": "a\n1\n"}),
        );
        let answer = t.request(app, call).await;
        let answer = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.contains(id.as_str()), "{mode}: {answer}");

        let asked = server.stub.asked().pop().unwrap();
        let user = asked.user.expect("the engine is told for whom");
        assert!(
            user.starts_with("usr_") && user.len() == 20,
            "{mode}: {user}"
        );
        let correlation_id = format!("of-{mode}");
        assert_eq!(asked.correlation_id, correlation_id, "{mode}");
        let imports =
            "SELECT job_id, actor, correlation_id FROM imports ORDER BY created_at, job_id";
        let import = server.rows::<3>(imports).await.pop().unwrap();
        assert_eq!(import, [id.as_str(), &user, &correlation_id], "{mode}");
        let audited = "SELECT entity, actor, correlation_id FROM audit_logs ORDER BY at, id";
        assert_eq!(
            server.rows::<3>(audited).await.pop(),
            Some(import),
            "{mode}"
        );

        let lines = t.logs().with_message("import accepted");
        let line = lines.last().expect(mode);
        line.field("user_id", user.as_str())
            .field("job_id", id.as_str())
            .field("correlation_id", correlation_id.as_str());
        let lines = t.logs().with_message("request_completed");
        let line = lines
            .iter()
            .rfind(|line| line.get("correlation_id") == Some(&json!(correlation_id)));
        line.expect(mode)
            .field("user_id", user.as_str())
            .field("job_id", id.as_str());
    }
    let users = server.rows::<1>("SELECT DISTINCT actor FROM imports").await;
    assert_eq!(users.len(), 1);
}

#[obs::test]
async fn a_text_is_sent_as_it_is_with_how_it_is_to_be_read(t: TestObs) {
    let server = Server::new(&t).await;
    server.stub.accepts(&JobId::new());
    let data = TempDir::new().unwrap();
    let file = data.path().join("a file & more.csv");
    std::fs::write(&file, "x;y\n1;2\n").unwrap();
    let parameters = UploadParameters {
        delimiter: Some(';'),
        has_header: Some(true),
        columns: Some(r#"[{"name":"x","type":"integer"}]"#.to_owned()),
        ..UploadParameters::default()
    };
    let opened = Input::File(file.clone()).open().await.unwrap();
    server.engine.upload(opened, parameters).await.unwrap();
    let asked = server.stub.asked().pop().unwrap();
    assert_eq!(asked.body, "x;y\n1;2\n");
    let (path, query) = asked.uri.split_once('?').unwrap();
    assert_eq!(path, "/uploads");
    let url = format!("http://engine/?{query}")
        .parse::<reqwest::Url>()
        .unwrap();
    let query: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["name"], file.display().to_string());
    assert_eq!(
        (query["source"].as_str(), query["delimiter"].as_str()),
        ("file", ";")
    );
    assert_eq!(query["has_header"], "true");
    assert_eq!(query["columns"], r#"[{"name":"x","type":"integer"}]"#);
}

#[obs::test]
async fn what_the_engine_answers_becomes_one_of_a_closed_list_of_errors(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    let problem = |code: &str| json!({"code": code, "detail": "so it is"}).to_string();
    let answers = [
        (404, problem("job_not_found"), "job_not_found", "so it is"),
        (409, problem("job_ended"), "job_ended", "so it is"),
        (503, problem("too_many_jobs"), "too_many_jobs", "so it is"),
        (429, problem("rate_limited"), "rate_limited", "so it is"),
        (418, problem("of_next_year"), "engine_refused", "so it is"),
        (
            404,
            String::new(),
            "engine_refused",
            "the engine answered 404",
        ),
        (
            500,
            problem("database"),
            "engine_failed",
            "the engine failed (database)",
        ),
        (
            500,
            problem("of_next_year"),
            "engine_failed",
            "the engine failed (other)",
        ),
        (
            502,
            "<html>".to_owned(),
            "engine_failed",
            "the engine failed (other)",
        ),
        (200, "[]".to_owned(), "engine_malformed", "not understood"),
        (
            200,
            " ".repeat(17_000_000),
            "engine_malformed",
            "more than 16777216 bytes",
        ),
        (
            500,
            " ".repeat(70_000),
            "engine_malformed",
            "more than 65536 bytes",
        ),
    ];
    for (status, body, expected, words) in answers {
        server.stub.answers(status, body);
        let error = server.engine.job(&id).await.unwrap_err();
        assert_eq!(code(&error), expected, "{status}: {error}");
        assert!(error.to_string().contains(words), "{status}: {error}");
    }
}

#[obs::test]
async fn a_path_of_any_length_is_imported_under_its_end(t: TestObs) {
    let server = Server::new(&t).await;
    server.stub.accepts(&JobId::new());
    let data = TempDir::new().unwrap();
    let deep = data.path().join("ü".repeat(100)).join("d".repeat(200));
    std::fs::create_dir_all(&deep).unwrap();
    let file = deep.join("last.csv");
    std::fs::write(&file, "a\n1\n").unwrap();
    let opened = Input::File(file).open().await.unwrap();
    let parameters = UploadParameters::default();
    server.engine.upload(opened, parameters).await.unwrap();
    let asked = server.stub.asked().pop().unwrap();
    let url: reqwest::Url = format!("http://engine{}", asked.uri).parse().unwrap();
    let (_, name) = url.query_pairs().find(|(name, _)| name == "name").unwrap();
    assert_eq!(name.chars().count(), MAX_NAME);
    assert!(
        name.starts_with('…') && name.ends_with("d/last.csv"),
        "{name}"
    );
}

#[obs::test]
async fn no_more_jobs_are_asked_for_than_the_engine_lists(t: TestObs) {
    let server = Server::new(&t).await;
    server.stub.answers(200, r#"{"jobs":[]}"#);
    let call = call("2026-07-28", None, "list_jobs", &json!({"limit": 1000}));
    t.request(server.app(false), call).await;
    assert_eq!(server.stub.asked().pop().unwrap().uri, "/jobs?limit=100");
}

#[obs::test]
async fn calls_ask_a_silent_engine_at_once_and_not_one_after_the_other(t: TestObs) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let engine = Engine::new(engine_client(t.obs(), &url).unwrap(), &url);
    let calls = std::iter::repeat_with(|| {
        let engine = engine.clone();
        tokio::spawn(t.run(async move { engine.file_limit().await }))
    });
    let calls: Vec<_> = calls.take(3).collect();
    let all = async {
        let mut silent = Vec::new();
        for _ in 0..calls.len() {
            silent.push(listener.accept().await.unwrap());
        }
        silent
    };
    // Less than one call may take.
    let silent = tokio::time::timeout(Duration::from_secs(8), all).await;
    assert_eq!(silent.unwrap().len(), 3);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
}

#[obs::test]
async fn an_engine_that_is_not_there_is_named_with_the_way_to_start_it(t: TestObs) {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let engine = Engine::new(engine_client(t.obs(), &url).unwrap(), &url);
    let error = engine.limits().await.unwrap_err();
    assert!(matches!(error, EngineCallError::EngineUnreachable { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&url) && text.contains("traceo engine"),
        "{text}"
    );
}

#[obs::test]
async fn a_file_that_is_too_large_is_refused_before_it_is_sent(t: TestObs) {
    let server = Server::new(&t).await;
    let limits = json!({"file_bytes": 5, "running_jobs": 1, "jobs": 1});
    server.stub.answers(200, limits.to_string());
    let data = TempDir::new().unwrap();
    let file = data.path().join("six.csv");
    std::fs::write(&file, "a\nbcd\n").unwrap();
    for _ in 0..2 {
        let call = call("2026-07-28", None, "ingest_csv", &json!({"path": file}));
        let answer = t.request(server.app(false), call).await;
        let answer = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.contains("has 6 bytes, the limit is 5"), "{answer}");
    }
    // Asked once, and nothing was sent.
    let asked: Vec<_> = server.stub.asked().into_iter().map(|it| it.uri).collect();
    assert_eq!(asked, ["/limits"]);
    let large = Input::Inline("x".repeat(1024 * 1024 + 1)).open().await;
    assert!(matches!(large, Err(InputError::InlineTooLarge { .. })));
    let folder = Input::File(data.path().to_owned()).open().await;
    assert!(matches!(folder, Err(InputError::NotAFile { .. })));
}

#[obs::test]
async fn a_job_that_cannot_be_recorded_is_answered_all_the_same(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    server.stub.accepts(&id);
    server.execute("DROP TABLE imports").await;
    let call = call(
        "stateless",
        None,
        "ingest_csv",
        &json!({"content": "a\n1\n"}),
    );
    let answer = t.request(server.app(true), call).await;
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    let result = &answer["result"];
    assert_eq!(
        result["structuredContent"]["job_id"],
        id.as_str(),
        "{answer}"
    );
    assert_eq!(result["isError"], false, "{answer}");
    let lines = t.logs();
    let line = lines
        .iter()
        .find(|line| line.message().contains("could not be recorded"));
    let line = line.expect("the log says so");
    assert_eq!(line.level(), "ERROR");
    line.field("job_id", id.as_str());
    let count = t.metric("traceo_mcp_imports_total", &[("source", "inline")]);
    assert_eq!(count, 1.0);
}

#[obs::test]
async fn a_webhook_is_worked_off_once_within_its_request_however_often_it_is_told(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    for _ in 0..3 {
        let answer = server.tell(&t, "delivery-1", text_of(&ended(&id))).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
    let receipts = |receipt| {
        let name = "traceo_mcp_webhooks_received_total";
        t.metric(name, &[("receipt", receipt)])
    };
    assert_eq!((receipts("taken"), receipts("repeated")), (1.0, 2.0));
    server.work_off(&t).await;
    server.tell(&t, "delivery-1", text_of(&ended(&id))).await;
    server.work_off(&t).await;

    let imports = "SELECT job_id, status, correlation_id, CAST(rows_ok AS TEXT), \
                   CAST(rows_rejected AS TEXT) FROM imports";
    let import = [id.as_str(), "completed", "the-upload", "6", "4"];
    assert_eq!(server.rows::<5>(imports).await, [import]);
    let audited = server.rows::<3>(AUDITED).await;
    let expected = [
        ["webhook_received", id.as_str(), "the-upload"],
        ["import_updated", id.as_str(), "the-upload"],
    ];
    assert_eq!(audited, expected);
    t.logs()
        .assert_one("job end recorded")
        .field("job_id", id.as_str())
        .field("correlation_id", "the-upload")
        .field("trace_id", &TRACEPARENT[3..35]);
}

#[obs::test]
async fn an_end_that_is_told_before_its_import_was_recorded_is_not_overwritten(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    server.tell(&t, "early", text_of(&ended(&id))).await;
    server.work_off(&t).await;
    server.stub.accepts(&id);
    let call = call(
        "stateless",
        None,
        "ingest_csv",
        &json!({"content": "a\n1\n"}),
    );
    t.request(server.app(true), call).await;
    let imports = "SELECT status, source FROM imports";
    assert_eq!(server.rows::<2>(imports).await, [["completed", "inline"]]);
}

#[obs::test]
async fn what_was_taken_is_worked_off_by_the_next_process_as_a_linked_attempt(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    server.tell(&t, "kept", text_of(&ended(&id))).await;
    // The process that took it is killed while it works on it.
    assert_eq!(server.store.begin_attempt("kept").await.unwrap(), Some(1));

    let next = Inbox::new(server.store.clone());
    let server = Server {
        inbox: next,
        ..server
    };
    server.work_off(&t).await;
    let attempts = "SELECT CAST(attempts AS TEXT) FROM inbox";
    assert_eq!(server.rows::<1>(attempts).await, [["2"]]);
    let audited = server.rows::<3>(AUDITED).await;
    let updates = audited.iter().filter(|row| row[0] == "import_updated");
    assert_eq!(updates.count(), 1);
    let lines = t.logs();
    let line = lines.assert_one("job end recorded");
    line.field("correlation_id", "the-upload");
    assert_ne!(line.get("trace_id"), Some(&json!(TRACEPARENT[3..35])));
}

#[obs::test]
async fn a_webhook_that_fails_is_tried_again_until_it_is_done(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    server.tell(&t, "stubborn", text_of(&ended(&id))).await;
    server
        .execute("ALTER TABLE imports RENAME TO elsewhere")
        .await;
    let worker = tokio::spawn(t.run(server.inbox.clone().work()));
    let started = Instant::now();
    let attempts = "SELECT CAST(attempts AS TEXT) FROM inbox WHERE attempts >= 2";
    while server.rows::<1>(attempts).await.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(20), "tried again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(server.store.backlog().await.unwrap().webhooks == 1);
    server
        .execute("ALTER TABLE elsewhere RENAME TO imports")
        .await;
    worker.abort();
    server.work_off(&t).await;
    assert_eq!(
        server.rows::<1>("SELECT job_id FROM imports").await,
        [[id.as_str()]]
    );
}

#[obs::test]
async fn a_webhook_that_makes_no_sense_is_refused_with_the_reason(t: TestObs) {
    let server = Server::new(&t).await;
    let id = JobId::new();
    let good = text_of(&ended(&id));
    let long = "x".repeat(65);
    let running = good.replace("completed", "running");
    let negative = good.replace("\"rows_ok\":6", "\"rows_ok\":-1");
    let kind = json!({"job_id": id, "status": "failed", "rows_ok": 0, "rows_rejected": 0,
        "failure": {"kind": long, "message": "", "row": null, "column": null}});
    let wrong = [
        ("", good.clone(), 400, "no_delivery_id"),
        ("a b", good.clone(), 400, "no_delivery_id"),
        (&long, good.clone(), 400, "no_delivery_id"),
        ("1", String::new(), 422, "no_job_ended"),
        ("1", good.replace("job_", "jab_"), 422, "no_job_ended"),
        ("1", running, 422, "no_job_ended"),
        ("1", negative, 422, "no_job_ended"),
        ("1", kind.to_string(), 422, "no_job_ended"),
        ("1", " ".repeat(64 * 1024 + 1), 413, "webhook_too_large"),
    ];
    for (delivery, body, status, code) in wrong {
        let answer = server.tell(&t, delivery, body).await;
        let problem: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(answer.status().as_u16(), status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
    }
    let refused = [("receipt", "refused")];
    let count = t.metric("traceo_mcp_webhooks_received_total", &refused);
    assert_eq!(count, 9.0);
    assert!(server.rows::<1>("SELECT id FROM inbox").await.is_empty());
    assert!(server.rows::<3>(AUDITED).await.is_empty());
}

#[obs::test]
async fn a_webhook_that_no_database_could_record_is_refused_and_holds_up_nobody(t: TestObs) {
    let server = Server::new(&t).await;
    for kind in ["\0", "\u{1b}[31m", "", "Empty File"] {
        let body = json!({"job_id": JobId::new(), "status": "failed", "rows_ok": 0,
            "rows_rejected": 0,
            "failure": {"kind": kind, "message": "\0", "row": null, "column": null}});
        let answer = server.tell(&t, "hostile", body.to_string()).await;
        assert_eq!(
            answer.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{kind:?}"
        );
    }
    let body = json!({"job_id": JobId::new(), "status": "failed", "rows_ok": 0,
        "rows_rejected": 0,
        "failure": {"kind": "empty_file", "message": "\0", "row": null, "column": null}});
    let answer = server.tell(&t, "good", body.to_string()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    server.work_off(&t).await;
    let recorded = server.rows::<1>("SELECT failure_kind FROM imports").await;
    assert_eq!(recorded, [["empty_file"]]);
}

#[obs::test]
async fn the_inbox_has_its_limit_and_says_when_it_does_not_keep_up(t: TestObs) {
    let server = Server::new(&t).await;
    let keep = async |delivery: &str| {
        let ended = ended(&JobId::new());
        let kept = server.store.keep_webhook(delivery, &ended, "{}", 2);
        kept.await.unwrap()
    };
    assert_eq!(keep("one").await, Kept::New);
    assert_eq!(keep("two").await, Kept::New);
    assert_eq!(keep("three").await, Kept::Full);
    // What is known needs no room.
    assert_eq!(keep("two").await, Kept::Known);
    assert_eq!(
        server.rows::<1>("SELECT id FROM inbox ORDER BY id").await,
        [["one"], ["two"]]
    );

    let backlog = upkeep::webhook_backlog;
    assert_eq!(backlog(server.store.clone()).await, Ok(()));
    server
        .execute("UPDATE inbox SET received_at = received_at - 61000")
        .await;
    let why = backlog(server.store.clone()).await.unwrap_err();
    assert!(
        why.contains("2 webhooks wait, the oldest for 61 s"),
        "{why}"
    );
}

#[obs::test]
async fn audit_rows_go_when_they_are_too_old_and_a_row_says_how_many_did(t: TestObs) {
    let server = Server::new(&t).await;
    for n in 0..3 {
        let days = 24 * 60 * 60 * 1000 * if n == 2 { 1 } else { 8 };
        let at = now() - days;
        let insert = format!(
            "INSERT INTO audit_logs VALUES ('{n}', {at}, 'import_recorded', 'job_{n}', 'a', 'b', 'c')"
        );
        server.execute(&insert).await;
    }
    let counted = || t.metric("traceo_mcp_audit_purged_total", &[]);
    let retention = tokio::spawn(t.run(upkeep::keep_retention(server.store.clone(), 7)));
    let started = Instant::now();
    while counted() == 0.0 {
        assert!(started.elapsed() < Duration::from_secs(20), "purged");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    retention.abort();
    assert_eq!(counted(), 2.0);
    let kept = server
        .rows::<2>("SELECT action, entity FROM audit_logs ORDER BY at")
        .await;
    assert_eq!(kept[0], ["import_recorded", "job_2"]);
    assert_eq!(kept[1][0], "audit_purged");
    assert!(kept[1][1].starts_with("2 rows"), "{kept:?}");
    assert_eq!(kept.len(), 2);
}
