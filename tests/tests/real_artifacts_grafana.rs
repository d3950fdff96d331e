//! The dashboards of Traceo, judged by what Grafana brings: the types of its schema, and the grammars
//! of the three query languages.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output, Stdio};

use obs_tests::real::component::{Component, available};
use obs_tests::real::dashboards::{self, Language, Query};
use obs_tests::real::{build, feed, workspace};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What Traceo makes of its declarations.
fn artifacts() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let mut traceo = Command::new(build::traceo());
    let made = traceo.arg("artifacts").arg(folder.path()).status();
    assert!(made.expect("it starts").success());
    folder
}

fn all_dashboards() -> Vec<Value> {
    dashboards::read(artifacts().path())
}

fn all_queries() -> Vec<Query> {
    let all = all_dashboards();
    all.iter().flat_map(dashboards::queries).collect()
}

#[test]
fn dashboards_have_the_types_of_the_schema_of_grafana() {
    if !available(&[Component::Node, Component::Grafana]) {
        return;
    }
    let output = compiled(&all_dashboards());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}

/// Spoils a panel.
type Change = fn(&mut Value);

#[test]
fn a_dashboard_that_is_not_of_these_types_is_found() {
    if !available(&[Component::Node, Component::Grafana]) {
        return;
    }
    let changes: [(&str, Change); 5] = [
        ("type 'number'", |panel| {
            panel["gridPos"]["w"] = json!("wide");
        }),
        ("unti", |panel| {
            panel["fieldConfig"]["defaults"]["unti"] = json!("s");
        }),
        ("paletteclassic", |panel| {
            panel["fieldConfig"]["defaults"]["color"]["mode"] = json!("paletteclassic");
        }),
        ("legends", |panel| panel["options"]["legends"] = json!({})),
        ("lineWidht", |panel| {
            panel["fieldConfig"]["defaults"]["custom"]["lineWidht"] = json!(1);
        }),
    ];
    let all = all_dashboards();
    let mut boards = Vec::new();
    for (_, change) in changes {
        let mut board = all[0].clone();
        let panels = board["panels"].as_array_mut().expect("panels");
        let panel = panels
            .iter_mut()
            .find(|panel| panel["type"] == "timeseries");
        change(panel.expect("a panel over time"));
        boards.push(board);
    }
    let output = compiled(&boards);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    for (name, _) in changes {
        assert!(said.contains(name), "nothing said about {name}: {said}");
    }
}

/// Compiles dashboards below the types that they have to be of.
fn compiled(boards: &[Value]) -> Output {
    let types = workspace().join("tests/grafana/types.ts");
    let mut source = fs::read_to_string(types).expect("the types");
    for (at, board) in boards.iter().enumerate() {
        declare(&mut source, &format!("board{at}"), "Board", board);
        for panel in dashboards::panels(board) {
            let kind = panel["type"].as_str().expect("a type");
            if kind == "row" {
                continue;
            }
            let name = format!("board{at}_panel{}", panel["id"]);
            let options = format!("Options['{kind}']");
            declare(
                &mut source,
                &format!("{name}_options"),
                &options,
                &panel["options"],
            );
            let custom = &panel["fieldConfig"]["defaults"]["custom"];
            if !custom.is_null() {
                let is = format!("Custom['{kind}']");
                declare(&mut source, &format!("{name}_custom"), &is, custom);
            }
        }
    }
    let modules = Component::Grafana.path();
    // Beside the packages, where the compiler finds them.
    let folder = TempDir::new_in(modules.parent().expect("a folder")).expect("a folder");
    fs::write(folder.path().join("dashboards.ts"), source).expect("it can be written");
    Command::new(Component::Node.path())
        .arg(modules.join("typescript/bin/tsc"))
        .args([
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--pretty",
            "false",
        ])
        .args(["--module", "esnext", "--moduleResolution", "bundler"])
        .arg("dashboards.ts")
        .current_dir(folder.path())
        .output()
        .expect("the compiler runs")
}

/// Written out, because an imported file would be of the types that it happens to have.
fn declare(source: &mut String, name: &str, is: &str, value: &Value) {
    writeln!(source, "export const {name}: {is} = {value:#};").expect("memory");
}

