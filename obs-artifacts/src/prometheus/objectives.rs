//! Service level objectives: the share of bad events over seven windows, and how fast it uses up
//! the error budget.
//!
//! An event is bad if it took longer than the objective allows. Calls that the caller cancelled are
//! no events: how long they took says nothing about the service. Calls that failed are events like
//! others, because the objective is about time; their failures have alerts of their own.
//!
//! Where there was no traffic in a window the share has no value, rather than 0: nothing was good
//! either.

use std::collections::BTreeMap;

use super::alert::{About, Alert, Case, Firing, MILLION, Severity, Tier, WINDOW, below};
use super::alerts::FEWEST_FAILURES;
use super::promql::{BY, Scope, is, le, literal, percentage};
use super::recording::labelled;
use super::rule_file::Rule;
use crate::catalogue::{Metric, Objective};
use crate::environment::Environment;
use crate::system::{Service, System};

const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Source: The Site Reliability Workbook, "Alerting on SLOs", for a period of 30 days.
const BURNS: [Burn; 4] = [
    Burn {
        rate: 14.4,
        long: "1h",
        short: "5m",
        severity: Severity::Page,
        hold: "2m",
        uses: "2 % of 30 days' budget in an hour",
    },
    Burn {
        rate: 6.0,
        long: "6h",
        short: "30m",
        severity: Severity::Page,
        hold: "2m",
        uses: "5 % of 30 days' budget in six hours",
    },
    Burn {
        rate: 3.0,
        long: "1d",
        short: "2h",
        severity: Severity::Warning,
        hold: "15m",
        uses: "10 % of 30 days' budget in a day",
    },
    Burn {
        rate: 1.0,
        long: "3d",
        short: "6h",
        severity: Severity::Warning,
        hold: "15m",
        uses: "10 % of 30 days' budget in three days",
    },
];

/// How many times faster than allowed the budget is used up, over a long window and, so that it ends
/// soon after its cause, over a short one.
struct Burn {
    rate: f64,
    long: &'static str,
    short: &'static str,
    severity: Severity,
    hold: &'static str,
    uses: &'static str,
}

const ABOUT: About = About {
    name: "ErrorBudgetBurn",
    meaning: "Events of a service level objective are slower than it allows, and so many of them \
              that the error budget of 30 days will not last. The label `slo` names the histogram, \
              `window` says over which time. Calls that were cancelled are not counted; five bad \
              events in that time are the least that counts.",
    impact: "The promise that the objective makes to users is being broken. A `page` means that \
             2 % of the budget goes in an hour or 5 % in six hours, a `warning` that 10 % goes in \
             one to three days.",
    causes: &[
        "A dependency became slow: look at the database, the pool and outgoing requests.",
        "A release made the code slower: compare with the time of the last change of \
         `obs_build_info`.",
        "More load than the service has room for: requests in flight, queue depth.",
    ],
    actions: &[
        "Look whether it is still going on: the share over 5 minutes.",
        "Open the slowest trace: exemplars of the histogram's highest buckets name it.",
        "If it began with a release, go back to the one before.",
        "If nothing helps soon, say so to those who rely on the objective.",
    ],
};

/// `1 - target`, as the rules have it.
fn budget(objective: &Objective) -> f64 {
    // Subtracted in per cent, where targets such as 99.9 have no long tail.
    ((100.0 - objective.target) * MILLION).round() / MILLION / 100.0
}

/// The target as a share.
fn target(objective: &Objective) -> f64 {
    ((1.0 - budget(objective)) * MILLION * 100.0).round() / (MILLION * 100.0)
}

/// The names and targets of a service's objectives.
pub(super) fn targets(service: &Service) -> Vec<(String, f64)> {
    let named = named(service).into_iter();
    named
        .map(|(name, _, objective)| (name, target(objective)))
        .collect()
}

/// Every objective of a service with its name: that of the family, with the values of its labels.
fn named(service: &Service) -> Vec<(String, &Metric, &Objective)> {
    let all = service.catalogue.objectives();
    let mut named: Vec<_> = all
        .map(|(metric, objective)| {
            let values = objective
                .labels
                .iter()
                .map(|(_, value)| format!("/{value}"));
            let name = format!("{}{}", metric.name, values.collect::<String>());
            (name, metric, objective)
        })
        .collect();
    let taken: Vec<String> = named.iter().map(|(name, ..)| name.clone()).collect();
    for (name, _, objective) in &mut named {
        // Two objectives about the same series differ by their bound.
        if taken.iter().filter(|it| *it == name).count() > 1 {
            *name = format!("{name}@{}", le(objective.at));
        }
    }
    named
}

