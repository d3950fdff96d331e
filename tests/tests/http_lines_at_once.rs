//! The lines of many requests at once: each has the ids of its own request.
//!
//! In a process of its own, because it counts every line of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use obs::Obs;
use obs_tests::lines::{ROOT, Written, show_failures};
use tokio::sync::Barrier;
use tokio::task::{JoinSet, yield_now};
use tower::ServiceExt;

const REQUESTS: usize = 1_000;
const YIELDS: usize = 100;

/// Yields again and again, and says now and then whose it is.
async fn wander(id: String, says: usize) {
    for n in 0..YIELDS {
        if n % (YIELDS / says) == 0 {
            tracing::info!(mine = %id, "wandered");
        }
        yield_now().await;
    }
}

async fn handler(Path(id): Path<String>) {
    let spawned = obs::spawn(wander(id.clone(), YIELDS));
    wander(id, 10).await;
    spawned.await.unwrap();
}

// One test, because there is one log.
#[test]
fn k2_no_line_of_a_thousand_requests_at_once_has_a_foreign_id() {
    let written = Written::default();
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .log_writer(written.clone())
        .install()
        .unwrap();
    show_failures();
    let app = obs.wrap(Router::new().route("/{id}", get(handler)));
    for threads in [1, 8] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let all_at_once = Arc::new(Barrier::new(REQUESTS));
            let mut requests = JoinSet::new();
            for n in 0..REQUESTS {
                let (app, all_at_once) = (app.clone(), Arc::clone(&all_at_once));
                requests.spawn(async move {
                    let id = format!("on-{threads}-{n}");
                    let request = Request::get(format!("/{id}"))
                        .header("x-correlation-id", &id)
                        .header("x-request-id", format!("request-{id}"))
                        .body(Body::empty())
                        .unwrap();
                    all_at_once.wait().await;
                    let response = app.oneshot(request).await.unwrap();
                    assert_eq!(response.headers()["x-correlation-id"], id);
                    drop(response.into_body().collect().await.unwrap());
                });
            }
            while let Some(ended) = requests.join_next().await {
                ended.unwrap();
            }
        });
    }
    // Those that found no room are counted.
    let losses = obs.flush(Duration::from_secs(60));
    let dropped = usize::try_from(losses.log_lines()).unwrap();
    let all = 2 * REQUESTS * (YIELDS + 10 + 2);
    assert!(dropped < all / 2, "{losses}");
    let mut traces = HashMap::new();
    let mut seen = 0;
    for line in written.lines() {
        let id = line.text("correlation_id");
        if !id.starts_with("on-") {
            continue;
        }
        seen += 1;
        assert_eq!(line.keys()[..ROOT.len()], ROOT);
        assert_eq!(line["request_id"], format!("request-{id}"), "{line:?}");
        if line.says("wandered") {
            assert_eq!(line["mine"], id, "{line:?}");
        }
        let trace = [line.text("trace_id"), line.text("span_id")].map(str::to_owned);
        let known = traces.entry(id.to_owned()).or_insert_with(|| trace.clone());
        assert_eq!(*known, trace, "{line:?}");
    }
    assert_eq!(seen + dropped, all);
    if dropped == 0 {
        assert_eq!(traces.len(), 2 * REQUESTS);
    }
    let mut traces: Vec<_> = traces.into_values().collect();
    let requests = traces.len();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(
        traces.len(),
        requests,
        "each request has a trace of its own"
    );
}
