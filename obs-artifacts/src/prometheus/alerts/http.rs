//! Requests: latency, errors, and how many are in flight.

use super::{FEWEST_FAILURES, FEWEST_REQUESTS, Subject};
use crate::prometheus::alert::{
    About, Alert, Case, MILLION, Tier, below, growing, share_cases, staying, tiers, warning,
};
use crate::prometheus::promql::{BY, is, le, percentage};
use crate::prometheus::recording::{
    BASELINE, BASELINE_MINUTES, FAILURE_RATIO, FAILURES, P95, P99, REQUESTS, TIMED,
};

pub(super) fn alerts(subject: Subject<'_>) -> Vec<Alert> {
    let all = [
        errors(subject),
        latency(subject),
        above_baseline(subject),
        in_flight(subject),
    ];
    let with_conditions = all.into_iter().flatten();
    with_conditions
        .filter(|alert| !alert.tiers.is_empty())
        .collect()
}

const ERRORS: About = About {
    name: "HttpErrorsHigh",
    meaning: "A larger share of requests than allowed was answered with 5xx: the service's own \
              fault, not the caller's. Five failed requests in five minutes are the least that \
              counts. In prod, staging and dev as they come, more than 5 % for five minutes is \
              always heard: the widest of their bounds is 5 %.",
    impact: "Users see failures, and callers may begin to retry, which adds load.",
    causes: &[
        "A dependency is down or slow: `DependencyDown`, `DatabasePoolSaturated`.",
        "A release with a fault: compare with the last change of `obs_build_info`.",
        "Panics of handlers: `HttpHandlerPanicked`.",
        "One route alone: an input that nobody thought of.",
    ],
    actions: &[
        "Find the route and the status; if it is one route, look at its lines in the log.",
        "Look at the codes of the errors: `http_exceptions_total` has them.",
        "Take the correlation id of a failed request and follow it through logs and trace.",
        "If it began with a release, go back to the one before.",
    ],
};

fn errors(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("http_requests_total")?;
    let scope = subject.scope();
    let ratio = scope.select(FAILURE_RATIO, &[]);
    let failures = scope.select(FAILURES, &[]);
    let tiers = tiers(subject.environment.errors, |bound| {
        let expr = format!("{ratio} > {bound}\nand\n{failures} * 300 >= {FEWEST_FAILURES}");
        let said = format!("5xx above {} of requests", percentage(bound));
        warning(expr, "5m", said).with_bound(bound)
    });
    let series = |all: f64, share: f64| {
        let route = ["method=\"GET\"", "route=\"/\""];
        let status = |status| {
            let status = is("status", status);
            scope.select(family, &[route[0], route[1], &status])
        };
        let failed = (share * all).round();
        vec![
            (status("200"), growing(all - failed)),
            (status("500"), growing(failed)),
        ]
    };
    let mut cases = share_cases(&tiers, &[], 15, |share| series(MILLION, share));
    let few = vec![(
        scope.select(family, &["method=\"GET\"", "route=\"/\"", "status=\"500\""]),
        "0+0x10 1+0x20".to_owned(),
    )];
    cases.push(Case::silent("one failed request at night", few, 12).and_at(20, Vec::new()));
    cases.push(Case::silent("none fail", series(MILLION, 0.0), 15));
    let failed = scope.select(family, &["status=~\"5..\""]);
    let name = subject.name();
    let mut look = vec![
        (
            "Which routes and statuses:",
            format!("topk(10, sum by (route, method, status) (rate({failed}[5m])))"),
        ),
        ("The share, over time:", ratio),
    ];
    if let Some(exceptions) = subject.own("http_exceptions_total") {
        let exceptions = scope.select(exceptions, &[]);
        look.push((
            "Which errors:",
            format!("topk(10, sum by (exception_type) (rate({exceptions}[5m])))"),
        ));
    }
    Some(Alert {
        about: &ERRORS,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{name} answers requests with 5xx"),
        description: "{{ $value | humanizePercentage }} of the requests of the last five minutes \
                      were answered with 5xx."
            .to_owned(),
        look,
        cases,
        tiers,
    })
}

const LATENCY: About = About {
    name: "HttpLatencyHigh",
    meaning: "One request in twenty takes longer than allowed: the 95th percentile, up to the last \
              byte of the response. Streams are not in it. Twenty requests in five minutes are the \
              least that counts.",
    impact: "Users wait. Callers with short timeouts give up, and retry.",
    causes: &[
        "A dependency is slow: operations of the database, outgoing requests.",
        "Requests wait for a connection of the pool: `DatabasePoolSaturated`.",
        "More load than the service has room for: `HttpInFlightHigh`.",
        "One route alone, asked for more than it used to be.",
    ],
    actions: &[
        "Find the slow route, then a slow trace of it by its exemplar.",
        "In the trace, look where the time goes: the database, another service, waiting.",
        "If it is load, add replicas or let less in; if a dependency, go to its runbook.",
    ],
};

