//! `obs.wrap(router)`: every request counted once, and never more series than the router has.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::convert::Infallible;
use std::future::{Future, pending, ready};
use std::pin::pin;
use std::task::{Context, Waker};

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use obs::{Format, Obs};
use obs_tests::scrape::Scrape;
use tower::{Service, ServiceExt};

const REQUESTS: &str = "http_requests_total";

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

fn detached() -> Obs {
    setup().detached().unwrap()
}

fn scrape(obs: &Obs) -> Scrape {
    Scrape::text(&obs.scrape(Format::Text))
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap()
}

async fn send(app: &Router, method: &str, path: &str) -> Response {
    app.clone().oneshot(request(method, path)).await.unwrap()
}

async fn body(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn count(obs: &Obs, method: &str, route: &str, status: &str) -> f64 {
    let labels = [("method", method), ("route", route), ("status", status)];
    scrape(obs).value(REQUESTS, &labels).unwrap_or(0.0)
}

#[tokio::test]
async fn requests_are_counted_by_method_template_and_status() {
    let obs = detached();
    let app = obs.wrap(
        Router::new()
            .route("/jobs/{id}", get(async |_: Path<String>| "job"))
            .route("/jobs", post(async || StatusCode::CREATED)),
    );
    for id in 0..3 {
        send(&app, "GET", &format!("/jobs/{id}?page=2")).await;
    }
    send(&app, "POST", "/jobs").await;
    send(&app, "DELETE", "/jobs").await;
    send(&app, "GET", "/nowhere").await;
    assert_eq!(count(&obs, "GET", "/jobs/{id}", "200"), 3.0);
    assert_eq!(count(&obs, "POST", "/jobs", "201"), 1.0);
    assert_eq!(count(&obs, "DELETE", "/jobs", "405"), 1.0);
    assert_eq!(count(&obs, "GET", "unmatched", "404"), 1.0);
    let scrape = scrape(&obs);
    assert_eq!(scrape.count(REQUESTS), 4, "only what happened is there");
    assert_eq!(
        scrape.value("obs_series", &[("family", REQUESTS)]),
        Some(4.0)
    );
}

#[tokio::test]
async fn metrics_are_answered_in_the_format_asked_for_and_not_counted() {
    let obs = detached();
    let app = obs.wrap(Router::new().fallback(async || "mine"));
    let response = send(&app, "GET", "/metrics").await;
    assert_eq!(
        response.headers()[CONTENT_TYPE],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = Scrape::text(&body(response).await);
    assert_eq!(text.types["obs_build_info"], "gauge");
    assert_eq!(text.types[REQUESTS], "counter");

    let mut asked = request("GET", "/metrics");
    asked.headers_mut().insert(
        ACCEPT,
        "application/openmetrics-text; version=1.0.0"
            .parse()
            .unwrap(),
    );
    let response = app.clone().oneshot(asked).await.unwrap();
    assert_eq!(
        response.headers()[CONTENT_TYPE],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let open = Scrape::openmetrics(&body(response).await);
    assert_eq!(open.types["obs_build"], "info");

    let head = send(&app, "HEAD", "/metrics").await;
    assert_ne!(head.headers()[CONTENT_LENGTH], "0");
    assert_eq!(body(head).await, "");

    let refused = send(&app, "POST", "/metrics").await;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers()[ALLOW], "GET, HEAD");
    assert_eq!(scrape(&obs).count(REQUESTS), 0);

    assert_eq!(body(send(&app, "GET", "/else").await).await, "mine");
}

#[tokio::test]
async fn a_route_of_the_users_own_wins_over_ours_and_is_counted() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/metrics", get(async || "mine")));
    assert_eq!(body(send(&app, "GET", "/metrics").await).await, "mine");
    assert_eq!(count(&obs, "GET", "/metrics", "200"), 1.0);
}

#[tokio::test]
async fn b1_ten_thousand_random_unmatched_paths_are_one_series() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/known", get(async || "")));
    send(&app, "GET", "/first").await;
    let before = scrape(&obs).samples.len();
    for n in 0..10_000_u32 {
        let path = match n % 4 {
            0 => format!("/.env{n}"),
            1 => format!("/wp-admin/{n}/%00/%FF"),
            2 => format!("/{}{n}", "a".repeat(4000)),
            _ => format!("/%E4%BD%A0/{n}?q={n}"),
        };
        send(&app, "GET", &path).await;
    }
    let after = scrape(&obs);
    assert_eq!(after.samples.len(), before);
    assert_eq!(after.sum(REQUESTS, &[("route", "unmatched")]), 10_001.0);
}

/// Named after CVE-2022-21698 and CVE-2023-45142: a client's method as a label value.
#[tokio::test]
async fn b2_cve_2022_21698_ten_thousand_random_methods_are_at_most_one_series() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/known", any(async || "")));
    send(&app, "GET", "/known").await;
    let before = scrape(&obs).count(REQUESTS);
    for n in 0..10_000_u32 {
        let method = match n % 5 {
            0 => format!("X{n}"),
            1 => format!("METHOD-OF-{n:06}"),
            2 => format!("{}{n}", "L".repeat(60)),
            3 => "get".to_owned(),
            _ => format!("M{n}_"),
        };
        send(&app, &method, "/known").await;
    }
    assert_eq!(scrape(&obs).count(REQUESTS), before + 1);
    assert_eq!(count(&obs, "other", "/known", "200"), 10_000.0);
}

