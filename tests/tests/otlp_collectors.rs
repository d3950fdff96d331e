//! Spans on their way to a collector: both protocols, and whatever a collector may do.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use obs::{Format, Obs, Setup};
use obs_tests::collector::{Collector, Hostile, Hostility, Protocol, Reply};
use obs_tests::scrape::Scrape;
use tracing_subscriber::layer::SubscriberExt;

const PATIENCE: Duration = Duration::from_secs(30);

const PROTOCOLS: [(Protocol, &str); 2] =
    [(Protocol::Grpc, "grpc"), (Protocol::Http, "http/protobuf")];

fn setup(variables: &[(&str, &str)]) -> Setup {
    let own = [("OBS_ENV", "dev"), ("OTEL_BSP_SCHEDULE_DELAY", "20")];
    let names: BTreeSet<_> = variables.iter().map(|(name, _)| *name).collect();
    let own = own.iter().filter(|(name, _)| !names.contains(name));
    let all: Vec<_> = own.chain(variables).copied().collect();
    Obs::from_vars(obs::service!(), all).unwrap()
}

fn start(variables: &[(&str, &str)]) -> Obs {
    setup(variables).detached().unwrap()
}

/// Runs code whose spans are exported.
fn traced<T>(obs: &Obs, run: impl FnOnce() -> T) -> T {
    let subscriber = tracing_subscriber::registry().with(obs.otlp_layer());
    tracing::subscriber::with_default(subscriber, run)
}

fn spans(obs: &Obs, number: usize) {
    traced(obs, || {
        for _ in 0..number {
            drop(tracing::info_span!("work"));
        }
    });
}

/// What became of the spans: exported, dropped by reason, waiting.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    exported: u64,
    dropped: Vec<(String, u64)>,
    waiting: u64,
}

impl Counted {
    fn of(obs: &Obs) -> Self {
        let scrape = Scrape::openmetrics(&obs.scrape(Format::OpenMetrics));
        let value = |name: &str, labels: &[(&str, &str)]| {
            let value = scrape.value(name, labels).unwrap();
            format!("{value}").parse::<u64>().unwrap()
        };
        let reasons = [
            "queue_full",
            "export_failed",
            "rejected",
            "held_overflow",
            "stopped",
            "after_stop",
        ];
        Self {
            exported: value("obs_spans_exported_total", &[]),
            dropped: reasons
                .into_iter()
                .map(|reason| {
                    let dropped = value("obs_spans_dropped_total", &[("reason", reason)]);
                    (reason.to_owned(), dropped)
                })
                .filter(|(_, dropped)| *dropped > 0)
                .collect(),
            waiting: value("obs_spans_waiting", &[]),
        }
    }

    fn offered(&self) -> u64 {
        let dropped: u64 = self.dropped.iter().map(|(_, dropped)| dropped).sum();
        self.exported + dropped + self.waiting
    }
}

fn only(exported: u64, dropped: &[(&str, u64)]) -> Counted {
    Counted {
        exported,
        dropped: dropped
            .iter()
            .map(|(reason, dropped)| ((*reason).to_owned(), *dropped))
            .collect(),
        waiting: 0,
    }
}

