//! The export of an installed `Obs`: requests, their lines, and what is said about the collector.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use obs::Obs;
use obs_tests::collector::{Collector, Protocol, Reply};
use serde_json::Value;
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn of(&self, target: &str) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["target"] == target)
            .collect()
    }
}

#[tokio::test]
async fn a_request_is_a_span_under_the_ids_of_its_line_and_a_failing_collector_is_one_line() {
    let collector = Collector::start(Protocol::Grpc);
    let sink = Lines::default();
    let endpoint = collector.endpoint();
    let obs = Obs::from_vars(
        obs::service!(),
        [
            ("OBS_ENV", "prod"),
            ("RUST_LOG", "trace"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_TRACES_SAMPLER_ARG", "0"),
        ],
    )
    .unwrap()
    .log_writer(sink.clone())
    .panic_hook(false)
    .install()
    .unwrap();
    let app = Router::new()
        .route(
            "/jobs/{id}",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
        .route("/fine", get(|| async { "fine" }));
    let app = obs.wrap(app);
    let call = |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = app.clone().oneshot(request);
        async { axum::body::to_bytes(answer.await.unwrap().into_body(), 1 << 20).await }
    };

    // Two failures are a line, and so is the success after them.
    collector.reply_next([Reply::Status(503), Reply::Status(503), Reply::Status(503)]);
    call("/fine").await.unwrap();
    call("/jobs/7?key=1").await.unwrap();
    let received = collector.wait_for(1, PATIENCE).await;
    assert!(obs.flush(PATIENCE).is_empty());
    let said = sink.of("obs::otlp");
    let levels: Vec<_> = said
        .iter()
        .map(|line| line["level"].as_str().unwrap())
        .collect();
    assert_eq!(levels, ["WARN", "INFO"], "{said:?}");
    assert_eq!(said[0]["why"], "gRPC status Unavailable");

    // The request that failed, and nothing of the one that did not.
    assert_eq!(received.len(), 1, "{received:?}");
    let span = &received[0].span;
    assert_eq!(span.name, "GET /jobs/{id}");
    let lines = sink.of("obs::request");
    let failed = lines.iter().find(|line| line["status"] == 500).unwrap();
    let hex = |id: &[u8]| {
        let bytes: Vec<_> = id.iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.concat()
    };
    assert_eq!(failed["trace_id"], hex(&span.trace_id));
    assert_eq!(failed["span_id"], hex(&span.span_id));

    // H3: whatever is logged, an idle service exports nothing.
    let exports = collector.exports().len();
    for _ in 0..10 {
        tracing::error!("a line");
        assert!(obs.flush(PATIENCE).is_empty());
    }
    assert_eq!(collector.exports().len(), exports);
}
