//! Secrets, planted wherever a client, an author or a machine may put one, are in no sink.
//!
//! The service runs in a process of its own, because what a process was started with is one of
//! the places.

use std::error::Error;
use std::fmt;
use std::process::Command;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use obs::{Ctx, Obs};
use obs_tests::lines::{Written, show_failures};
use obs_tests::sentry::SentryServer;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Says that this is the process with the service.
const INSIDE: &str = "OBS_TEST_SECRETS_INSIDE";

/// Where the secrets are planted: one in each.
const PLACES: [&str; 28] = [
    "Authorization",
    "Cookie",
    "Set-Cookie",
    "Proxy-Authorization",
    "X-Api-Key",
    "X-Forwarded-For",
    "Referer",
    "baggage",
    "query",
    "path parameter",
    "URL userinfo",
    "request body",
    "response body",
    "form field",
    "panic message, as a bearer token",
    "error chain",
    "span field",
    "event field",
    "thread name",
    "environment variable",
    "host name",
    "Mcp-Session-Id",
    "panic message, as an e-mail address",
    "message of an event, as a JWT",
    "message of an error, under a key",
    "annotation",
    "field of an event, as a session id",
    "problem's cause, in a URL",
];

/// The secret of a place: 32 hexadecimal digits.
fn secret(place: &str) -> String {
    let n = PLACES.iter().position(|known| *known == place);
    let n = n.unwrap_or_else(|| panic!("{place} is no place")) as u64;
    let mixed = |n: u64| {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03;
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    format!("{:016x}{:016x}", mixed(n + 1), mixed(n + 1_001))
}

fn jwt(place: &str) -> String {
    format!("eyJhbGciOiJIUzI1NiJ9.eyJ{0}.{0}", secret(place))
}

#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum Broken {
    #[problem(status = 503, detail)]
    Database(Cause),
}

/// What only a chain of causes shows.
#[derive(Debug)]
struct Cause(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database is away")
    }
}

