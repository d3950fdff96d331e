//! The families that `obs` brings about itself and the process.

use std::borrow::Cow;

use super::{Environment, Service};
use crate::catalog::{Families, Family, FamilyDescriptor, Part, Sample, Totals, Value};
use crate::metric::{Kind, LabelDescriptor};

const BUILD_INFO: &str = "obs_build_info";
const SERIES: &str = "obs_series";

const SERVICE: LabelDescriptor = LabelDescriptor::open("service");
const VERSION: LabelDescriptor = LabelDescriptor::open("version");
const ENVIRONMENT: LabelDescriptor = LabelDescriptor::open("environment");
const FAMILY: LabelDescriptor = LabelDescriptor::open("family");

/// Names that are taken whatever the options say, and whether each is a histogram. Those of the
/// observed calls are taken even where nothing is observed yet: what compiles today must start
/// tomorrow.
const NAMES: [(&str, bool); 18] = [
    (BUILD_INFO, false),
    (SERIES, false),
    ("obs_dropped_total", false),
    ("obs_sentry_events_total", false),
    ("obs_spans_dropped_total", false),
    ("obs_spans_exported_total", false),
    ("obs_spans_waiting", false),
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
    names.into_iter().chain(http_names(prefix)).collect()
}

#[cfg(feature = "http")]
fn http_names(prefix: Option<&str>) -> impl Iterator<Item = (Cow<'static, str>, bool)> {
    let own = crate::facade::OWN_NAMES
        .into_iter()
        .chain([
            crate::health::CHECK_UP,
            crate::http::CAPPED_NAME,
            crate::http::REJECTED_IDS,
            crate::http::REJECTED_NAME,
        ])
        .chain(crate::log::NAMES)
        .map(|name| (Cow::Borrowed(name), false));
    let prefixed = crate::http::NAMES.into_iter().chain(crate::client::NAMES);
    #[cfg(any(feature = "sqlx", feature = "redis"))]
    let prefixed = prefixed.chain(crate::db::NAMES);
    prefixed
        .map(move |(name, is_histogram)| (crate::http::prefixed(prefix, name), is_histogram))
        .chain(own)
}

#[cfg(not(feature = "http"))]
fn http_names(_: Option<&str>) -> impl Iterator<Item = (Cow<'static, str>, bool)> {
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
        info.labels(&[SERVICE, VERSION, ENVIRONMENT]);
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
    series.labels = &[FAMILY];
    series.max_combinations = Some(families.len());
    series.samples = families
        .iter()
        .map(|family| {
            let labels = vec![(Cow::Borrowed("family"), family.name.clone())];
            Sample::new(labels, Value::Unsigned(family.samples.len() as u64))
        })
        .collect();
    series
}
