//! A page of the service's own: who sees it, what it is told, and what it costs when it is not there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::get;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{HeaderName, Method, Request, StatusCode, Version};
use http_body_util::BodyExt;
use obs::http::{AdminPage, EndedSpan, PageAnswer, PageFuture, PageRequest};
use obs::{Format, Obs, Setup};
use serde_json::Value;
use tower::ServiceExt;
use tracing::Level;
use tracing_subscriber::layer::{Layer, SubscriberExt};

const TOKEN: &str = "0123456789abcdef";
/// `obs:0123456789abcdef`.
const BASIC: &str = "Basic b2JzOjAxMjM0NTY3ODlhYmNkZWY=";
/// `obs:0123456789abcdeX`.
const WRONG_BASIC: &str = "Basic b2JzOjAxMjM0NTY3ODlhYmNkZVg=";

const HERE: &str = "127.0.0.1:9";
const ELSEWHERE: &str = "192.0.2.1:9";

/// A page that keeps what it is told.
#[derive(Clone, Default)]
struct Page {
    lines: Arc<Mutex<Vec<(Level, String)>>>,
    spans: Arc<Mutex<Vec<Span>>>,
    asked: Arc<Mutex<Vec<PageRequest>>>,
}

#[derive(Clone, Debug)]
struct Span {
    key: u64,
    parent: Option<u64>,
    name: String,
    correlation_id: Option<String>,
    exported_as: Option<String>,
    failed: bool,
    fields: Value,
}

impl AdminPage for Page {
    fn path(&self) -> &'static str {
        "/look"
    }

    fn serving(&self, _: &Obs) {}

    fn answer(&self, _: &Obs, asked: PageRequest) -> PageFuture {
        // What it does to answer is told to nobody, whether before or within the future.
        tracing::error!("of the page");
        self.asked.lock().unwrap().push(asked);
        Box::pin(async {
            let _span = tracing::info_span!("of the page").entered();
            tracing::error!("of the page");
            PageAnswer::ok("text/plain", "the page")
        })
    }

    fn line(&self, level: Level, json: &str) {
        self.lines.lock().unwrap().push((level, json.to_owned()));
    }

    fn span(&self, span: &EndedSpan<'_>) {
        self.spans.lock().unwrap().push(Span {
            key: span.key,
            parent: span.parent,
            name: span.name.to_owned(),
            correlation_id: span.ctx.map(|ctx| ctx.correlation_id().to_owned()),
            exported_as: span.span_id.map(|id| id.to_string()),
            failed: span.failed,
            fields: serde_json::from_str(span.fields).unwrap(),
        });
    }
}

fn setup(environment: &str, more: &[(&'static str, &'static str)]) -> Setup {
    let variables = [("OBS_ENV", environment)].into_iter();
    Obs::from_vars(obs::service!(), variables.chain(more.iter().copied())).unwrap()
}

async fn ask(
    obs: &Obs,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    peer: Option<&str>,
) -> Response {
    let app = obs.wrap(Router::new().fallback(async || (StatusCode::IM_A_TEAPOT, "mine")));
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    app.oneshot(request).await.unwrap()
}

const HOSTS: [(&str, &str); 1] = [("host", "localhost:8080")];

