//! Telemetry that is lost: what is not seen any more.

use super::Subject;
use crate::prometheus::alert::{About, Alert, Case, Firing, growing, staying, warning};
use crate::prometheus::promql::{BY, is, one_of};

const DROPPED: About = About {
    name: "TelemetryDropped",
    meaning: "For more than fifteen minutes the service has lost some of its own telemetry: the \
              label `sink` says whether lines of the log, spans, events for Sentry, values of \
              metrics or records of the `metrics` facade. It never waits for a sink; it drops and counts.",
    impact: "Requests are not affected. What was dropped is missing when somebody looks for it.",
    causes: &[
        "`log`: whoever reads standard output is slow or gone, or the disk is full.",
        "`traces`: the collector is down, refuses or is slow; or more spans than its queue holds.",
        "`sentry`: it limits the rate, or cannot be reached.",
        "`metrics`: a value that is no number, or a counter that was to go down.",
        "`facade`: a crate records through the `metrics` facade what a declared metric does not have.",
    ],
    actions: &[
        "Look at the reason; it is a label of the metric.",
        "Look at the lines of `obs` itself in the log: each kind of loss is said once.",
        "Bring the receiver back. Nothing needs a restart.",
    ],
};

const CAPPED: About = About {
    name: "SeriesCapped",
    meaning: "The service met more label values than it has room for: routes, or names that a crate \
              recorded through the `metrics` facade. What found no room was counted under `other` \
              or `_other`. Metrics that are declared cannot exceed their budget: the compiler \
              refuses it.",
    impact: "Nothing is lost from sums, but what is under `other` cannot be told apart.",
    causes: &[
        "More routes than `max_routes`, 100 unless set.",
        "A third-party crate with an unbounded label, such as an address.",
    ],
    actions: &[
        "See which families are large.",
        "Raise `max_routes` if the routes are real, or drop the crate's metric.",
    ],
};

const REJECTED: About = About {
    name: "ScrapeRejected",
    meaning: "For more than fifteen minutes somebody has asked for `/metrics` without a valid token; \
              the label `reason` says what was wrong with it.",
    impact: "None for users. Either a scraper that should see the metrics does not, or somebody \
             tries who should not.",
    causes: &[
        "A token was changed on one side: two may be valid at once, so that it need not be.",
        "A second Prometheus, an agent or a dashboard without credentials.",
        "A scan from outside: `/metrics` should not be reachable from there.",
    ],
    actions: &[
        "If Prometheus itself is refused, `TargetDown` fires too: compare the token's files.",
        "Otherwise find the asker by its address in the log of the proxy.",
    ],
};

/// A family whose growth is a loss.
struct Loss {
    family: &'static str,
    /// The label that says why.
    by: &'static str,
    /// The values that are losses; all, if there are none.
    lost: &'static [&'static str],
    sink: &'static str,
    what: &'static str,
}

const LOSSES: [Loss; 5] = [
    Loss {
        family: "obs_log_lines_dropped_total",
        by: "reason",
        lost: &[],
        sink: "log",
        what: "lines of the log",
    },
    Loss {
        family: "obs_spans_dropped_total",
        by: "reason",
        lost: &[],
        sink: "traces",
        what: "spans",
    },
    Loss {
        // What is sampled out or withheld was not meant to be sent.
        family: "obs_sentry_events_total",
        by: "outcome",
        lost: &["rate_limited", "queue_full", "failed"],
        sink: "sentry",
        what: "events for Sentry",
    },
    Loss {
        family: "obs_dropped_total",
        by: "reason",
        lost: &[],
        sink: "metrics",
        what: "values of metrics",
    },
    Loss {
        family: "obs_facade_dropped_total",
        by: "reason",
        lost: &[],
        sink: "facade",
        what: "records through the metrics facade",
    },
];

pub(super) fn alerts(subject: Subject<'_>) -> Vec<Alert> {
    let losses = LOSSES.iter().filter_map(|loss| dropped(subject, loss));
    let caps = [
        ("obs_http_routes_capped_total", "routes"),
        ("obs_facade_capped_total", "facade"),
    ];
    let caps = caps
        .into_iter()
        .filter_map(|(family, cap)| capped(subject, family, cap));
    losses.chain(caps).chain(rejected(subject)).collect()
}

