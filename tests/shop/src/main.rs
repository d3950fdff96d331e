//! A shop with a database and a cache, where orders fail in every way there is.

mod orders;
mod stores;

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use obs::{BoxError, Check, Obs};
use sqlx::postgres::PgPoolOptions;
use stores::{Cache, Store};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

fn main() -> ExitCode {
    obs::run(obs::service!(), serve)
}

async fn serve(obs: Obs) -> Result<(), BoxError> {
    let router = dependencies(&obs)?
        .route("/orders/{id}", get(orders::fine))
        .route("/orders/{id}/error", get(orders::error))
        .route("/orders/{id}/panic", get(orders::panic))
        .route("/orders/{id}/bare", get(orders::bare))
        .route("/orders/{id}/spawned", get(orders::spawned))
        .route("/orders/{id}/logged", get(orders::logged));
    let listener = TcpListener::bind(env::var("LISTEN")?).await?;
    obs.serve(listener, obs.wrap(router)).await?;
    Ok(())
}

/// Lets the service be ready only while its database and its cache are up, and serves what needs
/// them.
fn dependencies(obs: &Obs) -> Result<Router, BoxError> {
    let mut router = Router::new();
    // Asked anew each time: the tests wait for what changes.
    let soon = |check: Check| check.cache(Duration::ZERO);
    if let Ok(url) = env::var("DATABASE_URL") {
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy(&url)?;
        let pool = obs.sqlx_pool(Store::Ledger, pool);
        obs.ready("database", soon(Check::sqlx(&pool)));
        router = router.merge(stores::ledger(pool));
    }
    if let Ok(url) = env::var("REDIS_URL") {
        let client = redis::Client::open(url)?;
        obs.ready("redis", soon(Check::redis(&client)));
        router = router.merge(stores::visits(Cache {
            obs: obs.clone(),
            client,
            connection: OnceCell::new(),
        }));
    }
    Ok(router)
}
