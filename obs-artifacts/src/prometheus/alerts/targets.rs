//! Whether the service can be scraped at all.

use super::Subject;
use crate::prometheus::alert::{About, Alert, Case, Firing, Severity, warning};
use crate::prometheus::promql::{BY, is};

const ABOUT: About = About {
    name: "TargetDown",
    meaning: "Prometheus cannot scrape the service. A page: no process of it can be scraped for two \
              minutes, or all have vanished from the targets, though there were some in the last \
              24 hours. A warning: one of them cannot, for five minutes.",
    impact: "If the service is down, users get no answer. If only the scrape fails, no other alert \
             of the service can be trusted: they are all blind.",
    causes: &[
        "The process has ended, or hangs.",
        "The scrape is refused: `/metrics` answers 401 or 404 outside of dev unless the token of \
         Prometheus is the one in `OBS_METRICS_TOKEN`.",
        "The network, the port, or the discovery of targets.",
        "It was taken away on purpose: the alert ends by itself after 24 hours.",
    ],
    actions: &[
        "Ask the service itself: `curl -i http://HOST:PORT/health`.",
        "If it answers, look at `lastError` of the target: in Prometheus under Status, Targets.",
        "If it does not, look at the last lines of its log and at what the platform says.",
        "Restart it, or go back to the release before.",
    ],
};

pub(super) fn alerts(subject: Subject<'_>) -> Vec<Alert> {
    let scope = subject.scope();
    let job = is("job", &subject.system.name);
    let up = scope.select("up", &[&job]);
    let page = warning(
        format!("group by ({BY}) (last_over_time({up}[1d]))\nunless\nmax by ({BY}) ({up}) == 1"),
        "2m",
        "no process can be scraped, and there was a target in the last 24 hours",
    );
    let one = warning(
        format!("min by ({BY}, instance) ({up}) == 0"),
        "5m",
        "one process cannot be scraped",
    );
    // Where nobody is called, nobody needs to know which of several processes it is.
    let tiers = if subject.environment.calls_somebody() {
        vec![page.with_severity(Severity::Page), one]
    } else {
        vec![page]
    };
    let instance = |address: &str| scope.select("up", &[&job, &is("instance", address)]);
    let all = |labels: Vec<(&'static str, String)>, tier| Firing {
        tier,
        labels,
        value: String::new(),
    };
    let nobody = || all(Vec::new(), 0);
    let has_both = tiers.len() > 1;
    let of = |address: &str| {
        let labels = vec![("instance", address.to_owned())];
        has_both.then(|| all(labels, 1))
    };
    let down = || "1+0x5 0+0x30".to_owned();
    let name = subject.name();
    vec![Alert {
        about: &ABOUT,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{name} cannot be scraped"),
        description: "Prometheus gets no metrics from it, and cannot see whether it works."
            .to_owned(),
        look: vec![
            ("Which targets:", up.clone()),
            ("Since when:", format!("min_over_time({up}[1h])")),
        ],
        cases: vec![
            Case::silent("it goes down", vec![(instance("a:1"), down())], 7)
                .and_at(10, vec![nobody()])
                .and_at(15, [nobody()].into_iter().chain(of("a:1")).collect()),
            Case::at(
                "one of two goes down",
                vec![
                    (instance("a:1"), "1+0x40".to_owned()),
                    (instance("b:1"), down()),
                ],
                15,
                of("b:1").into_iter().collect(),
            ),
            Case::silent(
                "the target vanishes",
                vec![(instance("a:1"), "1+0x5 _x60".to_owned())],
                9,
            )
            .and_at(20, vec![nobody()]),
            Case::silent("it is up", vec![(instance("a:1"), "1+0x30".to_owned())], 20),
        ],
        tiers,
    }]
}
