//! What the MCP server says in its log.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use crate::api::{JobStatus, Source, text};

/// Counts a start through the `metrics` facade, the way third-party crates count.
///
/// The services declare their metrics; this one shows that both are on the same scrape.
pub(crate) fn started(transport: &'static str) {
    metrics::describe_counter!(
        "traceo_starts_total",
        "Starts of this process, by transport."
    );
    metrics::counter!("traceo_starts_total", "transport" => transport).increment(1);
}

pub(crate) fn serving_http(address: SocketAddr, stateless_json: bool) {
    tracing::info!(%address, stateless_json, "serving MCP over HTTP");
}

pub(crate) fn serving_stdio() {
    tracing::info!("serving MCP over standard input and output");
}

pub(crate) fn import_accepted(source: Source) {
    tracing::info!(source = text(source), "import accepted");
}

pub(crate) fn import_not_recorded(error: &(dyn Error + 'static)) {
    tracing::error!(
        error,
        "the engine accepted the job, but it could not be recorded here; it will be once it has ended"
    );
}

pub(crate) fn webhook_taken(status: JobStatus) {
    tracing::info!(status = text(status), "webhook taken");
}

pub(crate) fn webhook_unreadable(delivery: &str) {
    tracing::error!(delivery, "a stored webhook cannot be read; it is put aside");
}

pub(crate) fn inbox_waits(error: &(dyn Error + 'static), pause: Duration) {
    let pause = pause.as_secs_f64();
    tracing::warn!(
        error,
        pause,
        "webhooks that were taken wait for the database"
    );
}

pub(crate) fn job_end_recorded(status: JobStatus) {
    tracing::info!(status = text(status), "job end recorded");
}

pub(crate) fn upkeep_failed(task: &'static str, error: &(dyn Error + 'static)) {
    tracing::warn!(error, task, "upkeep failed; it is tried again later");
}
