//! `traceo` without a command: both services as two processes that live and end together.
#![cfg(unix)]

#[path = "both/running.rs"]
mod running;

use std::net::TcpListener;
use std::process::{Command, Stdio};

use running::{Both, TRACEO, is_running, until};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn both_are_ready_when_it_says_so_and_what_it_says_to_try_works() {
    let data = TempDir::new().unwrap();
    let both = Both::start(&data);
    for address in [&both.mcp, &both.engine] {
        assert!(running::get(address, "/ready").starts_with("HTTP/1.1 200"));
    }
    // What is to be tried is a script, from the indented `id=` to the last indented line.
    let script = both.welcome.split_once("Try ").unwrap().1;
    let script = script.split_once("Data ").unwrap().0;
    let script = script.split_once("\n\n").unwrap().1;
    // A person takes a moment from one line to the next; the job needs one.
    let rejected = r#"traceo_engine_csv_rows_total{source="inline",outcome="rejected"} 1"#;
    let ended = format!(
        "until curl -s http://{}/metrics | grep -qF '{rejected}'; do sleep 0.05; done",
        both.engine
    );
    let script = script.replacen("\n  '", &format!("\n{ended}\n  '"), 1);
    let output = Command::new("sh").args(["-euc", &script]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(printed.contains("ingest_csv"), "{printed}");
    assert!(printed.contains(rejected), "{printed}");
}

#[test]
fn each_service_logs_json_into_a_file_that_the_first_lines_name() {
    let data = TempDir::new().unwrap();
    let mut both = Both::start(&data);
    assert!(both.stop("TERM").success());
    for (name, service) in [("engine", "traceo-engine"), ("mcp", "traceo-mcp")] {
        let file = data.path().join("logs").join(format!("{name}.log"));
        assert!(
            both.told().contains(&file.display().to_string()),
            "{}",
            both.told()
        );
        let log = std::fs::read_to_string(file).unwrap();
        assert!(log.lines().count() > 1, "{log}");
        for line in log.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["service"], service, "{line}");
        }
    }
}

#[test]
fn told_to_stop_it_ends_both_services_and_itself_without_an_error() {
    for signal in ["TERM", "INT"] {
        let data = TempDir::new().unwrap();
        let mut both = Both::start(&data);
        let children = both.children();
        assert_eq!(children.len(), 2);
        assert!(both.stop(signal).success(), "{}", both.told());
        for child in children {
            assert!(!is_running(child));
        }
        assert!(both.told().ends_with("Stopped.\n"), "{}", both.told());
    }
}

#[test]
fn a_service_that_is_killed_comes_back() {
    let data = TempDir::new().unwrap();
    let both = Both::start(&data);
    let engine = both.child("engine");
    running::signal("KILL", engine);
    until("the engine is back", || {
        both.told().contains("engine is ready again")
    });
    assert!(
        both.told().contains("was ended by signal 9"),
        "{}",
        both.told()
    );
    assert_ne!(both.child("engine"), engine);
    assert!(running::get(&both.engine, "/ready").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_service_that_ends_again_and_again_is_given_up_with_its_last_lines() {
    let data = TempDir::new().unwrap();
    let mut both = Both::start(&data);
    for time in 1..=3 {
        let mut engine = None;
        until("the engine runs", || {
            engine = both.find("engine");
            engine.is_some()
        });
        running::signal("KILL", engine.unwrap());
        if time < 3 {
            let engine = engine.unwrap();
            until("another process runs", || {
                both.find("engine").is_some_and(|id| id != engine)
            });
        }
    }
    let status = both.wait();
    assert_eq!(status.code(), Some(1), "{}", both.told());
    let told = both.told();
    for part in ["ended 3 times within 10 s", "engine.log", "traceo-engine"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn no_service_outlives_a_parent_that_is_killed() {
    let data = TempDir::new().unwrap();
    let mut both = Both::start(&data);
    let children = both.children();
    assert_eq!(children.len(), 2);
    both.process.kill().unwrap();
    both.process.wait().unwrap();
    for child in children {
        until("the child has ended", || !is_running(child));
    }
}

#[test]
fn a_port_that_is_taken_is_explained() {
    let data = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(TRACEO)
        .args([
            "--mcp-listen",
            "127.0.0.1:0",
            "--engine-listen",
            &address,
            "--data",
        ])
        .arg(data.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    for part in [&address[..], "--engine-listen", "traceo engine --listen"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn a_variable_that_is_wrong_is_told_before_anything_starts() {
    let data = TempDir::new().unwrap();
    let output = Command::new(TRACEO)
        .args([
            "--mcp-listen",
            "127.0.0.1:0",
            "--engine-listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data.path())
        .env("REDIS_URL", "mysql://here")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("REDIS_URL"), "{told}");
    assert!(!data.path().join("logs").exists());
}

#[test]
fn a_service_that_does_not_come_up_is_shown_with_its_last_lines() {
    let data = TempDir::new().unwrap();
    // Where its directory should be is a file.
    std::fs::write(data.path().join("engine"), "").unwrap();
    let mut both = Both::spawn(&data);
    assert_eq!(both.wait().code(), Some(1), "{}", both.told());
    let told = both.told();
    for part in ["the engine ended with exit code 1", "engine.log"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}
