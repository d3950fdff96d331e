//! What the MCP server counts.

use crate::api::{JobStatus, Source};
use crate::mcp::Receipt;

obs::metrics! {
    pub(crate) registry MCP;
    prefix = "traceo_mcp";
    max_series = 100;

    /// Imports that tools asked for and the engine accepted, by where the text came from.
    counter traceo_mcp_imports_total(source: Source);

    /// Imports known here, by the state that was last heard of.
    gauge traceo_mcp_known_imports(status: JobStatus);

    /// Webhooks received, by what became of them.
    counter traceo_mcp_webhooks_received_total(receipt: Receipt);

    /// Webhooks that were taken and are not worked off yet.
    gauge traceo_mcp_webhook_backlog();

    /// Seconds from taking a webhook to the moment its job is known to have ended.
    histogram traceo_mcp_webhook_lag_seconds() {
        buckets = [0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0],
    }

    /// Audit rows removed because they were older than the retention.
    counter traceo_mcp_audit_purged_total();

    /// Seconds since the MCP server started.
    gauge traceo_mcp_uptime_seconds();

    /// Which build runs.
    info traceo_mcp_build_info { version: env!("CARGO_PKG_VERSION") };
}
