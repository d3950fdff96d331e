//! The fixed tools, prompts and resources that the MCP conformance suites call.
//!
//! The same source is built twice: with the feature `observed`, which puts `#[obs::observed]` on
//! everything that can carry it and wraps the router, and without it. A test runs the suites
//! against both and compares what they say.
#![allow(
    deprecated,
    reason = "the suites call what the protocol of 2026-07-28 removed: sampling, logging levels, subscriptions"
)]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;

mod content;
mod elicitation;
mod handler;
mod input_required;
mod prompts;
mod tools;

use handler::Conformance;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("usage: obs-conformance ADDRESS")?;
    let server = Conformance::default();
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let router = Router::new().nest_service("/mcp", service);
    let router = observed(router)?;
    let listener = TcpListener::bind(&address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

#[cfg(feature = "observed")]
fn observed(router: Router) -> Result<Router, Box<dyn Error>> {
    let obs = obs::Obs::from_env(obs::service!())?.install()?;
    Ok(obs.wrap(router))
}

#[cfg(not(feature = "observed"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature as with `obs`, whose start can fail"
)]
fn observed(router: Router) -> Result<Router, Box<dyn Error>> {
    Ok(router)
}
