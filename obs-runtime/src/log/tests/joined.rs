//! Whose ids stand on a line.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tracing::Dispatch;
use tracing::instrument::{Instrument, WithSubscriber};

use super::{Memory, PATIENCE, line_of, start_with, subscriber};
use crate::context::{
    Ctx, CtxParts, HttpRequest, Id, InCtx, Place, RequestLabels, TraceContext, TracePolicy,
};
use crate::http::{DEFAULT_BUCKETS, Traffic, TrafficOptions};

/// The context of a request.
pub(super) fn request(method: &'static str, route: &str) -> Ctx {
    Ctx::from_parts(CtxParts {
        correlation_id: Id::generate(),
        request_id: Some(Id::generate()),
        place: Place {
            trace: TraceContext::root(true),
            parent: None,
            parent_is_remote: true,
            link: None,
            tracestate: None,
        },
        baggage: None,
        propagates: true,
        request: Some(HttpRequest {
            labels: RequestLabels {
                method,
                route: Arc::from(route),
            },
            traffic: Arc::new(Traffic::new(TrafficOptions {
                prefix: None,
                max_routes: 10,
                buckets: DEFAULT_BUCKETS.to_vec(),
                trusted: Vec::new(),
                success_sample: 1.0,
                policy: Arc::new(TracePolicy::UNSET),
            })),
            trusted: true,
            sentry: None,
        }),
        kept: true,
    })
}

#[test]
fn k2_no_line_of_a_thousand_requests_at_once_has_the_id_of_another() {
    const REQUESTS: usize = 1_000;
    const LINES: usize = 100;
    for workers in [1, 8] {
        let memory = Memory::default();
        // Nothing is dropped here: each line must be seen.
        let logs = start_with(memory.clone(), 256 << 20);
        let dispatch = subscriber(&logs);
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .build()
            .unwrap();
        let requests: Vec<Ctx> = (0..REQUESTS).map(|_| request("GET", "/")).collect();
        let tasks: Vec<_> = requests
            .iter()
            .map(|ctx| {
                let id = ctx.correlation_id().to_owned();
                let work = async move {
                    for _ in 0..LINES {
                        yield_now().await;
                        tracing::info!(mine = %id, "worked");
                    }
                };
                let work = work.with_ctx(ctx.clone());
                runtime.spawn(work.with_subscriber(dispatch.clone()))
            })
            .collect();
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        let flushed = logs.flush(PATIENCE);
        assert_eq!((flushed.dropped, flushed.complete), (0, true));
        let mut seen = HashMap::new();
        for line in memory.objects() {
            assert_eq!(line["correlation_id"], line["mine"]);
            *seen.entry(line.text("mine").to_owned()).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), REQUESTS);
        assert!(seen.values().all(|lines| *lines == LINES));
    }
}

/// The line of a task that was started from within a request.
fn line_of_a_task(start: impl FnOnce(&Ctx, Dispatch)) -> (Ctx, super::Object) {
    let memory = Memory::default();
    let logs = super::start(memory.clone());
    let ctx = request("GET", "/");
    start(&ctx, subscriber(&logs));
    assert!(logs.flush(PATIENCE).complete);
    (ctx, memory.objects().remove(0))
}

fn run(task: impl Future<Output = ()> + Send + 'static, dispatch: Dispatch) {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        tokio::spawn(task.with_subscriber(dispatch)).await.unwrap();
    });
}

#[test]
fn k1_a_task_in_a_span_of_the_request_has_its_ids() {
    let (ctx, line) = line_of_a_task(|ctx, dispatch| {
        let task = tracing::dispatcher::with_default(&dispatch, || {
            let _entered = crate::context::Entered::new(Some(ctx.clone()));
            let outer = tracing::info_span!("outer").entered();
            let task = async {
                assert!(Ctx::current().is_some());
                tracing::info!("worked");
            };
            let task = task.instrument(tracing::info_span!("inner"));
            drop(outer);
            task
        });
        run(task, dispatch);
    });
    assert_eq!(line["correlation_id"], json!(ctx.correlation_id()));
    assert_eq!(line["route"], json!("/"));
}

#[test]
fn k1_a_task_that_nothing_joins_to_the_request_has_no_ids() {
    let (_, line) = line_of_a_task(|ctx, dispatch| {
        let task = ctx.scope(|| async { tracing::info!("worked") });
        run(task, dispatch);
    });
    for key in ["correlation_id", "request_id", "trace_id", "method"] {
        assert_eq!(line.get(key), None);
    }
}

#[test]
fn k1_the_request_that_is_entered_wins_over_the_span_of_another() {
    let ours = request("GET", "/ours");
    let line = line_of(|| {
        let span = request("GET", "/theirs").scope(|| tracing::info_span!("theirs"));
        span.in_scope(|| ours.scope(|| tracing::info!("worked")));
    });
    assert_eq!(line["correlation_id"], json!(ours.correlation_id()));
}
