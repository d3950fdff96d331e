//! `/health`, `/ready` and `/startup`: what they say, whom they ask, and how often.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use obs::{Check, Format, Obs, ProblemKind};
use obs_tests::events::Events;
use obs_tests::scrape::Scrape;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, advance};
use tower::ServiceExt;
use tracing::Level;

const SECOND: Duration = Duration::from_secs(1);

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

fn detached() -> Obs {
    setup().detached().unwrap()
}

async fn send(obs: &Obs, method: &str, path: &str) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    obs.wrap(Router::new()).oneshot(request).await.unwrap()
}

async fn ask(obs: &Obs, path: &str) -> (u16, Value) {
    let response = send(obs, "GET", path).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The state of one check, and what the answer says about the service.
async fn check(obs: &Obs, path: &str, name: &str) -> (u16, String, String) {
    let (status, body) = ask(obs, path).await;
    let text = |value: &Value| value["status"].as_str().unwrap_or_default().to_owned();
    (status, text(&body), text(&body["checks"][name]))
}

fn is(status: u16, service: &str, check: &str) -> (u16, String, String) {
    (status, service.to_owned(), check.to_owned())
}

fn up() -> Check {
    Check::new(|| ready(Ok::<_, Infallible>(())))
}

fn down(error: &'static str) -> Check {
    Check::new(move || ready(Err::<(), _>(error)))
}

/// A check that somebody can turn on and off, and how often it was asked.
fn switched() -> (Check, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let is_up = Arc::new(AtomicBool::new(true));
    let asked = Arc::new(AtomicUsize::new(0));
    let (seen, count) = (Arc::clone(&is_up), Arc::clone(&asked));
    let check = Check::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        ready(if seen.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err("switched off")
        })
    });
    (check, is_up, asked)
}

#[tokio::test]
async fn d9_what_is_not_configured_is_skipped() {
    let obs = detached();
    let skipped = json!({ "status": "skipped" });
    let expected = json!({
        "status": "ok",
        "checks": { "database": skipped, "cache": skipped, "external": skipped },
    });
    assert_eq!(ask(&obs, "/ready").await, (200, expected.clone()));
    assert_eq!(ask(&obs, "/health").await, (200, expected));
}

#[tokio::test]
async fn b6_a_failed_check_is_503_degraded_and_named() {
    let obs = setup().ready_path("/api/health").detached().unwrap();
    obs.ready("database", down("password=hunter2"));
    obs.ready("redis", up());
    let (status, mut body) = ask(&obs, "/api/health").await;
    assert!(!body.to_string().contains("hunter2"), "{body}");
    for name in ["database", "redis"] {
        assert!(body["checks"][name]["ms"].take().as_u64().unwrap() < 1_000);
    }
    body["checks"]
        .as_object_mut()
        .unwrap()
        .retain(|name, _| name != "cache" && name != "external");
    let expected = json!({
        "status": "degraded",
        "checks": {
            "database": { "status": "failed", "ms": null },
            "redis": { "status": "ok", "ms": null },
        },
    });
    assert_eq!((status, body), (503, expected));
}

#[tokio::test]
async fn an_optional_check_is_shown_and_decides_nothing() {
    let obs = detached();
    obs.ready("mail", down("no route").optional());
    assert_eq!(check(&obs, "/ready", "mail").await, is(200, "ok", "failed"));
}

