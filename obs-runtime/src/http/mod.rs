//! HTTP: one layer that gives each request its ids, counts it, logs it and answers for it.

mod access;
mod admin;
mod admin_page;
mod body;
mod cors;
mod endpoints;
mod exchange;
mod future;
mod inbound;
mod layer;
mod mount;
mod page;
mod page_access;
mod probe;
mod routes;
mod serve;
mod snapshot;
#[cfg(test)]
mod tests;
mod traffic;
mod websocket;

pub use admin::{AdminError, AdminServer};
pub use admin_page::{AdminPage, EndedSpan, PageAnswer, PageFuture, PageRequest};
pub use body::HttpBody;
pub use cors::{CorsHeaders, cors_headers};
pub use future::HttpFuture;
pub use layer::{HttpLayer, HttpService};
pub use mount::{Mount, mount};
pub use websocket::{Counted, websocket};

pub(crate) use access::{MAX_TOKENS, REJECTED_NAME, ScrapeAccess, Token, TokenError};
pub(crate) use admin::serve as serve_admin;
pub(crate) use admin_page::is_answering;
pub(crate) use endpoints::Paths;
#[cfg(feature = "rmcp")]
pub(crate) use exchange::protocol_version;
pub(crate) use routes::{
    CAPPED_NAME, DEFAULT_MAX_ROUTES, MAX_MAX_ROUTES, METHOD, METHODS, ROUTE, STATUSES, UNMATCHED,
    label_pair,
};
pub(crate) use serve::Limits;
pub(crate) use snapshot::Snapshots;
pub(crate) use traffic::{DEFAULT_BUCKETS, NAMES, REJECTED_IDS, Traffic, TrafficOptions, prefixed};

use std::sync::Arc;

/// What the endpoints and the server work with.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) paths: Paths,
    pub(crate) access: ScrapeAccess,
    pub(crate) limits: Limits,
    /// The admin listener may be reached from other machines without a token.
    pub(crate) open_admin: bool,
    pub(crate) snapshots: Snapshots,
    /// A page of the service's own.
    pub(crate) page: Option<Arc<dyn AdminPage>>,
}

impl Serving {
    /// Whether a path is one of ours.
    pub(crate) fn answers(&self, path: &str) -> bool {
        let page = self.page.as_ref();
        self.paths.endpoint(path).is_some()
            || page.is_some_and(|page| admin_page::below(page.path(), path).is_some())
    }

    /// Tells the page that the service begins to serve.
    pub(crate) fn begin(&self, obs: &crate::start::Obs) {
        if let Some(page) = &self.page {
            page.serving(obs);
        }
    }
}
