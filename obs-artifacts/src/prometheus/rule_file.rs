//! Files of rules, as Prometheus reads them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_saphyr::LitString;

use super::alert::{Alert, Tier};
use super::promql::literal;
use crate::environment::Environment;
use crate::files::Files;
use crate::system::System;
use crate::yaml;

#[derive(Debug, Serialize)]
pub(super) struct RuleFile {
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<&'static str>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Rule {
    Record(Record),
    Alert(AlertRule),
}

#[derive(Debug, Serialize)]
pub(super) struct Record {
    #[serde(rename = "record")]
    pub(super) name: String,
    pub(super) expr: LitString,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
pub(super) struct AlertRule {
    alert: &'static str,
    expr: LitString,
    #[serde(rename = "for", skip_serializing_if = "str::is_empty")]
    hold: &'static str,
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
}

/// Where the alerts of an environment are.
pub(super) fn path(environment: &Environment) -> String {
    format!("deploy/prometheus/rules/alerts-{}.yml", environment.name)
}

/// The group of a service's alerts.
pub(super) fn group(environment: &Environment, service: &str) -> String {
    format!("{}-alerts-{service}", environment.name)
}

/// The address of a runbook.
pub(super) fn runbook(system: &System, alert: &Alert) -> String {
    format!("{}/{}.md", system.runbooks, alert.about.name)
}

/// The labels of a rule, which do not depend on what its expression finds.
pub(super) fn labels(
    environment: &Environment,
    alert: &Alert,
    tier: &Tier,
) -> BTreeMap<&'static str, String> {
    let mut labels = BTreeMap::from([
        ("service", alert.service.clone()),
        ("environment", environment.name.clone()),
        ("severity", tier.severity.text().to_owned()),
    ]);
    labels.extend(alert.labels.iter().cloned());
    labels.extend(tier.window.map(|window| ("window", window.to_owned())));
    labels
}

pub(super) fn alerts(
    system: &System,
    environment: &Environment,
    alerts: &[Alert],
    files: &mut Files,
) {
    let of_service = |service: &str| {
        let own = alerts.iter().filter(|alert| alert.service == service);
        own.flat_map(|alert| {
            let tiers = alert.tiers.iter();
            tiers.map(|tier| Rule::Alert(rule(system, environment, alert, tier)))
        })
        .collect()
    };
    let groups = system.services.iter().map(|service| Group {
        name: group(environment, service.name()),
        interval: None,
        rules: of_service(service.name()),
    });
    let file = RuleFile {
        groups: groups.collect(),
    };
    files.add(path(environment), yaml::document(&system.notice(), &file));
}

fn rule(system: &System, environment: &Environment, alert: &Alert, tier: &Tier) -> AlertRule {
    let labels = labels(environment, alert, tier).into_iter();
    AlertRule {
        alert: alert.about.name,
        expr: LitString(tier.expr.clone()),
        hold: tier.hold,
        labels: labels.map(|(name, text)| (name, literal(&text))).collect(),
        annotations: BTreeMap::from([
            ("summary", alert.summary.clone()),
            ("description", alert.description(tier)),
            ("runbook_url", runbook(system, alert)),
        ]),
    }
}
