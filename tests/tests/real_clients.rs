//! Real MCP clients, every way a call can end, every way to carry it: each call changes
//! `/metrics` by exactly itself.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use obs_tests::real::calls::{Call, assert_calls, assert_no_call, in_flight};
use obs_tests::real::client::{Answer, Era, Kind, Target};
use obs_tests::real::component::{Component, available};
use obs_tests::real::endings::{Ending, endings};
use obs_tests::real::http::free_address;
use obs_tests::real::page::Page;
use obs_tests::real::python::{Library, Python};
use obs_tests::real::traceo::{
    Answers, Engine, Traceo, over_a_bridge, over_pipes, wait_for_metrics,
};
use obs_tests::real::{inspector, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

fn slow(seconds: f64) -> Value {
    json!({ "seconds": seconds })
}

fn slow_call(outcome: &'static str) -> Call<'static> {
    Call {
        tool: "slow",
        outcome,
        error: None,
    }
}

/// How a call is carried, and what becomes of it there when its client gives up, and when it goes.
#[derive(Clone, Copy)]
struct Carrier {
    answers: Answers,
    era: Era,
    when_given_up: &'static str,
    when_gone: &'static str,
}

/// A session outlives the connection: the tool runs to its end, for the client to fetch the
/// result later.
const SESSION: Carrier = Carrier {
    answers: Answers::Sessions,
    era: Era::Legacy,
    when_given_up: "cancelled",
    when_gone: "ok",
};
/// The client gives up with a notification, which is a request of its own and finds no call to
/// cancel.
const STATELESS_JSON: Carrier = Carrier {
    answers: Answers::StatelessJson,
    era: Era::Legacy,
    when_given_up: "ok",
    when_gone: "cancelled",
};
const MODERN: Carrier = Carrier {
    answers: Answers::Sessions,
    era: Era::Modern,
    when_given_up: "cancelled",
    when_gone: "cancelled",
};
const MODERN_JSON: Carrier = Carrier {
    answers: Answers::StatelessJson,
    era: Era::Modern,
    when_given_up: "cancelled",
    when_gone: "cancelled",
};

fn python_over_http(library: Library, carrier: Carrier) {
    if !available(&[Component::Python]) {
        return;
    }
    let server = Traceo::listening(carrier.answers);
    let folder = server.folder.path();
    let mut client = Python::connect(library, carrier.era, &server.target(), folder);
    assert_eq!(client.protocol, protocol(carrier.era));
    for ending in endings() {
        let before = Page::settled(server.address);
        let answer = client.call(ending.tool, &ending.arguments, Some(10.0));
        let after = Page::settled(server.address);
        assert_answer(&ending, &answer);
        let requests = assert_calls(&before, &after, ending.counted, 1.0);
        let [(request, change)] = &requests.iter().collect::<Vec<_>>()[..] else {
            panic!("one call is one request: {requests:?}");
        };
        assert_eq!(request.labels["method"], "POST");
        assert_eq!(request.labels["status"], "200");
        assert!((**change - 1.0).abs() < f64::EPSILON, "{requests:?}");
    }
    client_that_gives_up(&mut client, server.address, carrier.when_given_up);
    client_that_is_gone(client, server.address, carrier.when_gone);
}

/// The client gives up: it tells the server so with a notification, or, in the protocol of 2026,
/// by closing the request.
fn client_that_gives_up(client: &mut Python, address: SocketAddr, outcome: &'static str) {
    let before = Page::settled(address);
    let answer = client.call("slow", &slow(3.0), Some(0.3));
    assert_eq!(answer.kind, Kind::GaveUp, "{answer:?}");
    wait_until_idle(address);
    let after = Page::settled(address);
    assert_calls(&before, &after, slow_call(outcome), 1.0);
}

/// The client's process is killed in the middle of a call.
fn client_that_is_gone(mut client: Python, address: SocketAddr, outcome: &'static str) {
    let before = Page::settled(address);
    client.start("slow", &slow(2.0), None);
    wait_until_busy(address);
    client.process.kill();
    wait_until_idle(address);
    let after = Page::settled(address);
    assert_calls(&before, &after, slow_call(outcome), 1.0);
}

fn python_over_pipes(library: Library, era: Era) {
    if !available(&[Component::Python]) {
        return;
    }
    let folder = TempDir::new().expect("a temporary folder");
    let engine = Engine::start(folder.path(), free_address());
    let (target, admin) = over_pipes(folder.path(), &engine);
    let mut client = Python::connect(library, era, &target, folder.path());
    assert_eq!(client.protocol, protocol(era));
    wait_for_metrics(admin);
    assert_admin_address_is_named(&target, admin);
    for ending in endings() {
        let before = Page::settled(admin);
        let answer = client.call(ending.tool, &ending.arguments, Some(10.0));
        let after = Page::settled(admin);
        assert_answer(&ending, &answer);
        let requests = assert_calls(&before, &after, ending.counted, 1.0);
        assert!(requests.is_empty(), "no HTTP over pipes: {requests:?}");
    }
    client_that_gives_up(&mut client, admin, "cancelled");
    client.start("slow", &slow(2.0), None);
    wait_until_busy(admin);
    client.process.kill();
    wait_until_gone(admin);
}

fn inspector_over_http(carrier: Carrier) {
    if !available(&[Component::Inspector, Component::Node]) {
        return;
    }
    let server = Traceo::listening(carrier.answers);
    let folder = server.folder.path();
    for ending in endings() {
        let before = Page::settled(server.address);
        let target = server.target();
        let answer = inspector::call(&target, carrier.era, ending.tool, &ending.arguments, folder);
        let after = Page::settled(server.address);
        if ending.counted.tool == "_other" {
            // It looks at the list of tools first.
            assert_eq!(answer.kind, Kind::NotSent, "{answer:?}");
            assert_no_call(&before, &after);
            continue;
        }
        assert_answer(&ending, &answer);
        assert_calls(&before, &after, ending.counted, 1.0);
    }
    let before = Page::settled(server.address);
    let mut client = inspector::start(&server.target(), carrier.era, "slow", &slow(2.0), folder);
    wait_until_busy(server.address);
    client.kill();
    wait_until_idle(server.address);
    let after = Page::settled(server.address);
    assert_calls(&before, &after, slow_call(carrier.when_gone), 1.0);
}

fn inspector_over_pipes(era: Era) {
    if !available(&[Component::Inspector, Component::Node, Component::Python]) {
        return;
    }
    for ending in endings() {
        let folder = TempDir::new().expect("a temporary folder");
        let engine = Engine::start(folder.path(), free_address());
        let (bridge, admin) = over_a_bridge(folder.path(), &engine);
        wait_for_metrics(admin);
        let before = Page::settled(admin);
        let target = Target::Stdio {
            command: bridge.command.clone(),
            environment: Vec::new(),
            stderr: folder.path().join("unused"),
        };
        let answer = inspector::call(&target, era, ending.tool, &ending.arguments, folder.path());
        let after = Page::settled(admin);
        if ending.counted.tool == "_other" {
            assert_eq!(answer.kind, Kind::NotSent, "{answer:?}");
            assert_no_call(&before, &after);
            continue;
        }
        assert_answer(&ending, &answer);
        assert_calls(&before, &after, ending.counted, 1.0);
    }
    inspector_that_is_gone_over_pipes(era);
}

fn inspector_that_is_gone_over_pipes(era: Era) {
    let folder = TempDir::new().expect("a temporary folder");
    let engine = Engine::start(folder.path(), free_address());
    let (target, admin) = over_pipes(folder.path(), &engine);
    let mut client = inspector::start(&target, era, "slow", &slow(2.0), folder.path());
    wait_for_metrics(admin);
    wait_until_busy(admin);
    client.kill();
    wait_until_gone(admin);
}

fn protocol(era: Era) -> &'static str {
    match era {
        Era::Legacy => "2025-11-25",
        Era::Modern => "2026-07-28",
    }
}

fn assert_answer(ending: &Ending, answer: &Answer) {
    assert_eq!(answer.kind, ending.kind, "{}: {answer:?}", ending.tool);
    if answer.code.is_some() {
        assert_eq!(answer.code, ending.code, "{}: {answer:?}", ending.tool);
    }
    if ending.counted.outcome == "panic" {
        // Without `obs` no client ever gets an answer.
        assert!(
            answer.seconds.is_none_or(|seconds| seconds < 1.0),
            "{answer:?}"
        );
        assert!(
            !answer.text.contains("src/"),
            "the place stays on the server: {answer:?}"
        );
    }
}

fn assert_admin_address_is_named(target: &Target, admin: SocketAddr) {
    let Target::Stdio { stderr, .. } = target else {
        return;
    };
    let log = read(stderr);
    assert!(
        log.contains(&admin.to_string()),
        "standard error names {admin}: {log}"
    );
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn wait_until_busy(address: SocketAddr) {
    wait_for("the call to start", Duration::from_secs(15), || {
        (in_flight(&Page::now(address), "slow") > 0.0).then_some(())
    });
}

fn wait_until_idle(address: SocketAddr) {
    wait_for("the call to end", Duration::from_secs(15), || {
        (in_flight(&Page::now(address), "slow") == 0.0).then_some(())
    });
}

/// A server over pipes ends with its client; its numbers go with it.
fn wait_until_gone(address: SocketAddr) {
    wait_for("the end of the server", Duration::from_secs(15), || {
        TcpStream::connect(address).err()
    });
}

#[test]
fn each_call_of_the_python_sdk_is_counted_once_in_a_session() {
    python_over_http(Library::Mcp, SESSION);
}

#[test]
fn each_call_of_the_python_sdk_is_counted_once_as_stateless_json() {
    python_over_http(Library::Mcp, STATELESS_JSON);
}

#[test]
fn each_call_of_the_python_sdk_is_counted_once_in_the_protocol_of_2026() {
    python_over_http(Library::Mcp, MODERN);
}

#[test]
fn each_call_of_the_python_sdk_is_counted_once_in_the_protocol_of_2026_as_json() {
    python_over_http(Library::Mcp, MODERN_JSON);
}

#[test]
fn each_call_of_the_python_sdk_is_counted_once_over_pipes() {
    python_over_pipes(Library::Mcp, Era::Legacy);
}

#[test]
fn each_call_of_the_python_sdk_is_counted_once_over_pipes_in_the_protocol_of_2026() {
    python_over_pipes(Library::Mcp, Era::Modern);
}

#[test]
fn each_call_of_fastmcp_is_counted_once_in_a_session() {
    python_over_http(Library::FastMcp, SESSION);
}

#[test]
fn each_call_of_fastmcp_is_counted_once_as_stateless_json() {
    python_over_http(Library::FastMcp, STATELESS_JSON);
}

#[test]
fn each_call_of_fastmcp_is_counted_once_in_the_protocol_of_2026() {
    python_over_http(Library::FastMcp, MODERN);
}

#[test]
fn each_call_of_fastmcp_is_counted_once_in_the_protocol_of_2026_as_json() {
    python_over_http(Library::FastMcp, MODERN_JSON);
}

#[test]
fn each_call_of_fastmcp_is_counted_once_over_pipes() {
    python_over_pipes(Library::FastMcp, Era::Legacy);
}

#[test]
fn each_call_of_fastmcp_is_counted_once_over_pipes_in_the_protocol_of_2026() {
    python_over_pipes(Library::FastMcp, Era::Modern);
}

#[test]
fn each_call_of_the_inspector_is_counted_once_in_a_session() {
    inspector_over_http(SESSION);
}

#[test]
fn each_call_of_the_inspector_is_counted_once_as_stateless_json() {
    inspector_over_http(STATELESS_JSON);
}

#[test]
fn each_call_of_the_inspector_is_counted_once_in_the_protocol_of_2026() {
    inspector_over_http(MODERN);
}

#[test]
fn each_call_of_the_inspector_is_counted_once_in_the_protocol_of_2026_as_json() {
    inspector_over_http(MODERN_JSON);
}

#[test]
fn each_call_of_the_inspector_is_counted_once_over_pipes() {
    inspector_over_pipes(Era::Legacy);
}

#[test]
fn each_call_of_the_inspector_is_counted_once_over_pipes_in_the_protocol_of_2026() {
    inspector_over_pipes(Era::Modern);
}
