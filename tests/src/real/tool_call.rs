//! Calls of tools as single posts, each with headers of its own, which no client library allows.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::http;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The tool.
    pub tool: &'static str,
    /// With what.
    pub arguments: Value,
    /// The value of `X-Correlation-ID`.
    pub correlation_id: String,
    /// The bearer token of the user.
    pub token: String,
}

impl ToolCall {
    /// A call of `ingest_csv`.
    pub fn upload(content: &str, correlation_id: &str, token: &str) -> Self {
        Self {
            tool: "ingest_csv",
            arguments: json!({ "content": content }),
            correlation_id: correlation_id.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Calls, and returns the JSON-RPC answer.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn send(&self, address: SocketAddr) -> Value {
        let answer = self.try_send(address);
        answer.unwrap_or_else(|error| panic!("{}: {error}", self.correlation_id))
    }

    /// Calls, and returns the JSON-RPC answer.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn try_send(&self, address: SocketAddr) -> Result<Value, String> {
        let body = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": self.tool,
                "arguments": self.arguments,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        });
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "tools/call"),
            ("Mcp-Name", self.tool),
            ("X-Correlation-ID", &self.correlation_id),
            ("Authorization", &authorization),
        ];
        let response = http::post_within(address, "/mcp", &headers, &body.to_string(), PATIENCE)
            .map_err(|error| error.to_string())?;
        // An event stream, or the answer itself.
        let texts = response.body.lines();
        let texts = texts.map(|line| line.strip_prefix("data:").unwrap_or(line));
        let answers = texts.filter_map(|text| serde_json::from_str::<Value>(text).ok());
        let mut answers = answers.filter(|answer| answer["id"] == 1);
        answers
            .next()
            .ok_or_else(|| format!("{}: {}", response.status, response.body))
    }
}

/// The id of the job that an answer to `ingest_csv` names, if it does.
pub fn job_id(answer: &Value) -> Option<String> {
    let id = &answer["result"]["structuredContent"]["job_id"];
    id.as_str().map(str::to_owned)
}
