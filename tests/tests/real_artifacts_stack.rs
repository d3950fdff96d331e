//! What the stack is made of, as those would read it who run it: Prometheus, Compose, Kubernetes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use obs_tests::real::component::{Component, available};
use obs_tests::real::feed;
use obs_tests::real::stack::Artifacts;
use serde_json::{Value, json};

const OPERATOR_MODELS: &str = include_str!("../clients/operator_models.mjs");

#[test]
fn prometheus_accepts_its_configuration_and_every_file_that_it_names() {
    if !available(&[Component::Promtool]) {
        return;
    }
    let artifacts = Artifacts::render();
    let prometheus = artifacts.deploy().join("prometheus");
    fs::create_dir(prometheus.join("secrets")).expect("a folder");
    fs::write(prometheus.join("secrets/metrics-token"), "0".repeat(32)).expect("a token");
    let mut check = Command::new(Component::Promtool.path());
    check.args(["check", "config", "prometheus.yml"]);
    succeeds(check.current_dir(&prometheus));
    let configuration = yaml(&artifacts, "deploy/prometheus/prometheus.yml");
    assert_eq!(configuration["global"]["scrape_interval"], "15s");
    let job = &configuration["scrape_configs"][0];
    assert_eq!(job["job_name"], "traceo");
    assert_eq!(job["honor_labels"], true);
    assert!(job["sample_limit"].as_u64() > Some(10_000), "{job}");
}

#[test]
fn compose_publishes_to_this_machine_alone_and_limits_and_asks_every_container() {
    if !available(&[Component::Compose]) {
        return;
    }
    let artifacts = Artifacts::render();
    let project = project(&artifacts);
    let mut ports = BTreeSet::new();
    for (name, service) in services(&project) {
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}: {port}");
            ports.insert(port["published"].as_str().unwrap_or_default().to_owned());
        }
        let image = service["image"].as_str().unwrap_or_default();
        let tag = image.rsplit_once(':').map(|(_, tag)| tag);
        let pinned = tag.is_some_and(|it| it != "latest" && it.chars().any(|c| c.is_ascii_digit()));
        assert!(pinned, "{name}: {image}");
        let memory = service["mem_limit"].as_str().map(str::parse::<u64>);
        assert!(
            matches!(memory, Some(Ok(bytes)) if bytes > 0),
            "{name}: {memory:?}"
        );
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        let no_privileges = json!(["no-new-privileges:true"]);
        assert_eq!(service["security_opt"], no_privileges, "{name}");
        if name == "prepare" {
            assert_eq!(service["network_mode"], "none");
            continue;
        }
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        let asked = service["healthcheck"]["test"].to_string();
        assert!(asked.contains("http://127.0.0.1:"), "{name}: {asked}");
        let after = &service["depends_on"]["prepare"]["condition"];
        assert_eq!(after, "service_completed_successfully", "{name}");
    }
    for usual in ["9090", "3000", "16686", "4317", "4318"] {
        assert!(ports.contains(usual), "{usual} is not among {ports:?}");
    }
}

#[test]
fn what_a_container_mounts_of_the_project_is_there() {
    if !available(&[Component::Compose]) {
        return;
    }
    let artifacts = Artifacts::render();
    let made_by_people = ["secrets/metrics-tokens"];
    for (name, service) in services(&project(&artifacts)) {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            if volume["type"] != "bind" {
                continue;
            }
            let source = Path::new(volume["source"].as_str().unwrap_or_default());
            assert!(source.exists(), "{name}: {volume}");
            assert_eq!(volume["read_only"], true, "{name}: {volume}");
        }
        for argument in service["command"].as_array().into_iter().flatten() {
            let argument = argument.as_str().unwrap_or_default();
            let Some((_, file)) = argument.split_once("=/etc/") else {
                continue;
            };
            // /etc/otelcol is ./collector, the others have the name of their folder.
            let file = file.replace("otelcol/", "collector/");
            let path = artifacts.deploy().join(&file);
            assert!(path.exists(), "{name}: {argument}");
        }
    }
    let secret = &project(&artifacts)["secrets"]["metrics-tokens"]["file"];
    let secret = secret.as_str().unwrap_or_default();
    assert!(
        made_by_people.iter().any(|it| secret.ends_with(it)),
        "{secret}"
    );
}

