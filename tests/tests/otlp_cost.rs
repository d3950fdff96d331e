//! What the export costs the code that makes spans, beside every kind of collector. Measured, not
//! asserted: `cargo test --release -p obs-tests --test otlp_cost -- --ignored --nocapture`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use obs::Obs;
use obs_tests::collector::{Collector, Hostile, Hostility, Protocol, Reply};
use tower::ServiceExt;
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

/// Sends requests over one connection on this machine to a service of one thread. Returns the median
/// and the 99th percentile.
fn requests_over_loopback(obs: &Obs) -> (Duration, Duration) {
    const REQUESTS: usize = 20_000;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let serving = obs.clone();
    let server = std::thread::spawn(move || {
        let subscriber = tracing_subscriber::registry().with(serving.otlp_layer());
        let _subscribed = tracing::subscriber::set_default(subscriber);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let answer = async || look_up(7).await;
            let app = Router::new().route("/jobs/{id}", get(answer));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            serving.serve(listener, serving.wrap(app)).await
        })
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = [0; 4096];
    let mut times: Vec<Duration> = (0..REQUESTS)
        .map(|_| {
            let since = Instant::now();
            stream
                .write_all(b"GET /jobs/7 HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .unwrap();
            // Head and body are written at once.
            assert!(stream.read(&mut answer).unwrap() > 0);
            since.elapsed()
        })
        .collect();
    drop(stream);
    obs.shutdown().begin();
    server.join().unwrap().unwrap();
    times.sort_unstable();
    (times[REQUESTS / 2], times[REQUESTS / 100 * 99])
}

/// Calls a service in process, where nothing but its own work takes time. Returns the median and the
/// 99th percentile.
fn requests_in_process(obs: &Obs, path: &str, requests: usize) -> (Duration, Duration) {
    let subscriber = tracing_subscriber::registry().with(obs.otlp_layer());
    let _subscribed = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let computes = async || {
        let since = Instant::now();
        while since.elapsed() < Duration::from_micros(500) {
            std::hint::spin_loop();
        }
        look_up(7).await
    };
    let router = Router::new()
        .route("/jobs/{id}", get(async || look_up(7).await))
        .route("/reports/{id}", get(computes));
    let app = obs.wrap(router);
    let mut times = runtime.block_on(async {
        let mut times = Vec::with_capacity(requests);
        for _ in 0..requests {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let since = Instant::now();
            let answer = app.clone().oneshot(request).await.unwrap();
            answer.into_body().collect().await.unwrap();
            times.push(since.elapsed());
        }
        times
    });
    times.sort_unstable();
    (times[requests / 2], times[requests / 100 * 99])
}

#[obs::observed]
async fn look_up(id: u64) -> String {
    tokio::task::yield_now().await;
    format!("job {id}")
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
        ("none, again".to_owned(), None),
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
        println!("{name:>12}: three spans: median {median:?}, p99 {p99:?}, {more} KiB more");
        for (path, requests) in [("/jobs/7", 50_000), ("/reports/7", 4_000)] {
            let (median, p99) = requests_in_process(&obs, path, requests);
            println!("{name:>12}: {path} in process: median {median:?}, p99 {p99:?}");
        }
        let (median, p99) = requests_over_loopback(&obs);
        println!("{name:>12}: a request over loopback: median {median:?}, p99 {p99:?}");
        let losses = obs.stop(Duration::from_secs(1));
        println!("{name:>12}: {losses}");
    }
}
