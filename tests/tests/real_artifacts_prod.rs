//! A service in prod, scraped by a real Prometheus with the generated configuration and its token.

use std::fs;
use std::time::Duration;

use obs_tests::real::artifacts::Artifacts;
use obs_tests::real::both::{Both, Plan};
use obs_tests::real::component::{Component, available};
use obs_tests::real::http;
use obs_tests::real::prometheus::Prometheus;
use obs_tests::real::wait_for;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const LIMIT: Duration = Duration::from_secs(30);

/// Both services as they run in prod, with this token if there is one.
fn in_prod(token: Option<&str>) -> (Both, tempfile::TempDir) {
    let secrets = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::default().with("OBS_ENV", "prod");
    if let Some(token) = token {
        let file = secrets.path().join("metrics-tokens");
        fs::write(&file, token).expect("a token");
        let file = file.to_str().expect("a path of letters");
        plan = plan.with("OBS_METRICS_TOKEN_FILE", file);
    }
    (Both::start(&plan), secrets)
}

fn scraped(both: &Both, token: &str) -> Prometheus {
    let artifacts = Artifacts::of_traceo();
    artifacts.hurry();
    let services = [
        ("prod", "traceo-mcp:8787", both.mcp.address),
        ("prod", "traceo-engine:8788", both.engine.address),
    ];
    Prometheus::start_on(&artifacts.scrape(&services, token))
}

#[test]
fn a_service_in_prod_is_scraped_with_the_generated_configuration_and_its_token() {
    if !available(&[Component::Prometheus]) {
        return;
    }
    let (both, _secrets) = in_prod(Some(TOKEN));
    let prometheus = scraped(&both, TOKEN);
    for (service, address) in [
        ("traceo-mcp", both.mcp.address),
        ("traceo-engine", both.engine.address),
    ] {
        prometheus.is_up(address);
        // What the service says of itself, and what the target says of the service.
        let query = format!(
            "obs_build_info{{service=\"{service}\",environment=\"prod\"}} * on (instance) group_left () up{{job=\"traceo\",service=\"{service}\",environment=\"prod\"}}"
        );
        let samples = prometheus.wait_for_samples(&query, LIMIT);
        assert!(
            samples
                .iter()
                .all(|it| (it.value - 1.0).abs() < f64::EPSILON),
            "{samples:?}"
        );
        let query = format!("operations_in_flight{{service=\"{service}\",environment=\"prod\"}}");
        assert!(!prometheus.wait_for_samples(&query, LIMIT).is_empty());
        let rejected = format!("sum(obs_scrape_rejected_total{{service=\"{service}\"}})");
        let rejected = prometheus.wait_for_samples(&rejected, LIMIT);
        assert!(rejected.iter().all(|it| it.value == 0.0), "{rejected:?}");
    }
    // Nobody else may look.
    let answer = http::get(both.mcp.address, "/metrics", "text/plain").expect("an answer");
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[test]
fn a_wrong_token_is_refused_shown_by_prometheus_and_counted() {
    if !available(&[Component::Prometheus]) {
        return;
    }
    let (both, _secrets) = in_prod(Some(TOKEN));
    let prometheus = scraped(&both, OTHER);
    let target = prometheus.scraped(both.mcp.address);
    assert_eq!(target["health"], "down", "{target}");
    let error = target["lastError"].as_str().unwrap_or_default();
    assert!(error.contains("401"), "{target}");
    let page = wait_for("the count", LIMIT, || {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("Authorization", bearer.as_str())];
        let page = http::get_with(both.mcp.address, "/metrics", &headers).ok()?;
        assert_eq!(page.status, 200, "{page:?}");
        let line = "obs_scrape_rejected_total{reason=\"wrong\"} ";
        let count = page.body.lines().find_map(|it| it.strip_prefix(line))?;
        let count: u32 = count.parse().ok()?;
        (count > 0).then_some(page)
    });
    assert!(
        page.body
            .contains("obs_scrape_rejected_total{reason=\"missing\"} 0")
    );
}

#[test]
fn without_a_token_there_is_no_page_in_prod() {
    if !available(&[Component::Prometheus]) {
        return;
    }
    let (both, _secrets) = in_prod(None);
    let prometheus = scraped(&both, TOKEN);
    let target = prometheus.scraped(both.engine.address);
    assert_eq!(target["health"], "down", "{target}");
    let error = target["lastError"].as_str().unwrap_or_default();
    assert!(error.contains("404"), "{target}");
    let answer = http::get(both.engine.address, "/metrics", "text/plain").expect("an answer");
    assert_eq!(answer.status, 404);
}
