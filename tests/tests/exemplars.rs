//! Exemplars: the histograms of a sampled request name its trace, in `OpenMetrics` alone.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use obs::{Ctx, Format, Obs};
use obs_tests::scrape::{Exemplar, Scrape};
use tower::ServiceExt;

obs::metrics! {
    registry EXEMPLARS;

    /// Seconds that something took, by test.
    histogram exemplars_step_seconds(test: Test) { buckets = [0.1, 1.0] }

    /// Bytes of something.
    histogram exemplars_body_bytes() { buckets = [1_000.0] }
}

#[derive(obs::Label, Clone, Copy)]
enum Test {
    Joined,
    Timed,
    Unsampled,
    Latest,
    Captured,
}

const TRACES: [&str; 3] = [
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "0af7651916cd43dd8448eb211c80319c",
    "5b8aa5a2d2c872e8321cf37308d69df2",
];

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

/// A request in a peer's trace, which the peer records or does not.
fn request(path: &str, trace: &str, sampled: bool) -> Request<Body> {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    let parent = format!("00-{trace}-00f067aa0ba902b7-0{}", u8::from(sampled));
    let parent = HeaderValue::try_from(parent).unwrap();
    request.headers_mut().insert("traceparent", parent);
    let peer: SocketAddr = "127.0.0.1:9".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn scrape(obs: &Obs) -> Scrape {
    Scrape::openmetrics(&obs.scrape(Format::OpenMetrics))
}

fn trace(exemplar: &Exemplar) -> &str {
    &exemplar.labels["trace_id"]
}

/// The trace of the one exemplar that these series have.
fn only_trace(scrape: &Scrape, histogram: &str, labels: &[(&str, &str)]) -> String {
    let [exemplar] = scrape.exemplars_of(histogram, labels)[..] else {
        panic!("not one exemplar of {histogram}{labels:?}: {scrape:?}");
    };
    trace(exemplar).to_owned()
}

fn own_span() -> String {
    Ctx::current().unwrap().trace().span_id.to_string()
}

#[obs::observed]
async fn exemplars_joined() {
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn every_histogram_of_a_sampled_request_names_its_trace_and_its_span() {
    let obs = detached();
    let handler = async || {
        exemplars_step_seconds(Test::Joined).observe(Duration::from_millis(250));
        exemplars_step_seconds(Test::Timed).start_timer().stop();
        exemplars_body_bytes().observe(512.0);
        exemplars_joined().await;
        own_span()
    };
    let app = obs.wrap(Router::new().route("/joined", get(handler)));
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let response = app.oneshot(request("/joined", TRACES[0], true)).await;
    let span = text(response.unwrap()).await;
    let page = scrape(&obs);
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    for (histogram, labels, value) in [
        ("exemplars_step_seconds", ("test", "joined"), Some(0.25)),
        ("exemplars_step_seconds", ("test", "timed"), None),
        ("exemplars_body_bytes", ("le", "1000.0"), Some(512.0)),
        (
            "operation_duration_seconds",
            ("operation", "exemplars_joined"),
            None,
        ),
        ("http_request_duration_seconds", ("route", "/joined"), None),
    ] {
        let [exemplar] = page.exemplars_of(histogram, &[labels])[..] else {
            panic!("not one exemplar of {histogram}: {page:?}");
        };
        assert_eq!(trace(exemplar), TRACES[0], "{histogram}");
        assert_eq!(exemplar.labels["span_id"], span, "{histogram}");
        assert_eq!(exemplar.labels.len(), 2);
        // The page says milliseconds.
        let taken = before.as_secs_f64() - 0.001..=after.as_secs_f64();
        assert!(taken.contains(&exemplar.timestamp), "{exemplar:?}");
        if let Some(value) = value {
            assert_eq!(exemplar.value.to_bits(), f64::to_bits(value), "{histogram}");
        }
        assert!((0.0..=1_000.0).contains(&exemplar.value), "{exemplar:?}");
    }
    let older = obs.scrape(Format::Text);
    assert!(older.contains("exemplars_step_seconds_bucket"));
    assert!(!older.contains("trace_id"), "{older}");
    let older = Scrape::text(&older);
    assert!(older.exemplars.is_empty());
}

#[tokio::test]
async fn what_is_not_sampled_or_in_no_request_leaves_no_exemplar() {
    let obs = detached();
    let handler = async || exemplars_step_seconds(Test::Unsampled).observe(0.25);
    let app = obs.wrap(Router::new().route("/unsampled", get(handler)));
    let response = app.oneshot(request("/unsampled", TRACES[0], false)).await;
    text(response.unwrap()).await;
    exemplars_step_seconds(Test::Unsampled).observe(0.25);
    let page = scrape(&obs);
    let labels = [("test", "unsampled")];
    assert_eq!(exemplars_step_seconds(Test::Unsampled).count(), 2);
    assert!(
        page.exemplars_of("exemplars_step_seconds", &labels)
            .is_empty()
    );
    let own = page.exemplars_of("http_request_duration_seconds", &[]);
    assert!(own.is_empty(), "{own:?}");
}

#[tokio::test]
async fn the_last_sampled_request_wins_in_its_bucket_and_the_other_buckets_keep_theirs() {
    let obs = detached();
    let handler = async |seconds: String| {
        exemplars_step_seconds(Test::Latest).observe(seconds.parse::<f64>().unwrap());
    };
    let app = obs.wrap(Router::new().route("/latest", get(handler)));
    for (trace, sampled, seconds) in [
        (TRACES[0], true, "0.5"),
        (TRACES[1], true, "0.01"),
        (TRACES[2], true, "0.75"),
        // Counted, but no exemplar.
        (TRACES[1], false, "0.9"),
    ] {
        let mut request = request("/latest", trace, sampled);
        *request.body_mut() = Body::from(seconds);
        text(app.clone().oneshot(request).await.unwrap()).await;
    }
    let page = scrape(&obs);
    let of = |le| {
        let labels = [("test", "latest"), ("le", le)];
        only_trace(&page, "exemplars_step_seconds", &labels)
    };
    assert_eq!(of("0.1"), TRACES[1]);
    assert_eq!(of("1.0"), TRACES[2]);
    let last = [("test", "latest"), ("le", "+Inf")];
    assert!(
        page.exemplars_of("exemplars_step_seconds", &last)
            .is_empty()
    );
}

#[tokio::test]
async fn a_request_whose_body_ends_in_another_one_is_named_and_not_the_other() {
    let obs = detached();
    let (send, receive) = std::sync::mpsc::channel::<Ctx>();
    let ours = obs.wrap(Router::new().route("/ours", get(async || "a body")));
    let other = obs.wrap(Router::new().route(
        "/other",
        get(move || {
            send.send(Ctx::current().unwrap()).unwrap();
            async {}
        }),
    ));
    let response = ours.oneshot(request("/ours", TRACES[0], true)).await;
    let response = response.unwrap();
    text(
        other
            .oneshot(request("/other", TRACES[1], true))
            .await
            .unwrap(),
    )
    .await;
    // Left by the client while the thread works for the other request.
    receive.recv().unwrap().scope(|| drop(response));
    let page = scrape(&obs);
    let of = |route| only_trace(&page, "http_request_duration_seconds", &[("route", route)]);
    assert_eq!(of("/ours"), TRACES[0]);
    assert_eq!(of("/other"), TRACES[1]);
}

#[tokio::test]
async fn what_a_test_captures_leaves_no_exemplar_in_the_process() {
    let obs = detached();
    let capture = obs::test::capture();
    let inner = capture.clone();
    let handler = async move || {
        inner.run_sync(|| exemplars_step_seconds(Test::Captured).observe(0.25));
    };
    let app = obs.wrap(Router::new().route("/captured", get(handler)));
    let response = app.oneshot(request("/captured", TRACES[0], true)).await;
    text(response.unwrap()).await;
    let labels = [("test", "captured")];
    let captured = capture.value("exemplars_step_seconds_count", &labels);
    assert_eq!(captured.to_bits(), 1.0_f64.to_bits());
    let page = scrape(&obs);
    assert!(
        page.exemplars_of("exemplars_step_seconds", &labels)
            .is_empty()
    );
}
