//! A subscriber that panics takes no request with it, and leaves no gauge behind.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower_service::Service as _;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::detached;
use crate::Format;

struct PanicsAtSpans;

impl Layer<Registry> for PanicsAtSpans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, Registry>) {
        assert_ne!(attributes.metadata().target(), "obs::http", "on purpose");
    }
}

#[test]
fn a_subscriber_that_panics_at_the_span_costs_neither_the_request_nor_its_count() {
    let obs = detached();
    let mut app = obs.wrap(Router::new().route("/", get(async || "served")));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    tracing::subscriber::with_default(Registry::default().with(PanicsAtSpans), || {
        runtime.block_on(async {
            let request = Request::get("/").body(Body::empty()).unwrap();
            let response = app.call(request).await.unwrap();
            assert_eq!(response.status(), 200);
            axum::body::to_bytes(response.into_body(), 64)
                .await
                .unwrap();
        });
    });
    let scrape = obs.scrape(Format::Text);
    assert!(scrape.contains("http_requests_in_flight 0\n"), "{scrape}");
    let count = r#"http_requests_total{method="GET",route="/",status="200"} 1"#;
    assert!(scrape.contains(count), "{scrape}");
}
