//! The lines of a request: whose ids they have, which there are, and what the last one says.

use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{Redirect, Response};
use axum::routing::{any, get};
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use obs::{Ctx, JoinSetExt, Obs};
use obs_tests::lines::{Line, ROOT, Written, show_failures};
use rmcp::transport::StreamableHttpService;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, tool, tool_router};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument;

const STARTED: &str = "request_started";
const COMPLETED: &str = "request_completed";

/// What the tests of this process share: one log.
struct Process {
    obs: Obs,
    written: Written,
}

static PROCESS: LazyLock<Process> = LazyLock::new(|| {
    let written = Written::default();
    let obs = setup("dev").log_writer(written.clone()).install().unwrap();
    show_failures();
    Process { obs, written }
});

fn setup(environment: &str) -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", environment)]).unwrap()
}

/// An `obs` that shares the log of the process, and keeps another share of its successes.
fn sampling(share: f64) -> Obs {
    LazyLock::force(&PROCESS);
    setup("prod").success_sample(share).detached().unwrap()
}

/// The lines with a correlation id.
fn lines(id: &str) -> Vec<Line> {
    let losses = PROCESS.obs.flush(Duration::from_secs(10));
    assert!(losses.is_empty(), "{losses}");
    PROCESS.written.of(id)
}

fn messages(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text("message")).collect()
}

/// The line with a message, of which there must be exactly one.
fn only<'l>(lines: &'l [Line], message: &str) -> &'l Line {
    let found: Vec<_> = lines.iter().filter(|line| line.says(message)).collect();
    let [line] = found[..] else {
        panic!("{} lines {message} in {lines:#?}", found.len());
    };
    line
}

fn request(method: &str, path: &str, id: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("x-correlation-id", id)
        .body(Body::empty())
        .unwrap()
}

async fn answer(app: &Router, method: &str, path: &str, id: &str) -> Response {
    app.clone()
        .oneshot(request(method, path, id))
        .await
        .unwrap()
}

/// Sends a request, reads the whole body, and returns its status and length.
async fn send(app: &Router, method: &str, path: &str, id: &str) -> (u16, usize) {
    let response = answer(app, method, path, id).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, body.len())
}

#[obs::observed]
async fn count_stock(item: u64) -> u64 {
    tokio::task::yield_now().await;
    tracing::info!(item, "observed");
    item
}

async fn busy() -> &'static str {
    tracing::debug!("not at the default level");
    tracing::info!("handler");
    let spawned = obs::spawn(async {
        tokio::task::yield_now().await;
        tracing::info!("spawned");
    });
    let blocking = obs::spawn_blocking(|| tracing::warn!("blocking"));
    let mut set = JoinSet::new();
    set.spawn_in_ctx(async { tracing::info!("joined") });
    let span = tracing::info_span!("outer", shelf = 4);
    let plain = tokio::spawn(async { tracing::info!("instrumented") }.instrument(span));
    let panics = obs::spawn(async { panic!("spawned panic") });
    count_stock(7).await;
    spawned.await.unwrap();
    blocking.await.unwrap();
    plain.await.unwrap();
    assert!(panics.await.is_err());
    while let Some(ended) = set.join_next().await {
        ended.unwrap();
    }
    log::info!("record");
    "done"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_request_has_its_ids_and_its_route_at_the_root() {
    let app = PROCESS
        .obs
        .wrap(Router::new().route("/shelves/{id}", get(busy)));
    let response = answer(&app, "GET", "/shelves/7?of=9", "every-line").await;
    let request_id = response.headers()["x-request-id"].clone();
    drop(response.into_body().collect().await.unwrap());
    let lines = lines("every-line");
    let mut said = messages(&lines);
    assert_eq!((said[0], said[said.len() - 1]), (STARTED, COMPLETED));
    said.sort_unstable();
    let mut expected = vec![
        STARTED,
        COMPLETED,
        "handler",
        "spawned",
        "blocking",
        "joined",
        "instrumented",
        "spawned panic",
        "observed",
        "record",
    ];
    expected.sort_unstable();
    assert_eq!(said, expected);
    for line in &lines {
        assert_eq!(line.keys()[..ROOT.len()], ROOT, "{line:?}");
        assert_eq!(line["request_id"], *request_id.to_str().unwrap());
        assert_eq!(line["trace_id"], lines[0]["trace_id"]);
        assert_eq!(line["span_id"], lines[0]["span_id"]);
        assert_eq!(line["method"], "GET");
        assert_eq!(line["route"], "/shelves/{id}");
        assert_eq!(line["environment"], "dev");
        assert_eq!(line["service"], "obs-tests");
        let timestamp = line.text("timestamp");
        assert_eq!(
            (timestamp.len(), &timestamp[26..]),
            (27, "Z"),
            "{timestamp}"
        );
    }
    assert_eq!(lines[0].text("trace_id").len(), 32);
    assert_eq!(lines[0].text("span_id").len(), 16);
    assert_eq!(only(&lines, "blocking")["level"], "WARN");
    assert_eq!(only(&lines, "spawned panic")["level"], "ERROR");
    assert_eq!(only(&lines, "instrumented")["shelf"], 4);
    assert_eq!(only(&lines, "observed")["item"], 7);
    assert_eq!(only(&lines, "record")["target"], "http_lines");
}

