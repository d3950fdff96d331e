//! The catalogue: what one service can show on `/metrics`, as data.

mod diff;
mod load;
mod read;
mod saved;
mod weaver;

use serde::{Deserialize, Serialize};

pub use diff::{Change, ChangeKind, Diff};
pub use load::LoadError;
pub(crate) use {saved::render as render_saved, weaver::render as render_weaver};

/// What one service can show on `/metrics`: every family with its labels, buckets and objectives.
///
/// Made [of a service](Self::of), or read from a saved file: it is JSON by `serde`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Catalogue {
    /// The service's name.
    pub service: String,
    /// What stands in front of the names of the HTTP and database families.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The `metrics!` blocks with their budgets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// The families, sorted by name.
    pub metrics: Vec<Metric>,
}

/// A `metrics!` block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Block {
    /// The name of its registry in the source.
    pub registry: String,
    /// The series that its metrics need together.
    pub series: usize,
    /// The most that they may need: `max_series`.
    pub budget: usize,
}

/// One family of metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metric {
    /// The name, as it stands on `/metrics`.
    pub name: String,
    /// What kind of metric it is.
    pub kind: Kind,
    /// Who brings it.
    pub origin: Origin,
    /// The base unit, if the name ends in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The HELP text.
    pub help: String,
    /// The labels in their order of declaration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// The upper bounds of a histogram's buckets, without `+Inf`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<f64>,
    /// The service level objectives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Objective>,
    /// The most combinations of label values that there can be.
    pub combinations: usize,
    /// The most lines of a scrape that these take.
    pub series: usize,
    /// The series budget of the metric itself, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<usize>,
    /// Where it is declared, as `file:line`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared_at: Vec<String>,
}

/// What kind of metric a family is, in Prometheus' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Counts up from zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations in buckets, with their sum.
    Histogram,
    /// A fact in labels; the value is always 1.
    Info,
    /// Quantiles that a third-party crate computed.
    Summary,
    /// A value of unknown kind.
    Unknown,
}

/// Who brings a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// A `metrics!` block.
    Declared,
    /// `obs` itself.
    Obs,
}

/// A label and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Label {
    /// The name.
    pub name: String,
    /// The values, if they are known before the process runs; otherwise nothing: those of a route,
    /// for example, are the router's templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A service level objective: `target` per cent of observations at or below `at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Objective {
    /// The labels of the series that it is about, as pairs; empty for the whole family.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(String, String)>,
    /// The bound, in the histogram's unit; one of its buckets.
    pub at: f64,
    /// The share of observations at or below the bound, in per cent.
    pub target: f64,
    /// Where it is declared, as `file:line`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared_at: Vec<String>,
}

impl Catalogue {
    /// Returns the family of that name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        let at = self
            .metrics
            .binary_search_by(|metric| metric.name.as_str().cmp(name));
        at.ok().and_then(|at| self.metrics.get(at))
    }

    /// Returns the family that obs brings under that name, with the service's prefix where it has
    /// one: `http_requests_total` is `traceo_http_requests_total` of a service whose prefix is
    /// `traceo`.
    #[must_use]
    pub fn own(&self, name: &str) -> Option<&Metric> {
        let prefixed = self
            .prefix
            .as_ref()
            .and_then(|prefix| self.metric(&format!("{prefix}_{name}")));
        prefixed
            .or_else(|| self.metric(name))
            .filter(|metric| metric.origin == Origin::Obs)
    }

    /// Returns what `metrics!` blocks declare.
    pub fn declared(&self) -> impl Iterator<Item = &Metric> {
        let all = self.metrics.iter();
        all.filter(|metric| metric.origin == Origin::Declared)
    }

    /// Returns every objective with its histogram.
    pub fn objectives(&self) -> impl Iterator<Item = (&Metric, &Objective)> {
        let all = self.metrics.iter();
        all.flat_map(|metric| metric.objectives.iter().map(move |it| (metric, it)))
    }
}

impl Kind {
    /// Returns its name in Prometheus' words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::Summary => "summary",
            Self::Unknown => "unknown",
        }
    }
}

impl Metric {
    /// Returns the label of that name.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.name == name)
    }

    /// Whether a bound is that of a bucket, so that the share below it is exact.
    #[must_use]
    pub fn has_bucket(&self, bound: f64) -> bool {
        self.buckets.iter().any(|at| at.total_cmp(&bound).is_eq())
    }
}