#[test]
fn queries_are_what_the_grammars_of_their_languages_allow() {
    if !available(&[Component::Node, Component::Grafana]) {
        return;
    }
    let queries = all_queries();
    for language in [Language::PromQl, Language::LogQl, Language::TraceQl] {
        assert!(queries.iter().any(|query| query.language == language));
    }
    let texts = queries
        .iter()
        .map(|query| (query.language, query.sent("prod")));
    let mistakes = mistakes(texts.collect());
    assert_eq!(mistakes.len(), queries.len());
    for (query, mistakes) in queries.iter().zip(mistakes) {
        assert_eq!(
            mistakes,
            json!([]),
            "{}: {}",
            query.panel,
            query.sent("prod")
        );
    }
}

#[test]
fn a_query_with_a_mistake_is_found_in_each_language() {
    if !available(&[Component::Node, Component::Grafana]) {
        return;
    }
    let broken = [
        (Language::PromQl, "sum(rate(up[5m])"),
        (Language::LogQl, "{a=\"b\"} | json | status >="),
        (Language::TraceQl, "{kind=server"),
    ];
    let texts = broken.map(|(language, text)| (language, text.to_owned()));
    for mistakes in mistakes(texts.into()) {
        assert_ne!(mistakes, json!([]));
    }
}

/// Where the grammars find mistakes, for each query in turn.
fn mistakes(queries: Vec<(Language, String)>) -> Vec<Value> {
    let queries: Vec<Value> = queries
        .into_iter()
        .map(|(language, text)| {
            let language = match language {
                Language::PromQl => "promql",
                Language::LogQl => "logql",
                Language::TraceQl => "traceql",
            };
            json!({ "language": language, "text": text })
        })
        .collect();
    let modules = Component::Grafana.path();
    let folder = TempDir::new_in(modules.parent().expect("a folder")).expect("a folder");
    let script = folder.path().join("grammars.mjs");
    fs::copy(workspace().join("tests/grafana/grammars.mjs"), &script).expect("a copy");
    let mut node = Command::new(Component::Node.path());
    let output = feed(
        node.arg(&script).stderr(Stdio::inherit()),
        &json!(queries).to_string(),
    );
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_part_of_traceo_is_on_a_dashboard() {
    let all = all_dashboards();
    let uids: Vec<&str> = all
        .iter()
        .filter_map(|board| board["uid"].as_str())
        .collect();
    assert_eq!(
        uids,
        [
            "traceo-engine-metrics",
            "traceo-logs",
            "traceo-mcp-metrics",
            "traceo-traces"
        ]
    );
    let titles = |at: usize| -> BTreeSet<&str> {
        let panels = dashboards::panels(&all[at]).iter();
        panels.filter_map(|panel| panel["title"].as_str()).collect()
    };
    for (at, wanted) in [
        (
            0,
            &[
                "traceo_engine_jobs by status",
                "traceo_engine_queue_depth",
                "traceo_engine_queue: in and out",
                "traceo_engine_job_duration_seconds: heat map",
                "Pool in use",
                "Outgoing requests",
                "Operations",
                "SLO burn",
                "Burn rate",
                "Error budget left",
            ] as &[&str],
        ),
        (
            1,
            &[
                "Log volume by level",
                "Error spikes",
                "Recent lines",
                "Requests and their ids",
            ],
        ),
        (
            2,
            &[
                "Tool calls",
                "Tool latency (p95)",
                "Tool errors",
                "Tool calls not ok",
            ],
        ),
        (
            3,
            &[
                "Traces",
                "Top endpoints",
                "Span latency (p95)",
                "Failed traces",
            ],
        ),
    ] {
        for title in wanted {
            assert!(titles(at).contains(title), "{}: no {title}", uids[at]);
        }
    }
    for at in [0, 2] {
        for title in [
            "Request rate",
            "Error rate",
            "p95 latency",
            "Route heat map",
            "Latency heat map",
            "Error types",
            "In flight",
            "Largest families",
            "Affected users",
            "Dropped telemetry",
            "Dependencies",
            "Versions",
        ] {
            assert!(titles(at).contains(title), "{}: no {title}", uids[at]);
        }
        let panels = dashboards::panels(&all[at]);
        assert!(panels.len() >= 13, "{}", panels.len());
        assert_eq!(all[at]["annotations"]["list"][0]["name"], "Deploys");
    }
}