impl Error for Broken {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let Self::Database(cause) = self;
        Some(cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Cause {}

fn broken() -> Broken {
    Broken::Database(Cause(secret("error chain")))
}

#[derive(Deserialize)]
struct Order {
    count: u32,
}

/// What a careless author writes.
async fn careless(Path(order): Path<String>, body: Bytes) -> impl axum::response::IntoResponse {
    assert!(!order.is_empty() && !body.is_empty());
    let span = tracing::info_span!("careless", password = %secret("span field"));
    span.in_scope(|| tracing::error!(api_key = secret("event field"), "control: event"));
    let error = broken();
    let error: &(dyn Error + 'static) = &error;
    tracing::warn!(error, "control: chain in a breadcrumb");
    tracing::error!(error, "control: chain");
    tracing::error!("control: message {}", jwt("message of an event, as a JWT"));
    let text = format!("password={}", secret("message of an error, under a key"));
    tracing::error!(error = %Cause(text), "control: error");
    let session = secret("field of an event, as a session id");
    tracing::error!(mcp_session_id = session, "control: session");
    obs::annotate("refresh_token", secret("annotation"));
    (
        [("set-cookie", format!("session={}", secret("Set-Cookie")))],
        secret("response body"),
    )
}

async fn thread() {
    let ctx = Ctx::current().unwrap();
    let thread = std::thread::Builder::new().name(secret("thread name"));
    let thread = thread.spawn(move || {
        ctx.scope(|| {
            tracing::error!("control: thread");
            panic!("control: panic of a thread");
        });
    });
    assert!(thread.unwrap().join().is_err());
}

fn app(obs: &Obs) -> Router {
    let bearer = async || -> () {
        let secret = secret("panic message, as a bearer token");
        panic!("control: panic with Bearer {secret}")
    };
    let mail = async || -> () {
        let secret = secret("panic message, as an e-mail address");
        panic!("control: panic of {secret}@example.com")
    };
    let url = async || {
        let secret = secret("problem's cause, in a URL");
        obs::Problem::new(StatusCode::BAD_GATEWAY)
            .detail(format!("control: postgres://shop:{secret}@db/shop"))
    };
    let json = async |Json(order): Json<Order>| order.count.to_string();
    let form = async |Form(order): Form<Order>| order.count.to_string();
    let number = async |Path(n): Path<u32>| n.to_string();
    obs.wrap(
        Router::new()
            .route("/careless/{order}", post(careless))
            .route("/thread", get(thread))
            .route("/bearer", get(bearer))
            .route("/mail", get(mail))
            .route("/url", get(url))
            .route("/broken", get(async || broken()))
            .route("/json", post(json))
            .route("/form", post(form))
            .route("/number/{n}", get(number)),
    )
}

/// A request with a secret in each header that may hold one, in its query and in its URL.
fn request(method: &str, path: &str, kind: &str, body: String) -> Request<Body> {
    let userinfo = secret("URL userinfo");
    let query = secret("query");
    let uri = format!("http://shop:{userinfo}@127.0.0.1{path}?token={query}&q={query}");
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in [
        (
            "authorization",
            format!("Bearer {}", secret("Authorization")),
        ),
        ("cookie", format!("session={}", secret("Cookie"))),
        (
            "proxy-authorization",
            format!("Basic {}", secret("Proxy-Authorization")),
        ),
        ("x-api-key", secret("X-Api-Key")),
        ("x-forwarded-for", secret("X-Forwarded-For")),
        ("referer", format!("https://shop/{}", secret("Referer"))),
        ("baggage", format!("user={}", secret("baggage"))),
        ("mcp-session-id", secret("Mcp-Session-Id")),
        ("content-type", kind.to_owned()),
    ] {
        request = request.header(name, value);
    }
    request.body(Body::from(body)).unwrap()
}

/// What the service answers, and to which request, by the name of its control.
async fn answers(app: &Router) -> Vec<String> {
    let path = secret("path parameter");
    let body = secret("request body");
    let field = secret("form field");
    let (none, form) = (String::new, "application/x-www-form-urlencoded");
    let rows = [
        (
            "POST",
            format!("/careless/{path}"),
            "text/plain",
            body.clone(),
            200,
        ),
        ("GET", "/thread".to_owned(), "text/plain", none(), 200),
        ("GET", "/bearer".to_owned(), "text/plain", none(), 500),
        ("GET", "/mail".to_owned(), "text/plain", none(), 500),
        ("GET", "/url".to_owned(), "text/plain", none(), 502),
        ("GET", "/broken".to_owned(), "text/plain", none(), 503),
        // Its own words say what was wrong with it.
        (
            "POST",
            "/json".to_owned(),
            "application/json",
            json!({ "count": body }).to_string(),
            422,
        ),
        (
            "POST",
            "/json".to_owned(),
            "application/json",
            body.clone(),
            400,
        ),
        ("POST", "/json".to_owned(), "text/plain", body, 415),
        (
            "POST",
            "/form".to_owned(),
            form,
            format!("count={field}"),
            422,
        ),
        ("GET", format!("/number/{path}"), "text/plain", none(), 400),
        ("GET", format!("/nowhere/{path}"), "text/plain", none(), 404),
        ("PUT", "/json".to_owned(), "text/plain", field, 405),
        ("GET", "/metrics".to_owned(), "text/plain", none(), 200),
        ("GET", "/health".to_owned(), "text/plain", none(), 200),
        ("GET", "/ready".to_owned(), "text/plain", none(), 200),
    ];
    let mut answers = Vec::new();
    for (method, path, kind, body, status) in rows {
        let response = app
            .clone()
            .oneshot(request(method, &path, kind, body))
            .await
            .unwrap();
        let told = format!("{method} {path} {kind}");
        assert_eq!(response.status(), status, "{told}");
        let headers = format!("{:?}", response.headers());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        if path.starts_with("/careless") {
            // The service's own answer is the client's, and passes as it is.
            assert_eq!(body, secret("response body"));
            assert!(headers.contains(&secret("Set-Cookie")));
        } else {
            answers.push(format!("{told}\0{headers}\n{body}"));
        }
    }
    answers
}

/// What an answer may hold: axum tells clients what was wrong with what they sent themselves.
const ECHOED: [&str; 3] = ["request body", "form field", "path parameter"];

fn assert_clean(sink: &str, text: &str) {
    assert_clean_but_for(&[], sink, text);
}

fn assert_clean_but_for(echoed: &[&str], sink: &str, text: &str) {
    for place in PLACES {
        if echoed.contains(&place) {
            continue;
        }
        let found = text.find(&secret(place)).map(|at| {
            let around = at.saturating_sub(200)..text.len().min(at + 100);
            String::from_utf8_lossy(&text.as_bytes()[around]).into_owned()
        });
        assert_eq!(found, None, "{place} is in {sink}");
    }
}

/// The lines of the log or the bytes to Sentry that show that a place was reached.
const CONTROLS: [&str; 7] = [
    "control: event",
    "control: chain",
    "control: message",
    "control: error",
    "control: session",
    "control: thread",
    "control: panic of a thread",
];

fn serve_and_look() {
    let written = Written::default();
    let sentry = SentryServer::start();
    let variables = [
        ("OBS_ENV", "dev"),
        ("SENTRY_DSN", sentry.dsn()),
        ("SENTRY_RELEASE", "secrets@1"),
    ];
    let obs = Obs::from_vars(obs::service!(), variables)
        .unwrap()
        .allow_unauthenticated_admin(true)
        .log_writer(written.clone())
        .install()
        .unwrap();
    show_failures();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answers = runtime.block_on(answers(&app(&obs)));
    let losses = obs.flush(Duration::from_secs(30));
    assert!(losses.is_empty(), "{losses}");

    let (log, events) = (written.text(), sentry.text());
    for control in CONTROLS {
        assert!(log.contains(control), "no {control} in {log}");
        assert!(events.contains(control), "no {control} in {events}");
    }
    for control in ["panic with Bearer [redacted]", "panic of [redacted]"] {
        assert!(log.contains(control), "no {control} in {log}");
        assert!(events.contains(control), "no {control} in {events}");
    }
    // Two lines and a transaction for each request of the service's.
    let completed = log.matches("request_completed").count();
    assert_eq!(completed, answers.len() + 1 - 3, "{log}");
    let transactions = events.matches("\"type\":\"transaction\"").count();
    assert!(transactions >= completed, "{transactions} in {events}");
    let metrics = answers.iter().find(|it| it.starts_with("GET /metrics"));
    let route = "route=\"/careless/{order}\"";
    assert!(metrics.is_some_and(|metrics| metrics.contains(route)));

    assert_clean("the log", &log);
    assert_clean("Sentry", &events);
    for answer in &answers {
        let (told, answer) = answer.split_once('\0').unwrap();
        let is_of_a_client = answer.contains("application/problem+json");
        let echoed = if is_of_a_client { &ECHOED[..] } else { &[] };
        assert_clean_but_for(echoed, told, answer);
    }
    // The machine's own name is nobody's business outside.
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    if host.len() > 4 && host != "localhost" {
        assert!(!events.contains(host), "{host} in {events}");
        assert!(!log.contains(host), "{host} in {log}");
    }
    for line in written.lines() {
        let session = line.get("mcp_session_id").and_then(Value::as_str);
        assert!(
            session.is_none_or(|it| it.starts_with("sha256:")),
            "{line:?}"
        );
    }
}

#[test]
fn q1_of_28_planted_secrets_none_is_in_any_sink() {
    if std::env::var_os(INSIDE).is_some() {
        return serve_and_look();
    }
    let inside = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("q1_of_28_planted_secrets_none_is_in_any_sink")
        .env(INSIDE, "1")
        .env("SHOP_SIGNING_KEY", secret("environment variable"))
        .env("HOSTNAME", secret("host name"))
        .output()
        .unwrap();
    let said = [inside.stdout, inside.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(inside.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    assert_clean("the output of the process", &said);
}
