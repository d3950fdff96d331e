//! The environments, and from which values on their alerts fire.

/// From which value on an alert fires, by severity; `None` where it does not.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Threshold {
    /// Somebody is called.
    pub page: Option<f64>,
    /// Somebody reads it the next day.
    pub warning: Option<f64>,
}

impl Threshold {
    /// Pages above one value, and warns above a smaller one.
    #[must_use]
    pub const fn page(page: f64, warning: f64) -> Self {
        Self {
            page: Some(page),
            warning: Some(warning),
        }
    }

    /// Warns above a value, and pages nobody.
    #[must_use]
    pub const fn warning(warning: f64) -> Self {
        Self {
            page: None,
            warning: Some(warning),
        }
    }
}

/// An environment, as the label `environment` names it, and the thresholds of its alerts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Environment {
    /// The name.
    pub name: String,
    /// The 95th percentile of the latency of requests, in seconds: bounds of buckets.
    pub latency: Threshold,
    /// The share of requests that are answered with 5xx, between 0 and 1.
    pub errors: Threshold,
    /// Requests in flight in one process.
    pub in_flight: Threshold,
    /// The share of calls of an MCP tool that fail, between 0 and 1. Cancelled calls are no part of
    /// it.
    pub tools: Threshold,
}

impl Environment {
    /// Where users are: pages for what they feel.
    #[must_use]
    pub fn prod() -> Self {
        Self {
            name: "prod".to_owned(),
            latency: Threshold::page(0.75, 0.5),
            errors: Threshold::page(0.01, 0.005),
            in_flight: Threshold::page(25.0, 15.0),
            tools: Threshold::page(0.25, 0.05),
        }
    }

    /// Where the next version is tried: wider bounds.
    #[must_use]
    pub fn staging() -> Self {
        Self {
            name: "staging".to_owned(),
            latency: Threshold::page(1.0, 0.75),
            errors: Threshold::page(0.03, 0.01),
            in_flight: Threshold::warning(15.0),
            tools: Threshold::page(0.5, 0.1),
        }
    }

    /// Where nobody is called.
    #[must_use]
    pub fn dev() -> Self {
        Self {
            name: "dev".to_owned(),
            latency: Threshold::warning(1.5),
            errors: Threshold::warning(0.05),
            in_flight: Threshold::warning(10.0),
            tools: Threshold::warning(0.25),
        }
    }

    /// Whether any of its alerts is a page. Where none is, nobody is called about anything.
    pub(crate) fn calls_somebody(&self) -> bool {
        let all = [self.latency, self.errors, self.in_flight, self.tools];
        all.iter().any(|threshold| threshold.page.is_some())
    }
}
