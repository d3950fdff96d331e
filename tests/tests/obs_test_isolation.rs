//! Tests under `#[obs::test]` do not see each other, however their work is mixed.
#![expect(clippy::float_cmp, reason = "counts in tests are small integers")]

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use obs::{Ctx, InCtx, JoinSetExt, TestObs};
use tokio::task::JoinSet;

obs::metrics! {
    registry ISOLATED;

    /// Steps of a test.
    counter isolated_steps_total();

    /// Where a test is.
    gauge isolated_place();
}

fn start(name: &str) -> TestObs {
    TestObs::start(obs::service!(), name, &[])
}

/// Does everything that can be seen, as `who`, and gives way between each two.
async fn work(t: &TestObs, who: &'static str) {
    let app = t.obs().wrap(Router::new().route(
        "/",
        get(async move || {
            isolated_place().inc();
            tracing::info!(who, "handled");
            tokio::task::yield_now().await;
            obs::spawn(async move { tracing::info!(who, "in a task") })
                .await
                .unwrap();
            tokio::task::yield_now().await;
            isolated_place().dec();
        }),
    ));
    for _ in 0..3 {
        isolated_steps_total().inc();
        let span = tracing::info_span!("step", who);
        tokio::task::yield_now().await;
        let request = Request::get("/").body(Body::empty()).unwrap();
        let answer = t.request(app.clone(), request).await;
        assert!(answer.status().is_success());
        span.in_scope(|| tracing::error!(who, "failed"));
        tokio::task::yield_now().await;
        let logged = tokio::task::yield_now();
        logged.await;
    }
}

/// Asserts that what is seen is `who`'s and all of it.
fn assert_alone(t: &TestObs, who: &str) {
    let logs = t.logs();
    let whose: HashSet<&str> = logs
        .values()
        .iter()
        .filter_map(|line| line["who"].as_str())
        .collect();
    assert_eq!(whose, HashSet::from([who]), "{logs}");
    for message in ["handled", "in a task", "failed"] {
        assert_eq!(logs.with_message(message).len(), 3, "{message}: {logs}");
    }
    assert_eq!(t.metric("isolated_steps_total", &[]), 3.0);
    assert_eq!(t.metric("isolated_place", &[]), 0.0);
    assert_eq!(t.metric("http_requests_total", &[]), 3.0);
    let spans = t.spans();
    assert_eq!(spans.with_name("step").len(), 3, "{spans}");
    assert_eq!(spans.with_name("GET /").len(), 3, "{spans}");
    for span in spans.with_name("step") {
        span.field("who", who);
    }
    let events = t.sentry_events();
    assert_eq!(events.len(), 3);
    for event in events {
        assert!(event.to_string().contains(who), "{event}");
    }
    t.assert_no_leaks();
}

#[tokio::test]
async fn i5_tests_that_alternate_on_one_thread_see_only_their_own() {
    let (a, b) = (start("a"), start("b"));
    let ((), ()) = tokio::join!(a.run(work(&a, "anna")), b.run(work(&b, "ben")));
    assert_alone(&a, "anna");
    assert_alone(&b, "ben");
}

#[test]
fn i5_fifty_tests_at_once_are_independent() {
    const NAMES: [&str; 50] = {
        let mut names = [""; 50];
        let all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut at = 0;
        while at < 50 {
            names[at] = all.split_at(at).1.split_at(1).0;
            at += 1;
        }
        names
    };
    std::thread::scope(|scope| {
        for who in NAMES {
            scope.spawn(move || {
                let t = start(who);
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(t.run(work(&t, who)));
                assert_alone(&t, who);
            });
        }
    });
}

#[obs::test]
async fn what_obs_spawns_belongs_to_the_test(t: TestObs) {
    obs::spawn(async { tracing::info!("spawned") })
        .await
        .unwrap();
    obs::spawn_blocking(|| {
        isolated_steps_total().inc();
        tracing::info!("blocking");
    })
    .await
    .unwrap();
    let mut set = JoinSet::new();
    set.spawn_in_ctx(async { tracing::info!("in a set") });
    while let Some(ended) = set.join_next().await {
        ended.unwrap();
    }
    tokio::spawn(async { tracing::info!("in a context") }.in_ctx())
        .await
        .unwrap();
    tokio::spawn(t.run(async { tracing::info!("run") }))
        .await
        .unwrap();
    for message in ["spawned", "blocking", "in a set", "in a context", "run"] {
        t.logs().assert_one(message);
    }
    assert_eq!(t.metric("isolated_steps_total", &[]), 1.0);
}