#[test]
fn d2_a_span_arrives_over_both_protocols_with_all_that_it_says() {
    for (protocol, name) in PROTOCOLS {
        for compression in ["none", "gzip"] {
            let collector = Collector::start(protocol);
            let obs = start(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
                (
                    "OTEL_EXPORTER_OTLP_HEADERS",
                    "x-tenant=a%20b,authorization=Bearer%20t0ps3cret",
                ),
                ("OTEL_SERVICE_NAME", "shop"),
                ("OTEL_RESOURCE_ATTRIBUTES", "team=core,service.version=9.9"),
            ]);
            traced(&obs, || {
                let _outer = tracing::info_span!(
                    "outer",
                    otel.name = "GET /jobs/{id}",
                    otel.kind = "server",
                    otel.status_code = "ERROR",
                    http.request.method = "GET",
                    http.response.status_code = 500,
                )
                .entered();
                drop(tracing::info_span!("inner"));
            });
            let received = collector.block_for(2, PATIENCE);
            let find = |name: &str| received.iter().find(|one| one.span.name == name).unwrap();
            let (outer, inner) = (find("GET /jobs/{id}"), find("inner"));
            assert_eq!(inner.span.trace_id, outer.span.trace_id);
            assert_eq!(inner.span.parent_span_id, outer.span.span_id);
            assert!(outer.span.parent_span_id.is_empty());
            assert_eq!(outer.span.kind, 2, "server");
            assert_eq!(outer.span.status.as_ref().unwrap().code, 2, "error");
            assert_eq!(outer.span.flags & 1, 1, "sampled");
            assert!(outer.span.end_time_unix_nano >= outer.span.start_time_unix_nano);
            assert_eq!(outer.attribute("http.request.method").unwrap(), "GET");
            assert_eq!(outer.attribute("http.response.status_code").unwrap(), "500");
            for (key, value) in [
                ("service.name", "shop"),
                ("service.version", "9.9"),
                ("deployment.environment.name", "dev"),
                ("team", "core"),
                ("telemetry.sdk.language", "rust"),
            ] {
                assert_eq!(outer.of_resource(key).as_deref(), Some(value), "{key}");
            }
            let export = &collector.exports()[0];
            assert_eq!(export.headers["x-tenant"], "a b");
            assert_eq!(export.headers["authorization"], "Bearer t0ps3cret");
            let encoding = match protocol {
                Protocol::Grpc => "grpc-encoding",
                Protocol::Http => "content-encoding",
            };
            let encoding = export
                .headers
                .get(encoding)
                .map(|value| value.to_str().unwrap());
            assert_eq!(encoding, (compression == "gzip").then_some("gzip"));
            assert!(obs.stop(PATIENCE).is_empty());
        }
    }
}

#[test]
fn an_endpoint_for_spans_is_used_as_it_stands() {
    let collector = Collector::start(Protocol::Http);
    let elsewhere = format!("{}/elsewhere", collector.endpoint());
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &elsewhere),
    ]);
    spans(&obs, 1);
    collector.block_for(1, PATIENCE);
    assert!(obs.stop(PATIENCE).is_empty());
}

#[test]
fn a_host_and_a_port_are_enough() {
    let collector = Collector::start(Protocol::Grpc);
    let obs = start(&[("OTLP_ENDPOINT", &collector.address().to_string())]);
    spans(&obs, 1);
    collector.block_for(1, PATIENCE);
    assert!(obs.stop(PATIENCE).is_empty());
}

#[test]
fn g1_a_stop_delivers_every_span_that_was_accepted() {
    for (protocol, name) in PROTOCOLS {
        let collector = Collector::start(protocol);
        let obs = start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
            ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512"),
        ]);
        // As many as the queue holds: full batches may leave while others come.
        spans(&obs, 2048);
        let other = obs.clone();
        let losses = obs.stop(PATIENCE);
        assert!(losses.is_empty(), "{losses}");
        assert_eq!(collector.spans().len(), 2048);
        assert!(collector.exports().iter().all(|export| export.spans <= 512));
        assert_eq!(Counted::of(&other), only(2048, &[]));
        // What comes afterwards is counted, and harms nobody.
        spans(&other, 3);
        assert_eq!(Counted::of(&other), only(2048, &[("after_stop", 3)]));
        assert_eq!(other.stop(PATIENCE).spans(), 3);
    }
}

#[test]
fn h1_no_peer_holds_anybody_up_and_every_span_is_counted() {
    let hostile = [
        Hostility::Reset,
        Hostility::NeverReads,
        Hostility::NeverAnswers,
        Hostility::SlowBytes,
        Hostility::HugeBody,
    ];
    for hostility in hostile {
        for (_, protocol) in PROTOCOLS {
            let peer = Hostile::start(hostility);
            let obs = start(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &peer.endpoint()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
                ("OTEL_BSP_EXPORT_TIMEOUT", "200"),
                ("OTEL_BSP_MAX_QUEUE_SIZE", "50"),
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
            ]);
            let began = Instant::now();
            spans(&obs, 500);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(2), "{hostility:?}: {took:?}");
            assert_eq!(Counted::of(&obs).offered(), 500, "{hostility:?} {protocol}");
            let other = obs.clone();
            let _ = obs.stop(Duration::from_secs(10));
            let counted = Counted::of(&other);
            assert_eq!(counted.offered(), 500, "{hostility:?} {protocol}");
            assert_eq!(counted.waiting, 0, "{hostility:?} {protocol}");
            // A body that never ends comes after a status that says all is well.
            let http_200 = hostility == Hostility::HugeBody && protocol != "grpc";
            assert_eq!(
                counted.exported > 0,
                http_200,
                "{hostility:?} {protocol}: {counted:?}"
            );
        }
    }
}

