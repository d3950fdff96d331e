//! What a person reads who started both services.

use std::path::Path;

use super::service::Addresses;
use crate::telemetry::Surroundings;

/// What to open, what to paste, what to try, where things are, how to stop.
pub(super) fn text(addresses: &Addresses, data: &Path, surroundings: &Surroundings) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "traceo".into());
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let (program, data) = (program.display(), data.display());
    let version = env!("CARGO_PKG_VERSION");
    let (mcp, engine) = (addresses.mcp, addresses.engine);
    let (note, option) = surroundings.scraping.in_words();
    format!(
        r#"
traceo {version} is running.

Open        http://{mcp}/console and http://{engine}/console{note}
            http://{mcp}/metrics{note}
            http://{engine}/metrics
            http://{mcp}/ready and http://{engine}/ready

Paste       into the configuration of an MCP client:

  {{"mcpServers": {{"traceo": {{"type": "http", "url": "http://{mcp}/mcp"}}}}}}

Try         a file with one broken row, and a second later everything that was logged about it:

  id=$(curl -s -o /dev/null -D - http://{mcp}/mcp -H 'Content-Type: application/json' \
    -H 'Accept: application/json, text/event-stream' \
    -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: ingest_csv' \
    -d '{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"ingest_csv",
         "arguments":{{"content":"city,people\nKyiv,2950000\nLviv\n"}},
         "_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28",
                  "io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}' \
    | tr -d '\r' | sed -n 's/^x-correlation-id: //Ip')
  sleep 1
  '{program}' trace "$id" --data '{data}'
  curl -s{option} http://{engine}/metrics | grep '^traceo_engine_csv_rows_total'

Data        {data}
Logs        {data}/logs/engine.log and mcp.log: JSON lines, appended to
Stop        Ctrl-C

"#
    )
}
