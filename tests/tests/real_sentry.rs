//! What a Sentry server receives of a service that fails in every way there is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use obs_tests::real::bugsink::{Bugsink, Issue, faults};
use obs_tests::real::build;
use obs_tests::real::component::{Component, available};
use obs_tests::real::service::Service;
use serde_json::Value;

/// What a careless author and a client put everywhere: addresses, keys, words of their own.
const CARELESS: &str = "for grace.hopper@navy.example, Bearer c4n4ry0fTh3Err0rT3xt1234567890, \
                        4111 1111 1111 1111, from 203.0.113.77";
const CANARIES: [&str; 12] = [
    "grace.hopper",
    "navy.example",
    "c4n4ry0fTh3Err0rT3xt",
    "4111 1111",
    "203.0.113.77",
    "c4n4ryauthorization",
    "c4n4rycookie",
    "c4n4ryapikey",
    "c4n4ryquery",
    "c4n4rypath",
    "c4n4ryreferer",
    "198.51.100.23",
];

/// Requests that fail, what is wrong with them, and the status.
const FAILURES: [(&str, u16); 5] = [
    ("error", 500),
    ("panic", 500),
    ("bare", 500),
    ("spawned", 200),
    ("logged", 500),
];

const ROUNDS: u64 = 3;

#[test]
fn every_failure_is_one_event_with_its_ids_and_equal_ones_are_one_issue() {
    let Some((bugsink, lines)) = failing_service() else {
        return;
    };
    let issues = bugsink.issues();
    let mut events_of: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for issue in &issues {
        assert_eq!(issue.count, ROUNDS, "{issue:#?}");
        assert_eq!(issue.events.len() as u64, ROUNDS);
        for event in &issue.events {
            let correlation_id = tag(event, "correlation_id");
            events_of.entry(correlation_id).or_default().push(event);
        }
    }
    assert_eq!(issues.len(), FAILURES.len(), "{:#?}", titles(&issues));
    for (failure, _) in FAILURES {
        for round in 0..ROUNDS {
            let id = correlation_id(failure, round);
            let events = events_of.remove(&id).unwrap_or_default();
            let [event] = events[..] else {
                panic!("{} events of {id}", events.len());
            };
            assert_eq!(tag(event, "route"), format!("/orders/{{id}}/{failure}"));
            assert_eq!(tag(event, "request_id"), request_id(failure, round));
            assert_eq!(event["environment"], "staging");
            assert_eq!(event["release"], "shop@7.1.0");
            // The same trace in every line of the request.
            let trace = &event["contexts"]["trace"]["trace_id"];
            assert_eq!(trace.as_str().map(str::len), Some(32), "{event:#}");
            let lines: Vec<_> = lines
                .iter()
                .filter(|line| line["correlation_id"] == *id)
                .collect();
            assert!(lines.len() >= 2, "{lines:#?}");
            for line in lines {
                assert_eq!(line["trace_id"], *trace);
            }
        }
    }
    assert!(events_of.is_empty(), "{events_of:#?}");
}

#[test]
fn an_event_says_what_happened() {
    let Some((bugsink, _)) = failing_service() else {
        return;
    };
    let issues = bugsink.issues();
    let of = |failure: &str| {
        let id = correlation_id(failure, 0);
        let mut events = issues.iter().flat_map(|issue| &issue.events);
        let event = events.find(|event| tag(event, "correlation_id") == *id);
        event.unwrap_or_else(|| panic!("no event of {id}"))
    };
    let panic = of("panic");
    let exception = &panic["exception"]["values"][0];
    assert_eq!(exception["type"], "panic", "{panic:#}");
    assert_eq!(exception["mechanism"]["handled"], false, "{panic:#}");
    let said = exception["value"].as_str().unwrap_or_default();
    assert!(said.starts_with("the till is open"), "{said}");
    // The innermost frame is the line of the service that fell, and not one of the hook's.
    let frames = exception["stacktrace"]["frames"].as_array();
    let innermost = frames.and_then(|frames| frames.last());
    let innermost = innermost.unwrap_or_else(|| panic!("no stack: {exception:#}"));
    let path = innermost["abs_path"].as_str().unwrap_or_default();
    assert!(path.ends_with("tests/shop/src/orders.rs"), "{innermost:#}");
    assert_eq!(innermost["in_app"], true, "{innermost:#}");
    // Where the machine that built it keeps its dependencies is nobody's business.
    let paths = exception["stacktrace"].to_string();
    assert!(!paths.contains("/registry/src/"), "{paths}");
    for (failure, message) in [
        ("spawned", "the invoice was not sent"),
        ("logged", "the stock is unknown"),
    ] {
        let event = of(failure).to_string();
        assert!(event.contains(message), "{event}");
    }
    for failure in ["error", "bare"] {
        let event = of(failure).to_string();
        let expected = format!("GET /orders/{{id}}/{failure}");
        assert!(event.contains(&expected), "{event}");
    }
    // What the request said before it fell.
    let breadcrumbs = panic["breadcrumbs"].to_string();
    assert!(breadcrumbs.contains("about to fall"), "{breadcrumbs}");
}