#[tokio::test]
async fn b4_every_status_code_has_a_bounded_label_and_none_is_lost() {
    let obs = detached();
    let answer = async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap();
    let app = obs.wrap(Router::new().route("/status/{code}", get(answer)));
    for code in 100..=999 {
        send(&app, "GET", &format!("/status/{code}")).await;
    }
    let scrape = scrape(&obs);
    assert_eq!(scrape.sum(REQUESTS, &[]), 900.0);
    assert_eq!(scrape.count(REQUESTS), 27);
    assert_eq!(scrape.sum(REQUESTS, &[("status", "other")]), 400.0);
}

#[tokio::test]
async fn b3_headers_and_hosts_add_no_series() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/known", get(async || "")));
    send(&app, "GET", "/known").await;
    let before = scrape(&obs).samples.len();
    for n in 0..1_000 {
        let request = Request::builder()
            .uri(format!("http://host-{n}.example/known?x={n}"))
            .header("host", format!("host-{n}.example"))
            .header("user-agent", format!("agent {n}"))
            .header("x-forwarded-for", format!("10.0.0.{}", n % 256))
            .body(Body::empty())
            .unwrap();
        app.clone().oneshot(request).await.unwrap();
    }
    assert_eq!(scrape(&obs).samples.len(), before);
}

#[test]
fn a_future_dropped_before_its_response_counts_as_499_exactly_once() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/wait", get(pending::<&str>)));
    let mut context = Context::from_waker(Waker::noop());
    for polled in 0..1_000 {
        let future = app.clone().oneshot(request("GET", "/wait"));
        let mut future = pin!(future);
        // Not only at the first poll: a client may leave at any time.
        for _ in 0..=polled % 3 {
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
    }
    assert_eq!(count(&obs, "GET", "/wait", "499"), 1_000.0);
    assert_eq!(scrape(&obs).sum(REQUESTS, &[]), 1_000.0);
}

#[test]
fn a_future_that_is_never_polled_counts_as_499() {
    let obs = detached();
    let mut service = tower::Layer::layer(
        &obs.layer(),
        tower::service_fn(|_: Request<Body>| {
            ready(Ok::<_, Infallible>(Response::<Body>::default()))
        }),
    );
    drop(service.call(request("GET", "/")));
    assert_eq!(count(&obs, "GET", "unmatched", "499"), 1.0);
}

#[tokio::test]
async fn an_error_of_a_plain_service_counts_as_500() {
    let obs = detached();
    let fails = tower::service_fn(|_: Request<Body>| ready(Err::<Response, _>("no answer")));
    let service = tower::Layer::layer(&obs.layer(), fails);
    let ended = service.oneshot(request("GET", "/")).await;
    assert_eq!(ended.unwrap_err(), "no answer");
    assert_eq!(count(&obs, "GET", "unmatched", "500"), 1.0);
}

#[tokio::test]
async fn b6_nested_routers_and_services_never_show_axums_private_names() {
    let obs = detached();
    let inner = Router::new()
        .route("/x/{id}", get(async |_: Path<String>| ""))
        .fallback(async || StatusCode::NOT_FOUND);
    let files = Router::new().route("/{*path}", get(async || ""));
    let app = obs.wrap(
        Router::new()
            .nest("/api", inner)
            .nest_service("/files", files.clone())
            .nest("/deep", Router::new().nest_service("/files", files))
            .route("/rest/{*tail}", get(async || "")),
    );
    for path in [
        "/api/x/1",
        "/api/none",
        "/files",
        "/files/",
        "/files/a/b",
        "/deep/files/a",
        "/rest/a/b",
        "/metrics/",
        "//metrics",
    ] {
        send(&app, "GET", path).await;
    }
    let scrape = scrape(&obs);
    assert_eq!(scrape.sum(REQUESTS, &[]), 9.0);
    let routes = scrape.label_values(REQUESTS, "route");
    assert!(
        routes.contains("/api/x/{id}") && routes.contains("/rest/{*tail}"),
        "{routes:?}"
    );
    assert!(
        routes.iter().all(|route| !route.contains("__private")),
        "{routes:?}"
    );
}