#[test]
fn h1_a_peer_that_speaks_no_tls_takes_nothing_and_every_span_is_counted() {
    for (protocol, name) in PROTOCOLS {
        let plain = Collector::start(protocol);
        let obs = start(&[
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                &plain.endpoint().replace("http://", "https://"),
            ),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "1000"),
        ]);
        spans(&obs, 20);
        let other = obs.clone();
        assert_eq!(obs.stop(PATIENCE).spans(), 20, "{name}");
        assert_eq!(Counted::of(&other).offered(), 20, "{name}");
        assert_eq!(Counted::of(&other).exported, 0, "{name}");
        assert!(plain.spans().is_empty(), "{name}");
    }
}

#[test]
fn h1_an_answer_that_means_later_is_waited_for_and_one_that_means_never_is_not() {
    for (protocol, name) in PROTOCOLS {
        let collector = Collector::start(protocol);
        let obs = start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
        ]);
        collector.reply_next([Reply::Status(503), Reply::Status(503)]);
        spans(&obs, 10);
        collector.block_for(10, PATIENCE);
        collector.block_for_exports(3, PATIENCE);
        for refusal in [400, 403, 500] {
            collector.reply_next([Reply::Status(refusal)]);
            spans(&obs, 1);
            assert!(obs.flush(PATIENCE).spans() > 0);
        }
        assert_eq!(collector.exports().len(), 6, "no refusal is tried again");
        collector.reply_next([Reply::TakeBut(2)]);
        spans(&obs, 5);
        assert_eq!(obs.flush(PATIENCE).spans(), 5);
        assert_eq!(Counted::of(&obs), only(13, &[("rejected", 5)]));
    }
}

#[test]
fn h1_a_retry_after_of_an_hour_does_not_silence_the_export() {
    let collector = Collector::start(Protocol::Http);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ]);
    collector.reply_next([Reply::RetryAfter(3600)]);
    spans(&obs, 1);
    collector.block_for_exports(1, PATIENCE);
    let since = Instant::now();
    collector.block_for(1, PATIENCE);
    let waited = since.elapsed();
    // Five seconds are as long as anybody may ask for.
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(10)).contains(&waited),
        "{waited:?}"
    );
    let _ = obs.flush(PATIENCE);
    assert_eq!(Counted::of(&obs), only(1, &[]));
}

#[test]
fn h2_a_collector_that_comes_back_gets_spans_within_ten_seconds_and_no_burst() {
    for (protocol, name) in PROTOCOLS {
        let gone = Collector::start(protocol);
        let address = gone.address();
        let obs = start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &gone.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", name),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "30"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        ]);
        spans(&obs, 10);
        gone.block_for(10, PATIENCE);
        // Until its answer is there: an export without one is sent again.
        let _ = obs.flush(PATIENCE);
        drop(gone);
        spans(&obs, 200);
        // It is not away until somebody has missed it.
        let nobody = TcpListener::bind(address).unwrap();
        drop(nobody.accept().unwrap());
        drop(nobody);
        let counted = Counted::of(&obs);
        assert_eq!(counted.offered(), 210);
        let back = Collector::at(protocol, address);
        let since = Instant::now();
        back.block_for(1, PATIENCE);
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{:?}",
            since.elapsed()
        );
        back.block_for(30, PATIENCE);
        let exports = back.exports();
        for pair in exports.windows(2) {
            let apart = pair[1].at - pair[0].at;
            assert!(
                apart > Duration::from_millis(500),
                "{name}: {apart:?} apart"
            );
            assert!(pair[1].spans <= 10);
        }
        let _ = obs.flush(PATIENCE);
        let counted = Counted::of(&obs);
        assert_eq!(counted.offered(), 210);
        assert_eq!(counted.waiting, 0);
        assert_eq!(counted.exported, 10 + back.spans().len() as u64);
    }
}

