//! What the service needs and cannot reach.

use super::Subject;
use crate::prometheus::alert::{About, Alert, Case, Firing, page_and_warning, warning};
use crate::prometheus::promql::{BY, is};

const ABOUT: About = About {
    name: "DependencyDown",
    meaning: "A dependency of the service failed its check: the label `check` names it. A page: for \
              two minutes no process reached a critical one, without which the service is not \
              ready. A warning: one process did not reach it for a minute, or it is optional. \
              Checks are asked when somebody asks `/ready`, as probes and health checks do; if \
              nobody does, the last answer stays.",
    impact: "What needs the dependency fails. If it is critical, the service says that it is not \
             ready; if all of its processes say so, a load balancer has nowhere to go.",
    causes: &[
        "The dependency is down, overloaded or being restarted.",
        "The network, a name that does not resolve, a firewall.",
        "Credentials or certificates that ended.",
    ],
    actions: &[
        "Ask the service what it sees: `curl -s http://HOST:PORT/ready`.",
        "Ask the dependency itself, from the machine of the service.",
        "Bring the dependency back; the service sees it by itself and needs no restart.",
    ],
};

pub(super) fn alerts(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("obs_check_up")?;
    let scope = subject.scope();
    let up = scope.select(family, &[]);
    let critical = scope.select(family, &[&is("critical", "true")]);
    let by = format!("{BY}, check");
    let tiers = page_and_warning(
        subject.environment,
        warning(
            format!("max by ({by}) ({critical}) == 0"),
            "2m",
            "no process reaches it, and it is critical",
        ),
        warning(
            format!("min by ({by}) ({up}) == 0"),
            "1m",
            "one process does not reach it",
        ),
    );
    let check = |critical: &str, instance: &str, values: &str| {
        let [check, critical, instance] = [
            is("check", "database"),
            is("critical", critical),
            is("instance", instance),
        ];
        let series = scope.select(family, &[&check, &critical, &instance]);
        (series, values.to_owned())
    };
    let series = |instance: &str, values: &str| check("true", instance, values);
    let firing = |tier| Firing {
        tier,
        labels: vec![("check", "database".to_owned())],
        value: String::new(),
    };
    // The warning is the last of one or two.
    let last = tiers.len() - 1;
    let all = || (0..tiers.len()).map(firing).collect();
    let name = subject.name();
    Some(Alert {
        about: &ABOUT,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{name} does not reach {{{{ $labels.check }}}}"),
        description:
            "The check of this dependency fails; if it is critical, the service is not ready."
                .to_owned(),
        look: vec![
            ("What is down, and for whom:", format!("{up} == 0")),
            ("Since when:", format!("min_over_time({up}[1h])")),
        ],
        cases: vec![
            Case::silent("it goes down", vec![series("a:1", "1+0x5 0+0x20")], 6)
                .and_at(7, vec![firing(last)])
                .and_at(12, all()),
            Case::at(
                "one process of two does not reach it",
                vec![series("a:1", "1+0x30"), series("b:1", "0+0x30")],
                12,
                vec![firing(last)],
            ),
            Case::at(
                "an optional one goes down",
                vec![check("false", "a:1", "1+0x5 0+0x20")],
                12,
                vec![firing(last)],
            ),
            Case::silent("it is up", vec![series("a:1", "1+0x30")], 12),
        ],
        tiers,
    })
}
