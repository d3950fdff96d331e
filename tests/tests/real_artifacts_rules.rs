//! The rules, unit tests and routes that Traceo's declarations make, judged by Prometheus' and
//! Alertmanager's own tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use obs_tests::real::build;
use obs_tests::real::component::{Component, available};
use tempfile::TempDir;

/// The folder `deploy` of a freshly made system.
fn deploy(root: &TempDir) -> PathBuf {
    let made = Command::new(build::traceo())
        .arg("artifacts")
        .arg(root.path())
        .output()
        .expect("it starts");
    assert!(made.status.success(), "{}", said(&made));
    root.path().join("deploy")
}

fn said(output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    stdout + &stderr
}

/// The files of a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries.map(|it| it.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "nothing in {}", folder.display());
    files
}

fn run(tool: Component, arguments: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new(tool.path());
    command.args(arguments).args(files);
    command.output().expect("it starts")
}

#[test]
fn promtool_finds_no_fault_with_any_rule() {
    if !available(&[Component::Promtool]) {
        return;
    }
    let root = TempDir::new().expect("a folder");
    let rules = files(&deploy(&root).join("prometheus/rules"));
    let output = run(Component::Promtool, &["check", "rules"], &rules);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    // It is content with duplicates, but says so.
    assert_eq!(said.matches("SUCCESS").count(), rules.len(), "{said}");
}

#[test]
fn every_unit_test_of_the_alerts_passes() {
    if !available(&[Component::Promtool]) {
        return;
    }
    let root = TempDir::new().expect("a folder");
    let tests = files(&deploy(&root).join("prometheus/tests"));
    let output = run(Component::Promtool, &["test", "rules"], &tests);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("SUCCESS").count(), tests.len(), "{said}");
}

/// That the unit tests can fail: each of these makes another alert of one.
#[test]
fn a_changed_alert_fails_its_unit_test() {
    if !available(&[Component::Promtool]) {
        return;
    }
    let root = TempDir::new().expect("a folder");
    let deploy = deploy(&root);
    let rules = deploy.join("prometheus/rules/alerts-dev.yml");
    let tests = [deploy.join("prometheus/tests/alerts-dev.yml")];
    let original = fs::read_to_string(&rules).expect("rules");
    // All at once: a run takes seconds, and names every alert that failed.
    let changes = [
        ("HttpErrorsHigh", "} > 0.05\n", "} > 0.06\n"),
        ("HttpLatencyHigh", "} > 1.5\n", "} > 1.0\n"),
        ("HttpInFlightHigh", "[5m])) > 10\n", "[5m])) >= 10\n"),
        ("TargetDown", "[1d]))\n      unless", "[1d]))\n      and"),
        ("DependencyDown", "for: 1m", "for: 9m"),
        (
            "SeriesCapped",
            "no room for more series",
            "no more room for series",
        ),
        ("QueueGrowing", "severity: warning", "severity: page"),
    ];
    let mut altered = String::new();
    for block in original.split_inclusive("  - alert: ") {
        let mut block = block.to_owned();
        for (alert, from, to) in changes {
            if block.starts_with(&format!("{alert}\n")) {
                assert!(block.contains(from), "{alert} has no {from:?}: {block}");
                block = block.replace(from, to);
            }
        }
        altered.push_str(&block);
    }
    fs::write(&rules, altered).expect("a file");
    let output = run(Component::Promtool, &["test", "rules"], &tests);
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    for (alert, ..) in changes {
        let failed = format!("alertname: {alert}, time:");
        assert!(said.contains(&failed), "{alert} was not missed: {said}");
    }
    // And no other did.
    let known = changes.map(|(alert, ..)| format!("alertname: {alert}, time:"));
    let others = said
        .lines()
        .filter(|line| line.contains("alertname: ") && line.contains(", time:"))
        .find(|line| !known.iter().any(|it| line.contains(it)));
    assert_eq!(others, None);
}

#[test]
fn alertmanager_accepts_its_routes_and_sends_each_severity_where_it_belongs() {
    if !available(&[Component::Amtool]) {
        return;
    }
    let root = TempDir::new().expect("a folder");
    let config = deploy(&root).join("alertmanager/alertmanager.yml");
    let output = run(
        Component::Amtool,
        &["check-config"],
        std::slice::from_ref(&config),
    );
    assert!(output.status.success(), "{}", said(&output));
    let file = format!("--config.file={}", config.display());
    for (receiver, labels) in [
        ("page-slack", "severity=page"),
        ("warning-email", "severity=warning"),
        ("default", "severity=other"),
        ("default", "environment=prod"),
    ] {
        let test = ["config", "routes", "test", &file, labels];
        let output = run(Component::Amtool, &test, &[]);
        let first = String::from_utf8_lossy(&output.stdout);
        assert_eq!(first.trim(), receiver, "{labels}: {}", said(&output));
    }
}
