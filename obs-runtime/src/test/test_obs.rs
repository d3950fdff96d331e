//! The handle that a test works with.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use bytes::Bytes;
use http_body_util::BodyExt;
#[cfg(feature = "sentry")]
use serde_json::Value;
use tower_service::Service as TowerService;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};

use super::capture::{Capture, series, value_in};
use super::lines::LogLines;
use super::scope::{InTest, Scope};
use super::sinks::TestSinks;
use super::spans::{Recorder, TestSpan, TestSpans};
use crate::metric::Totals;
use crate::start::{Obs, Service};

/// How long what was logged and reported may take to arrive in memory; no test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// One test: an [`Obs`] of its own, and what was recorded, logged and reported in it.
///
/// [`#[obs::test]`](macro@crate::test) makes one and passes it to the test. Cheap to clone.
///
/// # What belongs to the test
/// What runs in the test's future and in what was started from it: with [`spawn`](crate::spawn),
/// [`spawn_blocking`](crate::spawn_blocking), [`spawn_in_ctx`](crate::JoinSetExt::spawn_in_ctx),
/// [`in_ctx`](crate::InCtx), and every request that passes [`obs()`](Self::obs)'s layer, whoever
/// sends it, with the MCP tool calls that it brings. What a raw `tokio::spawn` or `std::thread::spawn` starts is outside: nothing of it is
/// seen, and nothing of another test either. [`run`](Self::run) around the future brings it in.
///
/// Records of the `log` crate and of the `metrics` facade go through loggers and recorders of the
/// whole process, so they are seen only where the test sends them on by itself.
#[derive(Clone)]
pub struct TestObs {
    obs: Obs,
    scope: Scope,
    sinks: TestSinks,
    spans: Recorder,
}

