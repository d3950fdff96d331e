//! Which answers become problem documents, and that all others are sent byte for byte.

#![expect(
    clippy::too_many_lines,
    reason = "the tables of cases are long, and split they would be harder to read"
)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{
    ConnectInfo, DefaultBodyLimit, Form, Json, MatchedPath, Multipart, NestedPath, Path, Query,
    RawForm, RawPathParams,
};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use obs::Obs;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const PARTS: &str = "multipart/form-data; boundary=X";
const PROBLEM: &str = "application/problem+json";
const TEXT: &str = "text/plain; charset=utf-8";

struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The document; its correlation id must be that of the header, and is left out.
    fn document(&self) -> Value {
        assert_eq!(self.header(CONTENT_TYPE), Some(PROBLEM));
        let length = self.body.len().to_string();
        assert_eq!(self.header(CONTENT_LENGTH), Some(length.as_str()));
        let mut document: Value = serde_json::from_slice(&self.body).unwrap();
        let id = document.as_object_mut().unwrap().remove("correlation_id");
        let id = id.unwrap();
        assert_eq!(id.as_str(), self.header("x-correlation-id"));
        document
    }
}

async fn send(app: &Router, request: Request<Body>) -> Seen {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Seen {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

fn wrap(app: Router) -> Router {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    setup.detached().unwrap().wrap(app)
}

fn request(method: &str, path: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !kind.is_empty() {
        request = request.header(CONTENT_TYPE, kind);
    }
    request.body(body.into()).unwrap()
}

/// A body of frames that are there at once, or not.
struct Frames {
    left: Vec<Result<Frame<Bytes>, std::io::Error>>,
    size: Option<u64>,
    /// Whether it is pending before each frame.
    slow: bool,
    waited: bool,
}

impl Frames {
    fn new(frames: Vec<Result<&'static str, std::io::Error>>, size: Option<u64>) -> Self {
        let frames = frames
            .into_iter()
            .map(|frame| frame.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))));
        Self {
            left: frames.rev().collect(),
            size,
            slow: false,
            waited: false,
        }
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.slow && !self.waited {
            self.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waited = false;
        let frame = self.left.pop();
        if let (Some(size), Some(Ok(frame))) = (&mut self.size, &frame) {
            *size -= frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.size {
            None => SizeHint::default(),
            Some(size) => SizeHint::with_exact(size),
        }
    }
}

/// A request body that breaks while it is read.
fn broken() -> Body {
    Body::new(Frames::new(vec![Err(std::io::Error::other("reset"))], None))
}

#[derive(Deserialize)]
struct Job {
    #[expect(dead_code, reason = "only its type matters")]
    id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Csv,
}

async fn fields(mut parts: Multipart) -> Result<(), Response> {
    while let Some(field) = parts
        .next_field()
        .await
        .map_err(IntoResponse::into_response)?
    {
        field.bytes().await.map_err(IntoResponse::into_response)?;
    }
    Ok(())
}

/// Takes a part of the path away before an extractor asks for it.
async fn without_path(request: axum::extract::Request) -> Response {
    let mut request = Request::new(request.into_body());
    request.extensions_mut().clear();
    let path = <Path<u32> as axum::extract::FromRequest<(), _>>::from_request(request, &()).await;
    path.unwrap_err().into_response()
}

async fn no_match(_: MatchedPath) {}

fn extractors() -> Router {
    Router::new()
        .route("/bytes", post(async |_: Bytes| ()))
        .route("/string", post(async |_: String| ()))
        .route(
            "/small",
            post(async |_: Bytes| ()).layer(DefaultBodyLimit::max(2)),
        )
        .route("/json", post(async |_: Json<Job>| ()))
        .route("/form", any(async |_: Form<Job>| ()))
        .route("/raw-form", post(async |_: RawForm| ()))
        .route("/query", get(async |_: Query<Job>| ()))
        .route("/path/{id}", get(async |_: Path<u32>| ()))
        .route("/pair/{a}/{b}", get(async |_: Path<(u32, u32)>| ()))
        .route("/struct/{id}", get(async |_: Path<Job>| ()))
        .route("/kind/{kind}", get(async |_: Path<Kind>| ()))
        .route("/raw/{id}", get(async |_: RawPathParams| ()))
        .route("/two/{a}/{b}", get(async |_: Path<u32>| ()))
        .route(
            "/map/{a}",
            get(async |_: Path<HashMap<String, Vec<u8>>>| ()),
        )
        .route("/extension", get(async |_: Extension<u32>| ()))
        .route("/peer", get(async |_: ConnectInfo<SocketAddr>| ()))
        .route("/nested", get(async |_: NestedPath| ()))
        .route("/lost", get(without_path))
        .route("/parts", post(fields))
        .route(
            "/small-parts",
            post(fields).layer(DefaultBodyLimit::max(64)),
        )
        .route("/socket", any(async |_: WebSocketUpgrade| ()))
        .fallback(no_match)
}

/// What is sent, and the status, the code and the beginning of the detail that come back; `""` is
/// no detail.
struct Case(Request<Body>, u16, &'static str, &'static str);

fn part(head: &str) -> String {
    format!("--X\r\n{head}\r\n\r\nhello\r\n")
}

fn body_cases() -> Vec<Case> {
    let no_json = "Expected request with `Content-Type: application/json`";
    let no_form = "Form requests must have `Content-Type: application/x-www-form-urlencoded`";
    vec![
        Case(
            request("POST", "/bytes", "", broken()),
            400,
            "invalid_body",
            "Failed to buffer the request body: ",
        ),
        Case(
            request("POST", "/small", "", "abc"),
            413,
            "payload_too_large",
            "Failed to buffer the request body: ",
        ),
        Case(
            request("POST", "/string", "", vec![0xff]),
            400,
            "invalid_body",
            "Request body didn't contain valid UTF-8: ",
        ),
        Case(
            request("POST", "/json", "", "{}"),
            415,
            "unsupported_media_type",
            no_json,
        ),
        Case(
            request("POST", "/json", JSON, "{"),
            400,
            "invalid_body",
            "Failed to parse the request body as JSON: ",
        ),
        Case(
            request("POST", "/json", JSON, r#"{"id":"x"}"#),
            422,
            "invalid_body",
            "Failed to deserialize the JSON body into the target type: id: ",
        ),
        Case(
            request("POST", "/json", JSON, broken()),
            400,
            "invalid_body",
            "Failed to buffer the request body: ",
        ),
        Case(
            request("POST", "/form", "", "id=1"),
            415,
            "unsupported_media_type",
            no_form,
        ),
        Case(
            request("POST", "/raw-form", TEXT, "id=1"),
            415,
            "unsupported_media_type",
            no_form,
        ),
        Case(
            request("POST", "/form", FORM, "id=x"),
            422,
            "invalid_body",
            "Failed to deserialize form body: ",
        ),
        Case(
            request("GET", "/form?id=x", "", ""),
            400,
            "invalid_query",
            "Failed to deserialize form: ",
        ),
        Case(
            request("POST", "/parts", "multipart/form-data", ""),
            400,
            "invalid_body",
            "Invalid `boundary` for `multipart/form-data` request",
        ),
        Case(
            request("POST", "/parts", TEXT, ""),
            400,
            "invalid_body",
            "Invalid `boundary` for `multipart/form-data` request",
        ),
        Case(
            request("POST", "/parts", PARTS, "--X\r\n"),
            400,
            "invalid_body",
            "incomplete multipart stream",
        ),
        Case(
            request(
                "POST",
                "/parts",
                PARTS,
                "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhel",
            ),
            400,
            "invalid_body",
            "field \"a\" received with incomplete data",
        ),
        Case(
            request("POST", "/parts", PARTS, part("Bad Header\u{0}: x")),
            400,
            "invalid_body",
            "failed to read headers",
        ),
        Case(
            request("POST", "/parts", PARTS, broken()),
            500,
            "internal_error",
            "",
        ),
        Case(
            request(
                "POST",
                "/small-parts",
                PARTS,
                part("Content-Disposition: form-data; name=\"a\"").repeat(4),
            ),
            413,
            "payload_too_large",
            "Request payload is too large",
        ),
    ]
}

fn other_cases() -> Vec<Case> {
    let socket = |change: &[(&'static str, &'static str)]| {
        let mut request = request("GET", "/socket", "", "");
        let sound = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in sound.iter().chain(change) {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let mut no_key = socket(&[]);
    no_key.headers_mut().remove("sec-websocket-key");
    let mut http2 = request("GET", "/socket", "", "");
    *http2.version_mut() = http::Version::HTTP_2;
    let mut http2_connect = request("CONNECT", "/socket", "", "");
    *http2_connect.version_mut() = http::Version::HTTP_2;
    vec![
        Case(
            request("GET", "/query?id=x", "", ""),
            400,
            "invalid_query",
            "Failed to deserialize query string: id: invalid digit found in string",
        ),
        Case(
            request("GET", "/query", "", ""),
            400,
            "invalid_query",
            "Failed to deserialize query string: missing field `id`",
        ),
        Case(
            request("GET", "/path/x", "", ""),
            400,
            "invalid_path",
            "Invalid URL: Cannot parse `x` to a `u32`",
        ),
        Case(
            request("GET", "/path/%ff", "", ""),
            400,
            "invalid_path",
            "Invalid URL: Invalid UTF-8 in `id`",
        ),
        Case(
            request("GET", "/pair/1/x", "", ""),
            400,
            "invalid_path",
            "Invalid URL: Cannot parse value at index 1 with value `x` to a `u32`",
        ),
        Case(
            request("GET", "/struct/x", "", ""),
            400,
            "invalid_path",
            "Invalid URL: Cannot parse `id` with value `x` to a `u32`",
        ),
        Case(
            request("GET", "/kind/pdf", "", ""),
            400,
            "invalid_path",
            "Invalid URL: unknown variant `pdf`, expected `csv`",
        ),
        Case(
            request("GET", "/raw/%ff", "", ""),
            400,
            "invalid_path",
            "Invalid UTF-8 in `id`",
        ),
        Case(
            request("GET", "/two/1/2", "", ""),
            500,
            "internal_error",
            "",
        ),
        Case(request("GET", "/map/1", "", ""), 500, "internal_error", ""),
        Case(
            request("GET", "/extension", "", ""),
            500,
            "internal_error",
            "",
        ),
        Case(request("GET", "/peer", "", ""), 500, "internal_error", ""),
        Case(request("GET", "/nested", "", ""), 500, "internal_error", ""),
        Case(request("GET", "/lost", "", ""), 500, "internal_error", ""),
        Case(
            request("GET", "/nowhere", "", ""),
            500,
            "internal_error",
            "",
        ),
        Case(
            request("POST", "/socket", "", ""),
            405,
            "method_not_allowed",
            "Request method must be `GET`",
        ),
        Case(
            http2,
            405,
            "method_not_allowed",
            "Request method must be `CONNECT`",
        ),
        Case(
            socket(&[("connection", "close")]),
            400,
            "invalid_upgrade",
            "Connection header did not include 'upgrade'",
        ),
        Case(
            socket(&[("upgrade", "h2c")]),
            400,
            "invalid_upgrade",
            "`Upgrade` header did not include 'websocket'",
        ),
        Case(
            socket(&[("sec-websocket-version", "8")]),
            400,
            "invalid_upgrade",
            "`Sec-WebSocket-Version` header did not include '13'",
        ),
        Case(
            no_key,
            400,
            "invalid_upgrade",
            "`Sec-WebSocket-Key` header missing",
        ),
        Case(
            socket(&[]),
            426,
            "upgrade_required",
            "WebSocket request couldn't be upgraded since no upgrade state was present",
        ),
    ]
}

#[tokio::test]
async fn every_rejection_of_axums_becomes_a_problem_and_keeps_its_status() {
    let (bare, app) = (extractors(), wrap(extractors()));
    for Case(request, status, code, detail) in body_cases().into_iter().chain(other_cases()) {
        let what = format!("{} {}", request.method(), request.uri());
        let seen = send(&app, request).await;
        assert_eq!(seen.status, status, "{what}: {:?}", seen.body);
        let document = seen.document();
        assert_eq!(document["status"], status, "{what}");
        assert_eq!(document["code"], code, "{what}");
        let title = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            document["title"],
            title.canonical_reason().unwrap(),
            "{what}"
        );
        let shown = document.get("detail").and_then(Value::as_str);
        if status == 500 {
            assert_eq!(shown, None, "{what}");
        } else {
            assert!(shown.unwrap().starts_with(detail), "{what}: {shown:?}");
        }
    }
    // What is replaced is axum's text, whole; without obs it is what the detail says.
    for Case(request, status, ..) in body_cases().into_iter().chain(other_cases()) {
        let what = format!("{} {}", request.method(), request.uri());
        let seen = send(&bare, request).await;
        assert_eq!(
            (seen.status, seen.header(CONTENT_TYPE)),
            (status, Some(TEXT)),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_detail_is_the_whole_text_of_the_rejection() {
    let (bare, app) = (extractors(), wrap(extractors()));
    let cases = || body_cases().into_iter().chain(other_cases());
    for (Case(bare_request, status, ..), Case(request, ..)) in cases().zip(cases()) {
        if status < 500 {
            let text = send(&bare, bare_request).await.body;
            let document = send(&app, request).await.document();
            assert_eq!(document["detail"].as_str().unwrap().as_bytes(), text);
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_only_a_status_becomes_a_problem() {
    let app = wrap(
        Router::new()
            .route("/jobs", post(async || StatusCode::CREATED))
            .route(
                "/status/{status}",
                get(async |Path(status): Path<u16>| StatusCode::from_u16(status).unwrap()),
            )
            .route(
                "/unit",
                get(async || (StatusCode::CONFLICT, [("x-mine", "kept")], ())),
            ),
    );
    let seen = send(&app, request("GET", "/no", "", "")).await;
    assert_eq!(seen.status, 404);
    assert_eq!(
        seen.document(),
        json!({"title": "Not Found", "status": 404, "code": "not_found"})
    );
    let seen = send(&app, request("DELETE", "/jobs", "", "")).await;
    assert_eq!(seen.status, 405);
    assert_eq!(seen.header(ALLOW), Some("POST"));
    assert_eq!(seen.document()["code"], "method_not_allowed");
    let seen = send(&app, request("GET", "/unit", "", "")).await;
    assert_eq!(seen.header("x-mine"), Some("kept"));
    assert_eq!(seen.document()["code"], "conflict");
    for status in 400..=599 {
        let seen = send(&app, request("GET", &format!("/status/{status}"), "", "")).await;
        assert_eq!(seen.status, status);
        assert_eq!(seen.document()["status"], status);
    }
    for status in [200, 204, 205, 301, 304, 600, 999] {
        let seen = send(&app, request("GET", &format!("/status/{status}"), "", "")).await;
        assert_eq!((seen.status, seen.header(CONTENT_TYPE)), (status, None));
        assert!(seen.body.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn the_exact_bytes_of_a_404_and_of_a_panic() {
    let app = wrap(Router::new().route("/panic", get(async || -> () { panic!("hunter2") })));
    for (path, json) in [
        (
            "/no",
            r#"{"title":"Not Found","status":404,"code":"not_found","correlation_id":"c-1"}"#,
        ),
        (
            "/panic",
            r#"{"title":"Internal Server Error","status":500,"code":"internal_error","correlation_id":"c-1"}"#,
        ),
    ] {
        let mut request = request("GET", path, "", "");
        request
            .headers_mut()
            .insert("x-correlation-id", "c-1".parse().unwrap());
        assert_eq!(send(&app, request).await.body, json);
    }
}

/// Answers that somebody wrote.
fn written() -> Vec<(&'static str, Response)> {
    let text = |status: StatusCode, text: &'static str| (status, text).into_response();
    let with = |mut response: Response, name: &'static str, value: &'static str| {
        response.headers_mut().insert(name, value.parse().unwrap());
        response
    };
    let framed = |frames: Frames| {
        let mut response = Response::new(Body::new(frames));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        with(response, "content-type", TEXT)
    };
    let rejection = "Failed to deserialize query string: missing field `id`";
    let halves = || {
        vec![
            Ok("Failed to deserialize query string: "),
            Ok("missing field `id`"),
        ]
    };
    let size = Some(rejection.len() as u64);
    let long: &'static str = String::leak(format!("Invalid URL: {}", "x".repeat(8 * 1024)));
    let mut slow = Frames::new(vec![Ok(rejection)], size);
    slow.slow = true;
    let mut slow_halves = Frames::new(halves(), size);
    slow_halves.slow = true;
    vec![
        ("a text", text(StatusCode::NOT_FOUND, "no such job")),
        (
            "a text at 400",
            text(StatusCode::BAD_REQUEST, "the id is wrong"),
        ),
        (
            "a text at 500",
            text(StatusCode::INTERNAL_SERVER_ERROR, "oh no"),
        ),
        ("an empty text", text(StatusCode::NOT_FOUND, "")),
        (
            "an empty string",
            (StatusCode::NOT_FOUND, String::new()).into_response(),
        ),
        (
            "json",
            (StatusCode::BAD_REQUEST, Json(json!({"error": "x"}))).into_response(),
        ),
        (
            "json-rpc",
            (
                StatusCode::NOT_FOUND,
                Json(json!({"jsonrpc": "2.0", "error": {"code": -32601}})),
            )
                .into_response(),
        ),
        (
            "empty json",
            with(
                StatusCode::BAD_REQUEST.into_response(),
                "content-type",
                JSON,
            ),
        ),
        (
            "a problem",
            with(
                text(StatusCode::BAD_REQUEST, r#"{"title":"x"}"#),
                "content-type",
                PROBLEM,
            ),
        ),
        (
            "html",
            with(
                text(StatusCode::NOT_FOUND, "<p>"),
                "content-type",
                "text/html",
            ),
        ),
        (
            "events",
            with(
                text(StatusCode::BAD_REQUEST, "data: x\n\n"),
                "content-type",
                "text/event-stream",
            ),
        ),
        (
            "a challenge",
            with(
                StatusCode::UNAUTHORIZED.into_response(),
                "www-authenticate",
                "Bearer resource_metadata=\"x\"",
            ),
        ),
        (
            "a compressed answer",
            with(
                text(StatusCode::BAD_REQUEST, rejection),
                "content-encoding",
                "br",
            ),
        ),
        (
            "a text without a type",
            Response::builder()
                .status(404)
                .body(Body::from("Not Found: Session not found"))
                .unwrap(),
        ),
        (
            "a rejection at another status",
            text(StatusCode::CONFLICT, rejection),
        ),
        ("a rejection at success", text(StatusCode::OK, rejection)),
        (
            "a rejection's beginning",
            text(
                StatusCode::BAD_REQUEST,
                "Failed to deserialize query string: ",
            ),
        ),
        (
            "a rejection in other letters",
            text(
                StatusCode::BAD_REQUEST,
                "failed to deserialize query string: x",
            ),
        ),
        (
            "a rejection inside of a text",
            text(
                StatusCode::BAD_REQUEST,
                "x Failed to deserialize query string: x",
            ),
        ),
        (
            "a rejection of another type",
            with(
                text(StatusCode::BAD_REQUEST, rejection),
                "content-type",
                "text/plain",
            ),
        ),
        ("a long text", text(StatusCode::BAD_REQUEST, long)),
        (
            "no UTF-8",
            with(
                (StatusCode::BAD_REQUEST, vec![0xff, 0xfe]).into_response(),
                "content-type",
                TEXT,
            ),
        ),
        (
            "of unknown size",
            framed(Frames::new(vec![Ok(rejection)], None)),
        ),
        ("in two frames", framed(Frames::new(halves(), size))),
        ("not ready at once", framed(slow)),
        ("in two frames, not ready at once", framed(slow_halves)),
        (
            "an empty stream",
            Response::builder()
                .status(500)
                .body(Body::new(Frames::new(vec![], None)))
                .unwrap(),
        ),
    ]
}

#[tokio::test]
async fn what_somebody_wrote_is_sent_byte_for_byte_with_all_its_headers() {
    // Without the layer first, then with it; both routers take the answer of this number.
    let answers = written().len();
    let handler = async |Path(at): Path<usize>| {
        written()
            .into_iter()
            .nth(at)
            .map(|(_, response)| response)
            .unwrap()
    };
    let bare = Router::new().route("/{at}", get(handler));
    let app = wrap(bare.clone());
    for at in 0..answers {
        let name = written()[at].0;
        for method in ["GET", "HEAD"] {
            let expected = send(&bare, request(method, &format!("/{at}"), "", "")).await;
            let mut seen = send(&app, request(method, &format!("/{at}"), "", "")).await;
            for own in ["x-correlation-id", "x-request-id"] {
                seen.headers.remove(own);
            }
            assert_eq!(seen.status, expected.status, "{name}");
            assert_eq!(seen.headers, expected.headers, "{name}");
            assert_eq!(seen.body, expected.body, "{name}");
        }
    }
}

#[tokio::test]
async fn a_body_that_breaks_while_it_is_looked_at_breaks_for_the_client_too() {
    let app = wrap(Router::new().route(
        "/",
        get(async || {
            let frames = Frames::new(vec![Err(std::io::Error::other("reset"))], Some(60));
            let mut response = Response::new(Body::new(frames));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
                .headers_mut()
                .insert(CONTENT_TYPE, TEXT.parse().unwrap());
            response
        }),
    ));
    let response = app.oneshot(request("GET", "/", "", "")).await.unwrap();
    assert_eq!(response.status(), 400);
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error.to_string(), "reset");
}

#[tokio::test]
async fn an_answer_to_head_has_the_headers_of_one_to_get_and_no_body() {
    let app = wrap(extractors().route("/status", get(async || StatusCode::GONE)));
    for path in ["/path/x", "/status", "/query", "/extension"] {
        let fixed = |method: &str| {
            let mut request = request(method, path, "", "");
            request
                .headers_mut()
                .insert("x-correlation-id", "c-1".parse().unwrap());
            request
                .headers_mut()
                .insert("x-request-id", "r-1".parse().unwrap());
            request
        };
        let get = send(&app, fixed("GET")).await;
        let head = send(&app, fixed("HEAD")).await;
        assert_eq!(get.document()["status"], head.status);
        assert_eq!(head.headers, get.headers, "{path}");
        assert!(head.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn an_answer_to_connect_is_never_touched() {
    let app = wrap(Router::new().fallback(async || StatusCode::BAD_GATEWAY));
    let seen = send(&app, request("CONNECT", "/", "", "")).await;
    assert_eq!((seen.status, seen.header(CONTENT_TYPE)), (502, None));
}

#[tokio::test]
async fn a_plain_tower_service_that_took_the_body_of_a_head_answer_away_keeps_its_length() {
    let inner = tower::service_fn(async |_: Request<Body>| {
        let response = Response::builder()
            .status(404)
            .header(CONTENT_LENGTH, "120");
        Ok::<_, Infallible>(response.body(Body::empty()).unwrap())
    });
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    let obs = setup.detached().unwrap();
    let service = tower::Layer::layer(&obs.layer(), inner);
    let request = Request::builder().method(Method::HEAD).body(Body::empty());
    let response = service.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.headers()[CONTENT_LENGTH], "120");
    assert!(!response.headers().contains_key(CONTENT_TYPE));
}

#[tokio::test]
async fn m_what_a_caller_sends_wrongly_comes_back_without_personal_data() {
    let app = wrap(extractors());
    let seen = send(&app, request("GET", "/path/jane.doe@example.org", "", "")).await;
    let detail = seen.document()["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail, "Invalid URL: Cannot parse `[redacted]` to a `u32`",
        "{detail}"
    );
}
