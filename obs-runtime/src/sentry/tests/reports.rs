//! What an event says, and that one failure is one of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};

use ::sentry::protocol::Value;
use ::sentry::{Hub, Level};
use tracing::instrument::{Instrument, WithSubscriber};

use super::{PATIENCE, counts_of, http_ctx, logged, panic_in, start, subscriber};
use crate::context::{Ctx, InCtx};
use crate::sentry::counts::{Kind, Outcome};

#[test]
fn t1_an_event_has_the_ids_of_its_request_and_its_trace() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = http_ctx("GET", "/jobs/{id}");
    logged(&sentry, || {
        ctx.scope(|| {
            tracing::debug!("not seen");
            tracing::info!(step = 1, "looked up");
            tracing::error!(job = 7, "not found");
        });
    });
    let events = server.events();
    let [event] = &events[..] else {
        panic!("{events:#?}");
    };
    assert_eq!(event["tags"]["correlation_id"], ctx.correlation_id());
    assert_eq!(event["tags"]["request_id"], ctx.request_id().unwrap());
    assert_eq!(event["tags"]["method"], "GET");
    assert_eq!(event["tags"]["route"], "/jobs/{id}");
    assert_eq!(event["tags"]["service"], "shop");
    let trace = &event["contexts"]["trace"];
    assert_eq!(trace["trace_id"], ctx.trace().trace_id.to_string());
    assert_eq!(trace["span_id"], ctx.trace().span_id.to_string());
    assert_eq!(
        trace["parent_span_id"],
        ctx.parent().unwrap().span_id.to_string()
    );
    assert_eq!(event["transaction"], "GET /jobs/{id}");
    assert_eq!(event["environment"], "staging");
    assert_eq!(event["release"], "shop@1.2.3");
    // "error" is what an event is that does not say its level.
    assert_eq!(event["level"], Value::Null);
    assert_eq!(event["message"], "not found");
    assert_eq!(event["contexts"]["Rust Tracing Fields"]["job"], 7);
    let breadcrumbs = event["breadcrumbs"]["values"].as_array().unwrap();
    assert_eq!(breadcrumbs.len(), 1);
    assert_eq!(breadcrumbs[0]["message"], "looked up");
    assert!(!server.text().contains("obs.first_of_kind"));
}

#[test]
fn a_failure_is_one_issue_whatever_way_it_ends() {
    for rate in [1.0, 0.0] {
        let (sentry, server) = start(rate, 0.0);
        // Twice: what sampling leaves out the second time has been reported as well.
        for round in 1..=2 {
            let expected = if rate == 0.0 { 1 } else { round };
            let failure = |route, fail: &dyn Fn(&Ctx)| {
                let ctx = http_ctx("POST", route);
                let request = sentry.request(&ctx);
                logged(&sentry, || fail(&ctx));
                request.finish(500, "server_error");
                assert!(sentry.flush(PATIENCE));
                let events = server.events();
                let of = |event: &&Value| event["tags"]["route"] == route;
                assert_eq!(events.iter().filter(of).count(), expected, "{route}");
            };
            failure("/logged", &|ctx| {
                ctx.scope(|| {
                    tracing::error!("could not be stored");
                    tracing::error!(target: "obs::request", status = 500, "request_completed");
                });
            });
            failure("/bare", &|_| {});
            failure("/warned", &|ctx| ctx.scope(|| tracing::warn!("nearly")));
            failure("/panicked", &|ctx| {
                panic_in(&sentry, ctx);
                ctx.scope(|| tracing::error!(target: "obs::panic", "the till is open"));
            });
            failure("/tool", &|ctx| {
                panic_in(&sentry, ctx);
                ctx.scope(|| tracing::error!(target: "obs::mcp", tool = "add", "tool panicked"));
            });
            failure("/by-hand", &|ctx| {
                let request = sentry.request(ctx);
                let _entered = request.enter();
                ::sentry::capture_message("by hand", Level::Error);
            });
        }
        let titles: Vec<Value> = server
            .events()
            .into_iter()
            .filter(|event| event["logger"] == "obs::request")
            .map(|event| event["message"].clone())
            .collect();
        assert!(
            titles.contains(&Value::from("HTTP 500 POST /bare")),
            "{titles:?}"
        );
        assert!(
            titles.contains(&Value::from("HTTP 500 POST /warned")),
            "{titles:?}"
        );
    }
}

#[test]
fn what_the_hook_did_not_see_of_a_tool_that_panicked_is_reported_by_its_line() {
    let (sentry, server) = start(1.0, 0.0);
    logged(&sentry, || {
        tracing::error!(target: "obs::mcp", tool = "add", "tool panicked");
    });
    assert_eq!(server.events().len(), 1);
}

#[test]
fn a_success_reports_nothing() {
    let (sentry, server) = start(1.0, 0.0);
    for status in [200, 304, 404, 499] {
        sentry.request(&http_ctx("GET", "/")).finish(status, "ok");
    }
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.text(), "");
}

#[test]
fn a_panic_is_not_handled_and_says_where_it_was() {
    let (sentry, server) = start(1.0, 0.0);
    panic_in(&sentry, &http_ctx("GET", "/"));
    assert!(sentry.flush(PATIENCE));
    let event = &server.events()[0];
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "panic");
    assert_eq!(exception["value"], "the till is open");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert!(exception["stacktrace"]["frames"].as_array().unwrap().len() > 3);
    assert_eq!(event["culprit"], "src/till.rs:7:9");
    assert_eq!(event["level"], "fatal");
}

