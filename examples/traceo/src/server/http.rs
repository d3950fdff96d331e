//! Streamable HTTP: `/mcp`, and `/metrics` beside it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use obs::Obs;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::tools::Traceo;
use super::{STOP_WAIT, ServeError, signals, welcome};
use crate::engine::Engine;

/// Serves until Ctrl-C or SIGTERM.
pub(crate) async fn serve_http(
    obs: &Obs,
    engine: Engine,
    listen: SocketAddr,
    stateless_json: bool,
    data: &Path,
) -> Result<(), ServeError> {
    let listener = bind(listen).await?;
    let address = listener.local_addr()?;
    // Without it, small messages on event streams wait for the peer's delayed acknowledgement.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::warn!(%error, "TCP_NODELAY could not be set");
        }
    });
    let stopping = CancellationToken::new();
    let text = welcome::text(address, data);
    let router = Router::new()
        .route_service("/mcp", mcp(engine, stateless_json, &stopping))
        .route("/", get(text.clone()));
    let router = obs.wrap(router);
    super::count_start("http");
    let stop = stopping.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
    let mut serving = tokio::spawn(serving.into_future());
    crate::say(&text);
    tracing::info!(%address, stateless_json, "serving MCP over HTTP");

    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        signal = signals::stop() => signal?,
    }
    tracing::info!("stopping");
    // Ends the event streams too, which would keep their connections open for ever.
    stopping.cancel();
    if tokio::time::timeout(STOP_WAIT, serving).await.is_err() {
        tracing::warn!("some connections did not end in time and were cut off");
    }
    Ok(())
}

fn mcp(
    engine: Engine,
    stateless_json: bool,
    stopping: &CancellationToken,
) -> StreamableHttpService<Traceo, LocalSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(!stateless_json)
        .with_json_response(stateless_json)
        .with_cancellation_token(stopping.child_token());
    let traceo = Traceo::new(engine);
    StreamableHttpService::new(move || Ok(traceo.clone()), Arc::default(), config)
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, ServeError> {
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