#[test]
fn g2_a_black_hole_cannot_hold_the_stop_beyond_its_deadline() {
    for hostility in [Hostility::NeverReads, Hostility::NeverAnswers] {
        for (_, protocol) in PROTOCOLS {
            let peer = Hostile::start(hostility);
            let obs = start(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &peer.endpoint()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ]);
            spans(&obs, 100);
            let other = obs.clone();
            let began = Instant::now();
            let losses = obs.stop(Duration::from_secs(1));
            let took = began.elapsed();
            assert!(took < Duration::from_millis(1500), "{took:?}");
            assert_eq!(losses.spans(), 100);
            assert!(
                losses.to_string().starts_with("100 spans were dropped"),
                "{losses}"
            );
            assert_eq!(Counted::of(&other), only(0, &[("stopped", 100)]));
        }
    }
}

#[test]
fn a_collector_that_is_not_there_ends_the_stop_early() {
    let gone = Collector::start(Protocol::Grpc);
    let endpoint = gone.endpoint();
    drop(gone);
    let obs = start(&[
        ("OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    spans(&obs, 100);
    let began = Instant::now();
    assert_eq!(obs.stop(PATIENCE).spans(), 100);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

/// Stops when it is dropped.
struct StopsInDrop(Option<Obs>);

impl Drop for StopsInDrop {
    fn drop(&mut self) {
        if let Some(obs) = self.0.take() {
            let _ = obs.stop(Duration::from_millis(700));
        }
    }
}

type Stop = fn(Duration);

#[test]
fn g4_a_stop_from_anywhere_ends_in_time() {
    fn black_hole() -> Obs {
        let peer = Hostile::start(Hostility::NeverAnswers);
        let obs = start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &peer.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ]);
        spans(&obs, 10);
        obs
    }
    let patience = Duration::from_millis(700);
    let places: [(&str, Stop); 6] = [
        ("no runtime", |patience| {
            let _ = black_hole().stop(patience);
        }),
        ("current thread", |patience| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let _ = black_hole().stop(patience);
            });
        }),
        ("one worker", |patience| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let stop = runtime.spawn(async move {
                let _ = black_hole().stop(patience);
            });
            runtime.block_on(stop).unwrap();
        }),
        ("local set", |patience| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async {
                let _ = black_hole().stop(patience);
            });
        }),
        ("unwinding", |_| {
            let unwound = std::panic::catch_unwind(|| {
                let _stops = StopsInDrop(Some(black_hole()));
                std::panic::resume_unwind(Box::new("on purpose"));
            });
            assert!(unwound.is_err());
        }),
        ("while a span is open", |patience| {
            let obs = black_hole();
            let other = obs.clone();
            traced(&obs, || {
                let _open = tracing::info_span!("open").entered();
                let _ = other.stop(patience);
            });
            assert_eq!(Counted::of(&obs).offered(), 11);
        }),
    ];
    for (place, stop) in places {
        let began = Instant::now();
        stop(patience);
        let took = began.elapsed();
        assert!(
            took < patience + Duration::from_millis(500),
            "{place}: {took:?}"
        );
    }
}

#[test]
fn g5_a_hundred_stops_at_once_are_one() {
    let collector = Collector::start(Protocol::Grpc);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ]);
    spans(&obs, 100);
    std::thread::scope(|scope| {
        for _ in 0..100 {
            let obs = obs.clone();
            scope.spawn(move || obs.stop(PATIENCE).spans());
        }
    });
    assert_eq!(collector.spans().len(), 100);
    assert_eq!(Counted::of(&obs), only(100, &[]));
}

#[test]
fn p6_of_1000_requests_every_failed_one_arrives_whole_whatever_the_ratio() {
    let collector = Collector::start(Protocol::Grpc);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
    ]);
    let fails = |number: u64| number.is_multiple_of(9);
    traced(&obs, || {
        for number in 0..1000 {
            let request =
                tracing::info_span!("request", number, otel.status_code = tracing::field::Empty);
            request.in_scope(|| drop(tracing::info_span!("query", number)));
            if fails(number) {
                request.record("otel.status_code", "ERROR");
            }
        }
    });
    assert!(obs.flush(PATIENCE).is_empty());
    let spans = collector.spans();
    let numbers = |name: &str| {
        let named = spans.iter().filter(|one| one.span.name == name);
        named
            .map(|one| one.attribute("number").unwrap().parse::<u64>().unwrap())
            .collect::<BTreeSet<_>>()
    };
    let requests = numbers("request");
    assert_eq!(requests, numbers("query"), "requests are whole");
    assert!(
        (0..1000)
            .filter(|number| fails(*number))
            .all(|failed| requests.contains(&failed))
    );
    let sampled = requests.iter().filter(|number| !fails(**number)).count();
    assert!(sampled < 40, "{sampled} of 888 that did not fail");
    assert!(
        spans.iter().all(|one| one.span.flags & 1 == 1),
        "what arrives says so"
    );
    assert_eq!(Counted::of(&obs), only(spans.len() as u64, &[]));
}