#[test]
fn nothing_that_a_client_sent_or_an_author_let_slip_is_in_any_event() {
    let Some((bugsink, lines)) = failing_service() else {
        return;
    };
    let events: Vec<Value> = bugsink
        .issues()
        .into_iter()
        .flat_map(|issue| issue.events)
        .collect();
    assert!(!events.is_empty());
    for event in &events {
        let text = event.to_string();
        for canary in CANARIES {
            assert!(!text.contains(canary), "{canary} in {event:#}");
        }
        for absent in ["user", "request"] {
            assert!(event[absent].is_null(), "{absent} in {event:#}");
        }
        let host = event["server_name"].as_str().unwrap_or_default();
        assert_eq!(host, "", "{event:#}");
    }
    for line in &lines {
        let text = line.to_string();
        for canary in CANARIES {
            assert!(!text.contains(canary), "{canary} in {line:#}");
        }
    }
}

#[test]
fn sentrys_own_normaliser_finds_no_fault_in_any_event() {
    if !available(&[Component::Relay]) {
        return;
    }
    let Some((bugsink, _)) = failing_service() else {
        return;
    };
    for issue in bugsink.issues() {
        for event in issue.events {
            let faults = faults(&event);
            assert!(faults.is_empty(), "{faults:#?} in {event:#}");
        }
    }
}

#[test]
fn of_many_equal_failures_the_environments_share_is_sent() {
    if !available(&[Component::Bugsink]) {
        return;
    }
    // ceil(failures * rate), with the rates that hold where nobody says otherwise.
    for (environment, failures, expected) in
        [("dev", 20, 20), ("staging", 101, 6), ("prod", 101, 1)]
    {
        let bugsink = Bugsink::start();
        let dsn = bugsink.dsn();
        let variables = [("OBS_ENV", environment), ("SENTRY_DSN", &*dsn)];
        let mut service = Service::start(&build::shop(), &variables);
        for _ in 0..failures {
            assert_eq!(service.get("/orders/7/logged", &[]).status, 500);
        }
        assert!(service.terminate().success());
        let issues = bugsink.issues();
        let counts: Vec<u64> = issues.iter().map(|issue| issue.count).collect();
        assert_eq!(counts, [expected], "{environment}");
    }
}

#[test]
fn g2_a_sentry_that_hangs_holds_up_no_request_and_not_the_end() {
    if !available(&[Component::Bugsink]) {
        return;
    }
    let bugsink = Bugsink::start();
    let dsn = bugsink.dsn();
    let variables = [("OBS_ENV", "dev"), ("SENTRY_DSN", &*dsn)];
    let mut service = Service::start(&build::shop(), &variables);
    bugsink.process.freeze();
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(service.get("/orders/7/logged", &[]).status, 500);
    }
    // One wait for the server would be longer.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "100 requests took {took:?}");
    assert_eq!(service.terminate().code(), Some(0));
    let said = service.process.log();
    assert!(said.contains("Sentry"), "{said}");
}

/// A server that has received everything from a service that has ended, and the service's lines.
fn failing_service() -> Option<(Bugsink, Vec<Value>)> {
    if !available(&[Component::Bugsink]) {
        return None;
    }
    let bugsink = Bugsink::start();
    let dsn = bugsink.dsn();
    let variables = [
        ("OBS_ENV", "staging"),
        ("SENTRY_DSN", &*dsn),
        ("SENTRY_RELEASE", "shop@7.1.0"),
        ("SENTRY_SAMPLE_RATE", "1"),
        ("SENTRY_TRACES_SAMPLE_RATE", "1"),
        ("OBS_LOG_SUCCESS_SAMPLE", "1"),
        ("LOG_LEVEL", "debug"),
        ("CARELESS", CARELESS),
    ];
    let mut service = Service::start(&build::shop(), &variables);
    for round in 0..ROUNDS {
        for (failure, status) in FAILURES {
            let response = service.get(
                &format!("/orders/c4n4rypath-{round}/{failure}?token=c4n4ryquery"),
                &[
                    ("X-Correlation-ID", &correlation_id(failure, round)),
                    ("X-Request-ID", &request_id(failure, round)),
                    ("Authorization", "Bearer c4n4ryauthorization"),
                    ("Cookie", "session=c4n4rycookie"),
                    ("X-Api-Key", "c4n4ryapikey"),
                    ("X-Forwarded-For", "198.51.100.23"),
                    ("Referer", "https://shop.example/c4n4ryreferer"),
                ],
            );
            assert_eq!(response.status, status, "{failure}: {}", response.body);
        }
    }
    assert!(service.terminate().success());
    Some((bugsink, service.lines()))
}

fn correlation_id(failure: &str, round: u64) -> String {
    format!("correlation-{failure}-{round}")
}

fn request_id(failure: &str, round: u64) -> String {
    format!("request-{failure}-{round}")
}

fn tag(event: &Value, name: &str) -> String {
    let value = event["tags"][name].as_str();
    value
        .unwrap_or_else(|| panic!("no tag {name} in {event:#}"))
        .to_owned()
}

fn titles(issues: &[Issue]) -> Vec<String> {
    let titles = issues.iter();
    titles
        .map(|issue| format!("{}: {}", issue.kind, issue.value))
        .collect()
}
