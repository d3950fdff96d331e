//! Installing: once a process, from any number of threads, seen by everything.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use obs::{Format, Obs, ProblemKind};
use obs_tests::scrape::Scrape;
use tower::ServiceExt;

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

// One test, because there is one process.
#[tokio::test]
async fn i1_one_of_a_hundred_installs_wins_and_everything_is_on_its_scrape() {
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| setup().install()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let (installed, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(installed.len(), 1);
    for error in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.problems()[0].kind(), ProblemKind::AlreadyInstalled);
    }
    let obs = installed.into_iter().next().unwrap().unwrap();

    metrics::counter!("third.party.calls", "by" => "macro").increment(4);
    let app = obs.wrap(Router::new().route("/x", get(async || "")));
    let request = Request::get("/x").body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap();

    let scrape = Scrape::openmetrics(&obs.scrape(Format::OpenMetrics));
    assert_eq!(
        scrape.value("third_party_calls", &[("by", "macro")]),
        Some(4.0)
    );
    assert_eq!(scrape.sum("http_requests_total", &[("route", "/x")]), 1.0);
    assert_eq!(scrape.count("obs_build_info"), 1);
    assert_eq!(scrape.count("obs_facade_probe"), 0);
    assert!(scrape.count("obs_series") > 5);

    // The catalogue shows what was installed to everybody, once.
    let families = obs::catalog::gather();
    let requests = families
        .iter()
        .filter(|family| family.name == "http_requests_total");
    assert_eq!(requests.count(), 1);

    // A detached one beside it is independent.
    let detached = setup().detached().unwrap();
    let other = Scrape::text(&detached.scrape(Format::Text));
    assert_eq!(other.count("third_party_calls"), 0);
}
