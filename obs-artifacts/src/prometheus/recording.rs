//! Recording rules: what alerts and dashboards ask often, under names that do not depend on the
//! prefix of a service.
//!
//! Names are `level:metric:operations`, as Prometheus recommends: the labels that are left, what was
//! measured, what was done to it with the last operation first.

use std::collections::BTreeMap;

use serde_saphyr::LitString;

use super::calls::{Calls, OPERATIONS, TOOLS};
use super::objectives;
use super::promql::{BY, Scope, is, one_of};
use super::rule_file::{Group, Record, Rule, RuleFile};
use crate::files::Files;
use crate::system::{Service, System};
use crate::yaml;

/// Requests a second, streams included.
pub(crate) const REQUESTS: &str = "service:http_requests:rate5m";
/// Requests a second that were answered with 5xx; 0 where there are requests and none failed.
pub(crate) const FAILURES: &str = "service:http_request_failures:rate5m";
/// The share of these; no value without requests.
pub(crate) const FAILURE_RATIO: &str = "service:http_request_failures_per_requests:ratio_rate5m";
/// Requests a second whose time was taken.
pub(crate) const TIMED: &str = "service:http_request_duration_seconds_count:rate5m";
/// Their buckets.
const TIMED_BUCKETS: &str = "service_le:http_request_duration_seconds_bucket:rate5m";
/// The 95th percentile of the latency; no value without requests.
pub(crate) const P95: &str = "service:http_request_duration_seconds:p95_rate5m";
/// The 99th percentile of the latency, each minute; no value without requests.
pub(crate) const P99: &str = "service:http_request_duration_seconds:p99_rate5m";
/// What it was on average in the last seven days; no value before there is enough to go by.
pub(crate) const BASELINE: &str = "service:http_request_duration_seconds:avg7d_p99_rate5m";
/// The share of a pool's connections that are in use.
pub(crate) const POOL_USED: &str = "service_pool:db_client_connections_active_per_max:ratio";

/// How many minutes with requests the last seven days must have before their average is a baseline:
/// two days' worth.
pub(crate) const BASELINE_MINUTES: u32 = 2 * 24 * 60;

const PATH: &str = "deploy/prometheus/rules/recording.yml";

/// The names of the groups in the order in which they build on each other.
pub(super) fn groups(system: &System) -> Vec<String> {
    let services = system.services.iter();
    let all = services.flat_map(|service| of_service(system, service));
    all.map(|group| group.name).collect()
}

pub(super) fn render(system: &System, files: &mut Files) {
    let services = system.services.iter();
    let groups = services.flat_map(|service| of_service(system, service));
    let file = RuleFile {
        groups: groups.collect(),
    };
    files.add(PATH, yaml::document(&system.notice(), &file));
}

fn of_service(system: &System, service: &Service) -> Vec<Group> {
    let name = service.name();
    let mut rules = requests(service);
    rules.extend(latency(service));
    rules.extend(calls(service, &TOOLS));
    rules.extend(calls(service, &OPERATIONS));
    rules.extend(pools(service));
    let groups = vec![
        Group {
            name: format!("recording-{name}"),
            interval: None,
            rules,
        },
        // Each minute, so that the number of samples says how long there were any.
        Group {
            name: format!("baseline-{name}"),
            interval: Some("1m"),
            rules: baseline(service),
        },
        Group {
            name: format!("objectives-{name}"),
            interval: Some("1m"),
            rules: objectives::recorded(system, service),
        },
    ];
    let filled = groups.into_iter().filter(|group| !group.rules.is_empty());
    filled.collect()
}

/// The label is the one of its series; `promtool` wants to see that two services have two rules.
fn record(service: &Service, name: &str, expr: impl Into<String>) -> Rule {
    let service = BTreeMap::from([("service", service.name().to_owned())]);
    labelled(name, expr, service)
}

