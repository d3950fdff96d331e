//! What a person who starts the engine reads first.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

/// Says where things are and what to try.
pub(super) fn say(address: SocketAddr, data: &Path, mcp_url: &str) {
    let data = data.join("engine");
    let text = format!(
        "\
traceo engine {version}

Uploads     curl --data-binary @file.csv http://{address}/uploads
Jobs        http://{address}/jobs
Ready       http://{address}/ready
Webhooks    to {mcp_url}
Data        {data}
Stop        Ctrl-C
",
        version = env!("CARGO_PKG_VERSION"),
        data = data.display(),
    );
    // Nobody may be reading.
    std::io::stdout().write_all(text.as_bytes()).ok();
}
