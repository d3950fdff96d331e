//! `traceo demo`, as short as it can be: what it must show is shown, and holds.
#![cfg(unix)]

#[path = "both/running.rs"]
#[expect(dead_code, reason = "shared with the tests of both services")]
mod running;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Instant;

use running::{LIMIT, TRACEO, is_running, signal, until};
use tempfile::TempDir;

#[test]
fn every_scene_is_played_and_what_was_done_is_what_was_counted() {
    let data = TempDir::new().unwrap();
    let output = Command::new(TRACEO)
        .args(["demo", "--fast", "--data"])
        .arg(data.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{shown}\n{told}");
    for scene in 1..=8 {
        assert!(shown.contains(&format!("\n== {scene}. ")), "{shown}");
    }
    assert!(!shown.contains("NOT SO"), "{shown}");
    let table = shown.split_once("== What was done").unwrap().1;
    // None of these numbers is the same because nothing was done.
    for row in [
        "tool calls answered",
        "uploads accepted",
        "jobs completed",
        "jobs failed",
        "jobs cancelled",
        "quotes given",
        "answers 429",
    ] {
        let line = table.lines().find(|line| line.trim().starts_with(row));
        let mut numbers = line.unwrap().split_whitespace().rev();
        let (counted, done) = (numbers.next().unwrap(), numbers.next().unwrap());
        assert_eq!(counted, done, "{row}");
        assert!(counted.parse::<u32>().unwrap() > 0, "{row}");
    }
    // Whom a failure hits is on a dashboard, by the ids in the log and by no token.
    let log = |service: &str| {
        let log = data.path().join(format!("logs/{service}.log"));
        std::fs::read_to_string(log).unwrap()
    };
    for log in [log("engine"), log("mcp")] {
        let users = log.lines().filter_map(|line| {
            let (_, rest) = line.split_once(r#""user_id":""#)?;
            rest.split('"').next()
        });
        assert_eq!(users.collect::<BTreeSet<_>>().len(), 5);
        assert!(!log.contains("demo-user"));
    }
    // Every id that is to be followed can be.
    let trails: Vec<_> = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix("traceo trace "))
        .collect();
    assert!(trails.len() >= 8, "{table}");
    for trail in trails {
        let id = trail.split_whitespace().next().unwrap();
        let mut command = Command::new(TRACEO);
        let found = command
            .args(["trace", id, "--data"])
            .arg(data.path())
            .output();
        let found = found.unwrap();
        assert!(
            found.status.success(),
            "{trail}: {}",
            String::from_utf8_lossy(&found.stderr)
        );
    }
}

#[test]
fn ctrl_c_ends_it_and_everything_it_has_started() {
    let data = TempDir::new().unwrap();
    let log = data.path().join("demo/logs/mcp.log");
    let mut demo = Command::new(TRACEO)
        .args(["demo", "--data"])
        .arg(data.path().join("demo"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("it plays", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("ingest_csv"))
    });
    let listed = Command::new("ps")
        .args(["-o", "pid=", "--ppid", &demo.id().to_string()])
        .output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let children: Vec<u32> = listed
        .split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect();
    assert_eq!(children.len(), 3, "{listed}");
    let start = Instant::now();
    signal("INT", demo.id());
    assert!(demo.wait().unwrap().success());
    assert!(start.elapsed() < LIMIT);
    for child in children {
        assert!(!is_running(child));
    }
}

#[test]
fn a_directory_with_data_of_before_is_refused() {
    let data = TempDir::new().unwrap();
    std::fs::write(data.path().join("something"), "").unwrap();
    let output = Command::new(TRACEO)
        .args(["demo", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("is not empty"), "{told}");
}
