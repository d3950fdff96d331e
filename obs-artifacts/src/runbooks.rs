//! `docs/runbooks`: what to do about each alert, with the queries of this system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::environment::Environment;
use crate::files::Files;
use crate::prometheus::alert::{Alert, Severity};
use crate::prometheus::alerts;
use crate::system::System;

const FOLDER: &str = "docs/runbooks";

/// The alerts of one name, each with its environment.
type Named<'a> = Vec<(&'a Environment, Alert)>;

pub(crate) fn render(system: &System, files: &mut Files) {
    let mut by_name: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    for environment in &system.environments {
        for alert in alerts::of(system, environment) {
            let named = by_name.entry(alert.about.name).or_default();
            named.push((environment, alert));
        }
    }
    files.add(format!("{FOLDER}/README.md"), index(system, &by_name));
    for (name, alerts) in &by_name {
        files.add(format!("{FOLDER}/{name}.md"), page(system, alerts));
    }
}

fn index(system: &System, by_name: &BTreeMap<&str, Named<'_>>) -> String {
    let mut page = format!(
        "<!-- {} -->\n# Runbooks of {}\n\nOne page for each alert. `page`: somebody is called. \
         `warning`: somebody reads it the next day.\n\n| alert | severity | when |\n|---|---|---|\n",
        system.notice(),
        system.name
    );
    for (name, alerts) in by_name {
        let meaning = alerts.first().map_or("", |(_, alert)| alert.about.meaning);
        let first = meaning.split_inclusive(['.', ':']).next().unwrap_or("");
        let when = first.trim_end_matches([':', '.']);
        let severities = severities(alerts);
        line(
            &mut page,
            &format!("| [{name}]({name}.md) | {severities} | {when} |"),
        );
    }
    page
}

fn severities(alerts: &Named<'_>) -> String {
    let tiers = alerts.iter().flat_map(|(_, alert)| &alert.tiers);
    let severities: BTreeSet<Severity> = tiers.map(|tier| tier.severity).collect();
    let texts: Vec<&str> = severities.into_iter().map(Severity::text).collect();
    texts.join(", ")
}

fn page(system: &System, alerts: &Named<'_>) -> String {
    let Some((_, first)) = alerts.first() else {
        return String::new();
    };
    let about = first.about;
    let mut page = format!(
        "<!-- {} -->\n# {}\n\n{}\n\n**Impact.** {}\n\n## First look\n",
        system.notice(),
        about.name,
        about.meaning,
        about.impact
    );
    first_look(&mut page, alerts);
    log(system, &mut page, alerts);
    section(&mut page, "Likely causes", about.causes, "*");
    section(&mut page, "What to do", about.actions, "1.");
    conditions(&mut page, alerts);
    silence(&mut page, about.name, alerts);
    page
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}

/// Writing to a text does not fail.
fn block(page: &mut String, language: &str, text: &str) {
    let _ = writeln!(page, "\n```{language}\n{text}\n```");
}

/// The queries of the first environment: there is one for each service, or each part of it.
fn first_look(page: &mut String, alerts: &Named<'_>) {
    let environment = alerts.first().map(|(environment, _)| &environment.name);
    let here = alerts
        .iter()
        .filter(|(of, _)| Some(&of.name) == environment);
    let mut seen = BTreeSet::new();
    for (_, alert) in here {
        let labels = alert
            .labels
            .iter()
            .map(|(_, value)| format!(" · `{value}`"));
        let heading = format!("### `{}`{}", alert.service, labels.collect::<String>());
        let fresh: Vec<_> = alert
            .look
            .iter()
            .filter(|(_, query)| seen.insert(query.clone()))
            .collect();
        if fresh.is_empty() {
            continue;
        }
        line(page, &format!("\n{heading}"));
        for (what, query) in fresh {
            line(page, &format!("\n{what}"));
            block(page, "promql", query);
        }
    }
    if let Some(environment) = environment {
        line(
            page,
            &format!("\n(Of `{environment}`; in another one change the label `environment`.)"),
        );
    }
}

fn log(system: &System, page: &mut String, alerts: &Named<'_>) {
    let mut services: Vec<&str> = alerts
        .iter()
        .map(|(_, alert)| alert.service.as_str())
        .collect();
    services.sort_unstable();
    services.dedup();
    let environment = alerts.first().map_or("", |(it, _)| it.name.as_str());
    // A name has no other character that regular expressions know.
    let services = services.join("|").replace('.', r"\\.");
    line(
        page,
        "\nThe last errors in the log, in Loki; take a `correlation_id` from there:",
    );
    block(
        page,
        "logql",
        &format!(
            "{{service_name=~\"{services}\", environment=\"{environment}\", level=~\"(?i)(error|warn)\"}} | json"
        ),
    );
    line(page, "\nEverything about one request, in all services:");
    block(
        page,
        "logql",
        &format!("{{environment=\"{environment}\"}} | json | correlation_id=\"THE-ID\""),
    );
    line(page, "\nWhat a process says of itself:");
    let asked = system.services.iter().map(|service| {
        let (name, port) = (service.name(), service.port);
        format!("curl -s http://HOST:{port}/health; curl -s http://HOST:{port}/ready # {name}")
    });
    block(page, "sh", &asked.collect::<Vec<_>>().join("\n"));
}

fn section(page: &mut String, heading: &str, items: &[&str], bullet: &str) {
    line(page, &format!("\n## {heading}\n"));
    for item in items {
        line(page, &format!("{bullet} {item}"));
    }
}

fn conditions(page: &mut String, alerts: &Named<'_>) {
    line(page, "\n## Conditions\n");
    line(page, "| environment | severity | condition | for |");
    line(page, "|---|---|---|---|");
    let mut seen = BTreeSet::new();
    for (environment, alert) in alerts {
        for tier in &alert.tiers {
            let hold = if tier.hold.is_empty() {
                "at once"
            } else {
                tier.hold
            };
            let row = format!(
                "| {} | {} | {} | {hold} |",
                environment.name,
                tier.severity.text(),
                tier.condition
            );
            if seen.insert(row.clone()) {
                line(page, &row);
            }
        }
    }
}

fn silence(page: &mut String, name: &str, alerts: &Named<'_>) {
    let environment = alerts.first().map_or("", |(it, _)| it.name.as_str());
    let service = alerts.first().map_or("", |(_, it)| it.service.as_str());
    line(page, "\n## Silence\n");
    line(
        page,
        "While somebody works on it, and not longer than that takes:",
    );
    block(
        page,
        "sh",
        &format!(
            "amtool --alertmanager.url=http://localhost:9093 silence add --duration=2h \\\n  \
             --comment='who works on it, and where' \\\n  \
             alertname={name} environment={environment} service=\"{service}\""
        ),
    );
}
