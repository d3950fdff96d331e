//! Real components: finding them, starting them, talking to them, and reading what `/metrics`
//! says about it.
//!
//! Every server listens on 127.0.0.1 and a free port, works in a temporary folder of its own, and
//! ends with the value that started it.

pub mod alertmanager;
pub mod artifacts;
pub mod both;
pub mod bridge;
pub mod browser;
pub mod bugsink;
pub mod build;
pub mod calls;
pub mod client;
pub mod component;
pub mod dashboards;
pub mod database;
pub mod demonstration;
pub mod document;
pub mod endings;
pub mod http;
pub mod inspector;
pub mod page;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod promql;
pub mod python;
pub mod redis;
pub mod rotel;
pub mod service;
pub mod stack;
pub mod traceo;
pub mod tree;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The folder of the workspace.
///
/// # Panics
///
/// Never: the package lies in a folder of the workspace.
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package lies in the workspace")
        .to_owned()
}

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// Where there is none within `limit`: `what` says what was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "{what}: not within {limit:?}");
        sleep(Duration::from_millis(20));
    }
}

/// Runs a command with `text` as its input, to its end.
///
/// # Panics
///
/// Where it does not start, or does not read.
pub fn feed(command: &mut Command, text: &str) -> Output {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("a piped input");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    child.wait_with_output().expect("it ends")
}
