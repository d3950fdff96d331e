//! HTTP: one layer that gives each request its ids, counts it, logs it and answers for it.

mod admin;
mod body;
mod exchange;
mod future;
mod inbound;
mod layer;
mod mount;
mod page;
mod routes;
mod traffic;
mod websocket;

pub use admin::{AdminError, AdminServer};
pub use body::HttpBody;
pub use future::HttpFuture;
pub use layer::{HttpLayer, HttpService};
pub use mount::{Mount, mount};
pub use websocket::{Counted, websocket};

pub(crate) use admin::serve;
pub(crate) use routes::{CAPPED_NAME, DEFAULT_MAX_ROUTES, MAX_MAX_ROUTES};
pub(crate) use traffic::{
    DEFAULT_BUCKETS, NAMES, REJECTED_IDS, Traffic, TrafficOptions, default_trusted, prefixed,
};

/// The path that a scraper asks for.
const METRICS_PATH: &str = "/metrics";
