//! What was bound is on the events: as tags, and as the user.

use std::sync::Arc;

use ::sentry::protocol::{User, Value};

use super::{PATIENCE, Server, http_ctx, logged, options, start};
use crate::context::{Ctx, Operation, Own, Place};
use crate::redact::Redactor;
use crate::sentry::{Sentry, SentryOperation};

/// The only event of an error that is logged in this context.
fn event_in(sentry: &Sentry, server: &Server, ctx: &Ctx) -> Value {
    logged(sentry, || ctx.scope(|| tracing::error!("no such sum")));
    let mut events = server.events();
    assert_eq!(events.len(), 1, "{events:#?}");
    events.remove(0)
}

#[test]
fn t22_bound_fields_are_tags_and_the_user_has_an_id_and_nothing_else() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = http_ctx("GET", "/orders");
    ctx.bind("user_id", "u-17");
    ctx.bind("tenant", "acme");
    ctx.bind("items", 3);
    ctx.bind("gift", true);
    let event = event_in(&sentry, &server, &ctx);
    let tags = &event["tags"];
    assert_eq!(tags["tenant"], "acme");
    assert_eq!(tags["items"], "3");
    assert_eq!(tags["gift"], "true");
    assert_eq!(tags["correlation_id"], ctx.correlation_id());
    assert_eq!(tags.get("user_id"), None);
    assert_eq!(event["user"], serde_json::json!({"id": "u-17"}));
}

#[test]
fn what_the_event_and_obs_say_themselves_comes_before_it() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = http_ctx("GET", "/orders");
    let request = sentry.request(&ctx);
    for key in ["correlation_id", "route", "environment", "release", "user"] {
        ctx.bind(key, "bound");
    }
    ctx.bind("tenant", "bound");
    ctx.bind("user_id", "bound");
    let entered = request.enter();
    ::sentry::configure_scope(|scope| {
        scope.set_tag("tenant", "set");
        scope.set_user(Some(User {
            id: Some("set".to_owned()),
            ..User::default()
        }));
    });
    drop(entered);
    let event = event_in(&sentry, &server, &ctx);
    let tags = &event["tags"];
    assert_eq!(tags["correlation_id"], ctx.correlation_id());
    assert_eq!(tags["route"], "/orders");
    assert_eq!(tags["tenant"], "set");
    assert_eq!(event["user"]["id"], "set");
    assert_eq!(event["environment"], "staging");
    assert!(!tags.to_string().contains("bound"), "{tags}");
}

#[test]
fn no_more_is_sent_than_sentry_takes() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = http_ctx("GET", "/orders");
    ctx.bind("long", format!("a\nb\u{7}{}", "é".repeat(1_000)));
    ctx.bind(format!("key {}", "é".repeat(100)), 1);
    ctx.bind("empty", " ");
    ctx.bind("", 1);
    ctx.bind("user_id", "u".repeat(1_000));
    for number in 0..60 {
        ctx.bind(format!("k{number:02}"), number);
    }
    let event = event_in(&sentry, &server, &ctx);
    let tags = event["tags"].as_object().unwrap();
    let long = tags["long"].as_str().unwrap();
    assert_eq!(long.chars().count(), 200);
    assert!(long.starts_with("a b é"), "{long}");
    assert_eq!(tags[&format!("key_{}", "_".repeat(28))], "1");
    assert_eq!(tags.get("empty"), None);
    assert_eq!(tags.get(""), None);
    // `long` and the one with the odd key are two of the 32.
    let numbered = tags
        .keys()
        .filter(|key| key.starts_with('k') && key.len() == 3);
    assert_eq!(numbered.count(), 30);
    assert_eq!(event["user"]["id"].as_str().unwrap().len(), 200);
}

#[test]
fn secrets_are_removed_by_key_and_by_shape_also_from_the_id_of_a_user() {
    let keys = ["user_id".to_owned(), "badge".to_owned()];
    let rows = [
        (Redactor::default(), "kim@example.com", "[redacted]"),
        (Redactor::new(&keys), "u-17", "[redacted]"),
    ];
    for (redactor, user, shown) in rows {
        let server = Server::default();
        let options = crate::sentry::SentryOptions {
            redactor: Arc::new(redactor),
            ..options(1.0, 0.0)
        };
        let deliver = Box::new(server.clone());
        let sentry = Sentry::start_with(options, deliver, 1 << 20).unwrap();
        let ctx = http_ctx("GET", "/orders");
        ctx.bind("user_id", user);
        ctx.bind("password", "hunter2");
        ctx.bind("note", "mail kim@example.com");
        let event = event_in(&sentry, &server, &ctx);
        assert_eq!(event["user"]["id"], shown);
        assert_eq!(event["tags"]["password"], "[redacted]");
        assert_eq!(event["tags"]["note"], "mail [redacted]");
    }
}

#[test]
fn a_tool_call_has_what_its_request_bound_and_its_transaction_too() {
    let (sentry, server) = start(1.0, 1.0);
    let outer = http_ctx("POST", "/mcp");
    let request = sentry.request(&outer);
    outer.bind("user_id", "u-17");
    let own = Own {
        operation: Some(Operation::Tool("add")),
        baggage: None,
    };
    let ctx = outer.within(Place::within(&outer, None), own);
    let operation = SentryOperation::begin(&ctx, "mcp.server").unwrap();
    ctx.bind("job_id", 7);
    let event = event_in(&sentry, &server, &ctx);
    operation.finish("ok", None);
    request.finish(200, "ok");
    assert!(sentry.flush(PATIENCE));
    assert_eq!(event["user"]["id"], "u-17");
    assert_eq!(event["tags"]["job_id"], "7");
    assert_eq!(event["tags"]["tool"], "add");
    let transactions = server.items("transaction");
    assert_eq!(transactions.len(), 1);
    assert_eq!(transactions[0]["tags"]["job_id"], "7", "bound in the tool");
    assert_eq!(transactions[0]["tags"]["method"], "POST");
}