fn latency(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("http_request_duration_seconds")?;
    let scope = subject.scope();
    let p95 = scope.select(P95, &[]);
    let requests = scope.select(TIMED, &[]);
    let tiers = tiers(subject.environment.latency, |bound| {
        let expr = format!("{p95} > {bound}\nand\n{requests} * 300 >= {FEWEST_REQUESTS}");
        let said = format!("95th percentile above {bound} s");
        warning(expr, "5m", said).with_bound(bound)
    });
    let name = subject.name();
    let buckets = scope.select(&format!("{family}_bucket"), &[]);
    Some(Alert {
        about: &LATENCY,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{name} answers slowly"),
        description: "The 95th percentile of the latency of requests is \
                      {{ $value | printf \"%.3f\" }} s."
            .to_owned(),
        look: vec![
            (
                "Which routes:",
                format!(
                    "topk(10, histogram_quantile(0.95, sum by (route, le) (rate({buckets}[5m]))))"
                ),
            ),
            ("The percentile, over time:", p95),
        ],
        cases: latency_cases(subject, family, &tiers),
        tiers,
    })
}

fn latency_cases(subject: Subject<'_>, family: &str, tiers: &[Tier]) -> Vec<Case> {
    let scope = subject.scope();
    let Some(metric) = subject.service.catalogue.metric(family) else {
        return Vec::new();
    };
    let around = |bound: f64| {
        let mut before = metric.buckets.iter().copied().filter(|it| *it < bound);
        let after = metric.buckets.iter().copied().find(|it| *it > bound);
        (
            before.next_back().unwrap_or(0.0),
            after.unwrap_or(f64::INFINITY),
        )
    };
    // So many of 60000 in the bucket behind the bound, the others in the one that ends at it.
    let series = |bound: f64, many: f64, slow: f64| {
        let (before, after) = around(bound);
        let line = |le: &str, by: f64| {
            let matchers = ["method=\"GET\"", "route=\"/\"", &is("le", le)];
            (
                scope.select(&format!("{family}_bucket"), &matchers),
                growing(by),
            )
        };
        let mut lines = Vec::new();
        if before > 0.0 {
            lines.push(line(&le(before), 0.0));
        }
        lines.push(line(&le(bound), many - slow));
        lines.push(line(&le(after), many));
        lines.push(line("+Inf", many));
        let matchers = ["method=\"GET\"", "route=\"/\""];
        let count = scope.select(&format!("{family}_count"), &matchers);
        lines.push((count, growing(many)));
        lines
    };
    let quantile = |bound: f64, share: f64| {
        let (before, after) = around(bound);
        if share > 0.05 {
            bound + (after - bound) * (share - 0.05) / share
        } else {
            before + (bound - before) * 0.95 / (1.0 - share)
        }
    };
    let mut cases = Vec::new();
    for tier in tiers {
        for (word, slow) in [("above", 3060.0), ("below", 2940.0)] {
            let value = quantile(tier.bound, slow / 60_000.0);
            let fires = below(tiers, value, &[], &format!("{value:.3}"));
            let name = format!("just {word} {} s", tier.bound);
            let case = Case::at(name, series(tier.bound, 60_000.0, slow), 3, Vec::new());
            cases.push(case.and_at(15, fires));
        }
    }
    if let Some(tier) = tiers.first() {
        // One a minute, all of them slow.
        let few = series(tier.bound, 1.0, 1.0);
        cases.push(Case::silent("a slow request now and then", few, 15));
    }
    cases
}

const ABOVE_BASELINE: About = About {
    name: "HttpLatencyAboveBaseline",
    meaning: "The 99th percentile of the latency is more than twice its average of the last seven \
              days. It is silent until these have two days' worth of minutes with requests.",
    impact: "Some users wait noticeably longer than they are used to.",
    causes: &[
        "A release made something slower that few requests need.",
        "A table or a queue has grown past what an index or a worker can do.",
        "Another kind of traffic: a crawler, an import, a new customer.",
    ],
    actions: &[
        "Compare by route with the same hour a week ago.",
        "Look at the traces of the slowest bucket's exemplars.",
        "If it is meant to be so from now on, it will be the baseline in a week.",
    ],
};