#[tokio::test]
async fn a_check_that_panics_has_failed_and_the_next_may_be_up() {
    let obs = detached();
    let calls = Arc::new(AtomicUsize::new(0));
    let panics = Check::new(move || {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        assert_ne!(call, 0, "the function panics");
        async move {
            assert_ne!(call, 1, "the future panics");
            Ok::<_, Infallible>(())
        }
    });
    obs.ready("engine", panics.cache(Duration::ZERO));
    for expected in [
        is(503, "degraded", "failed"),
        is(503, "degraded", "failed"),
        is(200, "ok", "ok"),
    ] {
        assert_eq!(check(&obs, "/ready", "engine").await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn checks_run_at_the_same_time_and_each_has_its_own_limit() {
    let obs = detached();
    for at in 0..10 {
        let slow = Check::new(|| async {
            tokio::time::sleep(SECOND * 9 / 10).await;
            Ok::<_, Infallible>(())
        });
        obs.ready(format!("shard-{at}"), slow);
    }
    let hangs = || Check::new(pending::<Result<(), Infallible>>);
    obs.ready("hangs", hangs());
    obs.ready("hangs-less", hangs().timeout(SECOND / 2));
    let start = Instant::now();
    let (status, body) = ask(&obs, "/ready").await;
    // Tokio's clock counts in milliseconds and rounds up.
    assert_eq!(start.elapsed().as_millis() / 10, 100);
    assert_eq!(status, 503);
    for at in 0..10 {
        assert_eq!(body["checks"][format!("shard-{at}")]["status"], "ok");
    }
    for (name, ms) in [("hangs", 1_000), ("hangs-less", 500)] {
        assert_eq!(body["checks"][name]["status"], "failed");
        let took = body["checks"][name]["ms"].as_u64().unwrap();
        assert!((ms..ms + 5).contains(&took), "{name} {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_never_answers_fails_within_the_limit() {
    let frozen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = frozen.local_addr().unwrap();
    let obs = detached();
    obs.ready(
        "engine",
        Check::http(&format!("http://{address}/ready")).unwrap(),
    );
    // The kernel accepts for it: only a question finds out.
    obs.ready("port", Check::tcp(&address.to_string()).unwrap());
    let start = Instant::now();
    let (status, body) = ask(&obs, "/ready").await;
    assert_eq!(start.elapsed().as_millis() / 10, 100);
    assert_eq!(
        (status, &body["checks"]["engine"]["status"]),
        (503, &json!("failed"))
    );
    assert_eq!(body["checks"]["port"]["status"], "ok");
    drop(frozen);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_probes_at_once_ask_once_and_the_answer_is_good_for_two_seconds() {
    let obs = detached();
    let (check, _, asked) = switched();
    obs.ready("database", check);
    let probes: Vec<_> = (0..100)
        .map(|_| {
            let obs = obs.clone();
            tokio::spawn(async move { ask(&obs, "/ready").await.0 })
        })
        .collect();
    for probe in probes {
        assert_eq!(probe.await.unwrap(), 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    for (pause, expected) in [(1_900, 1), (200, 2), (1_900, 2), (200, 3)] {
        advance(Duration::from_millis(pause)).await;
        ask(&obs, "/ready").await;
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{pause}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_that_blocks_its_thread_stops_nobody_and_is_not_started_again() {
    let obs = detached();
    let (free, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let blocks = Check::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let blocked = Arc::clone(&blocked);
        async move {
            // It ends with the sender, and then all later ones do.
            blocked.lock().unwrap().recv().unwrap_err();
            Ok::<_, Infallible>(())
        }
    });
    let limit = Duration::from_millis(20);
    obs.ready("blocks", blocks.timeout(limit).cache(Duration::ZERO));
    obs.ready("database", up());
    for _ in 0..50 {
        let (status, body) = ask(&obs, "/ready").await;
        assert_eq!(status, 503);
        assert_eq!(body["checks"]["blocks"]["status"], "failed");
        assert_eq!(body["checks"]["database"]["status"], "ok");
        assert_eq!(ask(&obs, "/health").await.0, 200);
    }
    assert_eq!(started.load(Ordering::Relaxed), 1);
    drop(free);
    while check(&obs, "/ready", "blocks").await != is(200, "ok", "ok") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn health_never_waits_never_asks_and_shows_what_is_known() {
    let obs = detached();
    let (switched, is_up, asked) = switched();
    obs.ready("database", switched);
    obs.ready("hangs", Check::new(pending::<Result<(), Infallible>>));
    let start = Instant::now();
    assert_eq!(
        check(&obs, "/health", "database").await,
        is(200, "ok", "unknown")
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    is_up.store(false, Ordering::Relaxed);
    ask(&obs, "/ready").await;
    let before = Instant::now();
    assert!(before > start);
    for name in ["database", "hangs"] {
        assert_eq!(check(&obs, "/health", name).await, is(200, "ok", "failed"));
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_said_once_and_so_is_the_recovery() {
    let (events, _guard) = Events::of_this_thread();
    let obs = detached();
    let (switched, is_up, _) = switched();
    obs.ready("database", switched.cache(Duration::ZERO));
    let probe = async |up: bool, status: u16| {
        is_up.store(up, Ordering::Relaxed);
        for _ in 0..5 {
            assert_eq!(ask(&obs, "/ready").await.0, status);
        }
    };
    probe(true, 200).await;
    assert_eq!(events.of(Level::INFO, "a dependency is up again").len(), 0);
    for round in 1..=3 {
        probe(false, 503).await;
        let said = events.of(Level::WARN, "a dependency is down");
        assert_eq!(said.len(), round, "{said:?}");
        assert!(
            said[0].contains("database") && said[0].contains("switched off"),
            "{said:?}"
        );
        probe(true, 200).await;
        assert_eq!(
            events.of(Level::INFO, "a dependency is up again").len(),
            round
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_leaves_does_not_stop_the_check() {
    let obs = detached();
    let (go, gate) = tokio::sync::watch::channel(false);
    let slow = Check::new(move || {
        let mut gate = gate.clone();
        async move { gate.wait_for(|go| *go).await.map(drop) }
    });
    obs.ready("engine", slow);
    let mut probe = Box::pin(ask(&obs, "/ready"));
    assert!(
        std::future::poll_fn(|cx| std::task::Poll::Ready(probe.as_mut().poll(cx).is_pending()))
            .await
    );
    drop(probe);
    go.send_replace(true);
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    assert_eq!(check(&obs, "/health", "engine").await, is(200, "ok", "ok"));
}

#[tokio::test]
async fn while_stopping_the_service_is_not_ready_and_asks_nobody() {
    let obs = detached();
    let (switched, _, asked) = switched();
    obs.ready("database", switched);
    obs.startup_complete();
    obs.shutdown().begin();
    let (status, body) = ask(&obs, "/ready").await;
    assert_eq!(
        (status, &body["status"], &body["reason"]),
        (503, &json!("degraded"), &json!("stopping"))
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(ask(&obs, "/health").await.0, 200);
    assert_eq!(ask(&obs, "/startup").await.0, 200);
}

#[tokio::test]
async fn startup_waits_for_initialisation() {
    let obs = detached();
    assert_eq!(
        ask(&obs, "/startup").await,
        (503, json!({ "status": "starting" }))
    );
    // Readiness waits for it only where the service said that it would speak up.
    assert_eq!(ask(&obs, "/ready").await.0, 200);
    obs.startup_complete();
    assert_eq!(
        ask(&obs, "/startup").await,
        (200, json!({ "status": "ok" }))
    );

    let obs = setup().manual_startup(true).detached().unwrap();
    let (status, body) = ask(&obs, "/ready").await;
    assert_eq!((status, &body["reason"]), (503, &json!("starting")));
    obs.startup_complete();
    assert_eq!(ask(&obs, "/ready").await.0, 200);
}

#[tokio::test]
async fn head_is_answered_like_get_and_other_methods_are_not() {
    let obs = detached();
    for path in ["/health", "/ready", "/startup", "/metrics"] {
        let got = send(&obs, "GET", path).await;
        let head = send(&obs, "HEAD", path).await;
        assert_eq!(got.status(), head.status());
        for name in [CONTENT_TYPE, CACHE_CONTROL] {
            assert_eq!(got.headers()[&name], head.headers()[&name], "{path}");
        }
        assert_eq!(got.headers()[CACHE_CONTROL], "no-store");
        assert!(head.headers().contains_key(CONTENT_LENGTH));
        assert!(
            head.into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let refused = send(&obs, method, path).await;
            assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(refused.headers()[ALLOW], "GET, HEAD");
        }
    }
}

#[tokio::test]
async fn a_route_of_the_service_wins_and_paths_can_be_changed() {
    let obs = setup()
        .health_path("/api/health")
        .ready_path("/api/ready")
        .startup_path("/api/startup")
        .metrics_path("/api/metrics")
        .detached()
        .unwrap();
    obs.startup_complete();
    for path in ["/health", "/ready", "/startup", "/metrics"] {
        assert_eq!(send(&obs, "GET", path).await.status(), 404, "{path}");
        assert_eq!(
            send(&obs, "GET", &format!("/api{path}")).await.status(),
            200,
            "{path}"
        );
    }
    let obs = detached();
    let app = obs.wrap(Router::new().route("/health", get(async || "mine")));
    let request = Request::get("/health").body(Body::empty()).unwrap();
    let body = app.oneshot(request).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "mine");
}

#[test]
fn paths_that_nobody_could_ask_for_are_refused_all_at_once() {
    let error = setup()
        .health_path("health")
        .ready_path("/ready?x")
        .startup_path("/a b")
        .metrics_path("/{metrics}")
        .max_connections(0)
        .detached()
        .unwrap_err();
    assert_eq!(error.problems().len(), 5, "{error}");
    assert!(
        error
            .problems()
            .iter()
            .all(|problem| problem.kind() == ProblemKind::InvalidOption)
    );

    let error = setup().ready_path("/health").detached().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`.health_path(..)` and `.ready_path(..)` are both"),
        "{error}"
    );
}

#[tokio::test]
async fn of_two_checks_with_one_name_the_last_counts_and_there_are_no_more_than_64() {
    let (events, _guard) = Events::of_this_thread();
    let obs = detached();
    obs.ready("engine", down("first"));
    obs.ready("engine", up());
    assert_eq!(check(&obs, "/ready", "engine").await, is(200, "ok", "ok"));
    assert_eq!(events.of(Level::WARN, "the last one counts").len(), 1);
    // A name that the environment did not configure is free.
    obs.ready("database", up());
    assert_eq!(events.of(Level::WARN, "the last one counts").len(), 1);
    for at in 0..100 {
        obs.ready(format!("shard-{at}"), up());
    }
    let (_, body) = ask(&obs, "/ready").await;
    assert_eq!(body["checks"].as_object().unwrap().len(), 64);
    assert_eq!(events.of(Level::WARN, "this one is not made").len(), 40);
}

#[tokio::test(start_paused = true)]
async fn what_was_found_is_a_gauge_and_none_of_it_counts_itself() {
    let obs = detached();
    obs.ready("engine", up());
    obs.ready("a\"\\\n{}", down("x").optional());
    let scrape = |obs: &Obs| Scrape::openmetrics(&obs.scrape(Format::OpenMetrics));
    assert_eq!(scrape(&obs).count("obs_check_up"), 0);
    for path in ["/ready", "/health", "/startup", "/metrics"] {
        send(&obs, "GET", path).await;
        send(&obs, "POST", path).await;
    }
    let after = scrape(&obs);
    assert_eq!(
        after.value("obs_check_up", &[("check", "engine"), ("critical", "true")]),
        Some(1.0)
    );
    assert_eq!(
        after.value(
            "obs_check_up",
            &[("check", "a\"\\\n{}"), ("critical", "false")]
        ),
        Some(0.0)
    );
    assert_eq!(after.count("obs_check_up"), 2);
    assert_eq!(after.count("http_requests_total"), 0);
}

/// A server that answers each path with its status: `/204` is 204.
async fn statuses() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route(
        "/{status}",
        get(
            async |axum::extract::Path(status): axum::extract::Path<u16>| {
                StatusCode::from_u16(status).unwrap()
            },
        ),
    );
    let obs = detached();
    tokio::spawn(async move { obs.serve(listener, app).await });
    address
}

#[tokio::test]
async fn the_ready_made_checks_tell_up_from_down() {
    let server = statuses().await;
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let nobody = closed.local_addr().unwrap();
    drop(closed);
    let obs = detached();
    for (status, expected) in [
        (200, "ok"),
        (204, "ok"),
        (302, "ok"),
        (401, "failed"),
        (404, "failed"),
        (500, "failed"),
        (503, "failed"),
    ] {
        let url = format!("http://{server}/{status}?x=1");
        let name = format!("http {status}");
        obs.ready(name.clone(), Check::http(&url).unwrap());
        assert_eq!(check(&obs, "/ready", &name).await.2, expected, "{status}");
    }
    obs.ready("open", Check::tcp(&server.to_string()).unwrap());
    obs.ready("closed", Check::tcp(&nobody.to_string()).unwrap());
    obs.ready("nobody", Check::http(&format!("http://{nobody}/")).unwrap());
    let (_, body) = ask(&obs, "/ready").await;
    for (name, expected) in [("open", "ok"), ("closed", "failed"), ("nobody", "failed")] {
        assert_eq!(body["checks"][name]["status"], expected, "{name}");
    }
}

#[test]
fn an_https_check_is_refused_with_the_way_out() {
    let error = Check::http("https://engine/ready").unwrap_err().to_string();
    assert!(
        error.contains("TLS") && error.contains("Check::new"),
        "{error}"
    );
    assert!(Check::tcp("engine").is_err());
}