#[tokio::test]
async fn a_task_in_the_current_span_or_in_one_of_its_own_has_the_ids_of_its_request() {
    let handler = async || {
        let current = async { tracing::info!("in the current span") }.in_current_span();
        let own = async {
            let ctx = Ctx::current().unwrap();
            tracing::info!(found = ctx.correlation_id(), "in a span of its own");
        };
        let outside = async { tracing::info!(Ctx = Ctx::current().is_some(), "outside") };
        tokio::spawn(current).await.unwrap();
        let span = tracing::info_span!("work");
        tokio::spawn(own.instrument(span)).await.unwrap();
        tokio::spawn(outside).await.unwrap();
    };
    let app = PROCESS.obs.wrap(Router::new().route("/", get(handler)));
    send(&app, "GET", "/", "in-span").await;
    let lines = lines("in-span");
    only(&lines, "in the current span");
    let own = only(&lines, "in a span of its own");
    assert_eq!(own.text("found"), "in-span");
    assert!(lines.iter().all(|line| !line.says("outside")));
}

/// A body of bytes without a known length, and how it ends.
#[derive(Clone, Copy)]
enum Ending {
    Complete,
    Error,
    Panic,
}

struct Frames {
    left: usize,
    ending: Ending,
}

impl Frames {
    fn body(left: usize, ending: Ending) -> Body {
        Body::new(Self { left, ending })
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left > 0 {
            self.left -= 1;
            tracing::info!("frame");
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))));
        }
        match self.ending {
            Ending::Complete => Poll::Ready(None),
            Ending::Error => Poll::Ready(Some(Err(std::io::Error::other("the disk is gone")))),
            Ending::Panic => panic!("the body fell"),
        }
    }
}

fn endings(obs: &Obs) -> Router {
    let events = async || {
        let body = Frames::body(usize::MAX, Ending::Complete);
        ([("content-type", "text/event-stream")], body)
    };
    obs.wrap(
        Router::new()
            .route("/ok", get(async || "hello"))
            .route("/empty", get(async || StatusCode::NO_CONTENT))
            .route("/moved", get(async || Redirect::to("/ok")))
            .route("/fails", get(async || StatusCode::BAD_GATEWAY))
            .route("/panics", get(async || -> () { panic!("it fell") }))
            .route("/waits", get(std::future::pending::<()>))
            .route("/frames", get(async || Frames::body(3, Ending::Complete)))
            .route("/error", get(async || Frames::body(2, Ending::Error)))
            .route("/falls", get(async || Frames::body(1, Ending::Panic)))
            .route("/events", get(events)),
    )
}

/// Method, path, what the client takes; the status, outcome and bytes that the line says. `None`
/// are those that were received.
type Row = (
    &'static str,
    &'static str,
    Takes,
    u16,
    &'static str,
    Option<usize>,
);

/// How much of a response its client takes.
#[derive(Clone, Copy)]
enum Takes {
    Nothing,
    Head,
    Frames(usize),
    All,
}

