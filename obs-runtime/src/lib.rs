//! One call that makes a Rust service or an MCP server observable: bounded metrics, observed calls,
//! logs joined by ids, problem documents, health, Sentry, and a stop that loses nothing.
//!
//! Depend on it under the name `obs`: `obs = { package = "obs-runtime", … }`.
//!
//! * [`run`] owns `main`: variables, log, runtime, signals, flush, exit code. [`Obs::from_env`] and
//!   [`Setup::install`] are the same in parts.
//! * [`Obs::wrap`] makes an axum router observable, and serves `/metrics`, `/health`, `/ready` and
//!   `/startup`; [`Obs::serve`] serves it and stops in time.
//! * [`metrics!`] declares counters, gauges and histograms whose labels are enums. Names, buckets,
//!   objectives and the number of series are checked when compiling.
//! * [`#[observed]`](observed) counts every call of a function, or of every tool of an MCP server,
//!   exactly once: outcome, seconds, in flight, errors by kind.
//! * [`#[derive(ProblemError)]`](derive@ProblemError) says how an error answers; [`annotate`] adds to
//!   the log line of a request; [`Ctx`] and [`spawn`] carry its ids.
//! * `#[obs::test]` ([`test`](mod@test)) shows what one test recorded, logged and reported.
//!
//! # Example
//! ```standalone_crate
//! use obs_runtime as obs;
//!
//! #[derive(obs::Label, Clone, Copy)]
//! enum Size {
//!     Small,
//!     Large,
//! }
//!
//! obs::metrics! {
//!     registry BAR;
//!
//!     /// Coffees sold, by size.
//!     counter bar_coffees_total(size: Size);
//! }
//!
//! #[obs::observed]
//! fn brew(size: Size) {
//!     bar_coffees_total(size).inc();
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "http")]
//! # {
//! let obs = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?.detached()?;
//! brew(Size::Large);
//! let page = obs.scrape(obs::Format::Text);
//! assert!(page.contains(r#"bar_coffees_total{size="large"} 1"#));
//! assert!(page.contains(r#"bar_coffees_total{size="small"} 0"#));
//! assert!(page.contains(r#"operation_calls_total{operation="brew",outcome="ok"} 1"#));
//! # }
//! # let _ = Size::Small;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `http` (default) | everything about requests, logs and the process; the side door for the `metrics` facade |
//! | `http2` | [`Obs::serve`] speaks HTTP/2 as well |
//! | `rmcp` | `mcp`: MCP servers built on `rmcp` |
//! | `reqwest` | `Obs::client`: a `reqwest` client whose requests are traced and counted |
//! | `sentry` | errors and transactions to Sentry |
//! | `sqlx`, `redis` | `db`: pools and connections that are wrapped once and observed at every call; `Check::sqlx`, `Check::redis` |
//! | `test` | [`test`](mod@test) |
//!
//! # Cost
//!
//! Recording writes the calling thread's own cells: no lock, no allocation, no hashing, and nothing
//! that can fail. Memory is one cell for each series and thread that recorded it, and is bounded
//! when compiling. Everything is forbidden to be `unsafe`.

#[cfg(any(feature = "otlp", feature = "sentry"))]
mod agent;
mod call;
pub mod catalog;
#[cfg(feature = "http")]
pub mod client;
mod clock;
#[cfg(feature = "http")]
mod context;
#[cfg(any(feature = "sqlx", feature = "redis"))]
pub mod db;
pub mod exposition;
#[cfg(feature = "http")]
mod facade;
#[cfg(feature = "http")]
mod health;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "http")]
mod job;
mod label;
#[cfg(feature = "http")]
mod log;
#[cfg(feature = "rmcp")]
pub mod mcp;
mod metric;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(any(feature = "http", feature = "rmcp"))]
mod prefix;
#[cfg(feature = "http")]
mod problem;
#[cfg(feature = "http")]
mod redact;
mod redacted;
mod registry;
#[cfg(feature = "sentry")]
mod sentry;
mod start;
#[cfg(feature = "test")]
pub mod test;

#[doc(hidden)]
pub mod __private;

