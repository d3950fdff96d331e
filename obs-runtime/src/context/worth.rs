//! Which spans say something about the service: those that are exported and shown.

use tracing::{Level, Metadata};

use super::span::CARRIER_SPAN;

/// Crates whose spans say nothing about the service: those that requests and the export itself are
/// made of. `rmcp` has one span for a whole session, below which every tool call would stand.
const QUIET: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "opentelemetry",
    "opentelemetry_sdk",
    "reqwest",
    "rmcp",
    "runtime",
    "rustls",
    "sqlx",
    "sqlx_core",
    "tokio",
    "tokio_util",
    "tonic",
    "tower",
    "ureq",
];

/// Whether a span is of level INFO or above, and of a crate that has something to say.
pub(crate) fn is_worth_showing(metadata: &Metadata<'_>) -> bool {
    let krate = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span()
        && *metadata.level() <= Level::INFO
        && metadata.target() != CARRIER_SPAN
        && !QUIET.contains(&krate)
}
