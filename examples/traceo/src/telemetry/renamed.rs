//! Where the metrics of earlier systems are now.

/// What was measured before by the systems that Traceo stands for.
pub(super) const RENAMED: [(&str, &str, &str); 14] = [
    (
        "`http_requests_total`",
        "traceo_http_requests_total",
        "labels `method`, `route` and `status`; without `.metric_prefix` the name stays",
    ),
    (
        "`http_request_duration_seconds`",
        "traceo_http_request_duration_seconds",
        "labels `method` and `route`: the status is on the counter",
    ),
    (
        "`http_requests_in_flight`",
        "traceo_http_requests_in_flight",
        "",
    ),
    (
        "`http_exceptions_total{exception_type}`",
        "traceo_http_exceptions_total",
        "the type is a code of an error enum, or `panic`, and never the name of a class",
    ),
    (
        "gauge of active WebSockets",
        "traceo_http_streams_open{kind=\"websocket\"}",
        "server-sent events are counted beside them",
    ),
    (
        "`traceo_http_requests_total`",
        "traceo_http_requests_total",
        "as before, in both services",
    ),
    (
        "`traceo_engine_uptime_seconds`",
        "traceo_engine_uptime_seconds",
        "as before",
    ),
    (
        "`traceo_jobs_total`",
        "traceo_engine_jobs",
        "was a gauge with the name of a counter; what ended is in \
         `traceo_engine_jobs_ended_total`",
    ),
    (
        "counter of each tool",
        "mcp_tool_calls_total",
        "labels `tool` and `outcome`: a tool that fails with HTTP 200 counts as failed",
    ),
    (
        "histogram of each tool",
        "mcp_tool_call_duration_seconds",
        "labels `tool` and `result`",
    ),
    (
        "`X-RateLimit-Remaining` (a header)",
        "traceo_engine_rate_limit_decisions_total",
        "label `decision`; an address is no label",
    ),
    (
        "gauge of the pool by state",
        "traceo_db_client_connections",
        "`state` is `active`, `idle` or `waiting`",
    ),
    (
        "depth of the queue",
        "traceo_engine_queue_depth",
        "what goes in and out is in `traceo_engine_queue_enqueued_total` and `.._drained_total`",
    ),
    (
        "purged audit rows",
        "traceo_engine_audit_purged_total",
        "and `traceo_mcp_audit_purged_total`",
    ),
];
