//! Pools of database connections.

use super::Subject;
use crate::prometheus::alert::{About, Alert, Case, below, page_and_warning, staying, warning};
use crate::prometheus::promql::{BY, is, percentage};
use crate::prometheus::recording::POOL_USED;

/// From here on a burst finds no connection.
const USED: f64 = 0.8;
/// From here on somebody is called, if tasks wait.
const EXHAUSTED: f64 = 0.95;

const ABOUT: About = About {
    name: "DatabasePoolSaturated",
    meaning: "A pool has given away most of its connections: more than 80 % is a warning, more than \
              95 % with tasks that wait for one is a page.",
    impact: "Requests wait for a connection, and fail when their patience ends.",
    causes: &[
        "Connections are held while something else is waited for, such as another service.",
        "Slow statements, or a transaction that nobody ended.",
        "More load than the pool was made for.",
    ],
    actions: &[
        "See who waits and how long; then find who holds: traces of long operations of this pool.",
        "Look for slow statements, and for locks in the database.",
        "Enlarge the pool only if the database has room for more connections.",
    ],
};

pub(super) fn alerts(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("db_client_connections")?;
    let max = subject.own("db_client_connections_max")?;
    let scope = subject.scope();
    let used = scope.select(POOL_USED, &[]);
    let waiting = scope.select(family, &[&is("state", "waiting")]);
    let tiers = page_and_warning(
        subject.environment,
        warning(
            format!("{used} > {EXHAUSTED}\nand\nsum by ({BY}, pool) ({waiting}) > 0"),
            "5m",
            format!(
                "more than {} of a pool's connections in use, and tasks wait",
                percentage(EXHAUSTED)
            ),
        )
        .with_bound(EXHAUSTED),
        warning(
            format!("{used} > {USED}"),
            "5m",
            format!(
                "more than {} of a pool's connections in use",
                percentage(USED)
            ),
        )
        .with_bound(USED),
    );
    let pool = is("pool", "main");
    let series = |active: f64, waiting: f64| {
        let state = |state: &str| scope.select(family, &[&pool, &is("state", state)]);
        vec![
            (state("active"), staying(active)),
            (state("waiting"), staying(waiting)),
            (scope.select(max, &[&pool]), staying(100.0)),
        ]
    };
    let labels = [("pool", "main".to_owned())];
    let fires = |active: f64| {
        let share = active / 100.0;
        below(&tiers, share, &labels, &percentage(share))
    };
    let mut busy = fires(100.0);
    busy.retain(|firing| {
        tiers
            .get(firing.tier)
            .is_some_and(|tier| tier.bound < EXHAUSTED)
    });
    let cases = vec![
        Case::silent("exhausted", series(96.0, 1.0), 4).and_at(15, fires(96.0)),
        Case::at("not quite exhausted", series(95.0, 1.0), 15, fires(95.0)),
        Case::at("all in use, nobody waits", series(100.0, 0.0), 15, busy),
        Case::at("just above 80 %", series(81.0, 0.0), 15, fires(81.0)),
        Case::silent("80 %", series(80.0, 3.0), 15),
    ];
    let mut look = vec![
        ("The share in use:", used),
        ("Who waits:", format!("sum by (pool) ({waiting})")),
    ];
    if let Some(wait) = subject.own("db_client_connection_wait_seconds") {
        let buckets = scope.select(&format!("{wait}_bucket"), &[]);
        look.push((
            "How long, the 95th percentile:",
            format!("histogram_quantile(0.95, sum by (pool, le) (rate({buckets}[5m])))"),
        ));
    }
    let name = subject.name();
    Some(Alert {
        about: &ABOUT,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("The pool {{{{ $labels.pool }}}} of {name} is nearly exhausted"),
        description: "{{ $value | humanizePercentage }} of its connections are in use.".to_owned(),
        look,
        cases,
        tiers,
    })
}
