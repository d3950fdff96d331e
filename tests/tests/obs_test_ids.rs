//! Ids under `#[obs::test]` are the same in every run, and differ from test to test.

use std::collections::HashSet;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use obs::{Ctx, TestObs, TraceContext};

/// All ids of a few contexts.
fn ids(name: &str) -> Vec<String> {
    let t = TestObs::start(obs::service!(), name, &[]);
    t.run_sync(|| {
        (0..50)
            .flat_map(|_| {
                let ctx = Ctx::new();
                let trace = TraceContext::root(true);
                [
                    ctx.correlation_id().to_owned(),
                    ctx.trace().traceparent(),
                    trace.child().traceparent(),
                ]
            })
            .collect()
    })
}

#[test]
fn ids_depend_on_the_name_of_the_test_alone() {
    assert_eq!(ids("shop::first"), ids("shop::first"));
    let all: HashSet<String> = [ids("shop::first"), ids("shop::second")]
        .concat()
        .into_iter()
        .collect();
    assert_eq!(all.len(), 300);
}

#[test]
fn correlation_ids_stay_uuids_of_version_7_that_sort() {
    let t = TestObs::start(obs::service!(), "uuids", &[]);
    let ids: Vec<String> = t.run_sync(|| {
        (0..100)
            .map(|_| Ctx::new().correlation_id().to_owned())
            .collect()
    });
    assert!(ids.is_sorted(), "{ids:?}");
    for id in ids {
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(&id[14..15], "7", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
    }
}

/// What a request shows of its ids.
async fn ids_of_a_request(t: &TestObs) -> Vec<String> {
    let handler = async || {
        let inner = obs::spawn(async { TraceContext::root(true).traceparent() });
        inner.await.unwrap()
    };
    let app = t.obs().wrap(Router::new().route("/", get(handler)));
    let request = Request::get("/").body(Body::empty()).unwrap();
    let answer = t.request(app, request).await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let line = t.logs().assert_one("request_completed");
    let span = t.span("GET /");
    line.field("correlation_id", header("x-correlation-id"));
    line.field("request_id", header("x-request-id"));
    line.field("trace_id", span.trace_id().unwrap().to_string());
    line.field("span_id", span.span_id().unwrap().to_string());
    let ids = ["correlation_id", "request_id", "trace_id", "span_id"];
    let shown = ids.map(|id| line.get(id).unwrap().as_str().unwrap().to_owned());
    let inner = String::from_utf8(answer.body().to_vec()).unwrap();
    shown.into_iter().chain([inner]).collect()
}

#[tokio::test]
async fn every_id_of_a_request_is_the_same_in_every_run() {
    let start = |name| TestObs::start(obs::service!(), name, &[]);
    let (first, again, other) = (start("a"), start("a"), start("b"));
    let first = ids_of_a_request(&first).await;
    assert_eq!(first, ids_of_a_request(&again).await);
    for (id, other) in first.iter().zip(ids_of_a_request(&other).await) {
        assert_ne!(*id, other);
    }
}

/// The numbers are written down: users have them in snapshots, so they change only with a line in
/// the changelog.
#[obs::test]
fn the_name_of_a_test_is_its_path(_t: TestObs) {
    let expected = TestObs::start(
        obs::service!(),
        "obs_test_ids::the_name_of_a_test_is_its_path",
        &[],
    );
    let traceparent = || TraceContext::root(true).traceparent();
    assert_eq!(traceparent(), expected.run_sync(traceparent));
    let known = TestObs::start(obs::service!(), "known", &[]);
    assert_eq!(
        known.run_sync(traceparent),
        "00-210ab8fc64fef0c75d88083532cab481-6f52a3da96702d2e-03"
    );
}

#[test]
fn outside_of_a_test_ids_are_random() {
    let trace = || TraceContext::root(true).traceparent();
    let (a, b) = (Ctx::new(), Ctx::new());
    assert_ne!(a.correlation_id(), b.correlation_id());
    assert_ne!(trace(), trace());
    let t = TestObs::start(obs::service!(), "x", &[]);
    let inside = t.run_sync(trace);
    assert_ne!(inside, trace());
}
