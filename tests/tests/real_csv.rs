//! Public CSV files, imported through the MCP tool: the rows are those that Python's `csv` module
//! counts.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use obs_tests::real::client::{Answer, Era, Kind};
use obs_tests::real::component::{Component, available};
use obs_tests::real::page::{Page, series};
use obs_tests::real::python::{Library, Python};
use obs_tests::real::traceo::{Answers, Traceo};
use obs_tests::real::{wait_for, workspace};
use serde_json::{Value, json};

#[test]
fn the_rows_of_public_files_are_those_that_python_counts() {
    if !available(&[Component::Python]) {
        return;
    }
    let files = files();
    let counted = count(&files);
    let server = Traceo::listening(Answers::Sessions);
    let folder = server.folder.path();
    let mut client = Python::connect(Library::Mcp, Era::Modern, &server.target(), folder);
    for file in &files {
        let before = Page::settled(server.address);
        let engine = Page::settled(server.engine.address);
        let accepted = client.call("ingest_csv", &json!({ "path": file }), None);
        let id = result(&accepted)["job_id"].clone();
        let job = wait_for("the end of the job", Duration::from_secs(60), || {
            let job = result(&client.call("job_status", &json!({ "job_id": id }), None));
            job["ended_at"].is_string().then_some(job)
        });
        assert_eq!(job["status"], "completed", "{job}");
        let expected = &counted[file.to_string_lossy().as_ref()];
        assert_eq!(job["rows_ok"], expected["good"], "{}", file.display());
        assert_eq!(job["rows_rejected"], expected["bad"], "{}", file.display());
        let changes = Page::settled(server.address).since(&before);
        let calls = series(
            "mcp_tool_calls_total",
            &[("tool", "ingest_csv"), ("outcome", "ok")],
        );
        assert_eq!(changes.get(&calls), Some(&1.0), "{changes:?}");
        let changes = Page::settled(server.engine.address).since(&engine);
        let rows = series(ROWS, &[("source", "file"), ("outcome", "ok")]);
        assert_eq!(
            changes.get(&rows).copied(),
            expected["good"].as_f64(),
            "{changes:?}"
        );
    }
    client.close();
}

const ROWS: &str = "traceo_engine_csv_rows_total";

fn files() -> Vec<PathBuf> {
    let library = workspace().join("target/real/venv/lib");
    let python = std::fs::read_dir(library)
        .expect("the venv has a library")
        .next();
    let python = python.expect("of one Python").expect("readable").path();
    let folder = python.join("site-packages/vega_datasets/_data");
    let entries = std::fs::read_dir(folder).expect("the data sets are there");
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    files
}

fn count(files: &[PathBuf]) -> Value {
    let output = Command::new(Component::Python.path())
        .arg(workspace().join("tests/clients/count_rows.py"))
        .args(files)
        .output()
        .expect("Python runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn result(answer: &Answer) -> Value {
    assert_eq!(answer.kind, Kind::Ok, "{answer:?}");
    serde_json::from_str(&answer.text).unwrap_or_else(|_| panic!("not JSON: {answer:?}"))
}
