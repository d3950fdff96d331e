//! Unit tests of the alerts, for `promtool test rules`: each fires when it should, with these labels
//! and texts, and is silent when it should be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::alert::{Alert, Case, Firing, Moment};
use super::{recording, rule_file};
use crate::environment::Environment;
use crate::files::Files;
use crate::system::System;
use crate::yaml;

#[derive(Debug, Serialize)]
struct TestFile {
    rule_files: Vec<String>,
    evaluation_interval: &'static str,
    /// What is recorded comes before what is said about it.
    group_eval_order: Vec<String>,
    tests: Vec<Test>,
}

#[derive(Debug, Serialize)]
struct Test {
    name: String,
    interval: &'static str,
    input_series: Vec<Series>,
    #[serde(rename = "alert_rule_test")]
    alerts: Vec<AlertTest>,
}

#[derive(Debug, Serialize)]
struct Series {
    series: String,
    values: String,
}

#[derive(Debug, Serialize)]
struct AlertTest {
    eval_time: String,
    alertname: &'static str,
    exp_alerts: Vec<Expected>,
}

#[derive(Debug, Serialize)]
struct Expected {
    exp_labels: BTreeMap<&'static str, String>,
    exp_annotations: BTreeMap<&'static str, String>,
}

pub(super) fn alerts(
    system: &System,
    environment: &Environment,
    alerts: &[Alert],
    files: &mut Files,
) {
    let mut order = recording::groups(system);
    let services = system.services.iter();
    order.extend(services.map(|service| rule_file::group(environment, service.name())));
    let file = TestFile {
        rule_files: vec![
            "../rules/recording.yml".to_owned(),
            format!("../rules/alerts-{}.yml", environment.name),
        ],
        evaluation_interval: "1m",
        group_eval_order: order,
        tests: tests(system, environment, alerts),
    };
    files.add(
        format!("deploy/prometheus/tests/alerts-{}.yml", environment.name),
        yaml::document(&system.notice(), &file),
    );
}

fn tests(system: &System, environment: &Environment, alerts: &[Alert]) -> Vec<Test> {
    let mut packs = Vec::new();
    for alert in alerts {
        for case in &alert.cases {
            let pack = packs
                .iter_mut()
                .find(|pack: &&mut Pack| pack.has_room(alert, case));
            if let Some(pack) = pack {
                pack.add(system, environment, alert, case);
            } else {
                let mut pack = Pack::new(case.interval);
                pack.add(system, environment, alert, case);
                packs.push(pack);
            }
        }
    }
    let packed = packs.into_iter().map(|pack| pack.test);
    [without_series(alerts)].into_iter().chain(packed).collect()
}

/// Nothing is there to see: the services do not run here, or never showed a thing.
fn without_series(alerts: &[Alert]) -> Test {
    let names: BTreeSet<&'static str> = alerts.iter().map(|alert| alert.about.name).collect();
    let silent = names.into_iter().map(|alertname| AlertTest {
        eval_time: "30m".to_owned(),
        alertname,
        exp_alerts: Vec::new(),
    });
    Test {
        name: "without any series".to_owned(),
        interval: "1m",
        input_series: Vec::new(),
        alerts: silent.collect(),
    }
}

/// Cases that share a test, because each test takes as long as all rules take: none is about an
/// alert or a family that another is about.
struct Pack {
    test: Test,
    alerts: BTreeSet<&'static str>,
    families: BTreeSet<String>,
}

impl Pack {
    fn new(interval: &'static str) -> Self {
        Self {
            test: Test {
                name: String::new(),
                interval,
                input_series: Vec::new(),
                alerts: Vec::new(),
            },
            alerts: BTreeSet::new(),
            families: BTreeSet::new(),
        }
    }

    fn has_room(&self, alert: &Alert, case: &Case) -> bool {
        self.test.interval == case.interval
            && !self.alerts.contains(alert.about.name)
            && families(case).all(|family| !self.families.contains(family))
    }

    fn add(&mut self, system: &System, environment: &Environment, alert: &Alert, case: &Case) {
        let what = alert.labels.iter().map(|(_, value)| format!(" {value}"));
        let what: String = what.collect();
        let Alert { about, service, .. } = alert;
        if !self.test.name.is_empty() {
            self.test.name.push_str("; ");
        }
        let name = format!("{} of {service}{what}: {}", about.name, case.name);
        self.test.name.push_str(&name);
        let series = case.series.iter().map(|(series, values)| Series {
            series: series.clone(),
            values: values.clone(),
        });
        self.test.input_series.extend(series);
        let moments = case.moments.iter();
        let tests = moments.map(|moment| test(system, environment, alert, moment));
        self.test.alerts.extend(tests);
        self.alerts.insert(about.name);
        self.families.extend(families(case).map(str::to_owned));
    }
}

/// The families of a case's series: a histogram's buckets and its count are one.
fn families(case: &Case) -> impl Iterator<Item = &str> {
    case.series.iter().map(|(series, _)| {
        let name = series.split('{').next().unwrap_or(series);
        let base = name.strip_suffix("_bucket");
        base.or_else(|| name.strip_suffix("_count")).unwrap_or(name)
    })
}

fn test(system: &System, environment: &Environment, alert: &Alert, moment: &Moment) -> AlertTest {
    let expected = moment.fires.iter().filter_map(|firing| {
        let tier = alert.tiers.get(firing.tier)?;
        let mut labels = rule_file::labels(environment, alert, tier);
        labels.extend(firing.labels.iter().cloned());
        let annotations = BTreeMap::from([
            ("summary", expanded(&alert.summary, &labels, firing)),
            (
                "description",
                expanded(&alert.description(tier), &labels, firing),
            ),
            ("runbook_url", rule_file::runbook(system, alert)),
        ]);
        Some(Expected {
            exp_labels: labels,
            exp_annotations: annotations,
        })
    });
    AlertTest {
        eval_time: format!("{}m", moment.minute),
        alertname: alert.about.name,
        exp_alerts: expected.collect(),
    }
}

/// Does what Prometheus does with a text: `{{ $labels.x }}` becomes the label, braces in quotes become
/// these, and whatever is made of `$value` what the case says.
fn expanded(text: &str, labels: &BTreeMap<&'static str, String>, firing: &Firing) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        expanded.push_str(before);
        let (expression, after) = after.split_once("}}").unwrap_or((after, ""));
        let expression = expression.trim();
        let label = expression.strip_prefix("$labels.");
        expanded.push_str(match label {
            Some(label) => labels.get(label).map_or("", String::as_str),
            None if expression == r#""{{""# => "{{",
            None => &firing.value,
        });
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}