#[test]
fn compose_says_which_variable_is_missing_and_what_to_do() {
    if !available(&[Component::Compose]) {
        return;
    }
    let artifacts = Artifacts::render();
    let mut command = compose(&artifacts);
    command.env_remove("OBS_ENV").args(["config", "--quiet"]);
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("OBS_ENV") && said.contains(".env.example"),
        "{said}"
    );
}

#[test]
fn no_secret_is_in_what_compose_and_kubernetes_are_given() {
    if !available(&[Component::Compose]) {
        return;
    }
    let artifacts = Artifacts::render();
    let mut secrets = Command::new("sh");
    secrets.arg("secrets.sh").current_dir(artifacts.deploy());
    secrets.env("SLACK_WEBHOOK_URL", "https://hooks.example/T0/SECRET");
    succeeds(&mut secrets);
    let token = artifacts.read("deploy/secrets/metrics-tokens");
    assert_eq!(token.len(), 64, "{token}");
    assert_eq!(
        artifacts.read("deploy/prometheus/secrets/metrics-token"),
        token
    );
    // Another run leaves them alone.
    succeeds(&mut secrets);
    assert_eq!(artifacts.read("deploy/secrets/metrics-tokens"), token);
    let project = project(&artifacts).to_string();
    assert!(
        !project.contains(&token) && !project.contains("SECRET"),
        "{project}"
    );
    let services = project.matches("OBS_METRICS_TOKEN_FILE").count();
    assert_eq!(services, 2);
    for object in objects(&artifacts) {
        if object["kind"] == "Secret" {
            assert_eq!(object["stringData"], json!({ "token": "", "tokens": "" }));
        }
        if object["kind"] == "ServiceMonitor" {
            let endpoint = &object["spec"]["endpoints"][0];
            let credentials = json!({ "name": "traceo-metrics", "key": "token" });
            assert_eq!(endpoint["authorization"]["credentials"], credentials);
        }
    }
}

#[test]
fn kubernetes_accepts_every_object_and_the_operator_its_own() {
    let needed = [
        Component::KubernetesValidate,
        Component::KubernetesModels,
        Component::Node,
    ];
    if !available(&needed) {
        return;
    }
    let artifacts = Artifacts::render();
    let (operators, cores): (Vec<Value>, Vec<Value>) = objects(&artifacts)
        .into_iter()
        .filter(|it| it["kind"] != "Kustomization")
        .partition(|it| it["apiVersion"] == "monitoring.coreos.com/v1");
    let folder = tempfile::tempdir().expect("a folder");
    let mut validate = Command::new(Component::KubernetesValidate.path());
    validate.args(["--strict", "-k", "1.30"]);
    for (at, object) in cores.iter().enumerate() {
        let file = folder.path().join(format!("{at}.json"));
        fs::write(&file, object.to_string()).expect("a file");
        validate.arg(file);
    }
    let said = succeeds(&mut validate);
    assert!(!said.contains("Couldn't find schema"), "{said}");
    assert_eq!(
        said.matches("passed for resource").count(),
        cores.len(),
        "{said}"
    );
    let monitors = operators.iter().filter(|it| it["kind"] == "ServiceMonitor");
    assert_eq!(monitors.count(), 2);
    let mut models = Command::new(Component::Node.path());
    models
        .args(["--input-type=module", "--eval", OPERATOR_MODELS])
        .current_dir(Component::KubernetesModels.path());
    let output = feed(&mut models, &Value::from(operators.clone()).to_string());
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches(": ok").count(), operators.len(), "{said}");
}

#[test]
fn the_kustomization_gives_pods_and_scrapes_the_environment() {
    if !available(&[Component::Kubectl]) {
        return;
    }
    let artifacts = Artifacts::render();
    let mut kubectl = Command::new(Component::Kubectl.path());
    kubectl
        .arg("kustomize")
        .arg(artifacts.deploy().join("kubernetes"));
    let built = succeeds(&mut kubectl);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&built).expect("YAML");
    let deployments = objects.iter().filter(|it| it["kind"] == "Deployment");
    let mut many = 0;
    for deployment in deployments {
        many += 1;
        let template = &deployment["spec"]["template"];
        assert_eq!(template["metadata"]["labels"]["environment"], "prod");
        let variables = template["spec"]["containers"][0]["env"].to_string();
        assert!(
            variables.contains("metadata.labels['environment']"),
            "{variables}"
        );
    }
    assert_eq!(many, 2);
    let dashboards = objects
        .iter()
        .filter(|it| it["metadata"]["labels"]["grafana_dashboard"] == "1");
    let files = files_below(&artifacts.deploy().join("grafana"), "json");
    assert_eq!(dashboards.count(), files);
    let rules = objects.iter().filter(|it| it["kind"] == "PrometheusRule");
    let files = files_below(&artifacts.deploy().join("prometheus/rules"), "yml");
    assert_eq!(rules.count(), files);
}

