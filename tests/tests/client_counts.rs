//! What is counted of outgoing requests: each once, whatever ends it, and nothing of a URL.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::convert::Infallible;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Extensions, Request, Response, StatusCode};
use obs::client::{ClientLayer, ClientProblem, PeerProblem, Route};
use obs::{Format, Obs, Peer};
use obs_tests::scrape::Scrape;
use obs_tests::upstream::Upstream;
use reqwest_middleware::Next;
use tower::{Layer, Service, ServiceExt};

#[derive(obs::Label, Clone, Copy)]
enum Upstreams {
    Engine,
    Rates,
}

fn obs() -> Obs {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    setup.detached().unwrap()
}

fn scrape(obs: &Obs) -> Scrape {
    // Both formats hold the same families.
    drop(Scrape::openmetrics(&obs.scrape(Format::OpenMetrics)));
    Scrape::text(&obs.scrape(Format::Text))
}

/// The counted requests, as `peer method route status`, and how many were timed.
fn counted(obs: &Obs) -> (Vec<(String, f64)>, f64) {
    let scrape = scrape(obs);
    let mut requests = Vec::new();
    for ((name, labels), value) in &scrape.samples {
        let label = |name: &str| {
            let found = labels.iter().find(|(key, _)| key == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        match name.as_str() {
            "http_client_requests_total" => {
                let [peer, method] = ["peer", "method"].map(label);
                let [route, status] = ["route", "status"].map(label);
                requests.push((format!("{peer} {method} {route} {status}"), *value));
            }
            "http_client_requests_in_flight" => assert_eq!(*value, 0.0, "{labels:?}"),
            _ => {}
        }
    }
    let timed = scrape.sum("http_client_request_duration_seconds_count", &[]);
    (requests, timed)
}

fn assert_counted(obs: &Obs, expected: &[(&str, f64)]) {
    let (requests, timed) = counted(obs);
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, n)| ((*key).to_owned(), *n))
        .collect();
    assert_eq!(requests, expected);
    assert_eq!(timed, expected.iter().map(|(_, n)| n).sum::<f64>());
}

fn in_flight(obs: &Obs, peer: &str) -> f64 {
    let value = scrape(obs).value("http_client_requests_in_flight", &[("peer", peer)]);
    value.unwrap()
}

fn layer(obs: &Obs) -> ClientLayer {
    let engine = Peer::new(Upstreams::Engine, "http://engine/v1").routes(["/jobs/{id}"]);
    obs.client_layer().peer(engine).build().unwrap()
}

fn request(url: &str) -> Request<()> {
    Request::get(url).body(()).unwrap()
}

const JOB: &str = "http://engine/v1/jobs/7";

#[tokio::test(start_paused = true)]
async fn every_ending_through_reqwest_is_counted_once() {
    let upstream = Upstream::start().await;
    let obs = obs();
    let routes = ["/status/{code}", "/never", "/panics", "/redirect/{*rest}"];
    let engine = Peer::new(Upstreams::Engine, upstream.url("127.0.0.1", "")).routes(routes);
    let client = obs.client(reqwest::Client::builder().no_proxy());
    let client = client.peer(engine).build().unwrap();
    // Inside, as what is added later always is.
    let client = reqwest_middleware::ClientBuilder::from_client(client)
        .with(panics_on_demand)
        .build();
    let url = |path: &str| upstream.url("127.0.0.1", path);

    for code in [200, 204, 404, 418, 503] {
        let response = client.get(url(&format!("/status/{code}"))).send().await;
        assert_eq!(response.unwrap().status(), code);
    }
    let redirect = url(&format!("/redirect/302/{}", url("/status/201")));
    client.put(redirect).send().await.unwrap();
    let never = client.get(url("/never")).timeout(Duration::from_secs(60));
    assert!(never.send().await.unwrap_err().is_timeout());
    // Nobody listens any more.
    let refused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = refused.local_addr().unwrap();
    drop(refused);
    let error = client.delete(format!("http://{gone}/")).send().await;
    assert!(error.unwrap_err().is_connect());
    assert!(client.get("ftp://127.0.0.1/").send().await.is_err());

    let mut dropped = Box::pin(client.get(url("/never")).send());
    assert!(poll_once(&mut dropped).await.is_pending());
    assert_eq!(in_flight(&obs, "engine"), 1.0);
    drop(dropped);
    // Never polled: never sent.
    drop(client.get(url("/never")).send());

    let sent = client.get(url("/panics")).send();
    assert!(tokio::spawn(sent).await.unwrap_err().is_panic());

    assert_counted(
        &obs,
        &[
            ("_other DELETE unmatched error", 1.0),
            ("_other GET unmatched error", 1.0),
            ("engine GET /never cancelled", 1.0),
            ("engine GET /never error", 1.0),
            ("engine GET /panics error", 1.0),
            ("engine GET /status/{code} 200", 1.0),
            ("engine GET /status/{code} 204", 1.0),
            ("engine GET /status/{code} 404", 1.0),
            ("engine GET /status/{code} 4xx", 1.0),
            ("engine GET /status/{code} 503", 1.0),
            ("engine PUT /redirect/{*rest} 201", 1.0),
        ],
    );
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

type Sent<'a> =
    Pin<Box<dyn Future<Output = reqwest_middleware::Result<reqwest::Response>> + Send + 'a>>;

fn panics_on_demand<'a>(
    request: reqwest::Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> Sent<'a> {
    assert_ne!(request.url().path(), "/panics", "on purpose");
    next.run(request, extensions)
}

