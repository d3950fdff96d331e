//! HTTP: requests counted by method, route and status, and `/metrics` answered.

mod admin;
mod future;
mod guard;
mod layer;
mod page;
mod routes;

pub use admin::{AdminError, AdminServer};
pub use future::HttpFuture;
pub use layer::{HttpLayer, HttpService};

pub(crate) use admin::serve;
pub(crate) use routes::{CAPPED_NAME, DEFAULT_MAX_ROUTES, MAX_MAX_ROUTES, Routes, requests_name};

/// The path that a scraper asks for.
const METRICS_PATH: &str = "/metrics";
