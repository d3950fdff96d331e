//! MCP over standard input and output.
//!
//! Webhooks are not taken here: several clients may each have started a server of their own, and the
//! engine knows one address. How a job goes is asked with `job_status`.

use std::io::Write;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;

use super::tools::Traceo;
use crate::telemetry::{BoxError, Telemetry, mcp as said};

/// How long calls may take to end, once the service was told to stop.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Serves until the client closes the pipe, or the service is told to stop.
pub(super) async fn serve(telemetry: &Telemetry, traceo: Traceo) -> Result<(), BoxError> {
    let admin = telemetry.serve_beside_pipes().await?;
    // Not a log line: whoever looks for the address finds it whatever the log level is. In one
    // write, so that no log line comes between.
    let address = format!("traceo: metrics on http://{}/metrics\n", admin.address());
    std::io::stderr().write_all(address.as_bytes()).ok();
    said::started("stdio");
    said::serving_stdio();
    let shutdown = telemetry.shutdown();
    let running = tokio::select! {
        running = traceo.serve(stdio_pipes()) => match running {
            Ok(running) => running,
            Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        },
        () = shutdown.begun() => return Ok(()),
    };
    let stop = running.cancellation_token();
    let mut waiting = Box::pin(running.waiting());
    tokio::select! {
        ended = &mut waiting => {
            ended?;
        }
        () = shutdown.begun() => {
            stop.cancel();
            tokio::time::timeout(STOP_WAIT, waiting).await.ok();
        }
    }
    Ok(())
}