pub(super) fn recorded(system: &System, service: &Service) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (name, metric, objective) in named(service) {
        for window in WINDOWS {
            let slo = BTreeMap::from([
                ("service", service.name().to_owned()),
                ("slo", name.clone()),
            ]);
            let expr = bad_ratio(service, metric, objective, window);
            rules.push(labelled(ratio(window), expr, slo));
        }
        for burn in &BURNS {
            let slo = BTreeMap::from([
                ("service", service.name().to_owned()),
                ("slo", name.clone()),
            ]);
            let expr = bad_events(service, metric, objective, burn.long);
            rules.push(labelled(many(burn.long), expr, slo));
        }
        let target = target(objective);
        for environment in &system.environments {
            let labels = BTreeMap::from([
                ("service", service.name().to_owned()),
                ("environment", environment.name.clone()),
                ("slo", name.clone()),
            ]);
            let expr = format!("vector({target})");
            rules.push(labelled("slo:objective:ratio", expr, labels));
        }
    }
    rules
}

fn ratio(window: &str) -> String {
    format!("slo:bad_events:ratio_rate{window}")
}

fn many(window: &str) -> String {
    format!("slo:bad_events:increase{window}")
}

/// The matchers of an objective's events.
fn events(metric: &Metric, objective: &Objective) -> Vec<String> {
    let own = objective.labels.iter();
    let mut matchers: Vec<String> = own.map(|(name, value)| is(name, value)).collect();
    let result = metric.label("result");
    if result.is_some_and(|label| label.values.iter().any(|value| value == "cancelled")) {
        matchers.push("result!=\"cancelled\"".to_owned());
    }
    matchers
}

fn bad_ratio(service: &Service, metric: &Metric, objective: &Objective, window: &str) -> String {
    let (good, all) = good_and_all(service, metric, objective);
    format!(
        "1 - sum by ({BY}) (rate({good}[{window}]))\n/\n\
         (sum by ({BY}) (rate({all}[{window}])) > 0)"
    )
}

fn bad_events(service: &Service, metric: &Metric, objective: &Objective, window: &str) -> String {
    let (good, all) = good_and_all(service, metric, objective);
    format!(
        "sum by ({BY}) (increase({all}[{window}]))\n-\n\
         sum by ({BY}) (increase({good}[{window}]))"
    )
}

/// What counts the events that were fast enough, and all of them.
fn good_and_all(service: &Service, metric: &Metric, objective: &Objective) -> (String, String) {
    let scope = Scope::service(service);
    let events = events(metric, objective);
    let mut matchers: Vec<&str> = events.iter().map(String::as_str).collect();
    let all = scope.select(&format!("{}_count", metric.name), &matchers);
    let bound = is("le", &le(objective.at));
    matchers.push(&bound);
    let good = scope.select(&format!("{}_bucket", metric.name), &matchers);
    (good, all)
}

pub(super) fn alerts(service: &Service, environment: &Environment) -> Vec<Alert> {
    let named = named(service).into_iter();
    let all = named.map(|(name, metric, objective)| {
        let tiers = tiers(service, environment, &name, objective);
        let burnt = Scope::environment(service, environment);
        let slo = is("slo", &name);
        let bad = burnt.select(&ratio("5m"), &[&slo]);
        let left = burnt.select(&ratio("3d"), &[&slo]);
        let objective_series = burnt.select("slo:objective:ratio", &[&slo]);
        Alert {
            about: &ABOUT,
            service: service.name().to_owned(),
            labels: vec![("slo", name.clone())],
            summary: format!(
                "{} misses its objective {} too often",
                service.name(),
                literal(&name)
            ),
            description: format!(
                "{{{{ $value | humanizePercentage }}}} of events took longer than {} over \
                 {WINDOW}; the objective allows {}.",
                literal(&span(metric, objective.at)),
                percentage(budget(objective))
            ),
            look: vec![
                ("Is it still going on? The share that is bad now:", bad),
                (
                    "How many times faster than allowed the budget went in three days:",
                    format!("{left}\n/\n(1 - {objective_series})"),
                ),
            ],
            cases: cases(service, environment, metric, objective, &tiers),
            tiers,
        }
    });
    all.filter(|alert| !alert.tiers.is_empty()).collect()
}

