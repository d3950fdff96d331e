//! What the events hold, when they come and when they end.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tower::ServiceExt as _;

use super::super::trial::{Trial, until};
use super::routes;
use crate::database::now;
use crate::telemetry::TestObs;

const PATIENCE: Duration = Duration::from_secs(20);

async fn open(t: &TestObs, routes: &Router, path: &str) -> Response<Body> {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let app = t.obs().wrap(routes.clone());
    let response = app.oneshot(request).await.unwrap();
    response.map(Body::new)
}

async fn frame(body: &mut Body) -> Option<Bytes> {
    let frame = timeout(PATIENCE, body.frame()).await;
    let frame = frame.expect("nothing was sent for too long");
    frame.map(|frame| frame.unwrap().into_data().unwrap())
}

/// Returns the fields of all events: id, event, data.
fn events(text: &str) -> Vec<(String, String, Value)> {
    let field = |event: &str, name: &str| {
        let mut lines = event.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(field, _)| *field == name);
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let events = text.split_terminator("\n\n");
    let events = events.filter(|event| !event.starts_with(':'));
    events
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data")).unwrap();
            (field(event, "id"), field(event, "event"), data)
        })
        .collect()
}

#[obs::test]
async fn as_many_events_come_as_were_asked_for_with_the_figures_of_the_database(t: TestObs) {
    let trial = Trial::begin(&t, 2).await;
    let (now, hours) = (now(), 60 * 60 * 1000);
    for (id, status, ok, rejected, age) in [
        ("job_1", "completed", 1000, 100, 2 * hours),
        ("job_2", "completed", 10, 1, 1000),
        ("job_3", "failed", 5, 2, 1000),
        ("job_4", "running", 7, 0, 1000),
    ] {
        let values = format!("'{id}', '{status}', {ok}, {rejected}, {}", now - age);
        trial.job(&values).await;
    }
    let routes = routes(trial.database.clone(), trial.telemetry.shutdown());
    let before = Instant::now();
    let response = open(&t, &routes, "/insights?count=3&interval=40").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(before.elapsed() >= Duration::from_millis(80));
    let events = events(std::str::from_utf8(&body).unwrap());
    let ids: Vec<_> = events.iter().map(|(id, ..)| id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    for (_, event, figures) in &events {
        assert_eq!(event, "insight");
        let jobs = json!({"pending": 0, "running": 1, "completed": 2, "failed": 1, "cancelled": 0});
        assert_eq!(figures["jobs"], jobs);
        assert_eq!(
            figures["last_hour"],
            json!({"rows_ok": 22, "rows_rejected": 3})
        );
        assert_eq!(figures["newest_job"]["job_id"], "job_4");
        assert_eq!(figures["newest_job"]["status"], "running");
    }
    trial.nothing_is_under_way().await;
}

#[obs::test]
async fn bad_parameters_are_answered_400(t: TestObs) {
    let trial = Trial::begin(&t, 1).await;
    let routes = routes(trial.database.clone(), trial.telemetry.shutdown());
    for (query, code) in [
        ("count=0", "bad_parameter"),
        ("count=21", "bad_parameter"),
        ("count=-1", "bad_parameter"),
        ("count=", "bad_parameter"),
        ("count=1&count=2", "bad_parameter"),
        ("interval=9", "bad_parameter"),
        ("interval=10001", "bad_parameter"),
        ("interval=99999999999999999999", "bad_parameter"),
        ("interval=1s", "bad_parameter"),
        ("cuont=3", "unknown_parameter"),
    ] {
        let refused = trial.refused(&routes, &format!("/insights?{query}")).await;
        assert_eq!(refused, (400, code.into()), "{query}");
    }
    for query in ["", "?count=1&interval=10", "?count=1&interval=10000"] {
        let response = open(&t, &routes, &format!("/insights{query}")).await;
        assert_eq!(response.status(), StatusCode::OK, "{query}");
    }
}

#[obs::test]
async fn a_database_that_fails_is_told_and_the_stream_goes_on(t: TestObs) {
    let trial = Trial::begin(&t, 2).await;
    let routes = routes(trial.database.clone(), trial.telemetry.shutdown());
    let mut body = open(&t, &routes, "/insights?count=3&interval=10")
        .await
        .into_body();
    assert!(frame(&mut body).await.is_some());
    trial.execute("ALTER TABLE jobs RENAME TO away").await;
    let failed = frame(&mut body).await.unwrap();
    let events = events(std::str::from_utf8(&failed).unwrap());
    let problem = (
        "2".to_owned(),
        "problem".to_owned(),
        json!({"code": "database"}),
    );
    assert_eq!(events, [problem]);
    let refused = trial.refused(&routes, "/insights").await;
    assert_eq!(refused, (503, "database".into()));
    trial.execute("ALTER TABLE away RENAME TO jobs").await;
    let last = frame(&mut body).await.unwrap();
    assert!(last.starts_with(b"id: 3\nevent: insight\n"), "{last:?}");
    assert!(frame(&mut body).await.is_none());
}

#[obs::test]
async fn a_stream_ends_when_the_service_stops(t: TestObs) {
    let trial = Trial::begin(&t, 1).await;
    let shutdown = trial.telemetry.shutdown();
    let routes = routes(trial.database.clone(), shutdown.clone());
    let path = "/insights?count=20&interval=10000";
    let mut body = open(&t, &routes, path).await.into_body();
    assert!(frame(&mut body).await.is_some());
    shutdown.begin();
    let rest = async { while frame(&mut body).await.is_some() {} };
    timeout(PATIENCE, rest).await.expect("the stream went on");
    trial.nothing_is_under_way().await;
}

#[obs::test]
async fn nothing_is_left_of_a_stream_whose_client_leaves(t: TestObs) {
    let trial = Trial::begin(&t, 1).await;
    let routes = routes(trial.database.clone(), trial.telemetry.shutdown());
    let mut body = open(&t, &routes, "/insights?interval=10000")
        .await
        .into_body();
    assert!(frame(&mut body).await.is_some());
    let open = || t.metric("http_streams_open", &[("kind", "sse")]);
    assert_eq!(open(), 1.0);
    drop(body);
    until("the stream is closed", || open() == 0.0).await;
    trial.nothing_is_under_way().await;
}
