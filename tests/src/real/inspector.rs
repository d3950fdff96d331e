//! The command line of the MCP Inspector: one process, and one connection, for each call.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::client::{Answer, Era, Kind, Target};
use super::component::Component;
use super::process::Process;

/// How many calls of a load ended how, as the Inspector counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// With a result.
    pub ok: u64,
    /// With `isError`.
    pub tool_errors: u64,
    /// With a JSON-RPC error.
    pub errors: u64,
}

/// Calls a tool once.
///
/// # Panics
///
/// Where the Inspector says something that it should not.
pub fn call(target: &Target, era: Era, tool: &str, arguments: &Value, home: &Path) -> Answer {
    let output = command(target, era, tool, arguments, home)
        .output()
        .expect("the Inspector runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let result = &json(&stdout)["result"];
    let error = &json(&stderr)["error"];
    let message = || error["message"].as_str().unwrap_or_default().to_owned();
    let content = || {
        result["content"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, text) = match (output.status.code(), error["code"].as_str()) {
        (Some(0), _) => (Kind::Ok, content()),
        (Some(5), Some("tool_is_error")) => (Kind::ToolError, content()),
        (Some(5), Some("tool_not_found")) => (Kind::NotSent, message()),
        (Some(1), _) => (Kind::RpcError, message()),
        _ => panic!(
            "the Inspector ended with {:?}: {stdout}{stderr}",
            output.status
        ),
    };
    Answer {
        kind,
        code: None,
        text,
        seconds: None,
    }
}

/// Calls a tool and does not wait for the end.
pub fn start(target: &Target, era: Era, tool: &str, arguments: &Value, home: &Path) -> Process {
    let mut command = command(target, era, tool, arguments, home);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Process::start("inspector", home, &mut command)
}

/// Calls a tool many times, several at once.
///
/// # Panics
///
/// Where the Inspector says something that it should not.
pub fn load(target: &Target, era: Era, tool: &str, arguments: &Value, home: &Path) -> Load {
    let output = command(target, era, tool, arguments, home)
        .args([
            "--load",
            "--load-requests",
            "200",
            "--load-concurrency",
            "8",
        ])
        .output()
        .expect("the Inspector runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let result = &json(&stdout)["result"];
    assert_eq!(result["requests"], 200, "{stdout}");
    let count = |name: &str| {
        result[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name}: {stdout}"))
    };
    Load {
        ok: count("ok"),
        tool_errors: count("toolErrors"),
        errors: count("errors"),
    }
}

fn command(target: &Target, era: Era, tool: &str, arguments: &Value, home: &Path) -> Command {
    let node = Component::Node.path();
    let mut path = OsString::from(node.parent().expect("a folder"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(&node);
    command.arg(Component::Inspector.path()).arg("--cli");
    match target {
        Target::Http(address) => {
            command.args([&Target::url(*address), "--transport", "http"]);
        }
        Target::Stdio {
            command: server,
            environment,
            ..
        } => {
            command.args(server);
            for (name, value) in environment {
                command.args(["-e", &format!("{name}={value}")]);
            }
            command.args(["--transport", "stdio"]);
        }
    }
    command
        .args([
            "--protocol-era",
            if era == Era::Legacy {
                "legacy"
            } else {
                "modern"
            },
        ])
        .args(["--method", "tools/call", "--tool-name", tool])
        .args(["--tool-args-json", &arguments.to_string()])
        .args(["--format", "json"])
        .env("PATH", path)
        .env("HOME", home);
    command
}

/// The last line that is a JSON object.
fn json(text: &str) -> Value {
    text.lines()
        .rev()
        .find_map(|line| serde_json::from_str(line).ok())
        .unwrap_or(Value::Null)
}
