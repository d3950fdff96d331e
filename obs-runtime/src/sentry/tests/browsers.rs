//! Requests of browsers that have Sentry themselves.

use ::sentry::protocol::Value;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{PATIENCE, Server, counts_of, http_ctx_at, logged, start};
use crate::context::{Ctx, Place, Remote, TracePolicy};
use crate::sentry::Sentry;
use crate::sentry::counts::{Kind, Outcome};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The context of a request with these headers, from a peer that is trusted.
fn request_of(headers: &[(&'static str, &str)]) -> Ctx {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        map.insert(HeaderName::from_static(name), value);
    }
    let policy = TracePolicy::UNSET;
    let remote = Remote::read(&map, &policy).unwrap();
    let place = Place::below(&remote, &policy);
    http_ctx_at("GET", "/orders", place, remote.sentry)
}

/// The context of a browser's request; `end` is its decision.
fn from_browser(end: &str) -> Ctx {
    request_of(&[("sentry-trace", &format!("{TRACE}-{SPAN}{end}"))])
}

fn finish(sentry: &Sentry, ctx: &Ctx) {
    sentry.request(ctx).finish(200, "ok");
    assert!(sentry.flush(PATIENCE));
}

/// The header of the envelope that came last.
fn header(server: &Server) -> Value {
    let received = server.received.lock().unwrap();
    let mut lines = received.last().unwrap().split(|byte| *byte == b'\n');
    serde_json::from_slice(lines.next().unwrap()).unwrap()
}

#[test]
fn what_a_browser_has_decided_stands_at_any_rate() {
    for rate in [0.0, 0.001, 1.0] {
        let (sentry, server) = start(1.0, rate);
        for _ in 0..20 {
            finish(&sentry, &from_browser("-1"));
            finish(&sentry, &from_browser("-0"));
        }
        assert_eq!(server.items("transaction").len(), 20, "at {rate}");
        let counts = counts_of(&sentry);
        assert_eq!(counts.get(Kind::Transaction, Outcome::Sent), 20);
        assert_eq!(counts.get(Kind::Transaction, Outcome::SampledOut), 20);
    }
}

#[test]
fn where_nobody_has_decided_our_own_rate_does_also_below_a_sampled_traceparent() {
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let rows: [&dyn Fn() -> Ctx; 2] = [&|| from_browser(""), &|| {
        request_of(&[("traceparent", &traceparent)])
    }];
    for request in rows {
        for (rate, expected) in [(0.0, 0), (1.0, 1)] {
            let (sentry, server) = start(1.0, rate);
            finish(&sentry, &request());
            assert_eq!(server.items("transaction").len(), expected, "at {rate}");
            if expected == 1 {
                assert_eq!(header(&server)["trace"]["sample_rate"], "1");
            }
        }
    }
}

#[test]
fn the_transaction_and_the_errors_are_below_the_browsers_span() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = from_browser("-1");
    logged(&sentry, || {
        ctx.scope(|| tracing::error!("the till is stuck"));
    });
    finish(&sentry, &ctx);
    let transaction = &server.items("transaction")[0];
    for sent in [transaction, &server.events()[0]] {
        let trace = &sent["contexts"]["trace"];
        assert_eq!(trace["trace_id"], TRACE);
        assert_eq!(trace["parent_span_id"], SPAN);
        assert_eq!(trace["span_id"], ctx.trace().span_id.to_string());
    }
}

#[test]
fn the_share_that_the_browser_records_goes_along_unchanged_and_scrubbed() {
    let (sentry, server) = start(1.0, 0.001);
    let baggage = format!(
        "tenant=acme,sentry-trace_id={TRACE},sentry-public_key=abc,sentry-sample_rate=0.25,\
         sentry-sampled=true,sentry-transaction=%2Fof%2Fgrace%40navy.example,sentry-else=x"
    );
    let sentry_trace = format!("{TRACE}-{SPAN}-1");
    finish(
        &sentry,
        &request_of(&[("sentry-trace", &sentry_trace), ("baggage", &baggage)]),
    );
    let header = header(&server);
    let trace = header["trace"].as_object().unwrap();
    let keys = ["trace_id", "public_key", "sample_rate", "sampled"];
    let values = keys.map(|key| trace[key].as_str().unwrap());
    assert_eq!(values, [TRACE, "abc", "0.25", "true"]);
    let name = trace["transaction"].as_str().unwrap();
    assert!(name.starts_with("/of/") && !name.contains("navy"), "{name}");
    assert_eq!(trace.len(), 5, "{trace:?}");
    // It stood in the transaction until it was sent.
    assert_eq!(server.items("transaction")[0].get("extra"), None);
}

#[test]
fn of_a_browser_that_does_not_say_its_share_none_is_made_up() {
    let (sentry, server) = start(1.0, 0.001);
    finish(&sentry, &from_browser("-1"));
    assert_eq!(header(&server).get("trace"), None);
    let of_another = format!("sentry-trace_id={},sentry-public_key=abc", "a".repeat(32));
    let sentry_trace = format!("{TRACE}-{SPAN}-1");
    finish(
        &sentry,
        &request_of(&[("sentry-trace", &sentry_trace), ("baggage", &of_another)]),
    );
    assert_eq!(header(&server).get("trace"), None);
    assert_eq!(server.items("transaction").len(), 2);
}
