//! The MCP server: tools that ask the engine, and the webhooks by which it tells how jobs ended.

mod error;

use crate::cli;
use crate::settings::Settings;
use crate::telemetry::{BoxError, Telemetry};

/// What became of a webhook.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    Taken,
    /// Known already: another attempt of a delivery that was taken.
    Repeated,
    Refused,
}

/// Serves MCP until the process is told to stop.
pub(crate) async fn run(
    _telemetry: Telemetry,
    _options: cli::Mcp,
    _settings: Settings,
) -> Result<(), BoxError> {
    Ok(())
}
