//! What is wrong with a system, all of it at once, before rules are made of it.

use std::collections::BTreeSet;

use super::objectives;
use super::promql::le;
use crate::catalogue::{Metric, Origin};
use crate::environment::{Environment, Threshold};
use crate::problem::Problem;
use crate::system::{Service, System};

pub(crate) fn system(system: &System, problems: &mut Vec<Problem>) {
    name("the system", &system.name, problems);
    names(
        "service",
        &system
            .services
            .iter()
            .map(Service::name)
            .collect::<Vec<_>>(),
        "`.service(Service::new(Catalogue::of(&obs)))`",
        problems,
    );
    names(
        "environment",
        &system
            .environments
            .iter()
            .map(|it| it.name.as_str())
            .collect::<Vec<_>>(),
        "`.environments([Environment::prod()])`",
        problems,
    );
    for environment in &system.environments {
        thresholds(environment, problems);
    }
    for service in &system.services {
        for environment in &system.environments {
            latency(service, environment, problems);
        }
        target_labels(service, problems);
        objectives(service, problems);
    }
    mail_relay(system, problems);
}

fn name(whose: &str, name: &str, problems: &mut Vec<Problem>) {
    // The names of services are made fit for files and objects where they are needed there.
    let others = if whose.ends_with("service") {
        "._- "
    } else {
        "._-"
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && name.len() <= 63 && name.chars().all(is_plain) {
        return;
    }
    problems.push(Problem {
        what: format!("the name of {whose} is {name:?}"),
        why: "it becomes part of file names, of labels and of names in Kubernetes",
        fix: "begin it with a letter or a digit, go on with these and `.`, `_`, `-`, and stop at \
              63 characters"
            .to_owned(),
    });
}

fn names(what: &str, all: &[&str], how: &str, problems: &mut Vec<Problem>) {
    let mut known = BTreeSet::new();
    for &each in all {
        name(&format!("one {what}"), each, problems);
        if !known.insert(each) {
            problems.push(Problem {
                what: format!("the {what} `{each}` is there twice"),
                why: "its alerts would be said twice, and its files written over each other",
                fix: format!("remove one, or give it another name than `{each}`"),
            });
        }
    }
    if known.is_empty() {
        problems.push(Problem {
            what: format!("there is no {what}"),
            why: "there is nothing to make alerts of",
            fix: format!("add one: {how}"),
        });
    }
}

fn thresholds(environment: &Environment, problems: &mut Vec<Problem>) {
    let Environment {
        latency,
        errors,
        in_flight,
        tools,
        ..
    } = environment;
    for (field, threshold, most) in [
        ("latency", latency, f64::INFINITY),
        ("errors", errors, 1.0),
        ("in_flight", in_flight, f64::INFINITY),
        ("tools", tools, 1.0),
    ] {
        let whose = format!("`{field}` of the environment `{}`", environment.name);
        threshold_is_a_bound(&whose, *threshold, most, problems);
    }
}

fn threshold_is_a_bound(
    whose: &str,
    Threshold { page, warning }: Threshold,
    most: f64,
    problems: &mut Vec<Problem>,
) {
    for (severity, value) in [("page", page), ("warning", warning)] {
        let Some(value) = value else { continue };
        if value.is_finite() && value > 0.0 && value < most {
            continue;
        }
        let up_to = if most.is_finite() { " and below 1" } else { "" };
        problems.push(Problem {
            what: format!("{whose} has the {severity} {value}"),
            why: "an alert with this bound fires always or never",
            fix: format!("give it a number above 0{up_to}, or `None` for no {severity}"),
        });
    }
    if let (Some(page), Some(warning)) = (page, warning)
        && page <= warning
    {
        problems.push(Problem {
            what: format!("{whose} pages above {page} and warns above {warning}"),
            why: "the page would come before its warning",
            fix: format!("write `Threshold::page({page}, ..)` with a smaller warning"),
        });
    }
}

/// What a scrape brings of these labels is kept (`honor_labels`), in the place of the target's own.
fn target_labels(service: &Service, problems: &mut Vec<Problem>) {
    let metrics = service.catalogue.metrics.iter();
    for metric in metrics.filter(|metric| metric.origin == Origin::Declared) {
        for label in ["service", "environment"] {
            if metric.label(label).is_none() {
                continue;
            }
            problems.push(Problem {
                what: format!(
                    "the metric `{}` ({}) has a label `{label}`",
                    metric.name,
                    metric.declared_at.join(", ")
                ),
                why: "every query selects by it what the target of a scrape is called, so that no \
                      dashboard and no alert would see the metric",
                fix: format!("give the label another name, such as `upstream_{label}`"),
            });
        }
    }
}

/// A percentile is exact at the bounds of buckets only; elsewhere Prometheus guesses between two of
/// them. It never gives more than the last bound, so that an alert on it would never fire.
fn latency(service: &Service, environment: &Environment, problems: &mut Vec<Problem>) {
    let Some(family) = service.catalogue.own("http_request_duration_seconds") else {
        return;
    };
    let Threshold { page, warning } = environment.latency;
    for (severity, bound) in [("page", page), ("warning", warning)] {
        let Some(bound) = bound.filter(|bound| bound.is_finite() && *bound > 0.0) else {
            continue;
        };
        let is_last = family.buckets.last().is_some_and(|last| *last <= bound);
        if family.has_bucket(bound) && !is_last {
            continue;
        }
        let why = if family.has_bucket(bound) {
            "Prometheus gives at most the last bound as a percentile, so the alert would never fire"
        } else {
            "between two bounds Prometheus guesses, so the alert would be about another latency"
        };
        problems.push(Problem {
            what: format!(
                "the {severity} of `latency` of the environment `{}` is {bound} s, which no bucket \
                 of `{}` of the service `{}` ends at with another one behind it: its buckets are \
                 [{}]",
                environment.name,
                family.name,
                service.name(),
                list(&family.buckets)
            ),
            why,
            fix: format!(
                "start the service with `.http_buckets(&[{}])`, or choose one of its bounds",
                list(&with(family, bound))
            ),
        });
    }
}

/// The buckets of a family with another bound, which is not the last.
fn with(family: &Metric, bound: f64) -> Vec<f64> {
    let mut buckets = family.buckets.clone();
    buckets.push(bound);
    if buckets.iter().all(|it| *it <= bound) {
        buckets.push(bound * 2.0);
    }
    buckets.sort_by(f64::total_cmp);
    buckets.dedup();
    buckets
}

fn list(bounds: &[f64]) -> String {
    let bounds: Vec<String> = bounds.iter().map(|bound| le(*bound)).collect();
    bounds.join(", ")
}

fn objectives(service: &Service, problems: &mut Vec<Problem>) {
    let mut known = BTreeSet::new();
    for (name, _) in objectives::targets(service) {
        if known.contains(&name) {
            problems.push(Problem {
                what: format!(
                    "two objectives of the service `{}` are called `{name}`",
                    service.name()
                ),
                why: "both would be recorded as the same series, and neither alert could be trusted",
                fix: "keep one of the two targets, or choose another bound for one of them"
                    .to_owned(),
            });
        }
        known.insert(name);
    }
    for (family, objective) in service.catalogue.objectives() {
        let place = objective.declared_at.join(", ");
        let whose = format!("the objective of `{}` ({place})", family.name);
        if !family.has_bucket(objective.at) {
            problems.push(Problem {
                what: format!(
                    "{whose} is about {}, which no bucket ends at: its buckets are [{}]",
                    objective.at,
                    list(&family.buckets)
                ),
                why: "nobody can tell how many observations are at or below it",
                fix: format!("write `buckets = [{}]`", list(&with(family, objective.at))),
            });
        }
        if !(objective.target > 0.0 && objective.target < 100.0) {
            problems.push(Problem {
                what: format!("{whose} has the target {}", objective.target),
                why: "it leaves no budget that could burn, or asks for nothing",
                fix: "write a share in per cent between 0 and 100, such as `target: 99.0`"
                    .to_owned(),
            });
        }
    }
}

fn mail_relay(system: &System, problems: &mut Vec<Problem>) {
    let relay = &system.mail_relay;
    let parts = relay.rsplit_once(':');
    let is_address = |(host, port): (&str, &str)| {
        let plain = host.chars().all(|c| c.is_ascii_graphic());
        !host.is_empty() && plain && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if parts.is_some_and(is_address) {
        return;
    }
    problems.push(Problem {
        what: format!("the mail relay is {relay:?}"),
        why: "Alertmanager refuses an address without host and port",
        fix: "write both: `.mail_relay(\"mail.example.com:587\")`".to_owned(),
    });
}