fn span(metric: &Metric, bound: f64) -> String {
    match metric.unit.as_deref() {
        Some("seconds") => format!("{bound} s"),
        Some(unit) => format!("{bound} {unit}"),
        None => bound.to_string(),
    }
}

/// A rate that not even failing always would reach gets no alert: with a target of 90 % the budget
/// burns at most ten times as fast as allowed, so that 14.4 is never said, and the alert over six
/// hours is the first.
fn tiers(
    service: &Service,
    environment: &Environment,
    name: &str,
    objective: &Objective,
) -> Vec<Tier> {
    let budget = budget(objective);
    let scope = Scope::environment(service, environment);
    let slo = is("slo", name);
    let reachable = BURNS.iter().filter(|burn| burn.rate * budget < 1.0);
    reachable
        .map(|burn| {
            let bound = (burn.rate * budget * MILLION * 100.0).round() / (MILLION * 100.0);
            let long = scope.select(&ratio(burn.long), &[&slo]);
            let short = scope.select(&ratio(burn.short), &[&slo]);
            let many = scope.select(&many(burn.long), &[&slo]);
            Tier {
                severity: burn.severity.in_environment(environment),
                expr: format!(
                    "{long} > {bound}\nand\n{short} > {bound}\nand\n\
                     {many} >= {FEWEST_FAILURES}"
                ),
                hold: burn.hold,
                condition: format!(
                    "more than {} bad over {} and over {} ({} times the budget of {}: {})",
                    percentage(bound),
                    burn.long,
                    burn.short,
                    burn.rate,
                    percentage(budget),
                    burn.uses
                ),
                bound,
                window: Some(burn.long),
            }
        })
        .collect()
}

fn cases(
    service: &Service,
    environment: &Environment,
    metric: &Metric,
    objective: &Objective,
    tiers: &[Tier],
) -> Vec<Case> {
    let scope = Scope::environment(service, environment);
    let matchers: Vec<String> = objective
        .labels
        .iter()
        .map(|(name, value)| is(name, value))
        .collect();
    let series = |result: Option<&str>, good: String, all: String| {
        let result = result.map(|result| is("result", result));
        let mut matchers: Vec<&str> = matchers.iter().map(String::as_str).collect();
        matchers.extend(result.as_deref());
        let count = scope.select(&format!("{}_count", metric.name), &matchers);
        let bound = is("le", &le(objective.at));
        matchers.push(&bound);
        let bucket = scope.select(&format!("{}_bucket", metric.name), &matchers);
        vec![(bucket, good), (count, all)]
    };
    let result = metric.label("result").map(|_| "ok");
    let mut cases = Vec::new();
    for tier in tiers {
        for (word, factor) in [("above", 1.02), ("below", 0.98)] {
            let share = (tier.bound * factor).min(1.0);
            let bad = (share * MILLION).round();
            let values = |a: f64| format!("0+{a}x30");
            let series = series(result, values(MILLION - bad), values(MILLION));
            let fires = firing(tiers, bad / MILLION, |_| true);
            let name = format!("just {word} {}", percentage(tier.bound));
            cases.push(Case::at(name, series, 20, fires));
        }
    }
    // All bad for an hour, all good for 35 minutes.
    let over = series(
        result,
        "0+0x60 1000+1000x34".to_owned(),
        "0+1000x95".to_owned(),
    );
    let still = firing(tiers, 60.0 / 95.0, |tier| {
        tier.window.is_some_and(|window| window.ends_with('d'))
    });
    cases.push(Case::at("it is over", over, 95, still));
    if metric.label("result").is_some() {
        let cancelled = series(Some("cancelled"), "0+0x30".into(), "0+1000x30".into());
        cases.push(Case::silent("all were cancelled", cancelled, 20));
    }
    // All that happens is bad, and yet nobody wants to be called for it.
    let night = series(result, "0+0x30".to_owned(), "0+0x10 1+0x20".to_owned());
    cases.push(Case::silent("one slow event at night", night, 13).and_at(20, Vec::new()));
    let idle = series(result, "7+0x30".to_owned(), "9+0x30".to_owned());
    cases.push(Case::silent("nothing happens", idle, 20));
    cases
}

fn firing(tiers: &[Tier], share: f64, which: impl Fn(&Tier) -> bool) -> Vec<Firing> {
    let all = below(tiers, share, &[], &percentage(share));
    all.into_iter()
        .filter(|firing| tiers.get(firing.tier).is_some_and(&which))
        .collect()
}
