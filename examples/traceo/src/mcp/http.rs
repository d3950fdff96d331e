//! Streamable HTTP: `/mcp`, and `/metrics` beside it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use obs::{BoxError, Obs};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

use super::tools::Traceo;
use super::welcome;
use crate::engine::Engine;

/// Serves until the service is told to stop, which ends the event streams too.
pub(crate) async fn serve_http(
    obs: &Obs,
    engine: Engine,
    listen: SocketAddr,
    stateless_json: bool,
    data: &Path,
) -> Result<(), BoxError> {
    let listener = bind(listen).await?;
    let address = listener.local_addr()?;
    let text = welcome::text(obs, address, data);
    let router = Router::new()
        .route_service("/mcp", mcp(engine, stateless_json))
        .route("/", get(text.clone()));
    super::count_start("http");
    crate::say(&text);
    tracing::info!(%address, stateless_json, "serving MCP over HTTP");
    obs.serve(listener, obs.wrap(router)).await?;
    Ok(())
}

fn mcp(engine: Engine, stateless_json: bool) -> StreamableHttpService<Traceo, LocalSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(!stateless_json)
        .with_json_response(stateless_json);
    let traceo = Traceo::new(engine);
    StreamableHttpService::new(move || Ok(traceo.clone()), Arc::default(), config)
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, BoxError> {
    TcpListener::bind(listen).await.map_err(|error| {
        let (host, port) = (listen.ip(), listen.port());
        match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "port {port} on {host} is in use by another program (another traceo?); stop it, \
                 or choose another port: `traceo mcp --listen 127.0.0.1:{}`",
                port.checked_add(1).unwrap_or(0)
            )
            .into(),
            _ => {
                format!("cannot listen on {listen}: {error}; choose another with `--listen`").into()
            }
        }
    })
}
