//! What a line costs; run in release mode with `--ignored --nocapture`.

use std::time::{Duration, Instant};

use super::joined::request;
use super::{PATIENCE, start, subscriber};
use crate::context::Entered;

/// Nanoseconds of one call, median of many rounds that the queue has room for.
fn measure(name: &str, mut line: impl FnMut()) {
    let logs = start(std::io::sink());
    let mut rounds: Vec<Duration> = tracing::dispatcher::with_default(&subscriber(&logs), || {
        (0..300)
            .map(|_| {
                let begin = Instant::now();
                for _ in 0..1_000 {
                    line();
                }
                let took = begin.elapsed();
                assert!(logs.flush(PATIENCE).complete);
                took
            })
            .collect()
    });
    rounds.sort();
    assert_eq!(logs.flush(PATIENCE).dropped, 0);
    println!(
        "{name}: {} ns (best {})",
        rounds[150].as_nanos() / 1_000,
        rounds[0].as_nanos() / 1_000
    );
}

#[test]
#[ignore = "a measurement"]
fn cost_of_a_line() {
    let completed = || {
        tracing::info!(
            target: "obs::request",
            status = 200_u64,
            outcome = "ok",
            duration_ms = 12.4_f64,
            ttfb_ms = 12.1_f64,
            bytes_out = 512_u64,
            "request_completed"
        );
    };
    measure("nothing but the message", || tracing::info!("paid"));
    measure("three fields, one formatted", || {
        tracing::info!(items = 3, paid = true, user = %"u-17", "sold");
    });
    let entered = Entered::new(Some(request("GET", "/jobs/{id}")));
    measure("request_completed", completed);
    let span = tracing::info_span!(target: "obs::http", "request", otel.kind = "server").entered();
    measure("request_completed in its span", completed);
    drop(span);
    measure("span of a request", || {
        drop(tracing::info_span!(target: "obs::http", "request"));
    });
    drop(entered);
}