#[test]
fn nothing_of_an_unsampled_request_is_kept_where_errors_are_not() {
    let collector = Collector::start(Protocol::Http);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OBS_TRACES_KEEP_ERRORS", "0"),
    ]);
    traced(&obs, || {
        drop(tracing::info_span!("request", otel.status_code = "ERROR"));
    });
    assert!(obs.stop(PATIENCE).is_empty());
    assert!(collector.exports().is_empty());
}

#[test]
fn h3_the_export_leaves_no_spans_of_its_own() {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::Layer;

    let collector = Collector::start(Protocol::Grpc);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    let noisy = tracing_subscriber::fmt::layer()
        .with_writer(std::io::sink)
        .with_filter(LevelFilter::TRACE);
    let subscriber = tracing_subscriber::registry()
        .with(noisy)
        .with(obs.otlp_layer());
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..20 {
            drop(tracing::info_span!("work"));
            drop(tracing::debug_span!("detail"));
            drop(tracing::info_span!(target: "rmcp::service", "serve_inner"));
            drop(tracing::error_span!(target: "h2::client", "connection"));
            tracing::error!("no span");
            assert!(obs.flush(PATIENCE).is_empty());
        }
    });
    assert_eq!(Counted::of(&obs), only(20, &[]));
    assert!(collector.spans().iter().all(|one| one.span.name == "work"));
    assert!(
        collector
            .spans()
            .iter()
            .all(|one| one.span.events.is_empty())
    );
}

#[test]
fn q1_secrets_are_on_no_span() {
    let collector = Collector::start(Protocol::Http);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OBS_REDACT_KEYS", "plate"),
    ]);
    traced(&obs, || {
        drop(tracing::info_span!(
            "work",
            otel.name = "call of jane@example.com",
            otel.status_description = "Bearer s3cr3t-s3cr3t-s3cr3t",
            otel.status_code = "ERROR",
            password = "hunter2",
            plate = 4711,
            note = "card 4111 1111 1111 1111",
            server.address = "10.0.0.7",
            client.address = "10.0.0.8",
        ));
    });
    assert!(obs.stop(PATIENCE).is_empty());
    let received = &collector.spans()[0];
    let all = format!("{:?}", received.span);
    for secret in ["jane@", "s3cr3t", "hunter2", "4711", "4111", "10.0.0.8"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert_eq!(received.attribute("server.address").unwrap(), "10.0.0.7");
}

#[test]
fn long_values_are_cut_and_a_span_has_a_bounded_size() {
    let collector = Collector::start(Protocol::Grpc);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    let long = "ä".repeat(1 << 20);
    traced(&obs, || {
        let span = tracing::info_span!("work", first = tracing::field::Empty);
        for _ in 0..100 {
            span.record("first", long.as_str());
        }
    });
    assert!(obs.stop(PATIENCE).is_empty());
    let span = &collector.spans()[0].span;
    let size: usize = span
        .attributes
        .iter()
        .map(|attribute| format!("{attribute:?}").len())
        .sum();
    assert!(size < 100 * 1024, "{size} bytes");
    assert!(span.dropped_attributes_count > 0);
}

#[test]
fn h4_whatever_is_offered_is_exported_or_counted() {
    let collector = Collector::start(Protocol::Grpc);
    let obs = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| spans(&obs, 10_000));
        }
    });
    assert_eq!(Counted::of(&obs).offered(), 40_000);
    let lost = obs.flush(PATIENCE).spans();
    assert_eq!(Counted::of(&obs).exported, 40_000 - lost);
    assert_eq!(collector.spans().len() as u64, 40_000 - lost);
}