fn above_baseline(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("http_request_duration_seconds")?;
    let metric = subject.service.catalogue.metric(family)?;
    let (first, last) = (*metric.buckets.first()?, *metric.buckets.last()?);
    // The smallest baseline is the first bucket, the largest percentile the last one.
    if last <= 2.2 * first {
        return None;
    }
    let scope = subject.scope();
    let p99 = scope.select(P99, &[]);
    let baseline = scope.select(BASELINE, &[]);
    let requests = scope.select(TIMED, &[]);
    let expr = format!("{p99} > 2 * {baseline}\nand\n{requests} * 300 >= {FEWEST_REQUESTS}");
    let tier = warning(
        expr,
        "10m",
        "99th percentile above twice its average of seven days",
    );
    let name = subject.name();
    let buckets = scope.select(&format!("{family}_bucket"), &[]);
    Some(Alert {
        about: &ABOVE_BASELINE,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{name} answers more slowly than it used to"),
        description: "The 99th percentile of the latency of requests is \
                      {{ $value | printf \"%.3f\" }} s, more than twice its average of the last \
                      seven days."
            .to_owned(),
        look: vec![
            (
                "How many times the baseline:",
                format!("{p99}\n/\n{baseline}"),
            ),
            (
                "Which routes:",
                format!(
                    "topk(10, histogram_quantile(0.99, sum by (route, le) (rate({buckets}[10m]))))"
                ),
            ),
        ],
        cases: baseline_cases(subject, first),
        tiers: vec![tier],
    })
}

fn baseline_cases(subject: Subject<'_>, usual: f64) -> Vec<Case> {
    let scope = subject.scope();
    // What was recorded, each second, or the days that it takes would have to be gone through.
    let series = |many: u32, value: f64| {
        vec![
            (
                scope.select(P99, &[]),
                // More samples would be more than `promtool` looks at.
                format!("{usual}+0x{many}{}", format!(" {value} _x29").repeat(60)),
            ),
            (scope.select(TIMED, &[]), format!("1+0x{}", many + 1800)),
        ]
    };
    let (above, under) = (2.05 * usual, 1.95 * usual);
    let tier = [warning(String::new(), "", "")];
    let fires = below(&tier, above, &[], &format!("{above:.3}"));
    let (long, short) = (8000, BASELINE_MINUTES - 100);
    let cases = [
        Case::silent("just above", series(long, above), long / 60 + 5)
            .and_at(long / 60 + 15, fires),
        Case::silent("just below", series(long, under), long / 60 + 15),
        Case::silent(
            "the baseline is young",
            series(short, above),
            short / 60 + 25,
        ),
    ];
    let cases: Vec<Case> = cases.into_iter().map(Case::each_second).collect();
    cases
}

const IN_FLIGHT: About = About {
    name: "HttpInFlightHigh",
    meaning: "One process of the service has more requests to answer at a time than it should have, \
              on average over five minutes. Open streams are not among them.",
    impact: "Requests wait for each other; latency grows, and memory with it.",
    causes: &[
        "A dependency is slow, and requests pile up behind it.",
        "A burst of traffic, or a caller that retries without waiting.",
        "Too few replicas, or a load balancer that prefers one of them.",
    ],
    actions: &[
        "See whether the rate of requests or their latency has grown: the one is load, the other a \
         dependency.",
        "If it is one process of several, restart that one.",
        "Add replicas, or let less in.",
    ],
};

fn in_flight(subject: Subject<'_>) -> Option<Alert> {
    let family = subject.own("http_requests_in_flight")?;
    let scope = subject.scope();
    let gauge = scope.select(family, &[]);
    let tiers = tiers(subject.environment.in_flight, |bound| {
        let expr = format!("max by ({BY}) (avg_over_time({gauge}[5m])) > {bound}");
        let said = format!("more than {bound} requests in flight in one process");
        warning(expr, "5m", said).with_bound(bound)
    });
    let series = |value: f64| {
        let instance = scope.select(family, &["instance=\"a:1\""]);
        let idle = scope.select(family, &["instance=\"b:1\""]);
        vec![(instance, staying(value)), (idle, staying(0.0))]
    };
    let mut cases = Vec::new();
    for tier in &tiers {
        for value in [tier.bound + 1.0, tier.bound] {
            let fires = below(&tiers, value, &[], &format!("{value:.0}"));
            let case = Case::at(format!("{value}"), series(value), 4, Vec::new());
            cases.push(case.and_at(15, fires));
        }
    }
    let name = subject.name();
    let mut look = vec![("By process:", gauge)];
    if subject.own("http_requests_total").is_some() {
        look.push(("The rate of requests:", scope.select(REQUESTS, &[])));
    }
    Some(Alert {
        about: &IN_FLIGHT,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{name} has too many requests in flight"),
        description: "One process has {{ $value | printf \"%.0f\" }} requests in flight."
            .to_owned(),
        look,
        cases,
        tiers,
    })
}