/// Variables, environment, headers, peer, and the status.
type Case<'a> = (
    &'a [(&'static str, &'static str)],
    &'a str,
    Vec<(&'a str, &'a str)>,
    Option<&'a str>,
    u16,
);

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "most of it is a table")]
async fn only_whoever_may_sees_that_there_is_a_page() {
    let bearer = format!("Bearer {TOKEN}");
    let token: &[(&str, &str)] = &[("OBS_METRICS_TOKEN", TOKEN)];
    let own = |name: &'static str, value: &'static str| vec![HOSTS[0], (name, value)];
    let authorization = AUTHORIZATION.as_str();
    let with = |value: &str| {
        vec![
            HOSTS[0],
            (authorization, String::leak(value.to_owned()) as &str),
        ]
    };
    let cases: Vec<Case<'_>> = vec![
        // In dev, this machine.
        (&[], "dev", HOSTS.to_vec(), Some(HERE), 200),
        (&[], "dev", HOSTS.to_vec(), Some("[::1]:9"), 200),
        (
            &[],
            "dev",
            vec![("host", "127.0.0.1:8080")],
            Some(HERE),
            200,
        ),
        (&[], "dev", vec![("host", "[::1]:8080")], Some(HERE), 200),
        (&[], "dev", own("sec-fetch-site", "none"), Some(HERE), 200),
        (
            &[],
            "dev",
            own("sec-fetch-site", "same-origin"),
            Some(HERE),
            200,
        ),
        // And nobody else, nor anybody on behalf of somebody else.
        (&[], "dev", HOSTS.to_vec(), Some(ELSEWHERE), 418),
        (&[], "dev", HOSTS.to_vec(), None, 418),
        (
            &[],
            "dev",
            vec![("host", "evil.example:8080")],
            Some(HERE),
            418,
        ),
        (
            &[],
            "dev",
            vec![("host", "127.0.0.1.evil.example")],
            Some(HERE),
            418,
        ),
        (&[], "dev", vec![HOSTS[0], HOSTS[0]], Some(HERE), 418),
        (&[], "dev", vec![], Some(HERE), 418),
        (
            &[],
            "dev",
            own("sec-fetch-site", "cross-site"),
            Some(HERE),
            418,
        ),
        (
            &[],
            "dev",
            own("x-forwarded-for", "192.0.2.1"),
            Some(HERE),
            418,
        ),
        (
            &[],
            "dev",
            own("forwarded", "for=192.0.2.1"),
            Some(HERE),
            418,
        ),
        (&[], "dev", own("via", "1.1 front"), Some(HERE), 418),
        // A token that is not asked for opens nothing.
        (&[], "dev", with(&bearer), Some(ELSEWHERE), 418),
        // Elsewhere there is none without a token.
        (&[], "prod", HOSTS.to_vec(), Some(HERE), 418),
        (&[], "prod", with(&bearer), Some(HERE), 418),
        (&[], "staging", with(BASIC), Some(HERE), 418),
        // With one, whoever has it.
        (token, "prod", with(&bearer), Some(ELSEWHERE), 200),
        (token, "prod", with(BASIC), Some(ELSEWHERE), 200),
        (token, "prod", with(BASIC), None, 200),
        (token, "dev", HOSTS.to_vec(), Some(HERE), 401),
        (token, "prod", HOSTS.to_vec(), Some(HERE), 401),
        (token, "prod", with(WRONG_BASIC), Some(HERE), 401),
        (
            token,
            "prod",
            with("Bearer 0123456789abcdeX"),
            Some(HERE),
            401,
        ),
        (
            token,
            "prod",
            with("Basic MDEyMzQ1Njc4OWFiY2RlZg=="),
            Some(HERE),
            401,
        ),
        (token, "prod", with("Digest x"), Some(HERE), 401),
        (
            token,
            "prod",
            [with(BASIC), vec![("sec-fetch-site", "cross-site")]].concat(),
            Some(HERE),
            418,
        ),
    ];
    for (variables, environment, headers, peer, status) in cases {
        let obs = setup(environment, variables)
            .admin_page(Page::default())
            .detached()
            .unwrap();
        for path in ["/look", "/look/", "/look/api/x?y=z"] {
            let response = ask(&obs, Method::GET, path, &headers, peer).await;
            let case = format!("{environment} {headers:?} {peer:?} {path}");
            assert_eq!(response.status(), status, "{case}");
            assert_eq!(
                response.headers().contains_key(WWW_AUTHENTICATE),
                status == 401,
                "{case}"
            );
        }
        // Something else that begins alike is the service's own.
        let response = ask(&obs, Method::GET, "/looking", &headers, peer).await;
        assert_eq!(response.status(), 418);
    }
}

/// How a request is answered that a service without a token in dev gets from this machine.
async fn status_in_dev(uri: &str, version: Version, headers: &[(&str, &str)]) -> u16 {
    let obs = setup("dev", &[]).admin_page(Page::default());
    let app = obs.detached().unwrap().wrap(Router::new());
    let mut request = Request::get(uri).version(version);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer: SocketAddr = HERE.parse().unwrap();
    let request = request.extension(ConnectInfo(peer)).body(Body::empty());
    app.oneshot(request.unwrap())
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn what_a_proxy_of_this_machine_passes_on_is_not_from_this_machine() {
    for name in [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
    ] {
        let headers = [HOSTS[0], (name, "192.0.2.1")];
        let status = status_in_dev("/look", Version::HTTP_11, &headers).await;
        assert_eq!(status, 404, "{name}");
    }
    // As nginx does that was told nothing but where to pass it: no browser speaks this version.
    let status = status_in_dev("/look", Version::HTTP_10, &HOSTS).await;
    assert_eq!(status, 404);
    let status = status_in_dev("/look", Version::HTTP_2, &HOSTS).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn every_name_that_a_request_has_for_its_host_is_of_this_machine() {
    let host = |host| [("host", host)];
    for (uri, headers, status) in [
        ("http://localhost:8080/look", &[][..], 200),
        ("http://[::1]:8080/look", &host("localhost"), 200),
        ("http://evil.example/look", &[], 404),
        ("http://evil.example/look", &host("localhost"), 404),
        // As behind a name that somebody has made lead here.
        ("http://localhost/look", &host("evil.example"), 404),
        ("http://localhost:80@evil.example/look", &[], 404),
        ("/look", &host("localhost:80@evil.example"), 404),
        ("/look", &host("[::1].evil.example"), 404),
        ("/look", &host("localhost, evil.example"), 404),
    ] {
        let found = status_in_dev(uri, Version::HTTP_11, headers).await;
        assert_eq!(found, status, "{uri} {headers:?}");
    }
}

#[tokio::test]
async fn a_page_on_another_port_of_this_machine_links_here_and_cannot_read_here() {
    let fetched = |mode, dest| {
        [
            HOSTS[0],
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ]
    };
    for (mode, dest, status) in [
        ("navigate", "document", 200),
        ("navigate", "iframe", 404),
        ("cors", "empty", 404),
        ("no-cors", "script", 404),
    ] {
        let headers = fetched(mode, dest);
        let found = status_in_dev("/look", Version::HTTP_11, &headers).await;
        assert_eq!(found, status, "{mode} {dest}");
    }
}

#[tokio::test]
async fn a_page_is_read_and_nothing_of_it_can_be_used_by_another() {
    let page = Page::default();
    let obs = setup("dev", &[])
        .admin_page(page.clone())
        .detached()
        .unwrap();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let response = ask(&obs, method, "/look", &HOSTS, Some(HERE)).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
    }
    assert!(page.asked.lock().unwrap().is_empty());
    let response = ask(&obs, Method::HEAD, "/look/a?b=c", &HOSTS, Some(HERE)).await;
    assert_eq!(response.headers()["content-length"], "8");
    let headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.is_empty());
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(headers[HeaderName::from_static(name)], value);
    }
    let policy = headers["content-security-policy"].to_str().unwrap();
    for rule in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    let asked = page.asked.lock().unwrap();
    assert_eq!((&*asked[0].path, &*asked[0].query), ("/a", "b=c"));
}

