//! Queues and backlogs of the service's own, known by the names of their metrics.

use super::Subject;
use crate::catalogue::{Catalogue, Kind, Metric};
use crate::prometheus::alert::{About, Alert, Case, Firing, growing, staying, warning};
use crate::prometheus::promql::{BY, is};

/// A queue shorter than this is no trouble, whichever way it goes.
const SHORT: u32 = 10;

const QUEUE: About = About {
    name: "QueueGrowing",
    meaning: "For ten minutes more was put into a queue than was taken out, and there are more than \
              ten entries in it.",
    impact: "What is in it is done later and later; if the queue is bounded, new work is refused in \
             the end.",
    causes: &[
        "More work than usual: an import, a caller that sends again.",
        "The workers are slow, or fail and try again: look at what they depend on.",
        "There are fewer workers than there were.",
    ],
    actions: &[
        "See which of the two rates has changed.",
        "If less is taken out: look at the workers' errors, and at `DependencyDown`.",
        "If more is put in: find who does, and whether it will end by itself.",
        "Add workers, or let less in.",
    ],
};

const BACKLOG: About = About {
    name: "BacklogGrowing",
    meaning: "A backlog has not been empty for half an hour, and grew meanwhile.",
    impact: "What is in it is done late: others wait to hear of it.",
    causes: &[
        "Whoever takes it is down or refuses it.",
        "A restart met a large amount of undone work.",
    ],
    actions: &[
        "See whether any of it is done: the errors of the operation that works it off.",
        "If the receiver is down, it goes on by itself when that is back.",
    ],
};

pub(super) fn alerts(subject: Subject<'_>) -> Vec<Alert> {
    let catalogue = &subject.service.catalogue;
    let gauges = catalogue
        .declared()
        .filter(|metric| metric.kind == Kind::Gauge);
    let all = gauges.filter_map(|gauge| {
        if gauge.name.ends_with("_backlog") {
            return Some(backlog(subject, gauge));
        }
        let stem = gauge.name.strip_suffix("_queue_depth")?;
        let put = counter(catalogue, &format!("{stem}_queue_enqueued_total"))?;
        let taken = counter(catalogue, &format!("{stem}_queue_drained_total"))?;
        Some(queue(subject, gauge, put, taken))
    });
    all.collect()
}

fn counter<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a Metric> {
    let metric = catalogue.metric(name)?;
    (metric.kind == Kind::Counter).then_some(metric)
}

fn queue(subject: Subject<'_>, depth: &Metric, put: &Metric, taken: &Metric) -> Alert {
    let scope = subject.scope();
    let [depth_now, put_in, taken_out] =
        [depth, put, taken].map(|metric| scope.select(&metric.name, &[]));
    let grows = format!(
        "sum by ({BY}) (rate({put_in}[5m])) > sum by ({BY}) (rate({taken_out}[5m]))\nand\n\
         sum by ({BY}) ({depth_now}) > {SHORT}"
    );
    let said = format!("more put into the queue than taken out, and more than {SHORT} in it");
    let tiers = vec![warning(grows, "10m", said)];
    let own = own_labels(depth);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let series = |many: String, put_by: f64, taken_by: f64| {
        let pairs = |metric: &Metric| {
            let own = own_labels(metric);
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            scope.select(&metric.name, &own)
        };
        vec![
            (scope.select(&depth.name, &own), many),
            (pairs(put), growing(put_by)),
            (pairs(taken), growing(taken_by)),
        ]
    };
    let fires = vec![Firing {
        tier: 0,
        labels: Vec::new(),
        // What is put in, a second.
        value: "1.00".to_owned(),
    }];
    let name = subject.name();
    Alert {
        about: &QUEUE,
        service: name.to_owned(),
        labels: vec![("queue", depth.name.clone())],
        summary: format!("A queue of {name} grows: {}", depth.name),
        description: "{{ $value | printf \"%.2f\" }} entries a second are put in, and fewer taken \
                      out."
            .to_owned(),
        look: vec![
            ("How long it is:", depth_now),
            ("What is put in, a second:", format!("rate({put_in}[5m])")),
            ("What is taken out:", format!("rate({taken_out}[5m])")),
        ],
        cases: vec![
            Case::silent("it grows", series("0+20x30".into(), 60.0, 40.0), 8).and_at(20, fires),
            Case::silent("as much out as in", series(staying(50.0), 60.0, 60.0), 20),
            Case::silent("it drains", series("600-20x30".into(), 40.0, 60.0), 20),
            Case::silent(
                "it is short",
                series(staying(f64::from(SHORT)), 60.0, 59.0),
                20,
            ),
        ],
        tiers,
    }
}

/// The labels of one series of a metric of the user's own.
fn own_labels(metric: &Metric) -> Vec<String> {
    let labels = metric.labels.iter();
    labels
        .filter_map(|label| Some(is(&label.name, label.values.first()?)))
        .collect()
}

fn backlog(subject: Subject<'_>, gauge: &Metric) -> Alert {
    let scope = subject.scope();
    let selected = scope.select(&gauge.name, &[]);
    let expr = format!(
        "sum by ({BY}) ({selected}) > sum by ({BY}) ({selected} offset 30m)\nand\n\
         sum by ({BY}) (min_over_time({selected}[30m])) > 0"
    );
    let tiers = vec![warning(
        expr,
        "5m",
        "never empty for 30 minutes, and larger now",
    )];
    let own = own_labels(gauge);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let series = |values: &str| vec![(scope.select(&gauge.name, &own), values.to_owned())];
    let fires = vec![Firing {
        tier: 0,
        labels: Vec::new(),
        value: "51".to_owned(),
    }];
    let name = subject.name();
    Alert {
        about: &BACKLOG,
        service: name.to_owned(),
        labels: vec![("backlog", gauge.name.clone())],
        summary: format!("A backlog of {name} grows: {}", gauge.name),
        description: "{{ $value | printf \"%.0f\" }} are in it, more than half an hour ago."
            .to_owned(),
        look: vec![("How it went:", selected)],
        cases: vec![
            Case::silent("it grows", series("1+1x60"), 25).and_at(50, fires),
            Case::silent("it stays", series("7+0x60"), 50),
            Case::silent("it was empty meanwhile", series("3+0x30 0 5+1x30"), 50),
        ],
        tiers,
    }
}
