//! `traceo trace` as a person runs it, and the queries of the README, which give the same lines.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

const ID: &str = "01a1fe77-8a9c-7f30-9122-6851c8fd6ba3";

/// The "one log query" of the README for `jq`, run by a shell in the directory of the logs.
const JQ: &str = "jq -nRc --arg id \"$ID\" '[inputs | fromjson? | objects | \
                  select(.correlation_id == $id)] | sort_by(.timestamp)[]' logs/*.log";

/// The same for `DuckDB`.
const DUCKDB: &str = "select json from read_ndjson_objects('logs/*.log', ignore_errors = true) \
                      where json->>'correlation_id' = 'ID' order by json->>'timestamp'";

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn traceo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_traceo"))
        .arg("trace")
        .args(arguments)
        .current_dir(directory())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn values(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| line.parse().unwrap()).collect()
}

/// Runs what a machine may not have; says so if it is not there.
fn if_it_is_there(name: &str, program: &mut Command) -> Option<String> {
    match program.current_dir(directory()).env("ID", ID).output() {
        Ok(output) if output.status.success() => Some(text(&output.stdout).to_owned()),
        Ok(output) => panic!("{name}: {}", text(&output.stderr)),
        Err(error) => {
            println!("skipped: no {name}: {error}");
            None
        }
    }
}

/// Whether a shell finds a command.
fn is_there(command: &str) -> bool {
    let found = Command::new("sh").args(["-c", command]).output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn t15_what_both_services_logged_about_an_id_is_printed_as_a_tree() {
    for place in [["--logs", "logs"], ["--data", "."]] {
        let output = traceo(&[ID, place[0], place[1]]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(text(&output.stdout), include_str!("logs/tree.txt"));
        assert_eq!(
            text(&output.stderr),
            "traceo: 1 line of mcp.log was no JSON\n"
        );
    }
}

#[test]
fn what_is_not_there_and_what_makes_no_sense_have_their_exit_codes() {
    let rows: [(&[&str], i32, &str); 6] = [
        (&["nowhere"], 1, "there are no logs in `.obs/logs`"),
        (&["nowhere", "--logs", "logs"], 1, "19 lines of 2 files"),
        (&[ID, "--logs", "missing"], 1, "`missing` does not exist"),
        (&[], 2, "needs an id"),
        (&["a b"], 2, "is no id"),
        (&[ID, "--listen", "127.0.0.1:1"], 2, "--listen"),
    ];
    for (arguments, code, says) in rows {
        let output = traceo(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let stderr = text(&output.stderr);
        assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    }
    let help = traceo(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("traceo trace ID"));
}

#[test]
fn t15_the_queries_of_the_readme_give_the_lines_that_traceo_gives() {
    let output = traceo(&[ID, "--logs", "logs", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = values(text(&output.stdout));
    assert_eq!(lines.len(), 13);
    assert!(lines.iter().all(|line| line["correlation_id"] == ID));

    if is_there("command -v jq") {
        let found = if_it_is_there("jq", Command::new("sh").args(["-c", JQ]));
        assert_eq!(found.map(|found| values(&found)), Some(lines.clone()));
    } else {
        println!("skipped: no jq");
    }

    let query = DUCKDB.replace("ID", ID);
    let duckdb = if is_there("command -v duckdb") {
        let mut duckdb = Command::new("duckdb");
        if_it_is_there("duckdb", duckdb.args(["-list", "-noheader", "-c", &query]))
    } else if is_there("python3 -c 'import duckdb'") {
        let rows = "import duckdb, sys\n\
                    for row in duckdb.sql(sys.argv[1]).fetchall(): print(row[0])";
        let mut python = Command::new("python3");
        if_it_is_there("duckdb", python.args(["-c", rows, &query]))
    } else {
        println!("skipped: no duckdb");
        None
    };
    if let Some(found) = duckdb {
        assert_eq!(values(&found), lines);
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_traceo"))
        .args(["trace", ID, "--logs", "logs", "--json"])
        .current_dir(directory())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!text(&output.stderr).contains("cannot write"), "{output:?}");
}
