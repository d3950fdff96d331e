//! One alert: its condition by severity, what it says, and the series that prove it.

use super::promql::percentage;
use crate::environment::{Environment, Threshold};

/// Who hears of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Somebody is called.
    Page,
    /// Somebody reads it the next day.
    Warning,
}

impl Severity {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Warning => "warning",
        }
    }

    /// Where nobody is called, what would be a page is a warning.
    pub(crate) fn in_environment(self, environment: &Environment) -> Self {
        if environment.calls_somebody() {
            self
        } else {
            Self::Warning
        }
    }
}

/// What people need to know about all alerts of one name.
#[derive(Debug)]
pub(crate) struct About {
    /// The name of the alert, and of its runbook.
    pub(crate) name: &'static str,
    /// What is true when it fires.
    pub(crate) meaning: &'static str,
    /// Who feels what.
    pub(crate) impact: &'static str,
    /// What it is most of the time.
    pub(crate) causes: &'static [&'static str],
    /// What to do, in order.
    pub(crate) actions: &'static [&'static str],
}

/// The alert of one name about one thing in one service and environment. Its tiers differ by
/// severity.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) about: &'static About,
    pub(crate) service: String,
    /// Labels beside `service`, `environment` and `severity` that are the same for every series.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// The strictest first.
    pub(crate) tiers: Vec<Tier>,
    pub(crate) summary: String,
    pub(crate) description: String,
    /// Queries to look at first, each with what it shows.
    pub(crate) look: Vec<(&'static str, String)>,
    pub(crate) cases: Vec<Case>,
}

/// The condition at one severity.
#[derive(Clone, Debug)]
pub(crate) struct Tier {
    pub(crate) severity: Severity,
    pub(crate) expr: String,
    /// How long the condition must hold before it is said, as Prometheus writes it; empty for at
    /// once.
    pub(crate) hold: &'static str,
    /// The condition in words.
    pub(crate) condition: String,
    /// The bound of the condition, where it has one.
    pub(crate) bound: f64,
    /// The label `window`, where tiers of the same severity look at different windows.
    pub(crate) window: Option<&'static str>,
}

/// Series of a unit test, and what fires about them when.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// How far the values of a series are apart.
    pub(crate) interval: &'static str,
    /// Series with their values in the notation of `promtool`.
    pub(crate) series: Vec<(String, String)>,
    pub(crate) moments: Vec<Moment>,
}

/// What fires after so many minutes; nothing else of the alert's name does.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) minute: u32,
    pub(crate) fires: Vec<Firing>,
}

impl Alert {
    /// What a tier says.
    pub(crate) fn description(&self, tier: &Tier) -> String {
        self.description
            .replace(WINDOW, tier.window.unwrap_or_default())
    }
}

/// Stands for the window of a tier in a description: a rule's own labels are not there to be named.
pub(crate) const WINDOW: &str = "<window>";

/// One firing alert.
#[derive(Clone, Debug)]
pub(crate) struct Firing {
    /// Which tier it is.
    pub(crate) tier: usize,
    /// The labels that the condition's result brings.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// What `$value` becomes in annotations.
    pub(crate) value: String,
}

impl Case {
    /// A case in which nothing fires at a moment.
    pub(crate) fn silent(
        name: impl Into<String>,
        series: Vec<(String, String)>,
        minute: u32,
    ) -> Self {
        Self::at(name, series, minute, Vec::new())
    }

    pub(crate) fn at(
        name: impl Into<String>,
        series: Vec<(String, String)>,
        minute: u32,
        fires: Vec<Firing>,
    ) -> Self {
        Self {
            name: name.into(),
            interval: "1m",
            series,
            moments: vec![Moment { minute, fires }],
        }
    }

    /// The same with values each second.
    pub(crate) fn each_second(self) -> Self {
        Self {
            interval: "1s",
            ..self
        }
    }

    pub(crate) fn and_at(mut self, minute: u32, fires: Vec<Firing>) -> Self {
        self.moments.push(Moment { minute, fires });
        self
    }
}

/// Makes the tiers of a threshold, each with its bound.
pub(crate) fn tiers(threshold: Threshold, mut tier: impl FnMut(f64) -> Tier) -> Vec<Tier> {
    let page = threshold.page.map(|bound| (Severity::Page, bound));
    let warning = threshold.warning.map(|bound| (Severity::Warning, bound));
    let all = page.into_iter().chain(warning);
    all.map(|(severity, bound)| Tier {
        severity,
        ..tier(bound)
    })
    .collect()
}

/// Where nobody is called there is no page, but the warning below it.
pub(crate) fn page_and_warning(environment: &Environment, page: Tier, warning: Tier) -> Vec<Tier> {
    let page = page.with_severity(Severity::Page);
    let page = Some(page).filter(|_| environment.calls_somebody());
    page.into_iter().chain([warning]).collect()
}

/// A tier that somebody reads the next day.
pub(crate) fn warning(expr: String, hold: &'static str, condition: impl Into<String>) -> Tier {
    Tier {
        severity: Severity::Warning,
        expr,
        hold,
        condition: condition.into(),
        bound: 0.0,
        window: None,
    }
}

impl Tier {
    pub(crate) fn with_bound(self, bound: f64) -> Self {
        Self { bound, ..self }
    }

    pub(crate) fn with_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// The tiers whose bound lies below a value fire, all with the same labels and text.
pub(crate) fn below(
    tiers: &[Tier],
    value: f64,
    labels: &[(&'static str, String)],
    text: &str,
) -> Vec<Firing> {
    let reached = tiers
        .iter()
        .enumerate()
        .filter(|(_, tier)| tier.bound < value);
    reached
        .map(|(tier, _)| Firing {
            tier,
            labels: labels.to_vec(),
            value: text.to_owned(),
        })
        .collect()
}

/// The cases of a share that must not be larger than the bounds: just above each, and just below.
pub(crate) fn share_cases(
    tiers: &[Tier],
    labels: &[(&'static str, String)],
    minute: u32,
    series: impl Fn(f64) -> Vec<(String, String)>,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for tier in tiers {
        for (word, factor) in [("above", 1.02), ("below", 0.98)] {
            // Whole events in a million.
            let share = (tier.bound * factor * MILLION).round() / MILLION;
            let fires = below(tiers, share, labels, &percentage(share));
            let name = format!("just {word} {}", percentage(tier.bound));
            let case = Case::at(name, series(share), 2, Vec::new());
            cases.push(case.and_at(minute, fires));
        }
    }
    cases
}

pub(crate) const MILLION: f64 = 1_000_000.0;

/// A counter that grows by so much a minute, from zero, for half an hour.
pub(crate) fn growing(by: f64) -> String {
    format!("0+{by}x30")
}

/// A gauge that stays, for half an hour.
pub(crate) fn staying(at: f64) -> String {
    format!("{at}+0x30")
}