#[tokio::test]
async fn every_request_has_one_completed_line_whatever_ends_it() {
    use Takes::{All, Frames, Head, Nothing};
    let app = endings(&PROCESS.obs);
    let rows: [Row; 17] = [
        ("GET", "/ok", All, 200, "ok", Some(5)),
        ("HEAD", "/ok", All, 200, "ok", Some(0)),
        ("GET", "/empty", All, 204, "ok", Some(0)),
        ("GET", "/moved", All, 303, "redirect", Some(0)),
        ("GET", "/nowhere", All, 404, "client_error", None),
        ("POST", "/ok", All, 405, "client_error", None),
        ("GET", "/fails", All, 502, "server_error", None),
        ("GET", "/panics", All, 500, "panic", None),
        ("GET", "/waits", Nothing, 499, "cancelled", Some(0)),
        ("GET", "/frames", All, 200, "ok", Some(3)),
        ("GET", "/frames", Head, 200, "unsent", Some(0)),
        ("GET", "/frames", Frames(2), 200, "in_body", Some(2)),
        ("GET", "/error", All, 200, "body_error", Some(2)),
        ("GET", "/falls", All, 200, "body_panic", Some(1)),
        ("GET", "/events", Frames(2), 200, "ok", Some(2)),
        ("GET", "/events", Head, 200, "ok", Some(0)),
        ("DELETE", "/nowhere", All, 404, "client_error", None),
    ];
    for (n, (method, path, takes, status, outcome, bytes)) in rows.into_iter().enumerate() {
        let id = format!("ending-{n}");
        let mut received = 0;
        if let Nothing = takes {
            let mut future = pin!(app.clone().oneshot(request(method, path, &id)));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(future.as_mut().poll(&mut cx).is_pending());
        } else {
            let mut body = answer(&app, method, path, &id).await.into_body();
            let frames = match takes {
                Nothing | Head => 0,
                Frames(frames) => frames,
                All => usize::MAX,
            };
            for _ in 0..frames {
                let Some(Ok(frame)) = body.frame().await else {
                    break;
                };
                received += frame.data_ref().map_or(0, Bytes::len);
            }
        }
        let lines = lines(&id);
        let line = only(&lines, COMPLETED);
        assert_eq!(*line, lines[lines.len() - 1], "it is the last");
        assert_eq!(line.keys()[..ROOT.len()], ROOT);
        assert_eq!(line["target"], "obs::request");
        assert_eq!(line["status"], status, "{line:?}");
        assert_eq!(line["outcome"], outcome, "{line:?}");
        assert_eq!(line["bytes_out"], bytes.unwrap_or(received), "{line:?}");
        assert_eq!(line["method"], method);
        let level = if status >= 500 { "ERROR" } else { "INFO" };
        assert_eq!(line["level"], level, "{line:?}");
        let stream = line.get("stream").and_then(Value::as_str);
        assert_eq!(stream, (path == "/events").then_some("sse"));
        let duration = line["duration_ms"].as_f64().unwrap();
        assert!((0.0..10_000.0).contains(&duration), "{line:?}");
        let ttfb = line.get("ttfb_ms").map(|ttfb| ttfb.as_f64().unwrap());
        assert_eq!(ttfb.is_some(), status != 499, "{line:?}");
        assert!(ttfb.is_none_or(|ttfb| (0.0..=duration).contains(&ttfb)));
        assert_eq!(line.get("sample_rate"), None, "all are kept");
        // Each line of a body is one of the request.
        let frames = lines.iter().filter(|line| line.says("frame"));
        let sent = if status == 200 && path != "/ok" {
            received
        } else {
            0
        };
        assert_eq!(frames.count(), sent, "{lines:?}");
        assert_eq!(only(&lines, STARTED)["level"], "INFO");
        // Nothing else, but for the panics.
        let panics = usize::from(outcome.ends_with("panic"));
        assert_eq!(lines.len(), 2 + sent + panics, "{lines:?}");
    }
}

#[tokio::test]
async fn a_service_without_a_response_has_its_completed_line() {
    let fails = tower::service_fn(async |_: Request<Body>| Err::<Response, _>("no answer"));
    let mut service = PROCESS.obs.layer().layer(fails);
    let request = request("GET", "/", "no-response");
    assert!(service.call(request).await.is_err());
    let lines = lines("no-response");
    assert_eq!(messages(&lines), [STARTED, COMPLETED]);
    let line = &lines[1];
    assert_eq!(
        (&line["status"], &line["level"]),
        (&json!(500), &json!("ERROR"))
    );
    assert_eq!(line["outcome"], "server_error");
    assert_eq!(line["route"], "unmatched");
}

