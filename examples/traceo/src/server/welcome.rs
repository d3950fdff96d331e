//! What a person reads who started the server.

use std::net::SocketAddr;
use std::path::Path;

/// What to open, what to paste, where things are, how to stop.
pub(super) fn text(address: SocketAddr, data: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "traceo".into());
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let (program, database) = (program.display(), data.join("traceo.db"));
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"traceo {version} is running.

Open        http://{address}/metrics

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
  curl -s http://{address}/metrics | grep -E '^(mcp_tool_calls|traceo_engine_csv_rows)_total'

Data        {database}
Logs        here, on standard error; RUST_LOG=debug shows more
Stop        Ctrl-C

"#,
        database = database.display(),
    )
}
