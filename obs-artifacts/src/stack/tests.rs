use serde_json::Value;

use super::{host, kubernetes, scrape};
use crate::files::Files;
use crate::{Catalogue, Environment, Service, System};

/// A service with one family of `series` series.
fn service(name: &str, series: usize) -> Service {
    let catalogue = serde_json::json!({
        "service": name,
        "metrics": [{
            "name": "shop_orders_total", "kind": "counter", "origin": "declared",
            "help": "Orders.", "combinations": series, "series": series,
        }],
    });
    let catalogue: Catalogue = serde_json::from_value(catalogue).unwrap();
    Service::new(catalogue)
}

fn system() -> System {
    let hostile = service("shop", 10)
        .port(8001)
        .data("/data")
        .arguments(["serve", "$HOME", "$(id)"])
        .variable("GREETING", "a $word, and: 'quotes' # no comment");
    System::new("shop")
        .service(hostile)
        .service(service("shop_Back", 3000))
}

fn rendered(system: &System) -> Files {
    let mut files = Files::default();
    files.add("deploy/prometheus/rules/alerts.yml", RULES);
    files.add("deploy/grafana/dashboards/shop.json", "{}");
    super::render(system, &mut files);
    files
}

const RULES: &str = "# Made.\n\ngroups:\n- name: alerts\n  rules:\n  - alert: Down\n    expr: |\n      up\n\n        == 0\n    labels: {severity: page}\n";

fn parsed(files: &Files, path: &str) -> Value {
    let text = files.get(path).unwrap_or_else(|| panic!("no {path}"));
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_file_is_yaml_and_says_what_made_it() {
    let files = rendered(&system());
    let ends = |path: &str, ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    let made = files
        .iter()
        .filter(|(path, _)| !path.contains("/rules/") && !ends(path, &[".json"]));
    for (path, text) in made {
        assert!(text.contains("Generated from the declarations"), "{path}");
        if ends(path, &[".yml", ".yaml"]) {
            serde_saphyr::from_multiple::<Value>(text)
                .unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        assert!(!text.lines().any(|line| line.ends_with(' ')), "{path}");
        let word = [
            "@system@",
            "@image@",
            "@slow_ms@",
            "@first@",
            "@all@",
            "@user@",
        ];
        assert!(!word.iter().any(|word| text.contains(word)), "{path}");
    }
}

#[test]
fn a_rule_of_the_operator_says_what_the_rule_file_says() {
    let files = rendered(&system());
    let rule = parsed(&files, "deploy/kubernetes/rules-alerts.yaml");
    let file: Value = serde_saphyr::from_str(RULES).unwrap();
    assert_eq!(rule["spec"], file);
    assert_eq!(rule["metadata"]["name"], "shop-alerts");
    assert!(
        file["groups"][0]["rules"][0]["expr"]
            .as_str()
            .unwrap()
            .contains("up\n\n")
    );
}

#[test]
fn the_kustomization_lists_every_object_and_no_secret() {
    let files = rendered(&system());
    let kustomization = parsed(&files, "deploy/kubernetes/kustomization.yaml");
    let mut listed: Vec<String> = kustomization["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    listed.sort();
    let there = files
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("deploy/kubernetes/"));
    let mut expected: Vec<&str> = there
        .filter(|file| !["kustomization.yaml", "secret.example.yaml"].contains(file))
        .chain(["../grafana"])
        .collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    let dashboards = parsed(&files, "deploy/grafana/kustomization.yaml");
    let files = &dashboards["configMapGenerator"][0]["files"];
    assert_eq!(files, &serde_json::json!(["dashboards/shop.json"]));
}

#[test]
fn what_a_service_is_started_with_arrives_as_it_stands() {
    let files = rendered(&system());
    let compose = parsed(&files, "deploy/compose.yaml");
    let shop = &compose["services"]["shop"];
    assert_eq!(
        shop["command"],
        serde_json::json!(["serve", "$$HOME", "$$(id)"])
    );
    let greeting = "a $$word, and: 'quotes' # no comment";
    assert_eq!(shop["environment"]["GREETING"], greeting);
    let pod = files.get("deploy/kubernetes/shop.yaml").unwrap();
    let deployment: Vec<Value> = serde_saphyr::from_multiple(pod).unwrap();
    let container = &deployment[0]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["args"],
        serde_json::json!(["serve", "$HOME", "$$(id)"])
    );
}

#[test]
fn a_pod_has_longer_to_end_than_the_service_takes() {
    let files = rendered(&system());
    let text = files.get("deploy/kubernetes/shop.yaml").unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let pod = &objects[0]["spec"]["template"]["spec"];
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    let variables = pod["containers"][0]["env"].as_array().unwrap();
    let timeout = variables
        .iter()
        .find(|it| it["name"] == "OBS_SHUTDOWN_TIMEOUT");
    let timeout: u64 = timeout.unwrap()["value"]
        .as_str()
        .unwrap()
        .trim_end_matches('s')
        .parse()
        .unwrap();
    assert!(grace > timeout, "{grace} {timeout}");
    for (probe, path) in [
        ("startupProbe", "/startup"),
        ("readinessProbe", "/ready"),
        ("livenessProbe", "/health"),
    ] {
        assert_eq!(pod["containers"][0][probe]["httpGet"]["path"], path);
    }
}

#[test]
fn a_target_is_labelled_with_the_name_that_the_service_gives_itself() {
    let files = rendered(&system());
    let targets = parsed(&files, "deploy/prometheus/targets/staging.yml");
    assert_eq!(
        targets,
        serde_json::json!([
            { "labels": { "environment": "staging", "service": "shop" }, "targets": ["shop:8001"] },
            { "labels": { "environment": "staging", "service": "shop_Back" }, "targets": ["shop-back:8080"] },
        ])
    );
    let monitors = files.get("deploy/kubernetes/servicemonitors.yaml").unwrap();
    assert!(monitors.contains("replacement: shop_Back"), "{monitors}");
}

#[test]
fn a_scrape_may_have_everything_that_the_larger_service_can_show_and_half_of_it_again() {
    assert_eq!(scrape::sample_limit(&system()), 5000);
    assert_eq!(scrape::sample_limit(&System::new("empty")), 1000);
}

#[test]
fn the_slowest_trace_that_may_be_lost_is_faster_than_any_alert() {
    let mut environment = Environment::dev();
    environment.latency = crate::Threshold::page(2.5, 0.25);
    let system = system().environments([Environment::prod(), environment]);
    let files = rendered(&system);
    let collector = parsed(&files, "deploy/collector/collector.yml");
    let policies = collector["processors"]["tail_sampling"]["policies"].as_array();
    let slow = policies.unwrap().iter().find(|it| it["type"] == "latency");
    assert_eq!(slow.unwrap()["latency"]["threshold_ms"], 250);
}

#[test]
fn a_name_becomes_one_that_a_network_can_have() {
    assert_eq!(host("Shop_Back.v2"), "shop-back-v2");
    assert_eq!(host("-shop-"), "shop");
}

#[test]
fn nothing_is_different_the_second_time() {
    assert_eq!(rendered(&system()), rendered(&system()));
    let mut files = Files::default();
    kubernetes::render(&System::new("empty"), &mut files);
    assert!(files.get("deploy/grafana/kustomization.yaml").is_none());
}
