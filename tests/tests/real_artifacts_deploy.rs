//! The steps of `docs/deploy.md`, run from the top on a real Prometheus and a real Alertmanager.

use std::net::SocketAddr;
use std::time::Duration;

use obs_tests::real::component::{Component, available};
use obs_tests::real::document::{Block, blocks, run};
use obs_tests::real::stack::{Artifacts, COMPONENTS, Stack};
use obs_tests::real::{http, wait_for};
use obs_tests::upstream::Upstream;
use tokio::runtime::Runtime;

/// How long the next scrape may take, on a machine with other things to do.
const SCRAPE: Duration = Duration::from_secs(30);

/// What a block that is not run does, where that matters to those that are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Starts,
    Restarts,
    /// It belongs to what no test has.
    Nothing,
}

fn effect(block: &Block) -> Effect {
    let is = |words: &str| block.text.contains(words);
    if is("docker compose up --build") {
        Effect::Starts
    } else if is("--force-recreate") {
        Effect::Restarts
    } else {
        let known = [
            "cd deploy",
            "docker compose config",
            "docker compose restart",
            "git checkout",
            "kubectl",
        ];
        assert!(known.iter().any(|it| is(it)), "nobody thought of {block:?}");
        Effect::Nothing
    }
}

#[test]
fn the_steps_of_the_deployment_page_work_in_their_order() {
    if !available(&[&COMPONENTS[..], &[Component::Curl, Component::Jq]].concat()) {
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    let webhook = runtime.block_on(Upstream::start());
    let artifacts = Artifacts::render();
    let page = artifacts.read("docs/deploy.md");
    let deploy = artifacts.deploy();
    let mut variables = vec![
        ("OBS_ENV", "prod".to_owned()),
        (
            "SLACK_WEBHOOK_URL",
            webhook.url("127.0.0.1", "/services/hook"),
        ),
        ("ALERT_EMAIL_TO", "team@localhost".to_owned()),
    ];
    let (mut artifacts, mut stack) = (Some(artifacts), None);
    let (mut ran, mut restarts, mut first) = (0, 0, None);
    for block in blocks(&page) {
        match block.language.as_str() {
            "sh" => {
                run(&block, &deploy, &variables);
                ran += 1;
            }
            "console" => match effect(&block) {
                Effect::Starts => {
                    let made = artifacts.take().expect("one start");
                    first = Some(made.read("deploy/secrets/metrics-tokens"));
                    let started = Stack::start(made, &[]);
                    let (prometheus, alertmanager) =
                        (started.prometheus.address, started.alertmanager.address);
                    variables.push(("PROMETHEUS", format!("http://{prometheus}")));
                    variables.push(("ALERTMANAGER", format!("http://{alertmanager}")));
                    stack = Some(started);
                }
                Effect::Restarts => {
                    stack.as_mut().expect("a stack").restart_services();
                    restarts += 1;
                }
                Effect::Nothing => {}
            },
            _ => {}
        }
    }
    assert!(ran >= 10, "{ran} blocks");
    assert_eq!(restarts, 2);
    let stack = stack.expect("a stack");
    let first = first.expect("a token");
    let second = stack.artifacts.read("deploy/secrets/metrics-tokens");
    assert_ne!(first.trim(), second.trim());
    for (name, address) in stack.services {
        assert_eq!(
            asked_with(address, &first),
            401,
            "{name} knows the old token"
        );
        assert_eq!(asked_with(address, &second), 200, "{name}");
        // What Prometheus found before the restart is not what it finds now.
        wait_for("a scrape with the second token", SCRAPE, || {
            let targets = stack.prometheus.targets().ok()?;
            let instance = address.to_string();
            let target = targets
                .into_iter()
                .find(|it| it["labels"]["instance"] == *instance)?;
            (target["health"] == "up").then_some(())
        });
    }
    let told = webhook.take();
    let told: Vec<&str> = told.iter().map(|it| it.body.as_str()).collect();
    assert!(told.iter().any(|it| it.contains("RouteTest")), "{told:?}");
}

fn asked_with(address: SocketAddr, token: &str) -> u16 {
    let authorization = format!("Bearer {}", token.trim());
    let headers = [("Authorization", authorization.as_str())];
    let answer = http::get_with(address, "/metrics", &headers);
    answer.expect("an answer").status
}
