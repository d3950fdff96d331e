//! A page of another origin with Sentry's SDK: one trace from the browser into the service.

use std::time::Duration;

use obs_tests::real::browser::{Page, Shown, Visit};
use obs_tests::real::component::{Component, available};
use obs_tests::real::service::Service;
use obs_tests::real::wait_for;
use obs_tests::sentry::SentryServer;
use serde_json::Value;

/// Records nothing of its own accord, and sends every error.
const QUIET: [(&str, &str); 2] = [("OBS_ENV", "dev"), ("SENTRY_TRACES_SAMPLE_RATE", "0")];

/// What was to be seen, by whom.
struct Seen {
    visit: Visit,
    /// What the browser's Sentry got.
    page: SentryServer,
    /// What the service's Sentry got.
    own: SentryServer,
    service: Service,
}

#[test]
fn one_trace_from_the_page_into_the_service_its_log_and_both_sentries() {
    let Some(seen) = visit(&[]) else { return };
    let Seen { visit, page, .. } = &seen;
    // One may do for both requests: browsers remember the answer for some seconds.
    assert!(!visit.preflights.is_empty(), "{visit:#?}");
    for preflight in &visit.preflights {
        assert_eq!(preflight.status, 200, "{preflight:?}");
    }
    let complaints = visit.said.iter().filter(|line| line.contains("CORS"));
    assert_eq!(complaints.count(), 0, "{:#?}", visit.said);

    // The page shows the ids that the log has.
    assert!(visit.orders.text.contains("a rocket"), "{visit:#?}");
    assert!(visit.placed.text.contains("That failed"), "{visit:#?}");
    let listed = seen.line("GET", &visit.orders);
    let placed = seen.line("POST", &visit.placed);
    assert_eq!(listed["status"], 200);
    assert_eq!(placed["status"], 500);

    // The browser's trace is the service's, and its span the parent of the service's.
    let (header, fetch) = listing(page).expect("it was waited for");
    let trace = &fetch["trace_id"];
    assert!(trace.is_string(), "{fetch:#}");
    assert_eq!(listed["trace_id"], *trace);
    assert_eq!(placed["trace_id"], *trace, "one visit is one trace");
    let own = transactions(&seen.own);
    let (own_header, transaction) = own
        .iter()
        .find(|(_, transaction)| transaction["transaction"] == "GET /orders")
        .unwrap_or_else(|| panic!("{own:#?}"));
    let context = &transaction["contexts"]["trace"];
    assert_eq!(context["trace_id"], *trace);
    assert_eq!(context["parent_span_id"], fetch["span_id"]);
    assert_eq!(context["span_id"], listed["span_id"]);

    // Sentry reckons with the share that the browser recorded, which is not the service's.
    for key in ["trace_id", "public_key", "sample_rate", "sampled"] {
        assert_eq!(own_header["trace"][key], header["trace"][key], "{key}");
    }
    assert_eq!(own_header["trace"]["public_key"], "pagekey");

    // What failed in the service is found from the page.
    let event = seen.event();
    assert_eq!(event["contexts"]["trace"]["trace_id"], *trace);
    assert_eq!(event["contexts"]["trace"]["span_id"], placed["span_id"]);
    assert!(event["contexts"]["trace"]["parent_span_id"].is_string());
    let id = event["tags"]["correlation_id"].as_str();
    assert_eq!(id, Some(&*visit.placed.correlation_id));
}

#[test]
fn of_a_page_that_is_not_trusted_the_trace_is_linked_and_not_continued() {
    let Some(seen) = visit(&[("OBS_TRUSTED_PROXIES", "none")]) else {
        return;
    };
    let (_, fetch) = listing(&seen.page).expect("it was waited for");
    let trace = &fetch["trace_id"];
    assert!(trace.is_string(), "{fetch:#}");
    let listed = seen.line("GET", &seen.visit.orders);
    assert_ne!(listed["trace_id"], *trace);
    let said = seen.service.lines();
    let said = said.iter().find(|line| line["message"] == "listing");
    let said = said.expect("what the handler says");
    assert_eq!(said["linked_trace"], *trace);
    assert_eq!(said["linked_span"], fetch["span_id"]);

    // Nor does the page decide what the service records.
    assert!(transactions(&seen.own).is_empty());
    let context = &seen.event()["contexts"]["trace"];
    let placed = seen.line("POST", &seen.visit.placed);
    assert_eq!(context["trace_id"], placed["trace_id"]);
    assert_ne!(context["trace_id"], *trace);
    assert!(context["parent_span_id"].is_null(), "{context:#}");
}