impl TestObs {
    /// Begins a test by hand, for what [`#[obs::test]`](macro@crate::test) cannot be put on.
    ///
    /// Run code with [`run`](Self::run) or [`run_sync`](Self::run_sync); outside of them, nothing
    /// belongs to the test. The name decides the ids. Variables are those of the documentation, and
    /// those of the process are not read; without `OBS_ENV` it is `dev`.
    ///
    /// # Panics
    /// If a variable is unknown or cannot be understood, or a declared metric is wrong.
    ///
    /// # Example
    /// ```standalone_crate
    /// use obs_runtime as obs;
    ///
    /// let t = obs::test::TestObs::start(obs::service!(), "by_hand", &[("OBS_ENV", "prod")]);
    /// t.run_sync(|| tracing::info!("paid"));
    /// t.logs().assert_one("paid").field("environment", "prod");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn start(service: Service, name: &str, variables: &[(&str, &str)]) -> Self {
        let scope = Scope::new(name);
        let sinks = TestSinks::new(scope.clone());
        let is_named = variables.iter().any(|(name, _)| *name == "OBS_ENV");
        let default = (!is_named).then_some(("OBS_ENV", "dev"));
        let all: Vec<(&str, &str)> = default
            .into_iter()
            .chain(variables.iter().copied())
            .collect();
        let setup =
            Obs::from_vars(service, all.iter().copied()).unwrap_or_else(|error| panic!("{error}"));
        for (variable, _) in all {
            assert!(
                setup.knows(variable),
                "`{variable}` is no variable of obs, so nothing would read it\n  \
                 fix: docs/configuration.md of obs lists them all"
            );
        }
        let obs = setup
            .test_sinks(sinks.clone())
            .detached()
            .unwrap_or_else(|error| panic!("{error}"));
        let spans = Recorder::new(Arc::clone(&obs.http().redactor));
        install(&scope, &obs, &spans);
        Self {
            obs,
            scope,
            sinks,
            spans,
        }
    }

    /// Returns the `Obs` of this test alone: `t.obs().wrap(router)`.
    #[must_use]
    pub const fn obs(&self) -> &Obs {
        &self.obs
    }

    /// Runs a future in the test, wherever it is polled: `tokio::spawn(t.run(future))`.
    ///
    /// # Cancel safety
    /// Dropping the future keeps what happened until then, and what its drop does.
    pub fn run<F: Future>(&self, future: F) -> InTest<F> {
        self.scope.run(future)
    }

    /// Runs a closure in the test.
    pub fn run_sync<R>(&self, body: impl FnOnce() -> R) -> R {
        self.scope.run_sync(body)
    }

    /// Sends a request to a service, and returns the response with its whole body.
    ///
    /// Takes any tower service: an `axum::Router`, or one that is wrapped. Unless the request has a
    /// `ConnectInfo<SocketAddr>`, it comes from the loopback address, which is trusted to continue a
    /// trace and to read `/metrics` in `dev`.
    ///
    /// # Panics
    /// If the service fails, or its body does.
    ///
    /// # Example
    /// ```standalone_crate
    /// use axum::{Router, body::Body, routing::get};
    /// use obs_runtime as obs;
    ///
    /// # let t = obs::test::TestObs::start(obs::service!(), "request", &[]);
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(t.run(async {
    /// let app = t.obs().wrap(Router::new().route("/hello", get(async || "hello")));
    /// let request = http::Request::get("/hello").body(Body::empty()).unwrap();
    /// let answer = t.request(app, request).await;
    /// assert_eq!(answer.body(), "hello");
    /// assert_eq!(t.metric("http_requests_total", &[("route", "/hello"), ("status", "200")]), 1.0);
    /// t.logs().assert_one("request_completed").field("route", "/hello");
    /// t.assert_no_leaks();
    /// # }));
    /// ```
    pub async fn request<S, B, R>(
        &self,
        mut service: S,
        mut request: http::Request<B>,
    ) -> http::Response<Bytes>
    where
        S: TowerService<http::Request<B>, Response = http::Response<R>>,
        S::Error: fmt::Debug,
        R: http_body::Body,
        R::Error: fmt::Debug,
    {
        let extensions = request.extensions_mut();
        if extensions.get::<ConnectInfo<SocketAddr>>().is_none() {
            extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 0))));
        }
        let exchange = async {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            ready.unwrap_or_else(|error| panic!("the service is not ready: {error:?}"));
            let response = service.call(request).await;
            let response = response.unwrap_or_else(|error| panic!("the service failed: {error:?}"));
            let (head, body) = response.into_parts();
            let body = body.collect().await;
            let body =
                body.unwrap_or_else(|error| panic!("the body of the response failed: {error:?}"));
            http::Response::from_parts(head, body.to_bytes())
        };
        self.run(exchange).await
    }

    /// Returns the log lines so far, as the log writes them: sampled and without secrets.
    ///
    /// What is logged is decided by `RUST_LOG` of the test's own variables; `info` without it.
    ///
    /// # Panics
    /// If the thread that writes the log does not answer.
    #[must_use]
    pub fn logs(&self) -> LogLines {
        if let Some(logs) = self.obs.http().logs.running() {
            let flushed = logs.flush(PATIENCE);
            assert!(flushed.complete, "the log of the test could not be written");
        }
        LogLines::read(&self.sinks.lines())
    }

    /// Returns the spans so far, without secrets: those of `obs` itself, and those of the service
    /// that the log's filter lets through.
    #[must_use]
    pub fn spans(&self) -> TestSpans {
        self.spans.spans()
    }

    /// Returns the one span of this name.
    ///
    /// # Panics
    /// If there is none, or several; the message shows all spans.
    #[track_caller]
    pub fn span(&self, name: &str) -> TestSpan {
        self.spans().assert_one(name)
    }

    /// Returns what a metric recorded in this test, summed over the combinations that have these
    /// labels: of declared metrics, observed calls, and the families of [`obs()`](Self::obs).
    ///
    /// A histogram is asked for by `name_count` or `name_sum`.
    ///
    /// # Panics
    /// If no series has that name and these labels: a misspelt name must not pass as zero.
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let own = self.own_families();
        let is_own = own.iter().any(|family| {
            let rest = name.strip_prefix(family.name.as_ref());
            matches!(rest, Some("" | "_count" | "_sum"))
        });
        if is_own {
            return value_in(&own, name, labels);
        }
        self.scope.capture().value(name, labels)
    }

    /// Returns the declared metrics and observed calls of this test, to assert on all changes at
    /// once: [`Capture::assert_changed`].
    #[must_use]
    pub fn metrics(&self) -> &Capture {
        self.scope.capture()
    }

    /// Returns the events that Sentry was sent, without secrets, whether or not there is a DSN.
    ///
    /// # Panics
    /// If the thread that sends does not answer.
    #[cfg(feature = "sentry")]
    #[must_use]
    pub fn sentry_events(&self) -> Vec<Value> {
        self.sent("event")
    }

    /// Returns the transactions that Sentry was sent.
    ///
    /// # Panics
    /// If the thread that sends does not answer.
    #[cfg(feature = "sentry")]
    #[must_use]
    pub fn sentry_transactions(&self) -> Vec<Value> {
        self.sent("transaction")
    }

    #[cfg(feature = "sentry")]
    fn sent(&self, kind: &str) -> Vec<Value> {
        if let Some(sentry) = &self.obs.http().sentry {
            assert!(sentry.flush(PATIENCE), "Sentry's thread does not answer");
        }
        self.sinks.envelopes().items(kind)
    }

    /// Asserts that nothing of the test is under way any more: no request, stream, tool call or
    /// operation is in flight, no [`GaugeGuard`](crate::GaugeGuard) is held, and no span is open.
    ///
    /// # Panics
    /// If something is; the message lists it all.
    #[track_caller]
    pub fn assert_no_leaks(&self) {
        let leaks = self.leaks();
        assert!(
            leaks.is_empty(),
            "still under way:\n  {}\n{}",
            leaks.join("\n  "),
            self.spans()
        );
    }

    fn leaks(&self) -> Vec<String> {
        /// Gauges of `obs`, whatever prefix their names have.
        const UNDER_WAY: [&str; 4] = [
            "http_requests_in_flight",
            "http_streams_open",
            "mcp_tool_calls_in_flight",
            "operations_in_flight",
        ];

        let recorded = self.scope.capture().families();
        let own = self.own_families();
        let gauges = recorded
            .iter()
            .chain(&own)
            .filter(|family| UNDER_WAY.iter().any(|name| family.name.ends_with(name)))
            .flat_map(|family| {
                family
                    .samples
                    .iter()
                    .map(move |sample| series(family, sample))
            })
            .filter(|(_, value)| *value != 0.0)
            .map(|(series, value)| format!("{series} is {value}"));
        let guards = self
            .scope
            .guards()
            .open()
            .into_iter()
            .map(|(gauge, held)| format!("{held} guards of {gauge} are held"));
        let spans = self
            .spans()
            .iter()
            .filter(TestSpan::is_open)
            .map(|span| format!("the span {:?} is open", span.name()))
            .collect::<Vec<_>>();
        gauges.chain(guards).chain(spans).collect()
    }

    /// The families that only this test's `Obs` has: whatever thread recorded, it was for this test.
    fn own_families(&self) -> Vec<crate::catalog::Family> {
        let totals = Totals::with_capture(self.scope.capture().blocks());
        self.obs.own_families(&totals)
    }

    /// What there was, for a test that failed.
    pub(super) fn summary(&self) -> String {
        format!("{}\n{}", self.logs(), self.spans())
    }
}

/// Makes what happens in the scope arrive in the sinks.
fn install(scope: &Scope, obs: &Obs, spans: &Recorder) {
    let is_own = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("obs::"));
    // No layer that is `None`: it would ask for everything.
    let registry = Registry::default().with(
        spans
            .clone()
            .with_filter(FilterExt::<Registry>::or(obs.log_filter(), is_own)),
    );
    let Some(layer) = obs.log_layer() else {
        panic!("the thread that writes the log of the test could not be started");
    };
    let registry = registry.with(layer.with_filter(obs.log_filter()));
    #[cfg(feature = "sentry")]
    match &obs.http().sentry {
        Some(sentry) => scope.set_sinks(registry.with(sentry.layer()), sentry.hub()),
        None => panic!("the Sentry of the test was not started; this is a bug in obs"),
    }
    #[cfg(not(feature = "sentry"))]
    scope.set_sinks(registry);
}

impl fmt::Debug for TestObs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestObs").finish_non_exhaustive()
    }
}
