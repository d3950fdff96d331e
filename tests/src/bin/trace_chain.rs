//! Two services that call each other, for the tests of what one trace is.
//!
//!     trace_chain tools [--stdio]   an MCP server whose tool leaves a job with the other service
//!     trace_chain jobs              does the job, at the second attempt, and calls back
//!
//! Both listen at `LISTEN`; each finds the other at `OTHER`.

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use obs::{BoxError, Carrier, Obs, Peer};
use reqwest_middleware::ClientWithMiddleware;
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServiceExt, tool, tool_router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// `EX_CONFIG` of `sysexits.h`.
const MISCONFIGURED: u8 = 78;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let setup = match Obs::from_env(obs::service!()) {
        Ok(setup) => setup,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(MISCONFIGURED);
        }
    };
    match arguments[..] {
        ["tools"] => setup.run(tools_over_http),
        ["tools", "--stdio"] => setup.mcp_stdio().run(tools_over_pipes),
        ["jobs"] => setup.run(jobs),
        _ => ExitCode::from(2),
    }
}

/// The other service.
#[derive(obs::Label, Clone, Copy)]
enum Other {
    Jobs,
    Tools,
}

#[derive(Clone)]
struct Caller {
    client: ClientWithMiddleware,
    base: Arc<str>,
}

impl Caller {
    fn new(obs: &Obs, other: Other, route: &'static str) -> Result<Self, BoxError> {
        let base = env::var("OTHER")?;
        let peer = Peer::new(other, &base).routes([route]);
        let client = reqwest::Client::builder().no_proxy();
        Ok(Self {
            client: obs.client(client).peer(peer).build()?,
            base: base.into(),
        })
    }

    async fn post(&self, path: &str, body: &'static str) -> Result<(), BoxError> {
        let url = format!("{}{path}", self.base);
        let response = self.client.post(url).body(body).send().await?;
        response.error_for_status()?;
        Ok(())
    }
}

async fn listener() -> Result<TcpListener, BoxError> {
    Ok(TcpListener::bind(env::var("LISTEN")?).await?)
}

// ---- the tools

#[derive(Clone)]
struct Tools {
    jobs: Caller,
}

#[obs::observed]
#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Leaves a parcel with the other service")]
    async fn send_parcel(&self) -> Result<String, ErrorData> {
        tracing::info!("sending a parcel");
        let sent = self.jobs.post("/jobs", "a parcel").await;
        sent.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok("sent".to_owned())
    }
}

fn webhook() -> Router {
    Router::new().route("/webhook", post(delivered))
}

async fn delivered(headers: HeaderMap) -> StatusCode {
    let id = headers.get("x-correlation-id");
    let id = id.and_then(|id| id.to_str().ok());
    tracing::info!(came_with = id, "the parcel has been delivered");
    StatusCode::NO_CONTENT
}

async fn tools_over_http(obs: Obs) -> Result<(), BoxError> {
    let tools = Tools {
        jobs: Caller::new(&obs, Other::Jobs, "/jobs")?,
    };
    let config = StreamableHttpServerConfig::default();
    let mcp: StreamableHttpService<Tools, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(tools.clone()), Arc::default(), config);
    let router = webhook().route_service("/mcp", mcp);
    obs.serve(listener().await?, obs.wrap(router)).await?;
    Ok(())
}

async fn tools_over_pipes(obs: Obs) -> Result<(), BoxError> {
    let tools = Tools {
        jobs: Caller::new(&obs, Other::Jobs, "/jobs")?,
    };
    let listener = listener().await?;
    let serving = obs.clone();
    let webhooks =
        tokio::spawn(async move { serving.serve(listener, serving.wrap(webhook())).await });
    tools.serve(stdio_pipes()).await?.waiting().await?;
    obs.shutdown().begin();
    webhooks.await??;
    Ok(())
}

// ---- the jobs

/// A job as it lies in the queue: as text, with nothing of the process that made it.
#[derive(Serialize, Deserialize)]
struct Stored {
    what: String,
    obs: Carrier,
}

async fn jobs(obs: Obs) -> Result<(), BoxError> {
    let tools = Caller::new(&obs, Other::Tools, "/webhook")?;
    let (queue, stored) = unbounded_channel();
    let worker = tokio::spawn(work(stored, tools));
    let router = Router::new().route("/jobs", post(store)).with_state(queue);
    obs.serve(listener().await?, obs.wrap(router)).await?;
    // The queue went with the router.
    worker.await?
}

async fn store(State(queue): State<UnboundedSender<String>>, what: String) -> StatusCode {
    tracing::info!("storing a job");
    let job = Stored {
        what,
        obs: Carrier::current(),
    };
    match serde_json::to_string(&job).map(|text| queue.send(text)) {
        Ok(Ok(())) => StatusCode::ACCEPTED,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn work(mut stored: UnboundedReceiver<String>, tools: Caller) -> Result<(), BoxError> {
    while let Some(text) = stored.recv().await {
        let job: Stored = serde_json::from_str(&text)?;
        for attempt in 1.. {
            let done = job
                .obs
                .job("parcel.deliver", attempt)
                .bind("parcel", job.what.clone())
                .try_run(deliver(&tools, attempt))
                .await;
            if done.is_ok() {
                break;
            }
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error("nobody was in")]
    NobodyIn,
    #[error(transparent)]
    Unsaid(#[from] BoxError),
}

async fn deliver(tools: &Caller, attempt: u32) -> Result<(), Undelivered> {
    tracing::info!("delivering");
    if attempt == 1 {
        return Err(Undelivered::NobodyIn);
    }
    Ok(tools.post("/webhook", "delivered").await?)
}