/// Visits the page, and lets the service end.
fn visit(variables: &[(&str, &str)]) -> Option<Seen> {
    let needed = [Component::Chromium, Component::Pages, Component::Node];
    if !available(&needed) {
        return None;
    }
    let (browsers, own) = (SentryServer::start(), SentryServer::start());
    let page = Page::start();
    let mut all = QUIET.to_vec();
    all.extend([("SENTRY_DSN", own.dsn()), ("PAGE_ORIGIN", page.origin())]);
    all.extend(variables);
    let program = env!("CARGO_BIN_EXE_orders").as_ref();
    let mut service = Service::start(program, &all);
    let address = format!("http://{}", service.address);
    let dsn = browsers.dsn().replace("publickey", "pagekey");
    let visit = page.visit(&address, &dsn);
    // Its end is when everything is sent.
    assert!(service.terminate().success());
    wait_for("the page's spans", Duration::from_secs(5), || {
        listing(&browsers)
    });
    Some(Seen {
        visit,
        page: browsers,
        own,
        service,
    })
}

impl Seen {
    /// The line at the end of the request whose ids the page shows.
    fn line(&self, method: &str, shown: &Shown) -> Value {
        let lines = self.service.lines();
        let mut found = lines.into_iter().filter(|line| {
            line["message"] == "request_completed"
                && line["method"] == method
                && line["correlation_id"] == *shown.correlation_id
                && line["request_id"] == *shown.request_id
        });
        let line = found.next();
        assert!(found.next().is_none(), "two lines for {shown:?}");
        line.unwrap_or_else(|| panic!("no line for {shown:?}"))
    }

    /// The only error that the service reported.
    fn event(&self) -> Value {
        let mut events: Vec<_> = items(&self.own)
            .into_iter()
            .filter(|(_, kind, _)| kind == "event")
            .collect();
        assert_eq!(events.len(), 1, "{events:#?}");
        events.remove(0).2
    }
}

/// The span of the request that the page made when it was opened, and the header of its envelope.
fn listing(server: &SentryServer) -> Option<(Value, Value)> {
    let sent = items(server)
        .into_iter()
        .filter(|(_, kind, _)| kind == "span");
    let spans = sent.flat_map(|(header, _, mut payload)| {
        let spans = match payload["items"].take() {
            Value::Array(spans) => spans,
            _ => Vec::new(),
        };
        spans.into_iter().map(move |span| (header.clone(), span))
    });
    spans
        .filter(|(_, span)| span["attributes"]["sentry.op"]["value"] == "http.client")
        .find(|(_, span)| span["attributes"]["http.request.method"]["value"] == "GET")
}

/// The transactions that a server got, each with the header of its envelope.
fn transactions(server: &SentryServer) -> Vec<(Value, Value)> {
    items(server)
        .into_iter()
        .filter(|(_, kind, _)| kind == "transaction")
        .map(|(header, _, payload)| (header, payload))
        .collect()
}

/// What a server got: the header of the envelope, the type, and the payload.
fn items(server: &SentryServer) -> Vec<(Value, String, Value)> {
    let text = server.text();
    let lines: Vec<Value> = text
        .lines()
        // Between the envelopes stand the heads of requests.
        .filter_map(|line| serde_json::from_str(line.trim()).ok())
        .filter(Value::is_object)
        .collect();
    let mut header = Value::Null;
    let mut items = Vec::new();
    let mut lines = lines.into_iter();
    while let Some(line) = lines.next() {
        match line["type"].as_str() {
            Some(kind) => items.push((
                header.clone(),
                kind.to_owned(),
                lines.next().unwrap_or_default(),
            )),
            None => header = line,
        }
    }
    items
}
