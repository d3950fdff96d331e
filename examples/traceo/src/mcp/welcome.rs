//! What a person reads who started the server.

use std::net::SocketAddr;
use std::path::Path;

use obs::{ConfigurationSource, Environment, Obs};

/// What to open, what to paste, where things are, how to stop.
pub(super) fn text(obs: &Obs, address: SocketAddr, data: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "traceo".into());
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let (program, database) = (program.display(), data.join("traceo.db"));
    let version = env!("CARGO_PKG_VERSION");
    let Scrape { note, option } = Scrape::of(obs);
    format!(
        r#"traceo {version} is running.

Open        http://{address}/metrics{note}
            http://{address}/ready

Paste       into the configuration of an MCP client:

  {{"mcpServers": {{"traceo": {{"type": "http", "url": "http://{address}/mcp"}}}}}}

            or, for a client that starts its servers itself:

  {{"mcpServers": {{"traceo": {{"command": "{program}", "args": ["mcp", "--stdio"]}}}}}}

Try         a file with one broken row, and what was counted:

  curl -s http://{address}/mcp -H 'Content-Type: application/json' \
    -H 'Accept: application/json, text/event-stream' \
    -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: ingest_csv' \
    -d '{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"ingest_csv",
         "arguments":{{"content":"city,people\nKyiv,2950000\nLviv\n"}},
         "_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
                  "io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}'
  curl -s{option} http://{address}/metrics | grep -E '^(mcp_tool_calls|traceo_engine_csv_rows)_total'

Data        {database}
Logs        here, on standard error; RUST_LOG=debug shows more, `traceo config` what is set
Stop        Ctrl-C

"#,
        database = database.display(),
    )
}

/// What a scrape takes.
struct Scrape {
    note: &'static str,
    /// Of `curl`.
    option: &'static str,
}

impl Scrape {
    fn of(obs: &Obs) -> Self {
        let has_token = obs.configuration().entries().iter().any(|entry| {
            entry.variable().starts_with("OBS_METRICS_TOKEN")
                && entry.source() != ConfigurationSource::Default
        });
        if has_token {
            Self {
                note: " with the token, as a bearer",
                option: r#" -H "Authorization: Bearer $OBS_METRICS_TOKEN""#,
            }
        } else if *obs.environment() == Environment::DEV {
            Self {
                note: "",
                option: "",
            }
        } else {
            Self {
                note: " once OBS_METRICS_TOKEN is set: outside of dev it needs one",
                option: r#" -H "Authorization: Bearer $OBS_METRICS_TOKEN""#,
            }
        }
    }
}