#[tokio::test]
async fn applying_the_layer_twice_does_not_count_twice() {
    let obs = detached();
    let inner = obs.wrap(Router::new().route("/x", get(async || "")));
    let app = obs.wrap(obs.wrap(Router::new().nest("/in", inner)));
    send(&app, "GET", "/in/x").await;
    send(&app, "GET", "/none").await;
    assert_eq!(count(&obs, "GET", "/in/x", "200"), 1.0);
    assert_eq!(scrape(&obs).sum(REQUESTS, &[]), 2.0);
    let inside = send(&app, "GET", "/in/metrics").await;
    assert_eq!(inside.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn b10_routes_past_the_cap_are_counted_as_other() {
    let obs = setup().max_routes(4).detached().unwrap();
    let mut many = Router::new();
    for n in 0..50 {
        many = many.route(&format!("/r{n}"), any(async || ""));
    }
    let app = obs.wrap(many);
    for n in 0..50 {
        send(&app, "GET", &format!("/r{n}")).await;
        send(&app, "GET", &format!("/r{n}")).await;
    }
    send(&app, "GET", "/none").await;
    let scrape = scrape(&obs);
    let routes = scrape.label_values(REQUESTS, "route");
    assert_eq!(routes.len(), 4 + 2, "{routes:?}");
    assert_eq!(scrape.sum(REQUESTS, &[("route", "other")]), 92.0);
    assert_eq!(
        scrape.value("obs_http_routes_capped_total", &[]),
        Some(92.0)
    );
    assert_eq!(scrape.sum(REQUESTS, &[]), 101.0);
}

#[tokio::test]
async fn methods_of_few_routes_cannot_pass_the_cap_of_rows() {
    let obs = setup().max_routes(2).detached().unwrap();
    let app = obs.wrap(
        Router::new()
            .route("/a", any(async || ""))
            .route("/b", any(async || "")),
    );
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X",
    ] {
        for path in ["/a", "/b", "/none"] {
            send(&app, method, path).await;
        }
    }
    let scrape = scrape(&obs);
    let rows: std::collections::BTreeSet<_> = scrape
        .samples
        .keys()
        .filter(|(name, _)| name == REQUESTS)
        .map(|(_, labels)| (&labels[0].1, &labels[1].1))
        .filter(|(_, route)| *route == "/a" || *route == "/b")
        .collect();
    assert_eq!(rows.len(), 5, "two and a half rows a route");
    assert_eq!(scrape.sum(REQUESTS, &[]), 27.0);
    assert_eq!(scrape.sum(REQUESTS, &[("route", "other")]), 13.0);
}

#[tokio::test]
async fn a_prefix_names_the_family_and_the_report_knows_its_bound() {
    let obs = setup().metric_prefix("traceo").detached().unwrap();
    let app = obs.wrap(Router::new().route("/x", get(async || "")));
    send(&app, "GET", "/x").await;
    let scrape = scrape(&obs);
    assert_eq!(scrape.count("traceo_http_requests_total"), 1);
    assert_eq!(scrape.count(REQUESTS), 0);
    let report = obs.report();
    let row = report
        .rows
        .iter()
        .find(|row| row.family == "traceo_http_requests_total")
        .unwrap();
    assert_eq!(row.combinations, 1);
    assert!(row.max_combinations <= 7_500, "{}", row.max_combinations);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_of_new_routes_are_all_counted() {
    let obs = detached();
    let app = obs.wrap(
        Router::new()
            .route("/{a}", get(async || ""))
            .route("/b/{c}", get(async || "")),
    );
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let app = app.clone();
            tokio::spawn(async move {
                for n in 0..500 {
                    let path = if (n + task) % 2 == 0 { "/x" } else { "/b/x" };
                    send(&app, "GET", path).await;
                }
            })
        })
        .collect();
    for _ in 0..20 {
        drop(scrape(&obs));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(scrape(&obs).sum(REQUESTS, &[]), 8_000.0);
    assert_eq!(scrape(&obs).count(REQUESTS), 2);
}

#[tokio::test]
async fn state_and_extensions_of_the_users_router_still_work() {
    let obs = detached();
    let router: Router<String> = Router::new().route(
        "/",
        get(
            async |axum::extract::State(state): axum::extract::State<String>,
                   Extension(n): Extension<u8>| { format!("{state} {n}") },
        ),
    );
    let app = obs
        .wrap(router.layer(Extension(7_u8)))
        .with_state("state".to_owned());
    assert_eq!(body(send(&app, "GET", "/").await).await, "state 7");
}

#[test]
fn the_layer_can_go_wherever_a_service_can() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let obs = detached();
    shared(&obs);
    shared(&obs.layer());
}

#[tokio::test]
async fn the_buckets_of_latencies_can_be_chosen_and_bad_ones_are_refused() {
    let obs = setup().http_buckets([0.2, 0.4]).detached().unwrap();
    let app = obs.wrap(Router::new().route("/", get(async || "")));
    drop(send(&app, "GET", "/").await);
    let page = scrape(&obs);
    let bucket = |le| page.sum("http_request_duration_seconds_bucket", &[("le", le)]);
    assert_eq!([bucket("0.2"), bucket("0.4"), bucket("+Inf")], [1.0; 3]);
    assert_eq!(page.sum("http_request_duration_seconds_count", &[]), 1.0);
    let bad: [&[f64]; 6] = [
        &[],
        &[0.2, 0.2],
        &[0.4, 0.2],
        &[0.0],
        &[f64::NAN],
        &[1.0, f64::INFINITY],
    ];
    for bounds in bad {
        let error = setup().http_buckets(bounds).detached().unwrap_err();
        assert!(error.to_string().contains("bounds of buckets"), "{error}");
    }
}
