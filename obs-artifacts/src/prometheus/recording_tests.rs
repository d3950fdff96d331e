//! Unit tests of what is recorded, for `promtool test rules`: the numbers under traffic, and no
//! numbers without. The unit tests of the alerts go through the rest.

use serde::Serialize;

use super::objectives;
use super::promql::{Scope, is, le};
use super::recording::{self, FAILURE_RATIO, FAILURES, P95, P99, REQUESTS};
use crate::environment::Environment;
use crate::files::Files;
use crate::system::{Service, System};
use crate::yaml;

#[derive(Debug, Serialize)]
struct TestFile {
    rule_files: [&'static str; 1],
    evaluation_interval: &'static str,
    group_eval_order: Vec<String>,
    tests: Vec<Test>,
}

#[derive(Debug, Serialize)]
struct Test {
    name: String,
    interval: &'static str,
    input_series: Vec<Series>,
    #[serde(rename = "promql_expr_test")]
    queries: Vec<Query>,
}

#[derive(Debug, Serialize)]
struct Series {
    series: String,
    values: String,
}

#[derive(Debug, Serialize)]
struct Query {
    expr: String,
    eval_time: &'static str,
    exp_samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Sample {
    labels: String,
    value: f64,
}

pub(super) fn render(system: &System, files: &mut Files) {
    let services = system.services.iter();
    let tests = services.flat_map(|service| {
        let environment = system.environments.first();
        environment.map_or_else(Vec::new, |environment| tests(service, environment))
    });
    let file = TestFile {
        rule_files: ["../rules/recording.yml"],
        evaluation_interval: "1m",
        group_eval_order: recording::groups(system),
        tests: tests.collect(),
    };
    files.add(
        "deploy/prometheus/tests/recording.yml",
        yaml::document(&system.notice(), &file),
    );
}

fn tests(service: &Service, environment: &Environment) -> Vec<Test> {
    let mut tests = Vec::new();
    if let Some(families) = Http::of(service) {
        tests.push(families.under_traffic(service, environment));
        tests.push(families.without(service, environment));
    }
    let objectives = objectives::targets(service);
    if !objectives.is_empty() {
        tests.push(targets(service, environment, &objectives));
    }
    tests
}

struct Http<'a> {
    requests: &'a str,
    duration: &'a str,
    first: f64,
}

impl<'a> Http<'a> {
    fn of(service: &'a Service) -> Option<Self> {
        let requests = service.catalogue.own("http_requests_total")?;
        let duration = service.catalogue.own("http_request_duration_seconds")?;
        Some(Self {
            requests: &requests.name,
            duration: &duration.name,
            first: *duration.buckets.first()?,
        })
    }

    /// One request a second, one in twenty of which fails, all in the first bucket.
    fn under_traffic(&self, service: &Service, environment: &Environment) -> Test {
        let series = self.series(service, environment, ["0+57x20", "0+3x20", "0+60x20"]);
        let scope = Scope::environment(service, environment);
        let expected = [
            (REQUESTS, 1.0),
            (FAILURES, 0.05),
            (FAILURE_RATIO, 0.05),
            (P95, 0.95 * self.first),
            (P99, 0.99 * self.first),
        ];
        let queries = expected.iter().map(|(name, value)| {
            let recorded = scope.select(name, &[]);
            about(&recorded, *value, service, environment)
        });
        Test {
            name: format!("requests of {}", service.name()),
            interval: "1m",
            input_series: series,
            queries: queries.collect(),
        }
    }

    /// Nothing happens: there are 0 requests, and neither a share nor a percentile of them.
    fn without(&self, service: &Service, environment: &Environment) -> Test {
        let series = self.series(service, environment, ["7+0x20", "2+0x20", "9+0x20"]);
        let scope = Scope::environment(service, environment);
        let mut queries: Vec<Query> = [REQUESTS, FAILURES]
            .iter()
            .map(|name| about(&scope.select(name, &[]), 0.0, service, environment))
            .collect();
        queries.extend([FAILURE_RATIO, P95, P99].map(|name| Query {
            expr: scope.select(name, &[]),
            eval_time: "15m",
            exp_samples: Vec::new(),
        }));
        Test {
            name: format!("no requests of {}", service.name()),
            interval: "1m",
            input_series: series,
            queries,
        }
    }

    fn series(
        &self,
        service: &Service,
        environment: &Environment,
        [fine, failed, all]: [&str; 3],
    ) -> Vec<Series> {
        let scope = Scope::environment(service, environment);
        let status = |status| scope.select(self.requests, &[&is("status", status)]);
        let bucket = |bound: &str| {
            let family = format!("{}_bucket", self.duration);
            scope.select(&family, &[&is("le", bound)])
        };
        let count = scope.select(&format!("{}_count", self.duration), &[]);
        let lines = [
            (status("200"), fine),
            (status("503"), failed),
            (bucket(&le(self.first)), all),
            (bucket("+Inf"), all),
            (count, all),
        ];
        let lines = lines.into_iter().map(|(series, values)| Series {
            series,
            values: values.to_owned(),
        });
        lines.collect()
    }
}

/// The target is there whether or not anything is.
fn targets(service: &Service, environment: &Environment, targets: &[(String, f64)]) -> Test {
    let scope = Scope::environment(service, environment);
    let queries = targets.iter().map(|(name, target)| {
        let slo = is("slo", name);
        let recorded = scope.select("slo:objective:ratio", &[&slo]);
        let mut query = about(&recorded, *target, service, environment);
        for sample in &mut query.exp_samples {
            sample.labels = format!("{},{slo}}}", sample.labels.trim_end_matches('}'));
        }
        query
    });
    Test {
        name: format!("objectives of {}", service.name()),
        interval: "1m",
        input_series: Vec::new(),
        queries: queries.collect(),
    }
}

/// Whether a number is there, but for what arithmetic loses.
fn about(recorded: &str, value: f64, service: &Service, environment: &Environment) -> Query {
    let labels = Scope::environment(service, environment).select("", &[]);
    Query {
        expr: format!("abs({recorded} - {value}) < bool 0.000001"),
        eval_time: "15m",
        exp_samples: vec![Sample { labels, value: 1.0 }],
    }
}
