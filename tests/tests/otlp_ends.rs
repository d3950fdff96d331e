//! When the span of an operation ends, where it has started what goes on after it.

use std::future::pending;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use http::Request;
use obs::{Carrier, Obs};
use obs_tests::collector::{Collector, Protocol};
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(30);

async fn start_something() -> &'static str {
    drop(obs::spawn(pending::<()>()));
    "started"
}

#[tokio::test]
async fn an_operation_that_left_a_task_behind_is_exported_at_its_own_end() {
    let collector = Collector::start(Protocol::Grpc);
    let endpoint = collector.endpoint();
    let obs = Obs::from_vars(
        obs::service!(),
        [
            ("OBS_ENV", "prod"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ],
    )
    .unwrap()
    .log_writer(std::io::sink())
    .panic_hook(false)
    .install()
    .unwrap();
    let app = obs.wrap(Router::new().route("/start", get(start_something)));

    let request = Request::get("/start").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    to_bytes(response.into_body(), 1 << 10).await.unwrap();
    Carrier::new().job("job", 1).run(start_something()).await;

    let spans = collector.wait_for(2, PATIENCE).await;
    let names: Vec<_> = spans.iter().map(|one| one.span.name.as_str()).collect();
    assert_eq!(names, ["GET /start", "job"]);
    let status = spans[0].attribute("http.response.status_code");
    assert_eq!(status.as_deref(), Some("200"), "what is said at the end");
}
