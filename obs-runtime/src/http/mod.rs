//! HTTP: requests counted by method, route and status, and `/metrics` answered.

mod access;
mod admin;
mod cors;
mod endpoints;
mod future;
mod guard;
mod layer;
mod page;
mod routes;
mod serve;
mod snapshot;

pub use admin::{AdminError, AdminServer};
pub use cors::{CorsHeaders, cors_headers};
pub use future::HttpFuture;
pub use layer::{HttpLayer, HttpService};

pub(crate) use access::{MAX_TOKENS, REJECTED_NAME, ScrapeAccess, Token, TokenError};
pub(crate) use admin::serve as serve_admin;
pub(crate) use endpoints::Paths;
pub(crate) use routes::{CAPPED_NAME, DEFAULT_MAX_ROUTES, MAX_MAX_ROUTES, Routes, requests_name};
pub(crate) use serve::Limits;

pub(crate) use snapshot::Snapshots;

/// What the endpoints and the server work with.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) paths: Paths,
    pub(crate) access: ScrapeAccess,
    pub(crate) limits: Limits,
    /// The admin listener may be reached from other machines without a token.
    pub(crate) open_admin: bool,
    pub(crate) snapshots: Snapshots,
}
