//! What the export costs the code that makes spans, beside every kind of collector. Measured, not
//! asserted: `cargo test --release -p obs-tests --test otlp_cost -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use obs::Obs;
use obs_tests::collector::{Collector, Hostile, Hostility, Protocol, Reply};
use tracing_subscriber::layer::SubscriberExt;

const REQUESTS: usize = 200_000;

/// Makes requests of three spans each. Returns the median and the 99th percentile.
fn requests(obs: &Obs) -> (Duration, Duration) {
    let subscriber = tracing_subscriber::registry().with(obs.otlp_layer());
    let mut times: Vec<Duration> = tracing::subscriber::with_default(subscriber, || {
        let once = |n: usize| {
            let since = Instant::now();
            let request = tracing::info_span!(
                "request",
                otel.name = "GET /jobs/{id}",
                http.request.method = "GET",
                http.response.status_code = 200,
                n
            );
            request.in_scope(|| {
                drop(tracing::info_span!("query", db.system.name = "postgresql"));
                drop(tracing::info_span!("call", server.address = "billing"));
            });
            drop(request);
            since.elapsed()
        };
        (0..REQUESTS).map(once).collect()
    });
    times.sort_unstable();
    (times[REQUESTS / 2], times[REQUESTS / 100 * 99])
}

/// Resident memory, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    words.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "a measurement, for a quiet machine"]
fn h1_cost_of_a_request_beside_every_collector() {
    let good = Collector::start(Protocol::Grpc);
    let bad = |reply| {
        let collector = Collector::start(Protocol::Http);
        collector.reply(reply);
        collector
    };
    let (throttles, fails) = (bad(Reply::RetryAfter(3600)), bad(Reply::Status(500)));
    let gone = Collector::start(Protocol::Grpc).endpoint();
    let mut peers = vec![
        ("none".to_owned(), None),
        ("takes all".to_owned(), Some((good.endpoint(), "grpc"))),
        ("down".to_owned(), Some((gone, "grpc"))),
        (
            "429".to_owned(),
            Some((throttles.endpoint(), "http/protobuf")),
        ),
        ("500".to_owned(), Some((fails.endpoint(), "http/protobuf"))),
    ];
    for hostility in [
        Hostility::Reset,
        Hostility::NeverReads,
        Hostility::NeverAnswers,
        Hostility::SlowBytes,
        Hostility::HugeBody,
    ] {
        let endpoint = Hostile::start(hostility).endpoint();
        peers.push((format!("{hostility:?}"), Some((endpoint, "http/protobuf"))));
    }
    for (name, peer) in peers {
        let before = memory();
        let mut variables = vec![("OBS_ENV", "dev")];
        if let Some((endpoint, protocol)) = &peer {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint));
            variables.push(("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
        }
        let obs = Obs::from_vars(obs::service!(), variables)
            .unwrap()
            .detached()
            .unwrap();
        let (median, p99) = requests(&obs);
        let more = memory().saturating_sub(before);
        let losses = obs.stop(Duration::from_secs(1));
        println!("{name:>12}: median {median:?}, p99 {p99:?}, {more} KiB more, {losses}");
    }
}