#[tokio::test]
async fn j1_a_panic_is_one_line_with_its_place_and_in_no_answer() {
    const FIRST: u32 = line!();
    fn fall(how: &str) -> ! {
        match how {
            "str" => panic!("p4yl0ad"),
            "text" => panic!("p4yl0ad {how}"),
            _ => std::panic::panic_any(7),
        }
    }
    const LAST: u32 = line!();
    async fn at_once(how: axum::extract::Path<String>) {
        fall(&how)
    }
    async fn later(how: axum::extract::Path<String>) {
        tokio::task::yield_now().await;
        fall(&how)
    }
    async fn after_spawn(how: axum::extract::Path<String>) {
        drop(obs::spawn(async move { fall(&how) }).await);
        panic!("p4yl0ad");
    }
    let app = PROCESS.obs.wrap(
        Router::new()
            .route("/once/{how}", any(at_once))
            .route("/later/{how}", any(later))
            .route("/spawn/{how}", any(after_spawn)),
    );
    let ways = ["once", "later", "spawn"];
    let kinds = ["str", "text", "number"];
    let id = |n: usize| format!("panic-{n}-");
    for n in 0..1_000 {
        let path = format!("/{}/{}", ways[n % 3], kinds[n / 3 % 3]);
        let response = answer(&app, "GET", &path, &id(n)).await;
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(!body.contains("p4yl0ad"), "{body}");
        assert!(body.contains(&id(n)), "{body}");
    }
    drop(lines("panic-"));
    let all = PROCESS.written.by_correlation_id();
    for n in 0..1_000 {
        let lines = &all[&id(n)];
        let spawned = usize::from(n % 3 == 2);
        assert_eq!(lines.len(), 3 + spawned, "{lines:#?}");
        assert_eq!(only(lines, COMPLETED)["outcome"], "panic");
        let panics = lines.iter().filter(|line| line["target"] == "obs::panic");
        for (m, panic) in panics.enumerate() {
            assert_eq!(panic.keys()[..ROOT.len()], ROOT, "{panic:?}");
            assert_eq!(panic["level"], "ERROR");
            let (file, place) = panic.text("location").split_once(".rs:").unwrap();
            assert!(file.ends_with("http_lines"), "{panic:?}");
            let row: u32 = place.split_once(':').unwrap().0.parse().unwrap();
            assert_eq!((FIRST..LAST).contains(&row), m == 0, "{panic:?}");
        }
    }
}

#[tokio::test]
async fn what_a_request_notes_is_on_its_completed_line_and_on_no_other() {
    let notes = async || {
        obs::annotate("order_id", "o-117");
        tracing::info!("handler");
        obs::spawn(async { obs::annotate("items", 3) })
            .await
            .unwrap();
        obs::annotate("order_id", "o-118");
        obs::annotate("express", true);
        obs::annotate("weight", 1.5);
        obs::annotate("password", "hunter2");
        // What the layer says is not to be said otherwise.
        obs::annotate("status", 7);
        obs::annotate("correlation_id", "forged");
        "noted"
    };
    let quiet = async || "quiet";
    let app = PROCESS.obs.wrap(
        Router::new()
            .route("/notes", get(notes))
            .route("/quiet", get(quiet)),
    );
    send(&app, "GET", "/notes", "noted").await;
    send(&app, "GET", "/quiet", "not-noted").await;
    let all = lines("noted");
    let last = only(&all, COMPLETED);
    assert_eq!(last["order_id"], "o-118");
    assert_eq!(last["items"], 3);
    assert_eq!(last["express"], true);
    assert_eq!(last["weight"], 1.5);
    assert_eq!(last["password"], "[redacted]");
    assert_eq!(last["status"], 200);
    assert_eq!(last["field_correlation_id"], "forged");
    assert_eq!(messages(&all), [STARTED, "handler", COMPLETED]);
    let others = [&all[0], &all[1], &lines("not-noted")[1]];
    for line in others {
        for key in ["order_id", "items", "express", "weight", "password"] {
            assert_eq!(line.get(key), None, "{line:?}");
        }
    }
}

