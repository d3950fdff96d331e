//! Outgoing HTTP: clients whose requests are traced, counted, and carry the ids of what caused them.
//!
//! A client is wrapped once, at start; no call changes. [`Obs::client`](crate::Obs::client) is for
//! `reqwest`, [`Obs::client_layer`](crate::Obs::client_layer) for tower services. Both observe the
//! same: a span by the OpenTelemetry conventions for HTTP clients, the families below, and the ids
//! in the headers where they may be seen.
//!
//! # Metrics
//!
//! | family | labels |
//! |---|---|
//! | `http_client_requests_total` | `peer`, `method`, `route`, `status` |
//! | `http_client_request_duration_seconds` | `peer`, `method`, `route` |
//! | `http_client_requests_in_flight` | `peer` |
//!
//! `peer` and `route` are what [`Peer`] declares, `_other` and `unmatched` otherwise. `status` is
//! that of the server's family, or `error` or `cancelled` where there was no response. Each request
//! is counted once, whatever ends it. Its time ends with the head of the response: reading the body
//! is the caller's business, at the caller's pace.
//!
//! # Which hosts see ids
//!
//! Those of `OBS_PROPAGATE_HOSTS`, unless [`Peer::propagate`] says otherwise. They get
//! `traceparent`, `tracestate`, `baggage` and `x-correlation-id` of the current
//! [`Ctx`](crate::Ctx); outside of any, `traceparent` of the current span if spans are exported. A
//! header that the caller set stays as it is.

mod counts;
mod directory;
mod error;
mod exchange;
mod hosts;
mod inject;
mod layer;
mod peer;
#[cfg(feature = "reqwest")]
mod redirect;
#[cfg(feature = "reqwest")]
mod reqwest;

pub use directory::Route;
pub use error::{ClientError, ClientProblem, PeerProblem};
pub use layer::{ClientFuture, ClientLayer, ClientLayerBuilder, ClientService};
pub use peer::Peer;
#[cfg(feature = "reqwest")]
pub use reqwest::{ReqwestBuilder, ReqwestSource};

pub(crate) use counts::{ClientCounts, DURATION, IN_FLIGHT, REQUESTS};
pub(crate) use hosts::PropagateHosts;

use directory::{Checked, Directory};

use crate::start::Obs;

/// The names of the families, without a prefix, and whether each is a histogram.
pub(crate) const NAMES: [(&str, bool); 3] =
    [(REQUESTS, false), (DURATION, true), (IN_FLIGHT, false)];

fn directory_of(obs: &Obs, checked: Checked) -> Directory {
    let hosts = obs.http().settings.propagate_hosts.clone();
    Directory::new(checked, hosts, obs.traffic())
}

impl Obs {
    /// Begins a layer that observes the requests of a client: see [`client`](mod@crate::client).
    ///
    /// For any tower service from `http::Request` to `http::Response`. The URI of a request tells
    /// its peer; where it has no host, as in front of a gRPC channel, the only declared peer is
    /// meant. An error that has no name of its own is `error.type` by the name of its Rust type.
    ///
    /// Put a layer that retries outside to have each attempt counted, inside to have them counted
    /// as one. One that follows redirects belongs outside: only then the ids go to no other host. A
    /// request that passes several of these layers is recorded by the outermost.
    ///
    /// # Cardinality
    /// At most one series for each declared peer, route of it, method and status, plus `_other`;
    /// those that happened are shown. Nothing of a URL adds a series.
    ///
    /// # Example
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use obs_runtime as obs;
    /// use tower_layer::Layer;
    /// use tower_service::Service;
    ///
    /// #[derive(obs::Label, Clone, Copy)]
    /// enum Upstream {
    ///     Engine,
    /// }
    ///
    /// # let obs = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?.detached()?;
    /// let engine = obs::Peer::new(Upstream::Engine, "http://engine:8080").routes(["/jobs/{id}"]);
    /// let layer = obs.client_layer().peer(engine).build()?;
    /// # let client = axum::Router::new().fallback(async || "a stand-in for the network");
    /// let mut client = layer.layer(client);
    ///
    /// let request = http::Request::get("http://engine:8080/jobs/7").body(axum::body::Body::empty())?;
    /// client.call(request).await?;
    ///
    /// let page = obs.scrape(obs::Format::Text);
    /// let labels = r#"peer="engine",method="GET",route="/jobs/{id}",status="200""#;
    /// assert!(page.contains(&format!("http_client_requests_total{{{labels}}} 1")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn client_layer(&self) -> ClientLayerBuilder {
        ClientLayerBuilder::new(self.clone())
    }

    /// Begins an observed `reqwest` client: see [`client`](mod@crate::client).
    ///
    /// The result is a `reqwest_middleware::ClientWithMiddleware`, whose methods are those of
    /// `reqwest::Client`. Give it the *builder* of the client: then ids go to no host that may not
    /// see them, also where an answer redirects there. A redirect that leaves the allowed hosts is
    /// followed by a request without ids, and without the credentials that `reqwest` keeps from
    /// other hosts; credentials among the client's default headers are sent empty there. A client
    /// that is built already is taken if it follows no redirects.
    ///
    /// All redirects of a request are one request: its span and its count have the status of the
    /// last response. For retries see [`outer`](ReqwestBuilder::outer). `error.type` is one of
    /// `timeout`, `dns`, `connect`, `redirect`, `invalid_request`, `body`, `request`, `middleware`,
    /// `cancelled`, `panic`, or the status from 400 on.
    ///
    /// # Cardinality
    /// As of [`client_layer`](Self::client_layer).
    ///
    /// # Cancel safety
    /// A request that is dropped before its response is counted as `cancelled`.
    ///
    /// # Example
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use obs_runtime as obs;
    ///
    /// #[derive(obs::Label, Clone, Copy)]
    /// enum Upstream {
    ///     Engine,
    /// }
    ///
    /// # let obs = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?.detached()?;
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let engine_url = format!("http://{}", listener.local_addr()?);
    /// # tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    /// let engine = obs::Peer::new(Upstream::Engine, &engine_url).routes(["/jobs/{id}"]);
    /// let client = obs.client(reqwest::Client::builder()).peer(engine).build()?;
    ///
    /// let response = client.get(format!("{engine_url}/jobs/7")).send().await?;
    /// # assert_eq!(response.status(), 404);
    ///
    /// let page = obs.scrape(obs::Format::Text);
    /// let labels = r#"peer="engine",method="GET",route="/jobs/{id}",status="404""#;
    /// assert!(page.contains(&format!("http_client_requests_total{{{labels}}} 1")));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "reqwest")]
    pub fn client(&self, client: impl Into<ReqwestSource>) -> ReqwestBuilder {
        ReqwestBuilder::new(self.clone(), client.into())
    }
}
