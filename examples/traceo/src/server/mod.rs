//! The MCP server and the ways to reach it.

mod arguments;
mod error;
mod http;
mod results;
mod stdio;
mod tools;
mod welcome;

pub(crate) use http::serve_http;
pub(crate) use stdio::serve_stdio;

/// Counts a start through the `metrics` facade, the way third-party crates count.
///
/// The engine declares its metrics; this one shows that both are on the same scrape.
fn count_start(transport: &'static str) {
    metrics::describe_counter!(
        "traceo_starts_total",
        "Starts of this process, by transport."
    );
    metrics::counter!("traceo_starts_total", "transport" => transport).increment(1);
}