#[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
enum Refused {
    #[error("no such shelf")]
    #[problem(status = 404)]
    NoSuchShelf,
    #[error("the stock is away: {0}")]
    #[problem(status = 503)]
    StockAway(&'static str),
}

#[tokio::test]
async fn an_error_that_was_answered_has_its_code_on_the_completed_line() {
    let app = PROCESS.obs.wrap(
        Router::new()
            .route("/shelf", get(async || Refused::NoSuchShelf))
            .route(
                "/stock",
                get(async || Refused::StockAway("password=hunter2")),
            ),
    );
    assert_eq!(send(&app, "GET", "/shelf", "refused").await.0, 404);
    assert_eq!(send(&app, "GET", "/stock", "away").await.0, 503);
    let (refused, away) = (lines("refused"), lines("away"));
    let refused = only(&refused, COMPLETED);
    assert_eq!(refused["error_code"], "no_such_shelf");
    assert_eq!(refused.get("error"), None, "that is the client's affair");
    let away = only(&away, COMPLETED);
    assert_eq!(away["error_code"], "stock_away");
    assert_eq!(away["error"], "the stock is away: password=[redacted]");
}

#[tokio::test]
async fn of_successes_that_are_all_left_out_everything_else_has_its_lines() {
    let keeps = async || {
        Ctx::current().unwrap().keep();
        "kept"
    };
    let app = sampling(0.0).wrap(
        Router::new()
            .route("/ok", any(async || "ok"))
            .route("/moved", any(async || Redirect::to("/ok")))
            .route("/fails", any(async || StatusCode::INTERNAL_SERVER_ERROR))
            .route("/keeps", any(keeps))
            .route("/says", any(async || tracing::info!("said"))),
    );
    let (nothing, both, end) = (&[][..], &[STARTED, COMPLETED][..], &[COMPLETED][..]);
    let rows = [
        ("GET", "/ok", nothing),
        ("HEAD", "/ok", nothing),
        ("OPTIONS", "/ok", nothing),
        ("GET", "/moved", nothing),
        ("POST", "/ok", both),
        ("PUT", "/ok", both),
        ("PATCH", "/ok", both),
        ("DELETE", "/ok", both),
        ("BREW", "/ok", both),
        ("POST", "/fails", both),
        // That they would fail nobody knew when they began.
        ("GET", "/fails", end),
        ("GET", "/nowhere", end),
        ("GET", "/keeps", end),
        ("POST", "/keeps", both),
        // What the handler says is never left out.
        ("GET", "/says", &["said"]),
    ];
    for (n, (method, path, expected)) in rows.into_iter().enumerate() {
        let id = format!("left-out-{n}-");
        send(&app, method, path, &id).await;
        let lines = lines(&id);
        assert_eq!(messages(&lines), expected, "{method} {path}");
        for line in lines {
            assert_eq!(line.get("sample_rate"), None, "{line:?}");
        }
    }
}

/// What the documentation of the sampling says, written a second time.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn keeps(id: &str, rate: f64) -> bool {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^= hash >> 33;
    ((hash >> 11) as f64 / 9_007_199_254_740_992.0) < rate
}

#[tokio::test]
async fn of_a_tenth_of_the_successes_all_services_keep_the_same() {
    let services = [sampling(0.1), sampling(0.1)]
        .map(|obs| obs.wrap(Router::new().route("/ok", get(async || "ok"))));
    let mut kept = 0;
    for n in 0..500 {
        let id = format!("sampled-{n}-");
        for app in &services {
            send(app, "GET", "/ok", &id).await;
            send(app, "GET", "/nowhere", &id).await;
        }
        kept += usize::from(keeps(&id, 0.1));
    }
    assert!((20..80).contains(&kept), "{kept} of 500");
    drop(lines("sampled-"));
    let all = PROCESS.written.by_correlation_id();
    for n in 0..500 {
        let id = format!("sampled-{n}-");
        let lines = &all[&id];
        // The 404s say how they ended whatever is sampled.
        let (found, lost): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["route"] == "/ok");
        if keeps(&id, 0.1) {
            assert_eq!((found.len(), lost.len()), (4, 4), "{lines:#?}");
        } else {
            assert_eq!((found.len(), lost.len()), (0, 2), "{lines:#?}");
        }
        for line in found {
            assert_eq!(line["sample_rate"], 0.1, "{line:?}");
        }
        for line in lost {
            let rate = line.get("sample_rate").and_then(Value::as_f64);
            // The end of a failure stands for itself alone.
            let expected = line.says(STARTED).then_some(0.1);
            assert_eq!(rate, expected, "{line:?}");
        }
    }
}

#[derive(Clone)]
struct Till;

#[obs::observed]
#[tool_router(server_handler)]
impl Till {
    #[tool(description = "Opens the till")]
    async fn open_till(&self) -> Result<String, ErrorData> {
        tracing::info!("in the tool");
        Err(ErrorData::internal_error("stuck", None))
    }
}

#[tokio::test]
async fn a_tool_call_has_all_its_lines_whatever_is_sampled() {
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = false;
    config.json_response = true;
    let service =
        StreamableHttpService::new(|| Ok(Till), Arc::<LocalSessionManager>::default(), config);
    let app = sampling(0.0).wrap(Router::new().nest_service("/mcp", service));
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "open_till", "arguments": {}}});
    let mut request = request("POST", "/mcp", "tool-call");
    let headers = request.headers_mut();
    for (name, value) in [
        ("host", "127.0.0.1"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    *request.body_mut() = Body::from(call.to_string());
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(response.into_body().collect().await.unwrap());
    let lines = lines("tool-call");
    for expected in [STARTED, "in the tool", "tool call failed", COMPLETED] {
        let line = only(&lines, expected);
        assert_eq!(line.keys()[..ROOT.len()], ROOT, "{line:?}");
        assert_eq!(line["method"], "POST");
    }
    assert_eq!(only(&lines, "tool call failed")["tool"], "open_till");
}
