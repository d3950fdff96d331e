//! What is kept of an operation that fails and has no span of its own: a tick, a message, whatever
//! begins with `Ctx::new`.

use std::time::Duration;

use obs::{Ctx, Obs};
use obs_tests::collector::{Collector, Protocol};

const PATIENCE: Duration = Duration::from_secs(30);

#[obs::observed]
fn tick() -> Result<(), &'static str> {
    step();
    Err("no")
}

#[obs::observed]
fn step() {}

#[obs::observed]
fn fine() {
    step();
}

#[test]
fn a_context_without_a_span_keeps_all_of_a_call_that_fails() {
    let collector = Collector::start(Protocol::Grpc);
    let endpoint = collector.endpoint();
    let obs = Obs::from_vars(
        obs::service!(),
        [
            ("OBS_ENV", "prod"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_TRACES_SAMPLER_ARG", "0"),
            ("OBS_TRACES_KEEP_ERRORS", "1"),
        ],
    )
    .unwrap()
    .log_writer(std::io::sink())
    .panic_hook(false)
    .install()
    .unwrap();

    Ctx::new().scope(fine);
    let ctx = Ctx::new();
    assert!(ctx.scope(tick).is_err());
    let spans = collector.block_for(2, PATIENCE);

    let mut spans: Vec<_> = spans.into_iter().map(|received| received.span).collect();
    spans.sort_by_key(|span| span.name.ends_with("step"));
    let [tick, step] = &spans[..] else {
        panic!("{spans:?}");
    };
    let own = ctx.trace().span_id.to_u64().to_be_bytes();
    assert_eq!(tick.parent_span_id, own);
    assert_eq!(step.parent_span_id, tick.span_id);
    drop(obs);
}
