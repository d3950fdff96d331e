//! The steps of `docs/deploy.md`, run from the top on a real Prometheus and a real Alertmanager.

use obs_tests::real::component::{Component, available};
use obs_tests::real::document::{Block, blocks, run};
use obs_tests::real::stack::{Artifacts, COMPONENTS, Stack};
use obs_tests::upstream::Upstream;
use tokio::runtime::Runtime;

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
    let slack = runtime.block_on(Upstream::start());
    let artifacts = Artifacts::render();
    let page = artifacts.read("docs/deploy.md");
    let deploy = artifacts.deploy();
    let mut variables = vec![
        ("OBS_ENV", "prod".to_owned()),
        (
            "SLACK_WEBHOOK_URL",
            slack.url("127.0.0.1", "/services/hook"),
        ),
        ("ALERT_EMAIL_TO", "team@localhost".to_owned()),
    ];
    let (mut artifacts, mut stack) = (Some(artifacts), None);
    let (mut ran, mut restarts) = (0, 0);
    for block in blocks(&page) {
        match block.language.as_str() {
            "sh" => {
                run(&block, &deploy, &variables);
                ran += 1;
            }
            "console" => match effect(&block) {
                Effect::Starts => {
                    let started = Stack::start(artifacts.take().expect("one start"), &[]);
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
    // With the second token alone, the scrape goes on; with the first it would not.
    for (_, address) in stack.services {
        stack.prometheus.is_up(address);
    }
    let refused = "max_over_time(up{job=\"traceo\"}[5m])";
    let samples = stack.prometheus.query(refused).expect("an answer");
    assert_eq!(samples.len(), 2, "{samples:?}");
    let told = slack.take();
    let told: Vec<&str> = told.iter().map(|it| it.body.as_str()).collect();
    assert!(told.iter().any(|it| it.contains("RouteTest")), "{told:?}");
}
