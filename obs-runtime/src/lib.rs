//! Bounded metrics, observed calls and a complete scrape for Rust services and MCP servers.

mod call;
pub mod catalog;
mod label;
#[cfg(feature = "rmcp")]
pub mod mcp;
mod metric;
mod redacted;
mod registry;
#[cfg(feature = "test")]
pub mod test;

#[doc(hidden)]
pub mod __private;

pub use call::{CallFamily, Outcome, Record, Site, sites};
pub use label::{ErrorLabel, Label};
pub use metric::{
    Counter, Descriptor, Gauge, GaugeGuard, Histogram, Kind, LabelDescriptor, Metric, Number,
    Observation, Slo, Timer,
};
pub use obs_macros::{ErrorLabel, Label, observed};
pub use redacted::{Redacted, redacted};
pub use registry::Registry;

/// Declares metrics: names, labels, help, buckets and budgets in one place.
#[macro_export]
macro_rules! metrics {
    ($($declarations:tt)*) => {
        $crate::__private::metrics! { [$crate] $($declarations)* }
    };
}
