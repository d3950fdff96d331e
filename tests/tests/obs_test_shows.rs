//! What a test under `#[obs::test]` is shown: its log lines, spans, metrics and Sentry events.
#![expect(clippy::float_cmp, reason = "counts in tests are small integers")]

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use obs::{Ctx, TestObs};
use tower::service_fn;

obs::metrics! {
    registry SHOWN;

    /// Orders that were refused, by whether they were gifts.
    counter shown_refusals_total(gift: bool);

    /// Tills that are open.
    gauge shown_tills();
}

async fn order(Path(order): Path<u64>) -> StatusCode {
    shown_refusals_total(order.is_multiple_of(2)).inc();
    tracing::warn!(order, card = "4111 1111 1111 1111", "order refused");
    StatusCode::CONFLICT
}

async fn broken() -> StatusCode {
    tracing::error!("the till is broken");
    StatusCode::INTERNAL_SERVER_ERROR
}

fn app(t: &TestObs) -> Router {
    t.obs().wrap(
        Router::new()
            .route("/orders/{id}", get(order))
            .route("/broken", get(broken)),
    )
}

fn get_of(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[obs::test]
async fn a_request_is_shown_in_every_way(t: TestObs) -> Result<(), http::Error> {
    let request = Request::get("/orders/7").body(Body::empty())?;
    let answer = t.request(app(&t), request).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);

    let refused = t.logs().assert_one("order refused");
    refused
        .field("order", 7)
        .field("route", "/orders/{id}")
        .field("card", "[redacted]");
    let completed = t.logs().assert_one("request_completed");
    completed
        .field("status", 409)
        .field("environment", "dev")
        .field("service", "obs-tests");
    assert_eq!(
        refused.get("correlation_id"),
        completed.get("correlation_id")
    );
    assert_eq!((refused.level(), completed.level()), ("WARN", "INFO"));
    t.logs().assert_none("order paid");

    assert_eq!(t.metric("shown_refusals_total", &[("gift", "false")]), 1.0);
    assert_eq!(t.metric("http_requests_total", &[("status", "409")]), 1.0);
    assert_eq!(t.metric("http_request_duration_seconds_count", &[]), 1.0);
    t.metrics()
        .assert_changed(&[(r#"shown_refusals_total{gift="false"}"#, 1.0)]);

    let span = t.span("GET /orders/{id}");
    assert_eq!((span.kind(), span.status()), (Some("server"), None));
    assert_eq!((span.target(), span.is_open()), ("obs::http", false));
    span.field("http.request.method", "GET")
        .field("http.response.status_code", 409);
    let trace_id = refused.get("trace_id").and_then(|id| id.as_str()).unwrap();
    assert_eq!(span.trace_id().unwrap().to_string(), trace_id);
    let span_id = refused.get("span_id").and_then(|id| id.as_str()).unwrap();
    assert_eq!(span.span_id().unwrap().to_string(), span_id);
    t.assert_no_leaks();
    Ok(())
}

#[obs::test]
async fn an_error_is_one_event_in_sentry_without_a_dsn(t: TestObs) {
    t.request(app(&t), get_of("/broken")).await;
    let events = t.sentry_events();
    assert_eq!(events.len(), 1, "{events:#?}");
    let line = t.logs().assert_one("the till is broken");
    assert_eq!(
        Some(&events[0]["tags"]["correlation_id"]),
        line.get("correlation_id")
    );
    assert_eq!(events[0]["tags"]["route"], "/broken");
    assert_eq!(t.sentry_transactions().len(), 1);
    assert_eq!(t.span("GET /broken").status(), Some("ERROR"));
}

#[obs::test]
async fn an_error_outside_of_a_request_is_an_event_too(t: TestObs) {
    obs::spawn(async { tracing::error!("from a task") })
        .await
        .unwrap();
    let events = t.sentry_events();
    assert_eq!(events.len(), 1, "{events:#?}");
}

#[obs::test]
fn a_plain_function_is_shown_as_well(t: TestObs) {
    let outer = tracing::info_span!("outer", password = "hunter2", order = 7);
    outer.in_scope(|| {
        let inner = tracing::info_span!(
            "inner",
            otel.name = "the inner",
            late = tracing::field::Empty
        );
        inner.record("late", true);
        inner.in_scope(|| tracing::info!("said"));
    });
    let inner = t.span("the inner");
    inner.field("late", true);
    let outer_shown = inner.parent().unwrap();
    outer_shown
        .field("password", "[redacted]")
        .field("order", 7);
    assert_eq!(outer_shown.name(), "outer");
    assert!(outer_shown.is_open() && !inner.is_open());
    drop(outer);
    t.assert_no_leaks();
    t.logs().assert_one("said").field("order", 7);
}

#[obs::test(env = "prod", vars("OBS_LOG_SUCCESS_SAMPLE" = "0", "RUST_LOG" = "debug"))]
async fn variables_decide_as_they_do_in_a_service(t: TestObs) {
    assert_eq!(t.obs().environment().name(), "prod");
    let hello = t.obs().wrap(Router::new().route(
        "/hello",
        get(async || {
            tracing::debug!("saying hello");
            "hello"
        }),
    ));
    t.request(hello, get_of("/hello")).await;
    t.logs()
        .assert_one("saying hello")
        .field("environment", "prod");
    t.logs().assert_none("request_completed");
}

#[obs::test]
async fn what_is_under_way_is_a_leak(t: TestObs) {
    let guard = shown_tills().guard();
    let span = tracing::info_span!("waits");
    let request = t
        .obs()
        .wrap(Router::new().route("/", get(std::future::pending::<()>)));
    let mut request = Box::pin(t.request(request, get_of("/")));
    assert!(futures_poll(request.as_mut()).is_pending());
    let leaks = panic_of(|| t.assert_no_leaks());
    for leak in [
        "http_requests_in_flight is 1",
        "1 guards of shown_tills are held",
        "the span \"waits\" is open",
        "the span \"GET /\" is open",
    ] {
        assert!(leaks.contains(leak), "{leaks}");
    }
    drop((guard, span, request));
    t.assert_no_leaks();
}

#[obs::test]
async fn a_failing_assert_shows_what_there_was(t: TestObs) {
    tracing::warn!(order = 7, "order refused");
    let _span = tracing::info_span!("work", step = 1).entered();
    for message in [
        panic_of(|| drop(t.logs().assert_one("order paid"))),
        panic_of(|| {
            drop(
                t.logs()
                    .assert_one("order refused")
                    .field("order", 8)
                    .clone(),
            );
        }),
        panic_of(|| {
            drop(
                t.logs()
                    .assert_one("order refused")
                    .field("gift", true)
                    .clone(),
            );
        }),
        panic_of(|| t.logs().assert_none("order refused")),
    ] {
        assert!(message.contains("WARN  order refused"), "{message}");
        assert!(message.contains("order=7"), "{message}");
    }
    let message = panic_of(|| drop(t.span("rest")));
    assert!(message.contains("work step=1 (open)"), "{message}");
    let message = panic_of(|| {
        t.metric("shown_refusal_total", &[]);
    });
    assert!(message.contains("shown_refusal_total"), "{message}");
}

#[obs::test]
async fn any_tower_service_takes_a_request(t: TestObs) {
    let service = service_fn(async |request: Request<Body>| {
        let answer = http::Response::new(Body::from(request.uri().path().to_owned()));
        Ok::<_, std::io::Error>(answer)
    });
    let answer = t.request(service, get_of("/echo")).await;
    assert_eq!(answer.body(), "/echo");
}

#[obs::test]
async fn a_request_is_from_the_loopback_and_may_continue_a_trace(t: TestObs) {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = Request::get("/orders/2").header("traceparent", parent);
    t.request(app(&t), request.body(Body::empty()).unwrap())
        .await;
    let line = t.logs().assert_one("order refused");
    line.field("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736");
    let metrics = t.request(app(&t), get_of("/metrics")).await;
    assert_eq!(metrics.status(), StatusCode::OK);
}

#[obs::test(start_paused = true)]
async fn time_can_stand_still(t: TestObs) {
    let before = tokio::time::Instant::now();
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert!(before.elapsed() >= std::time::Duration::from_secs(3600));
    assert!(t.logs().is_empty());
}

#[obs::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_of_a_runtime_work_for_the_test(t: TestObs) {
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            obs::spawn(async move {
                shown_refusals_total(true).inc();
                tracing::info!(n, "refused in a task");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(t.metric("shown_refusals_total", &[]), 100.0);
    assert_eq!(t.logs().with_message("refused in a task").len(), 100);
}

#[obs::test]
#[should_panic(expected = "`OBS_LOG_SAMPLE` is no variable of obs")]
fn an_unknown_variable_is_a_mistake(_t: TestObs) {
    drop(TestObs::start(
        obs::service!(),
        "x",
        &[("OBS_LOG_SAMPLE", "1")],
    ));
}

#[obs::test]
#[should_panic(expected = "OBS_LOG_SUCCESS_SAMPLE is \"many\"")]
fn a_variable_that_cannot_be_read_is_a_mistake(_t: TestObs) {
    drop(TestObs::start(
        obs::service!(),
        "x",
        &[("OBS_LOG_SUCCESS_SAMPLE", "many")],
    ));
}

#[obs::test]
fn ids_of_a_context_are_of_the_test(t: TestObs) {
    let ctx = Ctx::new();
    ctx.scope(|| tracing::info!("in a context"));
    t.logs()
        .assert_one("in a context")
        .field("correlation_id", ctx.correlation_id());
}

fn futures_poll<F: Future + ?Sized>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

/// The message of the panic that this ends with.
fn panic_of(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

#[obs::test]
#[ignore = "it fails, and is run by the test below"]
async fn gives_up(t: TestObs) -> Result<(), std::io::Error> {
    tracing::info!(order = 7, "about to fail");
    drop(t);
    Err(std::io::Error::other("boom"))
}

#[test]
fn a_test_that_returns_an_error_shows_what_there_was() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "gives_up"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("boom"), "{said}");
    assert!(said.contains("about to fail"), "{said}");
}
