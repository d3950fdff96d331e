//! A client of both services, which writes down what it did.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::ledger::{Deed, Ledger};
use super::scrape::Page;
use crate::both::Addresses;

/// Longer than any answer takes, however slow the third party is.
const PATIENCE: Duration = Duration::from_secs(60);

/// As many people use it: dashboards show whom a failure hits.
const USERS: usize = 5;

const PROTOCOL: &str = "2026-07-28";

/// What a service said.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) correlation: String,
    pub(super) body: Value,
}

/// What became of a tool call.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) correlation: String,
    /// The structured result, or what went wrong.
    pub(super) said: Result<Value, String>,
}

impl Called {
    /// Returns a text of the result.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        Some(self.said.as_ref().ok()?.get(name)?.as_str()?.to_owned())
    }
}

/// Cheap to clone: all clones share connections and the ledger.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    mcp: String,
    engine: String,
    pub(super) ledger: Arc<Ledger>,
    asked: Arc<AtomicUsize>,
}

/// Nobody answered: the service is away, or the connection broke.
pub(super) type Asked<T> = Result<T, reqwest::Error>;

impl Client {
    pub(super) fn new(addresses: &Addresses, ledger: Arc<Ledger>) -> Asked<Self> {
        Ok(Self {
            http: builder().build()?,
            mcp: addresses.mcp_url(),
            engine: addresses.engine_url(),
            ledger,
            asked: Arc::default(),
        })
    }

    /// Returns a client with another address, where the machine has one: on Linux all of 127/8 is
    /// this machine.
    pub(super) fn elsewhere(&self) -> Asked<Self> {
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        let bound = std::net::UdpSocket::bind((address, 0));
        let address = bound.is_ok().then_some(address);
        Ok(Self {
            http: builder().local_address(address).build()?,
            ..self.clone()
        })
    }

    /// Calls a tool, as a client of the 2026-07-28 protocol does.
    pub(super) async fn call(&self, tool: &str, arguments: &Value) -> Asked<Called> {
        let response = self.tool(tool, arguments).send().await?;
        let correlation = correlation(&response);
        let text = response.text().await?;
        let answer = message(&text);
        let deed = deed(&answer);
        self.ledger.note(deed);
        let said = match deed {
            Deed::Answered => {
                let result = answer.pointer("/result/structuredContent");
                Ok(result.cloned().unwrap_or_default())
            }
            _ => Err(complaint(&answer)),
        };
        let called = Called { correlation, said };
        if tool == "ingest_csv"
            && let Some(id) = called.text("job_id")
        {
            self.ledger.accepted(&id);
        }
        Ok(called)
    }

    /// Calls a tool and goes away after a moment, whatever it does.
    pub(super) async fn call_and_leave(&self, tool: &str, arguments: &Value, after: Duration) {
        let call = self.tool(tool, arguments).send();
        let left = tokio::time::timeout(after, async { call.await?.text().await }).await;
        if left.is_err() {
            self.ledger.note(Deed::Abandoned);
        }
    }

    /// Returns the bearer token of the next user.
    fn user(&self) -> String {
        let user = self.asked.fetch_add(1, Ordering::Relaxed) % USERS;
        format!("demo-user-{user}")
    }

