//! MCP over standard input and output.

use obs::Obs;
use rmcp::ServiceExt;
use rmcp::transport::stdio_pipes;

use super::tools::Traceo;
use super::{STOP_WAIT, ServeError, signals};
use crate::engine::Engine;

/// Serves until the client closes the pipe, Ctrl-C or SIGTERM.
pub(crate) async fn serve_stdio(obs: &Obs, engine: Engine) -> Result<(), ServeError> {
    let admin = obs.serve_admin().await?;
    // Not a log line: whoever looks for the address finds it whatever the log level is.
    eprintln!("traceo: metrics on http://{}/metrics", admin.address());
    super::count_start("stdio");
    tracing::info!("serving MCP over standard input and output");
    let start = Traceo::new(engine).serve(stdio_pipes());
    let running = tokio::select! {
        running = start => match running {
            Ok(running) => running,
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        },
        signal = signals::stop() => return Ok(signal?),
    };
    let stop = running.cancellation_token();
    let mut waiting = Box::pin(running.waiting());
    tokio::select! {
        ended = &mut waiting => {
            ended?;
            return Ok(());
        }
        signal = signals::stop() => signal?,
    }
    tracing::info!("stopping");
    stop.cancel();
    tokio::time::timeout(STOP_WAIT, waiting).await.ok();
    Ok(())
}