#[test]
fn the_pipelines_of_the_collector_name_what_is_defined_and_all_of_it() {
    let artifacts = Artifacts::render();
    let base = yaml(&artifacts, "deploy/collector/collector.yml");
    for (overlay, exporters) in [
        ("traces-to-tempo.yml", json!(["otlp/tempo"])),
        ("traces-to-jaeger.yml", json!(["otlp/tempo", "otlp/jaeger"])),
    ] {
        let overlay = yaml(&artifacts, &format!("deploy/collector/{overlay}"));
        let merged = merged(base.clone(), &overlay);
        let pipelines = merged["service"]["pipelines"]
            .as_object()
            .expect("pipelines");
        assert_eq!(pipelines["traces"]["exporters"], exporters);
        for kind in ["receivers", "processors", "exporters"] {
            let defined: BTreeSet<&str> = names(&merged[kind]);
            let used: BTreeSet<&str> = pipelines
                .values()
                .flat_map(|it| it[kind].as_array().into_iter().flatten())
                .filter_map(Value::as_str)
                .collect();
            assert_eq!(defined, used, "{kind}");
        }
        for pipeline in pipelines.values() {
            let processors = pipeline["processors"].as_array().expect("processors");
            assert_eq!(processors[0], "memory_limiter");
            assert_eq!(processors[processors.len() - 1], "batch");
        }
    }
    let policies = &base["processors"]["tail_sampling"]["policies"];
    let kinds: Vec<&Value> = policies
        .as_array()
        .expect("policies")
        .iter()
        .map(|it| &it["type"])
        .collect();
    assert_eq!(kinds, ["status_code", "latency", "probabilistic"]);
}

/// One on top of the other, as the collector does it: objects are merged, lists replaced.
fn merged(below: Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Object(mut below), Value::Object(above)) => {
            for (key, value) in above {
                let there = below.remove(key).unwrap_or(Value::Null);
                below.insert(key.clone(), merged(there, value));
            }
            Value::Object(below)
        }
        (_, above) => above.clone(),
    }
}

fn names(object: &Value) -> BTreeSet<&str> {
    let object = object.as_object().into_iter().flatten();
    object.map(|(name, _)| name.as_str()).collect()
}

fn yaml(artifacts: &Artifacts, path: &str) -> Value {
    serde_saphyr::from_str(&artifacts.read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All objects of the files below `kubernetes`.
fn objects(artifacts: &Artifacts) -> Vec<Value> {
    let folder = artifacts.deploy().join("kubernetes");
    let mut objects = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a file");
        let read = serde_saphyr::from_multiple::<Value>(&text);
        objects.extend(read.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
    objects
}

fn files_below(folder: &Path, extension: &str) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let many = entries.map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, extension)
        } else {
            usize::from(path.extension().is_some_and(|it| it == extension))
        }
    });
    many.sum()
}

fn compose(artifacts: &Artifacts) -> Command {
    let mut command = Command::new(Component::Compose.path());
    command
        .current_dir(artifacts.deploy())
        .args(["-f", "compose.yaml"])
        .env("OBS_ENV", "prod")
        .env("COMPOSE_PROFILES", "jaeger")
        .stdin(Stdio::null());
    command
}

/// The project as Compose understands it, with every profile.
fn project(artifacts: &Artifacts) -> Value {
    let said = succeeds(compose(artifacts).args(["config", "--format", "json"]));
    serde_json::from_str(&said).expect("JSON")
}

fn services(project: &Value) -> Vec<(String, Value)> {
    let services = project["services"].as_object().expect("services");
    assert_eq!(services.len(), 10, "{services:?}");
    let all = services.iter();
    all.map(|(name, it)| (name.clone(), it.clone())).collect()
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let said = text(&output);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(error)
}