/// Sends everything three times.
fn thrice<'a>(
    request: reqwest::Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> Sent<'a> {
    Box::pin(async move {
        for _ in 0..2 {
            let copy = request.try_clone().unwrap();
            drop(next.clone().run(copy, &mut *extensions).await);
        }
        next.run(request, extensions).await
    })
}

#[tokio::test]
async fn a_retry_outside_is_counted_by_attempt_and_one_inside_as_one() {
    let upstream = Upstream::start().await;
    for (outside, expected) in [(true, 3.0), (false, 1.0)] {
        let obs = obs();
        let client = obs.client(reqwest::Client::builder().no_proxy());
        let client = if outside {
            client.outer(thrice).build().unwrap()
        } else {
            let client = client.build().unwrap();
            reqwest_middleware::ClientBuilder::from_client(client)
                .with(thrice)
                .build()
        };
        let url = upstream.url("127.0.0.1", "/status/500");
        client.get(url).send().await.unwrap();
        assert_eq!(upstream.take().len(), 3);
        assert_counted(&obs, &[("_other GET unmatched 500", expected)]);
    }
}

/// What stands at the other end of the layer.
#[derive(Clone, Copy)]
enum Peers {
    Answers(u16),
    Fails,
    Waits,
    PanicsWhenCalled,
    PanicsWhenPolled,
}

impl Service<Request<()>> for Peers {
    type Response = Response<()>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let what = *self;
        assert!(!matches!(what, Self::PanicsWhenCalled), "on purpose");
        Box::pin(async move {
            match what {
                Self::Answers(status) => {
                    let mut response = Response::new(());
                    *response.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok(response)
                }
                Self::Fails => Err(std::io::ErrorKind::ConnectionReset.into()),
                Self::PanicsWhenPolled => panic!("on purpose"),
                _ => std::future::pending().await,
            }
        })
    }
}

#[tokio::test]
async fn every_ending_through_the_layer_is_counted_once() {
    let obs = obs();
    let layer = layer(&obs);
    for status in [200, 302, 404, 503] {
        let response = layer
            .layer(Peers::Answers(status))
            .oneshot(request(JOB))
            .await;
        assert_eq!(response.unwrap().status(), status);
    }
    let failed = layer.layer(Peers::Fails).oneshot(request(JOB)).await;
    assert_eq!(
        failed.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );

    let mut waiting = Box::pin(layer.layer(Peers::Waits).call(request(JOB)));
    assert!(poll_once(&mut waiting).await.is_pending());
    let unpolled = layer.layer(Peers::Waits).call(request(JOB));
    assert_eq!(in_flight(&obs, "engine"), 2.0);
    drop((waiting, unpolled));

    let mut service = layer.layer(Peers::PanicsWhenCalled);
    let called = catch_unwind(AssertUnwindSafe(|| drop(service.call(request(JOB)))));
    assert!(called.is_err());
    // Caught where it is polled, and dropped only later.
    let mut polled = Box::pin(layer.layer(Peers::PanicsWhenPolled).call(request(JOB)));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        polled.as_mut().poll(&mut cx).is_ready()
    }));
    assert!(caught.is_err());
    drop(polled);

    assert_counted(
        &obs,
        &[
            ("engine GET /jobs/{id} 200", 1.0),
            ("engine GET /jobs/{id} 302", 1.0),
            ("engine GET /jobs/{id} 404", 1.0),
            ("engine GET /jobs/{id} 503", 1.0),
            ("engine GET /jobs/{id} cancelled", 2.0),
            ("engine GET /jobs/{id} error", 3.0),
        ],
    );
}

