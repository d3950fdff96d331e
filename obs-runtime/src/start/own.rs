//! The families that `obs` brings about itself and the process.

use std::borrow::Cow;

use super::{Environment, Service};
use crate::catalog::{Families, Family, FamilyDescriptor, Part, Sample, Totals, Value};
use crate::metric::Kind;

const BUILD_INFO: &str = "obs_build_info";
const SERIES: &str = "obs_series";

/// Names that are taken whatever the options say, and whether each is a histogram. Those of the
/// observed calls are taken even where nothing is observed yet: what compiles today must start
/// tomorrow.
const NAMES: [(&str, bool); 14] = [
    (BUILD_INFO, false),
    (SERIES, false),
    ("obs_dropped_total", false),
    ("mcp_tool_calls_total", false),
    ("mcp_tool_call_duration_seconds", true),
    ("mcp_tool_calls_in_flight", false),
    ("mcp_tool_errors_total", false),
    ("mcp_sessions_active", false),
    ("mcp_session_duration_seconds", true),
    ("operation_calls_total", false),
    ("operation_duration_seconds", true),
    ("operation_errors_total", false),
    ("operations_in_flight", false),
    ("obs_facade_probe", false),
];

/// Returns every name that `obs` brings, and whether it is a histogram.
pub(super) fn names(prefix: Option<&str>) -> Vec<(Cow<'static, str>, bool)> {
    let names = NAMES.map(|(name, is_histogram)| (Cow::Borrowed(name), is_histogram));
    let http = http_names(prefix).map(|name| (name, false));
    names.into_iter().chain(http).collect()
}

#[cfg(feature = "http")]
fn http_names(prefix: Option<&str>) -> impl Iterator<Item = Cow<'static, str>> {
    let facade = crate::facade::OWN_NAMES.map(Cow::Borrowed);
    let capped = Cow::Borrowed(crate::http::CAPPED_NAME);
    let log = crate::log::NAMES.map(Cow::Borrowed);
    [crate::http::requests_name(prefix), capped]
        .into_iter()
        .chain(facade)
        .chain(log)
}

#[cfg(not(feature = "http"))]
fn http_names(_: Option<&str>) -> impl Iterator<Item = Cow<'static, str>> {
    std::iter::empty()
}

/// Says which build runs where.
#[derive(Clone, Debug)]
pub(super) struct BuildInfo {
    pub(super) service: Service,
    pub(super) environment: Environment,
}

impl Part for BuildInfo {
    fn collect(&self, _: &Totals, families: &mut Families) {
        let label = |name: &'static str, value: &str| {
            (
                Cow::Borrowed(name),
                Cow::<'static, str>::Owned(value.to_owned()),
            )
        };
        let info = families.family(FamilyDescriptor {
            name: Cow::Borrowed(BUILD_INFO),
            kind: Kind::Info,
            unit: None,
            help: Cow::Borrowed("The service, its version and its environment; always 1."),
        });
        info.push(
            vec![
                label("service", &self.service.name),
                label("version", &self.service.version),
                label("environment", self.environment.name()),
            ],
            Value::Info,
        );
    }
}

/// Returns the family that counts the combinations of all others.
pub(super) fn series(families: &[Family]) -> Family {
    let mut series = Family::new(FamilyDescriptor {
        name: Cow::Borrowed(SERIES),
        kind: Kind::Gauge,
        unit: None,
        help: Cow::Borrowed("Combinations of label values on this scrape, by family."),
    });
    series.samples = families
        .iter()
        .map(|family| Sample {
            labels: vec![(Cow::Borrowed("family"), family.name.clone())],
            value: Value::Unsigned(family.samples.len() as u64),
        })
        .collect();
    series
}
