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
use crate::listen::{known_names_only, names};
use crate::telemetry::{BoxError, Telemetry, mcp as said};

/// Serves until the service is told to stop, which ends the event streams too.
pub(super) async fn serve(
    telemetry: &Telemetry,
    traceo: Traceo,
    inbox: Inbox,
    listener: TcpListener,
    (remote, stateless_json): (&[String], bool),
    mut welcome: Welcome<'_>,
) -> Result<(), BoxError> {
    let address = listener.local_addr()?;
    welcome.address = address;
    let text = welcome.text(telemetry.scraping());
    let router = router(traceo, inbox, remote, stateless_json).route("/", get(text.clone()));
    said::started("http");
    crate::say(&text);
    said::serving_http(address, stateless_json);
    telemetry.serve(listener, router).await
}

pub(super) fn router(
    traceo: Traceo,
    inbox: Inbox,
    remote: &[String],
    stateless_json: bool,
) -> Router {
    let router = Router::new()
        .route_service("/mcp", service(traceo, remote, stateless_json))
        .merge(webhooks::router(inbox));
    known_names_only(router, remote)
}

fn service(
    traceo: Traceo,
    remote: &[String],
    stateless_json: bool,
) -> StreamableHttpService<Traceo, LocalSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(names(remote))
        .with_legacy_session_mode(!stateless_json)
        .with_json_response(stateless_json);
    StreamableHttpService::new(move || Ok(traceo.clone()), Arc::default(), config)
}
