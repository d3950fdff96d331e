//! What a person reads who started the server.

use std::net::SocketAddr;

use crate::telemetry::Scraping;

/// What to open, what to paste, where things are, how to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Welcome<'a> {
    pub(super) address: SocketAddr,
    pub(super) engine: &'a str,
    /// Where data is kept.
    pub(super) place: &'a str,
}

impl Welcome<'_> {
    pub(super) fn text(&self, scraping: Scraping) -> String {
        let program = std::env::current_exe().unwrap_or_else(|_| "traceo".into());
        let program = program.display();
        let Self {
            address,
            engine,
            place,
        } = self;
        let version = env!("CARGO_PKG_VERSION");
        let (note, option) = scraping.in_words();
        format!(
            r#"The MCP server of traceo {version} is running.

Open        http://{address}/console{note}
            http://{address}/metrics{note}
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
  curl -s{option} http://{address}/metrics | grep -E '^(mcp_tool_calls|traceo_mcp_imports)_total'

Engine      {engine}
            is asked to do the work; `traceo engine` starts it, ENGINE_URL says where it is
Data        {place}
Logs        here, on standard error; RUST_LOG=debug shows more, `traceo config` what is set
Stop        Ctrl-C

"#
        )
    }
}
