//! The cardinality report: how many series each family has and may have.

use std::borrow::Cow;
use std::fmt;

use super::{Family, Modules, Value};
use crate::metric::Kind;
use crate::registry::Registry;

/// How many combinations and series each family has now, may have, and is allowed.
///
/// A *combination* is one distinct set of label values; a *series* is one line of the scrape: a
/// histogram has its buckets and three more for each combination. `Display` prints a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// One row for each family, sorted by name.
    pub rows: Vec<ReportRow>,
    /// One row for each `metrics!` block: its budget and what its metrics need together.
    pub registries: Vec<RegistryRow>,
}

/// One family of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportRow {
    /// The family's name.
    pub family: Cow<'static, str>,
    /// Its kind.
    pub kind: Kind,
    /// Combinations on the scrape now.
    pub combinations: usize,
    /// Series on the scrape now.
    pub series: usize,
    /// The most combinations it can ever have.
    pub max_combinations: usize,
    /// Its own series budget, if it has one.
    pub budget: Option<usize>,
}

/// One `metrics!` block of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryRow {
    /// The registry's name in the source.
    pub registry: &'static str,
    /// The series that its metrics need together.
    pub series: usize,
    /// Its budget.
    pub budget: usize,
}

impl Report {
    /// Counts the series of these families.
    #[must_use]
    pub fn of(families: &[Family]) -> Self {
        Self::of_service(families, &Modules::default())
    }

    /// Counts the series of the families of a service that is made of these modules.
    pub(crate) fn of_service(families: &[Family], modules: &Modules) -> Self {
        Self {
            rows: families.iter().map(row).collect(),
            registries: Registry::collected()
                .into_iter()
                .filter(|registry| modules.show(registry))
                .map(|registry| RegistryRow {
                    registry: registry.name(),
                    series: registry
                        .metrics()
                        .iter()
                        .map(|m| m.descriptor().series())
                        .sum(),
                    budget: registry.max_series(),
                })
                .collect(),
        }
    }

    /// Returns the combinations of all families on the scrape now.
    #[must_use]
    pub fn combinations(&self) -> usize {
        self.rows.iter().map(|row| row.combinations).sum()
    }

    /// Returns the series of all families on the scrape now.
    #[must_use]
    pub fn series(&self) -> usize {
        self.rows.iter().map(|row| row.series).sum()
    }

    /// Returns the most combinations that all families together can ever have.
    #[must_use]
    pub fn max_combinations(&self) -> usize {
        self.rows.iter().map(|row| row.max_combinations).sum()
    }
}

fn row(family: &Family) -> ReportRow {
    ReportRow {
        family: family.name.clone(),
        kind: family.kind,
        combinations: family.samples.len(),
        series: family
            .samples
            .iter()
            .map(|sample| lines(&sample.value))
            .sum(),
        max_combinations: family.max_combinations.unwrap_or(family.samples.len()),
        budget: family.max_series,
    }
}

/// The lines of the scrape that one value takes.
fn lines(value: &Value) -> usize {
    match value {
        Value::Histogram(histogram) => histogram.bounds.len() + 3,
        Value::Summary(summary) => summary.quantiles.len() + 2,
        _ => 1,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .rows
            .iter()
            .map(|row| row.family.len())
            .max()
            .unwrap_or(0)
            .max(6);
        writeln!(
            f,
            "{:width$}  {:9}  {:>12}  {:>7}  {:>7}  {:>6}",
            "family", "kind", "combinations", "at most", "series", "budget"
        )?;
        for row in &self.rows {
            let budget = row
                .budget
                .map_or_else(|| "-".to_owned(), |budget| budget.to_string());
            writeln!(
                f,
                "{:width$}  {:9}  {:>12}  {:>7}  {:>7}  {:>6}",
                row.family,
                kind_name(row.kind),
                row.combinations,
                row.max_combinations,
                row.series,
                budget
            )?;
        }
        writeln!(
            f,
            "{:width$}  {:9}  {:>12}  {:>7}  {:>7}",
            "total",
            "",
            self.combinations(),
            self.max_combinations(),
            self.series()
        )?;
        for row in &self.registries {
            writeln!(
                f,
                "registry {}: {} of {} series",
                row.registry, row.series, row.budget
            )?;
        }
        Ok(())
    }
}

/// The word for a kind on a `# TYPE` line of the Prometheus formats.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Info => "info",
        Kind::Summary => "summary",
        Kind::Unknown => "unknown",
    }
}
