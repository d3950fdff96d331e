//! MCP over standard input and output.

use std::io::Write;
use std::time::Duration;

use obs::{BoxError, Obs};
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::stdio_pipes;

use super::tools::Traceo;
use crate::engine::Engine;

/// How long calls may take to end, once the service was told to stop.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Serves until the client closes the pipe, or the service is told to stop.
pub(crate) async fn serve_stdio(obs: &Obs, engine: Engine) -> Result<(), BoxError> {
    let admin = obs.serve_admin().await?;
    // Not a log line: whoever looks for the address finds it whatever the log level is. In one
    // write, so that no log line comes between.
    let address = format!("traceo: metrics on http://{}/metrics\n", admin.address());
    std::io::stderr().write_all(address.as_bytes()).ok();
    super::count_start("stdio");
    obs.startup_complete();
    tracing::info!("serving MCP over standard input and output");
    let shutdown = obs.shutdown();
    let running = tokio::select! {
        running = Traceo::new(engine).serve(stdio_pipes()) => match running {
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
