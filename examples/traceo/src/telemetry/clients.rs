//! Pools and clients, wrapped once; the calls through them are ordinary ones.

use std::time::Duration;

use obs::client::ClientError;
use obs::{Obs, Peer};
use reqwest_middleware::ClientWithMiddleware;
use sqlx::{Any, AnyPool};

/// A database pool, whose calls are ordinary `sqlx` ones.
pub(crate) type Pool = obs::db::Pool<Any>;
/// A transaction of a [`Pool`].
pub(crate) type Transaction = obs::db::Transaction<'static, Any>;
/// A client of another service.
pub(crate) type Client = ClientWithMiddleware;
/// A connection to Redis.
pub(crate) type Queue = obs::db::RedisConnection<redis::aio::ConnectionManager>;

#[derive(obs::Label, Clone, Copy)]
enum Service {
    Engine,
    Mcp,
    Upstream,
}

#[derive(obs::Label, Clone, Copy)]
enum Store {
    Main,
    Queue,
}

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// What every client begins with. None of them follows redirects: where one leads to is nobody that
/// was asked, and its 200 is no answer to what was said.
fn builder() -> reqwest::ClientBuilder {
    // No proxy of the environment: what these clients ask is beside them.
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT)
}

pub(crate) fn engine_client(obs: &Obs, url: &str) -> Result<Client, ClientError> {
    let routes = [
        "/uploads",
        "/jobs",
        "/jobs/{id}",
        "/jobs/{id}/columns",
        "/jobs/{id}/cancel",
        "/limits",
        "/external-data",
    ];
    let engine = Peer::new(Service::Engine, url).routes(routes);
    obs.client(builder()).peer(engine).redirects(0).build()
}

pub(crate) fn webhook_client(
    obs: &Obs,
    url: &str,
    timeout: Duration,
) -> Result<Client, ClientError> {
    let mcp = Peer::new(Service::Mcp, url).routes(["/webhooks/jobs"]);
    obs.client(builder().timeout(timeout))
        .peer(mcp)
        .redirects(0)
        .build()
}

pub(crate) fn upstream_client(
    obs: &Obs,
    url: &str,
    timeout: Duration,
) -> Result<Client, ClientError> {
    let upstream = Peer::new(Service::Upstream, url).routes(["/quote"]);
    obs.client(builder().timeout(timeout))
        .peer(upstream)
        .redirects(0)
        .build()
}

pub(super) fn pool(obs: &Obs, pool: AnyPool) -> Pool {
    obs.sqlx_pool(Store::Main, pool)
}

pub(super) fn queue(obs: &Obs, connection: redis::aio::ConnectionManager) -> Queue {
    obs.redis(Store::Queue, connection)
}