pub(super) fn labelled(
    name: impl Into<String>,
    expr: impl Into<String>,
    labels: BTreeMap<&'static str, String>,
) -> Rule {
    Rule::Record(Record {
        name: name.into(),
        expr: LitString(expr.into()),
        labels,
    })
}

fn requests(service: &Service) -> Vec<Rule> {
    let Some(family) = service.catalogue.own("http_requests_total") else {
        return Vec::new();
    };
    let scope = Scope::service(service);
    let all = scope.select(&family.name, &[]);
    let failed = scope.select(&family.name, &["status=~\"5..\""]);
    let requests = scope.select(REQUESTS, &[]);
    vec![
        record(
            service,
            REQUESTS,
            format!("sum by ({BY}) (rate({all}[5m]))"),
        ),
        record(
            service,
            FAILURES,
            format!("sum by ({BY}) (rate({failed}[5m]))\nor\n0 * {requests}"),
        ),
        record(
            service,
            FAILURE_RATIO,
            format!("{}\n/\n({requests} > 0)", scope.select(FAILURES, &[])),
        ),
    ]
}

fn latency(service: &Service) -> Vec<Rule> {
    let Some(family) = service.catalogue.own("http_request_duration_seconds") else {
        return Vec::new();
    };
    let scope = Scope::service(service);
    let count = scope.select(&format!("{}_count", family.name), &[]);
    let buckets = scope.select(&format!("{}_bucket", family.name), &[]);
    vec![
        record(service, TIMED, format!("sum by ({BY}) (rate({count}[5m]))")),
        record(
            service,
            TIMED_BUCKETS,
            format!("sum by ({BY}, le) (rate({buckets}[5m]))"),
        ),
        record(service, P95, quantile(&scope, "0.95")),
    ]
}

/// Without requests the quantile is not a number, which would stay in an average for seven days.
fn quantile(scope: &Scope<'_>, quantile: &str) -> String {
    let buckets = scope.select(TIMED_BUCKETS, &[]);
    format!("histogram_quantile({quantile}, {buckets}) >= 0")
}

fn baseline(service: &Service) -> Vec<Rule> {
    if service
        .catalogue
        .own("http_request_duration_seconds")
        .is_none()
    {
        return Vec::new();
    }
    let scope = Scope::service(service);
    let p99 = scope.select(P99, &[]);
    vec![
        record(service, P99, quantile(&scope, "0.99")),
        record(
            service,
            BASELINE,
            format!(
                "avg_over_time({p99}[7d])\nand\n\
                 count_over_time({p99}[7d]) >= {BASELINE_MINUTES}"
            ),
        ),
    ]
}

fn calls(service: &Service, calls: &Calls) -> Vec<Rule> {
    let Some(family) = service.catalogue.own(calls.family) else {
        return Vec::new();
    };
    let scope = Scope::service(service);
    let by = format!("{BY}, {}", calls.label);
    let rate = |outcomes| {
        let selected = scope.select(&family.name, &[&one_of("outcome", outcomes)]);
        format!("sum by ({by}) (rate({selected}[5m]))")
    };
    vec![
        record(service, calls.rate, rate(calls.judged)),
        record(service, calls.failures, rate(calls.failed)),
        record(
            service,
            calls.ratio,
            format!(
                "{}\n/\n({} > 0)",
                scope.select(calls.failures, &[]),
                scope.select(calls.rate, &[])
            ),
        ),
    ]
}

fn pools(service: &Service) -> Vec<Rule> {
    let catalogue = &service.catalogue;
    let (Some(connections), Some(max)) = (
        catalogue.own("db_client_connections"),
        catalogue.own("db_client_connections_max"),
    ) else {
        return Vec::new();
    };
    let scope = Scope::service(service);
    let active = scope.select(&connections.name, &[&is("state", "active")]);
    let max = scope.select(&max.name, &[]);
    let by = format!("{BY}, pool");
    vec![record(
        service,
        POOL_USED,
        format!("sum by ({by}) ({active})\n/\n(sum by ({by}) ({max}) > 0)"),
    )]
}
