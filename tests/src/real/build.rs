//! The binaries of this workspace.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

use serde_json::Value;

use super::workspace;

static TRACEO: OnceLock<PathBuf> = OnceLock::new();
static SHOP: OnceLock<PathBuf> = OnceLock::new();
static OBSERVED: OnceLock<PathBuf> = OnceLock::new();
static BARE: OnceLock<PathBuf> = OnceLock::new();

/// The example server.
pub fn traceo() -> PathBuf {
    TRACEO
        .get_or_init(|| build("traceo", "traceo", &["-p", "traceo"]))
        .clone()
}

/// The service with a database, a cache and Sentry.
pub fn shop() -> PathBuf {
    let package = "obs-test-shop";
    SHOP.get_or_init(|| build(package, package, &["-p", package]))
        .clone()
}

/// The conformance server, with `obs` or without.
pub fn conformance(observed: bool) -> PathBuf {
    let package = "obs-conformance";
    if observed {
        OBSERVED.get_or_init(|| build(package, "conformance-observed", &["-p", package]))
    } else {
        BARE.get_or_init(|| {
            let arguments = ["-p", package, "--no-default-features"];
            build(package, "conformance-bare", &arguments)
        })
    }
    .clone()
}

/// Builds a binary and copies it away, because the next build with other features takes its place.
fn build(binary: &str, copy: &str, arguments: &[&str]) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace())
        .args([
            "build",
            "--locked",
            "--message-format=json-render-diagnostics",
        ])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo build {arguments:?} failed");
    let messages = String::from_utf8_lossy(&output.stdout);
    let built = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == binary)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo built no {binary}"));
    let folder = workspace().join("target/real/bin");
    fs::create_dir_all(&folder).expect("a folder for the binaries");
    // Another test binary may be running the one that lies there: a rename leaves that alone.
    let fresh = folder.join(format!("{copy}.{}", std::process::id()));
    let copy = folder.join(copy);
    fs::copy(&built, &fresh).expect("the binary can be copied");
    fs::rename(&fresh, &copy).expect("the copy can be moved into place");
    copy
}