#[tokio::test]
async fn a_request_through_two_layers_is_counted_once() {
    let obs = obs();
    let layer = layer(&obs);
    let service = layer.layer(layer.layer(Peers::Answers(200)));
    service.oneshot(request(JOB)).await.unwrap();
    assert_counted(&obs, &[("engine GET /jobs/{id} 200", 1.0)]);
}

async fn send(layer: &ClientLayer, request: Request<()>) {
    let service = tower::service_fn(|_| ready(Ok::<_, Infallible>(Response::new(()))));
    layer.layer(service).oneshot(request).await.unwrap();
}

#[tokio::test]
async fn a_request_is_of_the_closest_peer_and_of_the_template_that_matches_below_it() {
    let obs = obs();
    let engine = Peer::new(Upstreams::Engine, "http://u:p@Engine.:80/v1/").routes([
        "/",
        "/jobs/{id}",
        "/jobs/latest",
        "/files/{*path}",
        "/rpc#list",
    ]);
    let rates = Peer::new(Upstreams::Rates, "http://engine/v1/rates").routes(["/{currency}"]);
    let builder = obs.client_layer().peer(engine).peer(rates);
    let layer = builder.build().unwrap();
    let matching = [
        ("http://engine/v1", "engine GET /"),
        ("http://engine/v1/", "engine GET /"),
        ("http://ENGINE:80/v1/jobs/7?q=1", "engine GET /jobs/{id}"),
        (
            "http://u:p@engine./v1/jobs/latest",
            "engine GET /jobs/latest",
        ),
        ("http://engine/v1/files/a/b", "engine GET /files/{*path}"),
        ("http://engine/v1/jobs/", "engine GET unmatched"),
        ("http://engine/v1/rates/EUR", "rates GET /{currency}"),
        ("http://engine/v1/ratesx", "engine GET unmatched"),
        ("http://engine/v10/jobs/7", "_other GET unmatched"),
        ("http://engine/jobs/7", "_other GET unmatched"),
        ("http://engine:81/v1/jobs/7", "_other GET unmatched"),
        ("https://engine/v1/jobs/7", "_other GET unmatched"),
        ("http://engine.example/v1/jobs/7", "_other GET unmatched"),
        ("/v1/jobs/7", "_other GET unmatched"),
        ("*", "_other GET unmatched"),
    ];
    let mut expected = std::collections::BTreeMap::<String, f64>::new();
    for (url, key) in matching {
        send(&layer, request(url)).await;
        *expected.entry(format!("{key} 200")).or_default() += 1.0;
        let (requests, _) = counted(&obs);
        assert_eq!(
            requests
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
            expected,
            "{url}"
        );
    }
    // Named at the call: only what was declared for the peer.
    for (route, key) in [
        ("/rpc#list", "engine GET /rpc#list"),
        ("/{currency}", "engine GET unmatched"),
    ] {
        let mut named = request("http://engine/v1/rpc");
        named.extensions_mut().insert(Route(route));
        send(&layer, named).await;
        *expected.entry(format!("{key} 200")).or_default() += 1.0;
        let (requests, _) = counted(&obs);
        assert_eq!(
            requests
                .into_iter()
                .collect::<std::collections::BTreeMap<_, _>>(),
            expected,
            "{route}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_host_is_of_the_only_peer() {
    let obs = obs();
    let engine = Peer::new(Upstreams::Engine, "http://engine:50051").routes(["/pkg.Jobs/{method}"]);
    let layer = obs.client_layer().peer(engine).build().unwrap();
    send(&layer, request("/pkg.Jobs/List")).await;
    assert_counted(&obs, &[("engine GET /pkg.Jobs/{method} 200", 1.0)]);
}

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn token(&mut self) -> String {
        let mut token = String::from("x");
        for _ in 0..4 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            token.extend(format!("{:x}", self.0 >> 48).chars());
        }
        token
    }
}

