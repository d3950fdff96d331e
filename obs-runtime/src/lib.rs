//! Bounded metrics, observed calls and a complete scrape for Rust services and MCP servers.

mod call;
pub mod catalog;
pub mod exposition;
#[cfg(feature = "http")]
mod facade;
#[cfg(feature = "http")]
pub mod http;
mod label;
#[cfg(feature = "rmcp")]
pub mod mcp;
mod metric;
mod redacted;
mod registry;
mod start;
#[cfg(feature = "test")]
pub mod test;

#[doc(hidden)]
pub mod __private;

pub use call::{CallFamily, Outcome, Record, Site, sites};
pub use exposition::Format;
#[cfg(feature = "http")]
pub use facade::Recorder;
pub use label::{ErrorLabel, Label};
pub use metric::{
    Counter, Descriptor, Gauge, GaugeGuard, Histogram, Kind, LabelDescriptor, Metric, Number,
    Observation, Slo, Timer,
};
pub use obs_macros::{ErrorLabel, Label, observed};
pub use redacted::{Redacted, redacted};
pub use registry::Registry;
pub use start::{
    ConfigError, Environment, InvalidVariable, Obs, Problem, ProblemKind, Service, Setup,
    StartError,
};

/// The `metrics` facade in the version that [`Obs`] records: crates that are to appear on the same
/// scrape must use this one.
#[cfg(feature = "http")]
pub use ::metrics as metrics_facade;

/// Declares metrics: names, labels, help, buckets and budgets in one place.
#[macro_export]
macro_rules! metrics {
    ($($declarations:tt)*) => {
        $crate::__private::metrics! { [$crate] $($declarations)* }
    };
}