pub use call::{CallFamily, Outcome, Record, Site, sites};
#[cfg(feature = "http")]
pub use client::Peer;
#[cfg(feature = "http")]
pub use context::{
    Annotation, Ctx, InCtx, JoinSetExt, RequestLabels, SpanId, TraceContext, TraceId, WithCtx,
    annotate, bind, spawn, spawn_blocking,
};
pub use exposition::Format;
#[cfg(feature = "http")]
pub use facade::Recorder;
#[cfg(feature = "http")]
pub use health::{Check, CheckError, CheckState, Shutdown};
#[cfg(feature = "http")]
pub use http::{CorsHeaders, cors_headers};
#[cfg(feature = "http")]
pub use job::{Carrier, Job, JobFuture};
pub use label::{ErrorLabel, Label};
#[cfg(feature = "http")]
pub use log::{LogFilter, LogFormat, LogLayer};
pub use metric::{
    Counter, Descriptor, Gauge, GaugeGuard, Histogram, Kind, LabelDescriptor, Metric, Number,
    Observation, Slo, Timer,
};
#[cfg(feature = "http")]
pub use obs_macros::ProblemError;
#[doc = include_str!("docs/observed.md")]
pub use obs_macros::observed;
#[cfg(all(feature = "test", feature = "http"))]
#[doc = include_str!("docs/test.md")]
pub use obs_macros::test;
#[cfg(not(all(feature = "test", feature = "http")))]
#[doc(hidden)]
pub use obs_macros::test_without_feature as test;
pub use obs_macros::{ErrorLabel, Label};
#[cfg(feature = "http")]
pub use problem::{ErrorCode, Problem, ProblemError};
pub use redacted::{Redacted, redacted};
pub use registry::Registry;
#[cfg(feature = "sentry")]
pub use sentry::{SentryLayer, SentryTransport};
#[cfg(feature = "http")]
pub use start::{BoxError, Losses, run, run_with};
pub use start::{
    ConfigError, Configuration, ConfigurationEntry, ConfigurationSource, Environment,
    InvalidVariable, Obs, Problem as StartProblem, ProblemKind, Service, Setup, StartError,
};
#[cfg(all(feature = "test", feature = "http"))]
pub use test::TestObs;

/// The `metrics` facade in the version that [`Obs`] records: crates that are to appear on the same
/// scrape must use this one.
#[cfg(feature = "http")]
pub use ::metrics as metrics_facade;

/// Declares metrics: names, labels, help, buckets and budgets in one place.
///
/// A block begins with its registry, a static under which the metrics can be read as data. Each
/// metric is a function of its labels that returns a handle; its doc comment is the help text on
/// `/metrics`. The block registers itself, and everything is on `/metrics` at zero before anything
/// is recorded.
///
/// Names follow the conventions of Prometheus and are checked, as are labels, buckets and budgets;
/// whatever is refused says why and what to write. `unchecked_name = "why"` and
/// `unchecked_labels = "why"` in a metric's settings are the ways around, and need the reason.
///
/// # Cardinality
/// Known when compiling: the product of the labels' values, and for a histogram its buckets and
/// three more series each. A block may have 1,000 series, or its `max_series`; a metric may say a
/// smaller number of its own.
///
/// # Example
/// ```
/// use obs_runtime as obs;
///
/// #[derive(obs::Label, Clone, Copy)]
/// pub enum Source {
///     Upload,
///     Webhook,
/// }
///
/// obs::metrics! {
///     pub registry SHOP;
///     prefix = "shop"; // checked, never added
///     max_series = 50; // of the whole block
///
///     /// Orders taken, by where they came from and whether they were gifts.
///     counter shop_orders_total(source: Source, gift: bool);
///
///     /// Seconds that the till was open.
///     pub(crate) counter<f64> shop_open_seconds_total();
///
///     /// Customers in the shop.
///     gauge shop_customers();
///
///     /// Which build runs.
///     info shop_build_info { version: env!("CARGO_PKG_VERSION") };
///
///     /// Seconds from the door to the till.
///     histogram shop_wait_seconds(gift: bool) {
///         buckets = [0.1, 1.0, 10.0, 60.0],
///         slo = { at: 10.0, target: 99.0 },
///         max_series = 14,
///     }
/// }
///
/// shop_orders_total(Source::Upload, true).inc();
/// shop_open_seconds_total().add(0.5);
/// shop_customers().set(3);
/// let timer = shop_wait_seconds(true).start_timer();
/// drop(timer);
/// assert_eq!(shop_orders_total(Source::Upload, true).get(), 1);
/// assert_eq!(SHOP.metrics().len(), 5);
/// # shop_orders_total(Source::Webhook, false).inc();
/// ```
#[macro_export]
macro_rules! metrics {
    ($($declarations:tt)*) => {
        $crate::__private::metrics! { [$crate] $($declarations)* }
    };
}

/// Leaves the implementations of `#[problem(mcp)]` as they are: what they need is there.
#[cfg(all(feature = "http", feature = "rmcp"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __problem_mcp {
    ($($implementations:tt)*) => {
        $($implementations)*
    };
}
