//! Dashboards, alerts, the stack and the pages about them: what the declarations make.

use std::fmt;
use std::io;
use std::path::Path;

use obs::Obs;
use obs_artifacts::{Catalogue, Problems, Service, System};

use super::Role;

/// Why the artifacts were not written.
#[derive(Debug)]
pub(crate) enum ArtifactsError {
    Setup(obs::ConfigError),
    Start(obs::StartError),
    System(Problems),
    Write(io::Error),
}

impl fmt::Display for ArtifactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::System(problems) => problems.fmt(f),
            Self::Write(error) => write!(f, "the artifacts cannot be written: {error}"),
        }
    }
}

/// Writes all of them below a folder.
pub(crate) fn write(root: &Path) -> Result<(), ArtifactsError> {
    let files = system()?.render().map_err(ArtifactsError::System)?;
    files.write(root).map_err(ArtifactsError::Write)
}

/// Both services, as they run in prod.
pub(crate) fn system() -> Result<System, ArtifactsError> {
    let system = System::new("traceo")
        .service(service(Role::Mcp, 8787)?)
        .service(service(Role::Engine, 8788)?)
        .made_by("cargo run -p traceo -- artifacts .");
    let renamed = RENAMED.into_iter();
    Ok(renamed.fold(system, |system, (old, new, note)| {
        system.renamed(old, new, note)
    }))
}

/// What was measured before by the systems that Traceo stands for.
const RENAMED: [(&str, &str, &str); 14] = [
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

fn service(role: Role, port: u16) -> Result<Service, ArtifactsError> {
    Ok(Service::new(catalogue(role)?)
        .port(port)
        .arguments([role.command()]))
}

/// What a service declares, whatever the variables of this process say.
pub(crate) fn catalogue(role: Role) -> Result<Catalogue, ArtifactsError> {
    let setup = Obs::from_vars(role.service(), [("OBS_ENV", "prod")]);
    let setup = role.declared(setup.map_err(ArtifactsError::Setup)?);
    let obs = setup.detached().map_err(ArtifactsError::Start)?;
    Ok(Catalogue::of(&obs))
}