#[tokio::test]
async fn a_page_is_told_what_happens_and_nothing_of_itself() {
    let page = Page::default();
    let written = Written::default();
    let obs = setup("dev", &[("RUST_LOG", "info,quiet=off")])
        .admin_page(page.clone())
        .log_writer(written.clone())
        .log_format(obs::LogFormat::Pretty)
        .detached()
        .unwrap();
    let subscriber = tracing_subscriber::registry()
        .with(obs.log_layer().unwrap().with_filter(obs.log_filter()))
        .with(obs.admin_page_layer());
    let _default = tracing::subscriber::set_default(subscriber);
    let app = obs.wrap(Router::new().route("/buy/{what}", get(buy)));
    let request = |path: &str| {
        let mut request = Request::get(path)
            .header(HOST, "localhost")
            .header("x-correlation-id", "id-1")
            .body(Body::empty())
            .unwrap();
        let peer: SocketAddr = HERE.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    };
    let bought = app.clone().oneshot(request("/buy/tea")).await.unwrap();
    assert_eq!(bought.status(), 500);
    drop(bought.into_body().collect().await);
    for _ in 0..3 {
        let seen = app.clone().oneshot(request("/look/api")).await.unwrap();
        assert_eq!(seen.status(), 200);
    }

    // JSON, although the log is for people; redacted; and only what the filter lets through.
    let lines = page.lines.lock().unwrap().clone();
    let lines: Vec<(Level, Value)> = lines
        .iter()
        .map(|(level, json)| (*level, serde_json::from_str(json).unwrap()))
        .collect();
    let said: Vec<&str> = lines
        .iter()
        .map(|(_, line)| line["message"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["request_started", "paid", "request_completed"]);
    let (level, paid) = &lines[1];
    assert_eq!(*level, Level::WARN);
    assert_eq!(paid["correlation_id"], "id-1");
    assert_eq!(paid["cents"], 250);
    assert_eq!(paid["password"], "[redacted]");
    assert!(!format!("{lines:?}").contains("hunter2"));

    // Each span with its place, whatever the filter says.
    let spans = page.spans.lock().unwrap().clone();
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["brew", "GET /buy/{what}"]);
    let [brew, request] = &spans[..] else {
        panic!("two")
    };
    assert_eq!((brew.parent, request.parent), (Some(request.key), None));
    assert_eq!(brew.fields["token"], "[redacted]");
    assert_eq!(brew.fields["cups"], 2);
    assert!(request.failed && !brew.failed);
    assert_eq!(request.fields["http.response.status_code"], 500);
    let id = lines[0].1["span_id"].as_str().map(str::to_owned);
    assert_eq!(request.exported_as, id, "the id that its lines have");
    for span in &spans {
        assert_eq!(span.correlation_id.as_deref(), Some("id-1"));
    }

    // Its own requests are no traffic.
    let scrape = obs.scrape(Format::Text);
    let counted = scrape
        .lines()
        .filter(|line| line.starts_with("http_requests_total{"));
    let counted: Vec<_> = counted.collect();
    let expected = r#"http_requests_total{method="GET",route="/buy/{what}",status="500"} 1"#;
    assert_eq!(counted, [expected]);
    assert!(!written.text().contains("/look"));
}

