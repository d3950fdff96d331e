//! Tool calls and jobs: one root transaction for what is one trace.

use ::sentry::protocol::Value;

use super::{PATIENCE, Server, counts_of, http_ctx, logged, panic_in, start};
use crate::context::{Ctx, Operation, Own, Place, Remote, TracePolicy};
use crate::sentry::counts::{Kind, Outcome};
use crate::sentry::{Sentry, SentryOperation};

const FROM_META: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn tool(outer: &Ctx, place: Place) -> Ctx {
    let own = Own {
        operation: Some(Operation::Tool("add")),
        baggage: None,
    };
    outer.within(place, own)
}

/// The context of a tool call whose parent is its HTTP request.
fn in_its_request(outer: &Ctx) -> Ctx {
    tool(outer, Place::within(outer, None))
}

/// The context of a tool call whose client has a trace of its own.
fn in_another_trace(outer: &Ctx) -> Ctx {
    let remote = Remote::of(FROM_META, None).unwrap();
    let place = Place {
        link: Some(outer.trace()),
        ..Place::below(&remote, &TracePolicy::UNSET)
    };
    tool(outer, place)
}

/// One tool call in one HTTP request, which is answered in between.
fn call(sentry: &Sentry, place: fn(&Ctx) -> Ctx, fail: &dyn Fn()) -> (Ctx, Ctx) {
    let outer = http_ctx("POST", "/mcp");
    let request = sentry.request(&outer);
    let ctx = place(&outer);
    let operation = SentryOperation::begin(&ctx, "mcp.server").unwrap();
    logged(sentry, || {
        let _entered = operation.enter();
        ctx.scope(fail);
    });
    operation.finish("tool_error", None);
    request.finish(200, "ok");
    assert!(sentry.flush(PATIENCE));
    (outer, ctx)
}

fn ids(ctx: &Ctx) -> [String; 3] {
    let trace = ctx.trace();
    [
        trace.trace_id.to_string(),
        trace.span_id.to_string(),
        ctx.parent().unwrap().span_id.to_string(),
    ]
}

fn ids_of(span: &Value) -> [&str; 3] {
    ["trace_id", "span_id", "parent_span_id"].map(|id| span[id].as_str().unwrap())
}

fn named(server: &Server, name: &str) -> Vec<Value> {
    let mut found = server.items("transaction");
    found.retain(|transaction| transaction["transaction"] == name);
    found
}

#[test]
fn a_tool_call_is_a_span_of_the_transaction_of_its_request() {
    let (sentry, server) = start(1.0, 1.0);
    let (outer, ctx) = call(&sentry, in_its_request, &|| {});
    assert_eq!(server.items("transaction").len(), 1);
    let transaction = &named(&server, "POST /mcp")[0];
    assert_eq!(ids_of(&transaction["contexts"]["trace"]), ids(&outer));
    let spans = transaction["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!(ids_of(&spans[0]), ids(&ctx));
    assert_eq!(spans[0]["op"], "mcp.server");
    assert_eq!(spans[0]["description"], "tools/call add");
    assert_eq!(spans[0]["status"], "unknown_error");
}

#[test]
fn a_tool_call_that_its_client_put_into_another_trace_is_a_root_there() {
    let (sentry, server) = start(1.0, 1.0);
    let (_, ctx) = call(&sentry, in_another_trace, &|| {});
    assert_eq!(server.items("transaction").len(), 2);
    let request = &named(&server, "POST /mcp")[0];
    assert_eq!(request["spans"].as_array().map_or(0, Vec::len), 0);
    let own = &named(&server, "tools/call add")[0];
    assert_eq!(ids_of(&own["contexts"]["trace"]), ids(&ctx));
    assert_eq!(own["tags"]["tool"], "add");
    assert_eq!(own["tags"]["route"], "/mcp");
}

#[test]
fn where_the_request_is_not_recorded_its_tool_call_is_not_and_counts_for_nothing() {
    let (sentry, server) = start(1.0, 0.0);
    call(&sentry, in_its_request, &|| {});
    assert_eq!(server.text(), "");
    let left_out = counts_of(&sentry).get(Kind::Transaction, Outcome::SampledOut);
    assert_eq!(left_out, 1, "one root");
}

#[test]
fn an_error_in_a_tool_has_the_ids_of_its_call_and_what_the_request_knows() {
    let fails: [&dyn Fn(); 2] = [&|| tracing::error!("no such sum"), &|| {
        ::sentry::capture_message("by hand", ::sentry::Level::Error);
    }];
    for place in [in_its_request, in_another_trace] {
        for fail in fails {
            let (sentry, server) = start(1.0, 0.0);
            let (outer, ctx) = call(&sentry, place, fail);
            let events = server.events();
            assert_eq!(events.len(), 1, "{events:#?}");
            assert_eq!(ids_of(&events[0]["contexts"]["trace"]), ids(&ctx));
            assert_eq!(events[0]["transaction"], "tools/call add");
            let tags = &events[0]["tags"];
            assert_eq!(tags["tool"], "add");
            assert_eq!(tags["route"], "/mcp");
            assert_eq!(tags["correlation_id"], outer.correlation_id());
        }
    }
}

#[test]
fn a_failure_that_a_tool_has_reported_is_not_one_of_the_request_too() {
    for rate in [0.0, 1.0] {
        let (sentry, server) = start(rate, 0.0);
        let fails: [&dyn Fn(&Ctx); 2] = [
            &|ctx| ctx.scope(|| tracing::error!("no such sum")),
            &|ctx| panic_in(&sentry, ctx),
        ];
        for fail in fails {
            for _ in 0..3 {
                let outer = http_ctx("POST", "/mcp");
                let request = sentry.request(&outer);
                let ctx = in_its_request(&outer);
                logged(&sentry, || fail(&ctx));
                request.finish(500, "server_error");
            }
        }
        assert!(sentry.flush(PATIENCE));
        let events = server.events();
        let made_up = |event: &&Value| event["logger"] == "obs::request";
        assert_eq!(events.iter().filter(made_up).count(), 0, "at {rate}");
    }
}

#[test]
fn what_a_request_has_set_before_is_in_the_errors_of_its_tools() {
    let (sentry, server) = start(1.0, 0.0);
    let outer = http_ctx("POST", "/mcp");
    let request = sentry.request(&outer);
    let entered = request.enter();
    ::sentry::configure_scope(|scope| scope.set_tag("tenant", "acme"));
    drop(entered);
    let ctx = in_its_request(&outer);
    logged(&sentry, || ctx.scope(|| tracing::error!("no such sum")));
    assert_eq!(server.events()[0]["tags"]["tenant"], "acme");
}
