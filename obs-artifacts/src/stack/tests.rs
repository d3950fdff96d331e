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

/// The names of the files that Alertmanager reads: it takes a text for a path, and a path that is
/// not there for a message that cannot be sent.
#[test]
fn the_script_makes_every_secret_that_the_configuration_reads() {
    for system in [system(), system().mail_user("shop")] {
        let mut files = rendered(&system);
        crate::prometheus::render(&system, &mut files);
        let configuration = files.get("deploy/alertmanager/alertmanager.yml").unwrap();
        let below = "/etc/alertmanager/secrets/";
        let lines = configuration.lines().filter(|line| !line.starts_with('#'));
        let read: Vec<&str> = lines
            .filter_map(|line| line.split_once(below))
            .map(|(_, file)| file.trim_end_matches('"'))
            .collect();
        assert!(read.contains(&"slack-url"), "{read:?}");
        let script = files.get("deploy/secrets.sh").unwrap();
        for file in read {
            let file = file.replace('*', "receivers");
            let made = format!(">alertmanager/secrets/{file}\n");
            assert!(script.contains(&made), "{file}");
        }
    }
}

#[test]
fn no_two_containers_are_published_on_the_same_port() {
    let system = System::new("shop")
        .service(service("front", 10))
        .service(service("back", 10))
        .service(service("odd", 10).port(9090));
    let compose = parsed(&rendered(&system), "deploy/compose.yaml");
    let port = |name: &str| compose["services"][name]["ports"].clone();
    assert_eq!(port("front"), serde_json::json!(["127.0.0.1:8080:8080"]));
    assert_eq!(port("back"), serde_json::json!(["127.0.0.1:8081:8080"]));
    assert_eq!(port("odd"), serde_json::json!(["127.0.0.1:9091:9090"]));
    let all = compose["services"].as_object().unwrap().values();
    let ports = all.filter_map(|it| it["ports"].as_array()).flatten();
    let published: Vec<&str> = ports
        .map(|it| it.as_str().unwrap().split(':').nth(1).unwrap())
        .collect();
    let different: std::collections::BTreeSet<_> = published.iter().collect();
    assert_eq!(different.len(), published.len(), "{published:?}");
}

#[test]
fn a_name_that_the_stack_has_is_refused() {
    let compose = parsed(&rendered(&system()), "deploy/compose.yaml");
    let containers = compose["services"].as_object().unwrap().keys();
    let own = containers.filter(|it| !["shop", "shop-back"].contains(&it.as_str()));
    let others = ["namespace", "ServiceMonitors", "rules-recording"];
    for name in own.map(String::as_str).chain(others) {
        let problems = refused(&System::new("shop").service(service(name, 10)));
        assert!(problems.contains("of the stack around it"), "{name}");
    }
}

#[test]
fn what_could_not_be_deployed_is_refused_all_of_it_at_once() {
    assert_eq!(refused(&system()), "");
    let system = System::new("shop")
        .service(service("a.b", 10).port(0))
        .service(service("a-b", 10).data("data"))
        .image("shop: {1}")
        .program("")
        .runbooks("https://shop.example/{{ .Labels.x }}")
        .made_by("make\nartifacts");
    let problems = refused(&system);
    for what in [
        "both called `a-b`",
        "the port of the service `a.b` is 0",
        "the service `a-b` keeps its data in \"data\"",
        "the image is \"shop: {1}\"",
        "the program is \"\"",
        "the address of the runbooks is",
        "the command that makes the files is",
    ] {
        assert!(problems.contains(what), "{what}: {problems}");
    }
}

/// What is wrong with it, one text for all.
fn refused(system: &System) -> String {
    let mut problems = Vec::new();
    super::check(system, &mut problems);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("\n")
}