async fn buy() -> StatusCode {
    tracing::info_span!("brew", cups = 2, token = "hunter2").in_scope(|| {
        tracing::warn!(cents = 250, password = "hunter2", "paid");
        tracing::error!(target: "quiet", "nobody wants to know");
        tracing::debug!("nor this");
    });
    StatusCode::INTERNAL_SERVER_ERROR
}

/// What a page is told when `work` is done under a subscriber that has its layer.
fn told(pages: &[Page], work: impl FnOnce()) {
    let started = |page: &Page| {
        let setup = setup("dev", &[]).admin_page(page.clone());
        setup.detached().unwrap()
    };
    let layers: Vec<_> = pages
        .iter()
        .map(|page| started(page).admin_page_layer())
        .collect();
    let subscriber = tracing_subscriber::registry().with(layers);
    tracing::subscriber::with_default(subscriber, work);
}

#[test]
fn every_page_of_a_process_is_told_of_every_span() {
    let pages = [Page::default(), Page::default()];
    told(&pages, || {
        tracing::info_span!("outer").in_scope(|| drop(tracing::info_span!("inner")));
    });
    for page in pages {
        let spans = page.spans.lock().unwrap();
        let [inner, outer] = &spans[..] else {
            panic!("{spans:?}")
        };
        assert_eq!((&*inner.name, &*outer.name), ("inner", "outer"));
        assert_eq!((inner.parent, outer.parent), (Some(outer.key), None));
    }
}

/// Shows itself as a text, and logs while it does.
struct Loud(&'static str);

impl std::fmt::Display for Loud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        tracing::info!("asked");
        f.write_str(self.0)
    }
}

#[test]
fn what_a_span_says_later_may_log_and_counts_whatever_it_is_made_of() {
    let page = Page::default();
    told(std::slice::from_ref(&page), || {
        let empty = tracing::field::Empty;
        let span = tracing::info_span!("call", otel.name = empty, otel.status_code = empty);
        let _entered = span.enter();
        span.record("otel.name", tracing::field::display(Loud("GET /loud")));
        span.record("otel.status_code", tracing::field::debug(Ended::Error));
        span.record("otel.name", tracing::field::display(Loud("GET /louder")));
    });
    let spans = page.spans.lock().unwrap();
    assert_eq!(spans[0].name, "GET /louder");
    assert!(spans[0].failed);
}

#[derive(Debug)]
enum Ended {
    Error,
}

#[test]
fn half_a_secret_in_the_name_of_a_span_is_not_told_either() {
    let page = Page::default();
    told(std::slice::from_ref(&page), || {
        let name = format!("{} Bearer {}", "x".repeat(236), "s3cr3tABCDEF".repeat(9));
        drop(tracing::info_span!("call", otel.name = %name));
        drop(tracing::info_span!("call", otel.name = &*name));
        let huge = "y".repeat(1 << 20);
        drop(tracing::info_span!("call", otel.name = %huge));
    });
    let spans = page.spans.lock().unwrap();
    for span in &*spans {
        assert!(!span.name.contains("s3cr3t"), "{}", span.name);
        assert!(span.name.len() <= 256);
    }
    assert_eq!(spans.len(), 3);
}

#[tokio::test]
async fn where_nobody_may_see_it_there_is_no_layer_and_so_no_span() {
    let page = Page::default();
    let obs = setup("prod", &[]).admin_page(page).detached().unwrap();
    assert!(
        obs.admin_page_layer::<tracing_subscriber::Registry>()
            .is_none()
    );
    let obs = setup("dev", &[]).detached().unwrap();
    assert!(
        obs.admin_page_layer::<tracing_subscriber::Registry>()
            .is_none()
    );
}

#[test]
fn a_path_that_no_request_could_have_is_refused_with_the_rest() {
    struct At(&'static str);
    impl AdminPage for At {
        fn path(&self) -> &'static str {
            self.0
        }
        fn serving(&self, _: &Obs) {}
        fn answer(&self, _: &Obs, _: PageRequest) -> PageFuture {
            Box::pin(async { PageAnswer::not_found() })
        }
        fn line(&self, _: Level, _: &str) {}
        fn span(&self, _: &EndedSpan<'_>) {}
    }
    for wrong in [
        "",
        "/",
        "console",
        "/console/",
        "/a b",
        "/metrics",
        "/health",
    ] {
        let error = setup("dev", &[]).admin_page(At(wrong)).detached();
        let error = error.err().unwrap_or_else(|| panic!("{wrong:?}"));
        assert!(error.to_string().contains(".admin_page(..)"), "{error}");
    }
    assert!(setup("dev", &[]).admin_page(At("/a/b")).detached().is_ok());
}

/// What the log wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
