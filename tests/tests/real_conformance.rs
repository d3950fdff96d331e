//! The MCP conformance suites say the same about a server with `obs` and without.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use obs_tests::real::component::{Component, available};
use obs_tests::real::http::free_address;
use obs_tests::real::process::Process;
use obs_tests::real::{build, wait_for};
use serde_json::Value;
use tempfile::TempDir;

/// What a suite checked, by scenario.
type Verdicts = BTreeMap<String, Vec<Value>>;

#[test]
fn the_suite_of_the_session_protocols_finds_no_difference() {
    compare(Component::Conformance, &[], 32);
}

#[test]
fn the_suite_of_the_protocol_of_2026_finds_no_difference() {
    let version = ["--spec-version", "2026-07-28"];
    compare(Component::ConformanceNext, &version, 40);
}

fn compare(suite: Component, arguments: &[&str], scenarios: usize) {
    if !available(&[suite, Component::Node]) {
        return;
    }
    let bare = verdicts(suite, arguments, false);
    let observed = verdicts(suite, arguments, true);
    assert_eq!(bare.len(), scenarios, "{:?}", bare.keys());
    for (scenario, checks) in &bare {
        // A server that fails without `obs` would prove nothing.
        let failed = checks.iter().find(|check| check["status"] == "FAILURE");
        assert!(failed.is_none(), "{scenario} fails without obs: {failed:?}");
        let with = observed.get(scenario).map_or(&[][..], Vec::as_slice);
        assert_eq!(with, checks, "{scenario} differs with obs");
    }
    assert_eq!(observed.len(), bare.len(), "{:?}", observed.keys());
}

fn verdicts(suite: Component, arguments: &[&str], observed: bool) -> Verdicts {
    let folder = TempDir::new().expect("a temporary folder");
    let address = free_address();
    let mut command = Command::new(build::conformance(observed));
    command.arg(address.to_string()).stdout(Stdio::null());
    let server = Process::start("server", folder.path(), &mut command);
    wait_for("the server", std::time::Duration::from_secs(10), || {
        std::net::TcpStream::connect(address).ok()
    });
    // The suites check that other hosts than this name are refused.
    let host = format!("localhost:{}", address.port());
    let output = Command::new(Component::Node.path())
        .arg(suite.path())
        .args(["server", "--suite", "all"])
        .args(["--url", &format!("http://{host}/mcp")])
        .arg("--output-dir")
        .arg(folder.path().join("results"))
        .args(arguments)
        .output()
        .expect("the suite runs");
    assert!(
        output.status.success(),
        "observed: {observed}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    drop(server);
    read(&folder.path().join("results"), &host)
}

/// Reads `<scenario>-<time>/checks.json` of every scenario.
fn read(results: &Path, host: &str) -> Verdicts {
    let folders = fs::read_dir(results).expect("the suite leaves results");
    folders
        .map(|folder| {
            let folder = folder.expect("a readable folder").path();
            let text = fs::read_to_string(folder.join("checks.json")).expect("checks");
            let mut checks: Vec<Value> =
                serde_json::from_str(&text.replace(host, "localhost")).expect("JSON");
            checks.iter_mut().for_each(normalise);
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            // The time at the end has a fixed form: 2026-11-20T13-20-54-989Z.
            let scenario = name[..name.len() - "-2026-11-20T13-20-54-989Z".len()].to_owned();
            (scenario, checks)
        })
        .collect()
}

/// Differs between two runs of the same server; and the two headers that obs adds to every answer.
const TRANSIENT: [&str; 6] = [
    "timestamp",
    "date",
    "mcp-session-id",
    "subscriptionId",
    "x-correlation-id",
    "x-request-id",
];

/// Takes out what differs, and is meant to.
fn normalise(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| {
                let key = key.rsplit('/').next().unwrap_or_default();
                !TRANSIENT.contains(&key)
            });
            // Streams that are open at once are numbered in the order of their arrival.
            if let Some(Value::Object(event)) = object.get_mut("event") {
                event.remove("id");
            }
            object.values_mut().for_each(normalise);
        }
        Value::Array(array) => array.iter_mut().for_each(normalise),
        _ => {}
    }
}
