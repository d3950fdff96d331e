//! Which span is above which, where the context is entered again within a span of its operation.

use std::time::Duration;

use obs::{Carrier, Ctx, InCtx, Obs};
use obs_tests::collector::{Collector, Protocol};
use tracing::Instrument;

const PATIENCE: Duration = Duration::from_secs(30);

#[obs::observed]
async fn outer() {
    awaited().in_ctx().await;
    tokio::spawn(spawned().in_ctx().in_current_span())
        .await
        .unwrap();
    tokio::spawn(alone().in_ctx()).await.unwrap();
    // The log may see more spans than are exported.
    async {
        obs::spawn(detailed()).await.unwrap();
        obs::spawn_blocking(blocking).await.unwrap();
    }
    .instrument(tracing::debug_span!("detail"))
    .await;
    let ctx = Ctx::current().unwrap();
    ctx.scope(scoped);
    // What belongs to something else does not become a part of this.
    let other = Ctx::new();
    other.scope(|| {
        elsewhere();
        ctx.scope(back);
    });
}

#[obs::observed]
async fn awaited() {
    tokio::task::yield_now().await;
}

#[obs::observed]
async fn spawned() {}

#[obs::observed]
async fn alone() {}

#[obs::observed]
async fn detailed() {}

#[obs::observed]
fn blocking() {}

#[obs::observed]
fn scoped() {}

#[obs::observed]
fn elsewhere() {}

#[obs::observed]
fn back() {}

#[tokio::test]
async fn a_call_that_enters_its_own_context_again_stays_the_parent() {
    let collector = Collector::start(Protocol::Grpc);
    let endpoint = collector.endpoint();
    let obs = Obs::from_vars(
        obs::service!(),
        [
            ("OBS_ENV", "prod"),
            ("RUST_LOG", "debug"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_TRACES_SAMPLER_ARG", "1"),
        ],
    )
    .unwrap()
    .log_writer(std::io::sink())
    .panic_hook(false)
    .install()
    .unwrap();

    let job = Carrier::new().job("job", 1);
    let trace = job.ctx().trace();
    job.run(outer()).await;
    collector.block_for(10, PATIENCE);

    let only = |name: &str| {
        let found: Vec<_> = collector
            .spans()
            .into_iter()
            .map(|received| received.span)
            .filter(|span| span.name.ends_with(name))
            .collect();
        assert_eq!(found.len(), 1, "{name}");
        found.into_iter().next().unwrap()
    };
    let root = only("job").span_id;
    assert_eq!(root, trace.span_id.to_u64().to_be_bytes());
    let call = only("outer");
    assert_eq!(call.parent_span_id, root);
    for name in [
        "awaited", "spawned", "alone", "detailed", "blocking", "scoped",
    ] {
        assert_eq!(only(name).parent_span_id, call.span_id, "{name}");
    }
    assert_ne!(only("elsewhere").trace_id, call.trace_id);
    let back = only("back");
    assert_eq!(back.trace_id, call.trace_id);
    assert_eq!(back.parent_span_id, root);
    drop(obs);
}