#[test]
fn k2_of_a_thousand_contexts_at_once_no_event_has_anothers_id() {
    const CONTEXTS: usize = 1_000;
    let (sentry, server) = start(1.0, 0.0);
    let dispatch = subscriber(&sentry);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(8)
        .build()
        .unwrap();
    let work = async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONTEXTS {
            let ctx = http_ctx("GET", "/");
            let request = sentry.request(&ctx);
            let id = ctx.correlation_id().to_owned();
            let inner = async move {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                tracing::info!(mine = id, "breadcrumb");
                let (child, from_span) = (id.clone(), id.clone());
                // Below a span that was made in the context, which the task itself is not in.
                let span = tracing::info_span!("deeper");
                let task = tokio::spawn(
                    async move {
                        tokio::task::yield_now().await;
                        tracing::error!(mine = from_span, "in a span");
                    }
                    .instrument(span)
                    .with_current_subscriber(),
                );
                let spawned = crate::spawn(
                    async move {
                        for _ in 0..50 {
                            tokio::task::yield_now().await;
                        }
                        tracing::error!(mine = child, "in a task");
                    }
                    .with_current_subscriber(),
                );
                tracing::error!(mine = id, "in the request");
                task.await.unwrap();
                spawned.await.unwrap();
                drop(request);
            };
            tasks.spawn(inner.with_ctx(ctx).with_subscriber(dispatch.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    };
    runtime.block_on(work);
    assert!(sentry.flush(PATIENCE));
    let events = server.events();
    assert_eq!(events.len(), 3 * CONTEXTS);
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        let id = event["tags"]["correlation_id"].as_str().unwrap();
        assert_eq!(event["contexts"]["Rust Tracing Fields"]["mine"], id);
        for breadcrumb in event["breadcrumbs"]["values"].as_array().unwrap() {
            assert_eq!(breadcrumb["data"]["mine"], id);
        }
        *of.entry(id).or_default() += 1;
    }
    assert_eq!(of.len(), CONTEXTS);
    assert!(of.values().all(|events| *events == 3));
}

#[test]
fn a_context_that_is_no_request_reports_under_its_own_id() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = Ctx::new();
    logged(&sentry, || {
        ctx.scope(|| tracing::error!("the job failed"));
        tracing::info!("nobody's");
        tracing::error!("outside of everything");
    });
    let events = server.events();
    assert_eq!(events[0]["tags"]["correlation_id"], ctx.correlation_id());
    assert_eq!(events[0]["tags"]["route"], Value::Null);
    assert_eq!(events[1]["tags"], Value::Null);
    assert_eq!(events[1]["breadcrumbs"], Value::Null);
}

#[test]
fn what_a_thread_was_left_with_by_another_client_plays_no_part() {
    let (other, others_server) = start(1.0, 0.0);
    let (sentry, server) = start(1.0, 0.0);
    let left = Hub::new_from_top(&other.inner.root);
    left.configure_scope(|scope| scope.set_tag("left", "over"));
    Hub::run(Arc::new(left), || {
        logged(&sentry, || {
            Ctx::new().scope(|| tracing::error!("in a context"));
            tracing::error!("in none");
        });
        sentry
            .request(&http_ctx("GET", "/"))
            .finish(500, "server_error");
    });
    assert!(sentry.flush(PATIENCE) && other.flush(PATIENCE));
    assert_eq!(server.events().len(), 3);
    assert!(!server.text().contains("left"));
    assert_eq!(others_server.text(), "");
}

#[test]
fn a_transaction_has_the_ids_and_the_status_of_its_request() {
    let (sentry, server) = start(1.0, 1.0);
    let ctx = http_ctx("GET", "/jobs/{id}");
    let request = sentry.request(&ctx);
    {
        let _entered = request.enter();
        ::sentry::configure_scope(|scope| scope.set_tag("plan", "free"));
    }
    request.finish(404, "client_error");
    assert!(sentry.flush(PATIENCE));
    let transactions = server.items("transaction");
    let [transaction] = &transactions[..] else {
        panic!("{transactions:#?}");
    };
    assert_eq!(transaction["transaction"], "GET /jobs/{id}");
    let trace = &transaction["contexts"]["trace"];
    assert_eq!(trace["trace_id"], ctx.trace().trace_id.to_string());
    assert_eq!(trace["span_id"], ctx.trace().span_id.to_string());
    assert_eq!(trace["op"], "http.server");
    assert_eq!(trace["status"], "not_found");
    assert_eq!(trace["data"]["http.response.status_code"], 404);
    assert_eq!(transaction["tags"]["correlation_id"], ctx.correlation_id());
    assert_eq!(transaction["tags"]["plan"], "free");
    assert_eq!(transaction["release"], "shop@1.2.3");
    assert_eq!(transaction["environment"], "staging");
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Transaction, Outcome::Sent), 1);
}

#[test]
fn a_debug_that_panics_does_not_reach_the_code_that_logs() {
    struct Bad;
    impl std::fmt::Debug for Bad {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("injected")
        }
    }
    let (sentry, server) = start(1.0, 0.0);
    logged(&sentry, || {
        tracing::error!(bad = ?Bad, "not seen");
        tracing::error!("seen");
    });
    assert_eq!(server.events().len(), 1);
}

#[test]
fn many_threads_report_at_once() {
    let (sentry, server) = start(1.0, 0.0);
    let dispatch = subscriber(&sentry);
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    barrier.wait();
                    for _ in 0..100 {
                        tracing::error!("at once");
                    }
                });
            });
        }
    });
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.events().len(), 800);
}
