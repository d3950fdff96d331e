//! A log that is told to say errors alone, in a process of its own.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use obs::Obs;
use obs_tests::lines::{ROOT, Written, show_failures};
use tower::ServiceExt;
use tracing::Instrument;

async fn fails() -> StatusCode {
    tracing::info!("not said");
    tracing::error!("handler");
    obs::spawn(async { tracing::error!("spawned") })
        .await
        .unwrap();
    // A span below the level is none, and cannot be what an error has its ids from.
    let below = async { tracing::error!("below") };
    below.instrument(tracing::info_span!("quiet")).await;
    drop(obs::spawn(async { panic!("fell") }).await);
    StatusCode::INTERNAL_SERVER_ERROR
}

// One test, because there is one log.
#[tokio::test]
async fn what_is_said_of_a_request_at_level_error_still_has_its_ids() {
    let written = Written::default();
    let variables = [("OBS_ENV", "dev"), ("RUST_LOG", "error")];
    let obs = Obs::from_vars(obs::service!(), variables)
        .unwrap()
        .log_writer(written.clone())
        .install()
        .unwrap();
    show_failures();
    let app = obs.wrap(
        Router::new()
            .route("/fails", get(fails))
            .route("/ok", get(async || "ok")),
    );
    for (path, id) in [("/ok", "fine"), ("/fails", "failed")] {
        let request = Request::get(path)
            .header("x-correlation-id", id)
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        drop(response.into_body().collect().await.unwrap());
    }
    let losses = obs.flush(Duration::from_secs(10));
    assert!(losses.is_empty(), "{losses}");
    let lines = written.lines();
    let said: Vec<_> = lines.iter().map(|line| line.text("message")).collect();
    assert_eq!(
        said,
        ["handler", "spawned", "below", "fell", "request_completed"]
    );
    for line in &lines {
        assert_eq!(line.keys()[..ROOT.len()], ROOT, "{line:?}");
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["correlation_id"], "failed");
        assert_eq!(line["route"], "/fails");
        assert_eq!(line["trace_id"], lines[0]["trace_id"]);
    }
}
