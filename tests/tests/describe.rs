//! What a service can show is told before it does anything, and the same afterwards.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use obs::catalog::Family;
use obs::{Kind, Obs, Setup};
use tower::ServiceExt;

#[derive(obs::Label, Clone, Copy)]
enum Size {
    Small,
    Large,
}

obs::metrics! {
    registry BAR;

    /// Seconds from the order to the cup.
    histogram bar_wait_seconds(size: Size) {
        buckets = [1.0, 60.0],
        slo = { at: 60.0, target: 95.0 },
    }
}

#[obs::observed(slo(at = 0.5, target = 99.0))]
fn brew(size: Size) {
    bar_wait_seconds(size).observe(2.0);
}

fn setup() -> Setup {
    let service = obs::Service::new("bar", "1.0.0");
    Obs::from_vars(service, [("OBS_ENV", "dev")])
        .unwrap()
        .metric_prefix("bar")
}

/// All but the samples.
fn told(families: &[Family]) -> BTreeMap<String, String> {
    let without = |family: &Family| {
        let mut family = family.clone();
        family.samples.clear();
        (family.name.to_string(), format!("{family:?}"))
    };
    families.iter().map(without).collect()
}

#[tokio::test]
async fn it_is_the_same_before_and_after_the_process_has_done_something() {
    let obs = setup().detached().unwrap();
    let before = told(&obs.describe());
    brew(Size::Small);
    brew(Size::Large);
    let router: Router = obs.wrap(Router::new().route("/cups/{id}", get(|| async {})));
    for path in ["/cups/1", "/cups/2", "/nowhere"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap();
    }
    if let Some(recorder) = obs.recorder() {
        obs::metrics_facade::with_local_recorder(&recorder, || {
            obs::metrics_facade::counter!("third_party_total").increment(1);
        });
    }
    assert!(
        obs.families()
            .iter()
            .any(|it| it.name == "third_party_total")
    );
    assert_eq!(told(&obs.describe()), before);
    assert_eq!(obs.metric_prefix(), Some("bar"));
}

#[test]
fn whatever_a_scrape_can_show_is_in_it_with_its_labels_buckets_and_objectives() {
    let obs = setup().detached().unwrap();
    let described = obs.describe();
    let find = |name: &str| {
        let family = described.iter().find(|family| family.name == name);
        family.unwrap_or_else(|| panic!("no {name}"))
    };
    for family in obs.families() {
        find(&family.name);
    }

    let requests = find("bar_http_requests_total");
    let labels: Vec<_> = requests.labels.iter().map(|label| label.name).collect();
    assert_eq!(labels, ["method", "route", "status"]);
    assert!(requests.labels[0].values.contains(&"GET"));
    assert!(requests.labels[1].values.is_empty(), "templates of routes");
    let durations = find("bar_http_request_duration_seconds");
    assert!(durations.buckets.contains(&0.75));
    // Nothing writes a log before the start.
    find("obs_log_lines_dropped_total");
    // Nothing is sent in this process, and no collector or Sentry is known.
    for (name, kind) in [
        ("bar_http_client_requests_total", Kind::Counter),
        ("bar_http_client_request_duration_seconds", Kind::Histogram),
    ] {
        assert_eq!(find(name).kind, kind, "{name}");
        assert!(obs.families().iter().all(|family| family.name != name));
    }

    let wait = find("bar_wait_seconds");
    assert_eq!(wait.buckets, [1.0, 60.0]);
    assert_eq!(wait.labels[0].values, ["small", "large"]);
    assert_eq!(wait.objectives.len(), 1);
    assert!(wait.objectives[0].labels.is_empty());
    let calls = find("operation_duration_seconds");
    let [objective] = &calls.objectives[..] else {
        panic!("{:?}", calls.objectives);
    };
    let [(label, value)] = &objective.labels[..] else {
        panic!("{objective:?}");
    };
    assert_eq!((&**label, &**value), ("operation", "brew"));
    assert!((objective.slo.at - 0.5).abs() < f64::EPSILON);
    assert!(objective.place.file.ends_with("describe.rs"));
}
