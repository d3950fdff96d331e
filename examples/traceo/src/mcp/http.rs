//! Streamable HTTP: `/mcp`, `/webhooks/jobs`, and `/metrics` beside them.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use super::inbox::Inbox;
use super::tools::Traceo;
use super::webhooks;
use super::welcome::Welcome;
use crate::telemetry::{BoxError, Telemetry, mcp as said};

/// Serves until the service is told to stop, which ends the event streams too.
pub(super) async fn serve(
    telemetry: &Telemetry,
    traceo: Traceo,
    inbox: Inbox,
    (listener, stateless_json): (TcpListener, bool),
    mut welcome: Welcome<'_>,
) -> Result<(), BoxError> {
    let address = listener.local_addr()?;
    welcome.address = address;
    let text = welcome.text(telemetry.scraping());
    let router = router(traceo, inbox, stateless_json).route("/", get(text.clone()));
    said::started("http");
    crate::say(&text);
    said::serving_http(address, stateless_json);
    telemetry.serve(listener, router).await
}

pub(super) fn router(traceo: Traceo, inbox: Inbox, stateless_json: bool) -> Router {
    Router::new()
        .route_service("/mcp", service(traceo, stateless_json))
        .merge(webhooks::router(inbox))
}

fn service(
    traceo: Traceo,
    stateless_json: bool,
) -> StreamableHttpService<Traceo, LocalSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(!stateless_json)
        .with_json_response(stateless_json);
    StreamableHttpService::new(move || Ok(traceo.clone()), Arc::default(), config)
}