    fn tool(&self, tool: &str, arguments: &Value) -> RequestBuilder {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": PROTOCOL,
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        }});
        self.http
            .post(format!("{}/mcp", self.mcp))
            .header(ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", PROTOCOL)
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .bearer_auth(self.user())
            .json(&call)
    }

    /// Sends a file to the engine.
    pub(super) async fn upload(&self, name: &str, csv: String) -> Asked<Answer> {
        let request = self
            .http
            .post(format!("{}/uploads", self.engine))
            .query(&[("name", name)])
            .header(CONTENT_TYPE, "text/csv")
            .bearer_auth(self.user())
            .body(csv);
        let answer = answer(request).await?;
        if answer.status == 202
            && let Some(id) = answer.body["job_id"].as_str()
        {
            self.ledger.accepted(id);
        }
        Ok(answer)
    }

    /// Asks the engine.
    pub(super) async fn get(&self, path: &str) -> Asked<Answer> {
        answer(self.http.get(format!("{}{path}", self.engine))).await
    }

    pub(super) async fn post(&self, path: &str) -> Asked<Answer> {
        answer(self.http.post(format!("{}{path}", self.engine))).await
    }

    /// Asks for a quote, and returns how long it took.
    pub(super) async fn quote(&self, currency: &str) -> Asked<(u16, Duration)> {
        let start = Instant::now();
        let answer = self
            .get(&format!("/external-data?currency={currency}"))
            .await?;
        self.ledger.note(match answer.status {
            200 => Deed::Quoted,
            _ => Deed::NotQuoted,
        });
        Ok((answer.status, start.elapsed()))
    }

    /// Reads the beginning of a stream and goes away.
    pub(super) async fn glance(&self, path: &str) -> Asked<()> {
        let mut response = self
            .http
            .get(format!("{}{path}", self.engine))
            .send()
            .await?;
        response.chunk().await.map(drop)
    }

    pub(super) async fn put(&self, url: &str, body: &Value) -> Asked<bool> {
        let response = self.http.put(url).json(body).send().await?;
        Ok(response.status().is_success())
    }

    /// Reads a page of metrics, with exemplars.
    pub(super) async fn metrics(&self, url: &str) -> Asked<Page> {
        let request = self.http.get(url).header(
            ACCEPT,
            "application/openmetrics-text; version=1.0.0, text/plain; q=0.1",
        );
        let request = request.timeout(Duration::from_secs(5));
        Ok(Page::parse(
            &request.send().await?.error_for_status()?.text().await?,
        ))
    }
}

fn builder() -> reqwest::ClientBuilder {
    // No proxy of the environment: everything is on this machine.
    reqwest::Client::builder().no_proxy().timeout(PATIENCE)
}

async fn answer(request: RequestBuilder) -> Asked<Answer> {
    let response = request.send().await?;
    let (status, correlation) = (response.status().as_u16(), correlation(&response));
    let body = response.bytes().await?;
    Ok(Answer {
        status,
        correlation,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

fn correlation(response: &Response) -> String {
    let header = response.headers().get("x-correlation-id");
    let id = header.and_then(|id| id.to_str().ok());
    id.unwrap_or("unknown").to_owned()
}

/// Returns the last message of an answer, which is JSON or a stream of events.
fn message(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
        let mut messages = events.filter_map(|event| serde_json::from_str(event.trim()).ok());
        messages.next_back().unwrap_or_default()
    })
}

fn deed(answer: &Value) -> Deed {
    // -32603 is what a panic is answered with; nothing else in here gives an internal error.
    if answer.pointer("/error/code") == Some(&json!(-32603)) {
        Deed::Panicked
    } else if answer["result"].is_object() && answer["result"]["isError"] != true {
        Deed::Answered
    } else {
        Deed::Refused
    }
}

fn complaint(answer: &Value) -> String {
    let places = ["/error/message", "/result/content/0/text"];
    let text = places
        .iter()
        .find_map(|place| answer.pointer(place)?.as_str());
    text.unwrap_or("no answer").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Deed, complaint, deed, message};

    #[test]
    fn an_answer_is_understood_as_json_and_as_events() {
        let answer = json!({"id": 1, "result": {"structuredContent": {}}});
        assert_eq!(message(&answer.to_string()), answer);
        assert_eq!(
            message(&format!("id: 0\ndata:\n\ndata: {answer}\n\n")),
            answer
        );
        assert!(message("nothing of the kind").is_null());
    }

    #[test]
    fn refusals_and_panics_are_told_from_answers() {
        assert_eq!(deed(&json!({"result": {"isError": false}})), Deed::Answered);
        let refused = json!({"result": {"isError": true, "content": [{"text": "no"}]}});
        assert_eq!(
            (deed(&refused), complaint(&refused)),
            (Deed::Refused, "no".to_owned())
        );
        let panicked = json!({"error": {"code": -32603, "message": "internal"}});
        assert_eq!(deed(&panicked), Deed::Panicked);
        assert_eq!(deed(&json!(null)), Deed::Refused);
    }
}