#[obs::test]
async fn a_context_brings_its_test_along(t: TestObs) {
    let ctx = Ctx::new();
    // As a library does that got the context and knows nothing of tests.
    let task = std::thread::spawn(move || ctx.scope(|| tracing::info!("elsewhere")));
    task.join().unwrap();
    t.logs().assert_one("elsewhere");
}

#[obs::test]
async fn a_raw_spawn_is_outside(t: TestObs) {
    let other = start("other");
    let outside = tokio::spawn(async {
        isolated_steps_total().inc();
        tracing::info!("outside");
        (
            Ctx::current().is_none(),
            tracing::info_span!("nobody's").is_disabled(),
        )
    });
    assert_eq!(outside.await.unwrap(), (true, true));
    for t in [&t, &other] {
        assert!(t.logs().is_empty(), "{}", t.logs());
        assert!(t.spans().is_empty(), "{}", t.spans());
        assert_eq!(t.metric("isolated_steps_total", &[]), 0.0);
    }
}

#[obs::test]
async fn requests_of_a_server_in_a_raw_spawn_belong_to_the_test(t: TestObs) {
    let app = t.obs().wrap(Router::new().route(
        "/",
        get(async || {
            isolated_steps_total().inc();
            tracing::info!("served");
        }),
    ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let answer = reqwest::get(url).await.unwrap();
    assert!(answer.status().is_success());
    server.abort();
    drop(server.await);
    let line = t.logs().assert_one("served");
    let completed = t.logs().assert_one("request_completed");
    assert_eq!(line.get("correlation_id"), completed.get("correlation_id"));
    assert_eq!(t.metric("isolated_steps_total", &[]), 1.0);
    assert_eq!(t.metric("http_requests_total", &[("status", "200")]), 1.0);
    t.span("GET /");
    t.assert_no_leaks();
}

fn hits_a_callsite(n: u32) {
    let span = tracing::info_span!("hit", n);
    let _entered = span.entered();
    tracing::info!(n, "was hit");
}

#[test]
fn a_callsite_that_was_first_hit_elsewhere_is_still_captured() {
    // Outside of any test, before there was one and after.
    hits_a_callsite(0);
    let first = start("first");
    std::thread::spawn(|| hits_a_callsite(0)).join().unwrap();
    first.run_sync(|| hits_a_callsite(1));
    drop(TestObs::start(
        obs::service!(),
        "quiet",
        &[("RUST_LOG", "off")],
    ));
    let quiet = TestObs::start(obs::service!(), "quiet", &[("RUST_LOG", "off")]);
    quiet.run_sync(|| hits_a_callsite(0));
    let second = start("second");
    std::thread::spawn({
        let second = second.clone();
        move || second.run_sync(|| hits_a_callsite(2))
    })
    .join()
    .unwrap();
    hits_a_callsite(0);
    first.logs().assert_one("was hit").field("n", 1);
    first.span("hit").field("n", 1);
    second.logs().assert_one("was hit").field("n", 2);
    second.span("hit").field("n", 2);
    assert!(quiet.logs().is_empty() && quiet.spans().is_empty());
}

#[test]
fn what_a_dropped_future_does_belongs_to_its_test() {
    struct Says;
    impl Drop for Says {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    let (a, b) = (start("a"), start("b"));
    let future = a.run(async {
        let _says = Says;
        std::future::pending::<()>().await;
    });
    b.run_sync(|| {
        let mut future = Box::pin(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    });
    a.logs().assert_one("dropped");
    assert!(b.logs().is_empty());
}

#[test]
fn a_panic_in_a_poll_gives_the_thread_back() {
    let t = start("panics");
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        t.run_sync(|| panic!("on purpose"));
    }));
    assert!(unwound.is_err());
    tracing::info!("after");
    isolated_steps_total().inc();
    assert!(t.logs().is_empty());
    assert_eq!(t.metric("isolated_steps_total", &[]), 0.0);
}

#[tokio::test]
async fn tests_within_tests_see_only_their_own() {
    let (outer, inner) = (start("outer"), start("inner"));
    outer.run_sync(|| {
        tracing::info!("outer before");
        inner.run_sync(|| {
            tracing::info!("inner");
            outer.run_sync(|| tracing::info!("outer within"));
            tracing::info!("inner after");
        });
        tracing::info!("outer after");
    });
    assert_eq!(outer.logs().len(), 3);
    assert_eq!(inner.logs().len(), 2);
    let alternating = pin!(inner.run(poll_fn(|_| {
        tracing::info!("polled");
        Poll::Ready(())
    })));
    outer.run(alternating).await;
    inner.logs().assert_one("polled");
    outer.logs().assert_none("polled");
}