#[tokio::test]
async fn b_ten_thousand_random_urls_methods_and_hosts_add_no_series() {
    let obs = obs();
    let layer = layer(&obs);
    let mut random = Random(7);
    let requests = |random: &mut Random| {
        let mut token = || random.token();
        let method = http::Method::from_bytes(token().as_bytes()).unwrap();
        let urls = [
            format!("http://engine/v1/jobs/{}?key={}", token(), token()),
            format!("http://engine/v1/{}/{}", token(), token()),
            format!(
                "https://{}:{}@{}.example/{}",
                token(),
                token(),
                token(),
                token()
            ),
        ];
        urls.map(|url| {
            Request::builder()
                .method(method.clone())
                .uri(url)
                .body(())
                .unwrap()
        })
    };
    for request in requests(&mut random) {
        send(&layer, request).await;
    }
    let before = scrape(&obs).samples.len();
    for _ in 0..10_000 {
        for request in requests(&mut random) {
            send(&layer, request).await;
        }
    }
    assert_eq!(scrape(&obs).samples.len(), before);
    assert_counted(
        &obs,
        &[
            ("_other other unmatched 200", 10_001.0),
            ("engine other /jobs/{id} 200", 10_001.0),
            ("engine other unmatched 200", 10_001.0),
        ],
    );
}

#[tokio::test]
async fn clients_share_their_series_and_many_of_them_cost_no_more() {
    let obs = obs();
    for _ in 0..100 {
        send(&layer(&obs), request(JOB)).await;
    }
    assert_counted(&obs, &[("engine GET /jobs/{id} 200", 100.0)]);
    let families = obs.families();
    let family = families
        .iter()
        .find(|it| it.name == "http_client_requests_total")
        .unwrap();
    // Two routes of the engine and one of `_other`, ten methods, 29 statuses.
    assert_eq!(family.max_combinations, Some(3 * 10 * 29));
}

#[tokio::test]
async fn the_families_follow_the_prefix_and_are_absent_without_a_client() {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    let obs = setup.metric_prefix("traceo").detached().unwrap();
    assert!(!obs.scrape(Format::Text).contains("http_client"));
    send(&layer(&obs), request(JOB)).await;
    let labels = [
        ("peer", "engine"),
        ("method", "GET"),
        ("route", "/jobs/{id}"),
        ("status", "200"),
    ];
    let scrape = scrape(&obs);
    assert_eq!(
        scrape.value("traceo_http_client_requests_total", &labels),
        Some(1.0)
    );
    assert_eq!(scrape.count("http_client_requests_total"), 0);
}

#[test]
fn every_mistake_of_every_peer_is_in_one_error_without_its_secrets() {
    let peers = [
        Peer::new(Upstreams::Engine, "engine:8080").routes(["jobs", "/a/{", "/b/{x}", "/b/{y}"]),
        Peer::new(Upstreams::Engine, "ftp://u:hunter2@engine/"),
        Peer::new(Upstreams::Engine, "http://engine/?key=hunter2"),
        Peer::new(Upstreams::Engine, "http://u:hunter2@/"),
        Peer::new(Upstreams::Engine, "u:hunter2@host name"),
        Peer::new(Upstreams::Engine, "http://engine"),
        Peer::new(Upstreams::Rates, "http://ENGINE:80/"),
    ];
    let obs = obs();
    let builder = peers
        .into_iter()
        .fold(obs.client_layer(), obs::client::ClientLayerBuilder::peer);
    let error = builder.build().unwrap_err();
    let count =
        |is: fn(&ClientProblem) -> bool| error.problems().iter().filter(|it| is(it)).count();
    let of_base = |it: &ClientProblem| {
        matches!(
            it,
            ClientProblem::Peer {
                problem: PeerProblem::BaseUrl { .. },
                ..
            }
        )
    };
    let of_route = |it: &ClientProblem| {
        matches!(
            it,
            ClientProblem::Peer {
                problem: PeerProblem::Route { .. },
                ..
            }
        )
    };
    assert_eq!(count(of_base), 5);
    assert_eq!(count(of_route), 3);
    assert_eq!(
        count(|it| matches!(
            it,
            ClientProblem::SameBase {
                peers: ["engine", "rates"]
            }
        )),
        1
    );
    assert_eq!(error.problems().len(), 9);
    let text = error.to_string();
    assert_eq!(text.lines().count(), 10, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}