fn dropped(subject: Subject<'_>, loss: &Loss) -> Option<Alert> {
    let family = subject.own(loss.family)?;
    let scope = subject.scope();
    let outcomes = Some(one_of(loss.by, loss.lost)).filter(|_| !loss.lost.is_empty());
    let matchers: Vec<&str> = outcomes.as_deref().into_iter().collect();
    let selected = scope.select(family, &matchers);
    let why = *loss.lost.first().unwrap_or(&"any");
    let name = subject.name();
    Some(Alert {
        about: &DROPPED,
        service: name.to_owned(),
        labels: vec![("sink", loss.sink.to_owned())],
        summary: format!("{name} drops {}", loss.what),
        description: format!(
            "{{{{ $value | printf \"%.0f\" }}}} {} were dropped in the last ten minutes: \
             {{{{ $labels.{} }}}}.",
            loss.what, loss.by
        ),
        look: vec![(
            "How many, and why:",
            format!("sum by ({}) (increase({selected}[1h])) > 0", loss.by),
        )],
        cases: lasting(subject, family, loss.by, why),
        tiers: vec![warning(
            lasts(&selected, loss.by),
            "15m",
            format!("{} are being dropped", loss.what),
        )],
    })
}

/// Something is counted again and again. A moment's loss ends before it is said.
fn lasts(selected: &str, by: &str) -> String {
    format!("sum by ({BY}, {by}) (increase({selected}[10m])) > 0")
}

fn lasting(subject: Subject<'_>, family: &str, by: &'static str, why: &str) -> Vec<Case> {
    let series = subject.scope().select(family, &[&is(by, why)]);
    let values = |values: String| vec![(series.clone(), values)];
    let fires = vec![Firing {
        tier: 0,
        labels: vec![(by, why.to_owned())],
        value: "20".to_owned(),
    }];
    vec![
        Case::silent("again and again", values(growing(2.0)), 10).and_at(25, fires),
        Case::silent("once", values("0+0x5 9+0x40".to_owned()), 10)
            .and_at(20, Vec::new())
            .and_at(30, Vec::new()),
        Case::silent("never", values(staying(0.0)), 25),
    ]
}

fn capped(subject: Subject<'_>, family: &str, cap: &str) -> Option<Alert> {
    let family = subject.own(family)?;
    let scope = subject.scope();
    let selected = scope.select(family, &[]);
    let values = |values: &str| vec![(selected.clone(), values.to_owned())];
    let fires = vec![Firing {
        tier: 0,
        labels: Vec::new(),
        value: "7".to_owned(),
    }];
    let name = subject.name();
    Some(Alert {
        about: &CAPPED,
        service: name.to_owned(),
        labels: vec![("cap", cap.to_owned())],
        summary: format!("{name} has no room for more series: {cap}"),
        description: "{{ $value | printf \"%.0f\" }} records of the last hour were counted under \
                      `other`."
            .to_owned(),
        look: vec![(
            "Which families are large:",
            format!("topk(10, {})", scope.select("obs_series", &[])),
        )],
        cases: vec![
            Case::silent("a cap is reached", values("0+0x5 7+0x20"), 5).and_at(8, fires),
            Case::silent("it was reached long ago", values("7+0x20"), 15),
        ],
        tiers: vec![warning(
            format!("sum by ({BY}) (increase({selected}[1h])) > 0"),
            "",
            "something was counted under `other` in the last hour",
        )],
    })
}

fn rejected(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("obs_scrape_rejected_total")?;
    let selected = subject.scope().select(family, &[]);
    let name = subject.name();
    Some(Alert {
        about: &REJECTED,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("Scrapes of {name} are refused"),
        description:
            "{{ $value | printf \"%.0f\" }} scrapes of the last ten minutes were refused: \
                      the token was {{ $labels.reason }}."
                .to_owned(),
        look: vec![(
            "How many, and why:",
            format!("sum by (reason) (increase({selected}[1h])) > 0"),
        )],
        cases: lasting(subject, family, "reason", "wrong"),
        tiers: vec![warning(
            lasts(&selected, "reason"),
            "15m",
            "scrapes are refused for want of a valid token",
        )],
    })
}
