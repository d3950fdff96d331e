//! A page of another origin, in a browser: React with Sentry's SDK, as the guide has it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::component::Component;
use super::process::{Signal, not_outliving_us};
use super::workspace;

/// A page that is served until the process ends.
#[derive(Debug)]
pub struct Page {
    origin: String,
    listening: mpsc::Sender<String>,
}

/// What the browser told of its visit.
#[derive(Debug, Deserialize)]
pub struct Visit {
    /// What it got without being asked, when the page was opened.
    pub orders: Shown,
    /// What it got by a click, which fails.
    pub placed: Shown,
    /// What stood in the browser's console.
    pub said: Vec<String>,
    /// What it asked before it sent a request.
    pub preflights: Vec<Preflight>,
}

/// An answer as a person sees it.
#[derive(Debug, Deserialize)]
pub struct Shown {
    /// All of it.
    pub text: String,
    /// The correlation id that the page read from the response.
    pub correlation_id: String,
    /// The request id, likewise.
    pub request_id: String,
}

/// A question whether a request may be sent.
#[derive(Debug, Deserialize)]
pub struct Preflight {
    /// Where to.
    pub address: String,
    /// How it was answered.
    pub status: u16,
}

impl Page {
    /// Finds an origin for a page.
    ///
    /// # Panics
    ///
    /// Where there is no port to be had.
    pub fn start() -> Self {
        let (listening, page) = mpsc::channel();
        let (bound, origin) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build();
            runtime.expect("a runtime").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("its address");
                bound
                    .send(format!("http://{address}"))
                    .expect("a page waits");
                let Ok(script) = page.recv() else { return };
                let index = workspace().join("tests/browser/index.html");
                let index = Html(fs::read_to_string(index).expect("a file"));
                let router = Router::new().route("/", get(async || index)).route(
                    "/main.js",
                    get(async || ([(CONTENT_TYPE, "text/javascript")], script)),
                );
                axum::serve(listener, router).await.expect("it serves");
            });
        });
        Self {
            origin: origin.recv().expect("an origin"),
            listening,
        }
    }

    /// Its origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Builds the page for a service and a Sentry, serves it, and visits it.
    ///
    /// # Panics
    ///
    /// Where a part of that does not succeed.
    pub fn visit(self, service: &str, dsn: &str) -> Visit {
        self.listening
            .send(bundle(service, dsn))
            .expect("it waits for its script");
        let output = not_outliving_us(Signal::Term, Component::Node.path())
            .arg(workspace().join("tests/clients/visit_page.cjs"))
            .arg(Component::Chromium.path())
            .arg(&self.origin)
            .env("NODE_PATH", Component::Pages.path())
            .stdout(Stdio::piped())
            .output()
            .expect("node runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the visit failed: {said}");
        serde_json::from_slice(&output.stdout).expect("what it saw")
    }
}

/// Puts the page into one file, as the tool of its author would.
fn bundle(service: &str, dsn: &str) -> String {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("main.js");
    let node = Component::Node.path();
    let mut path = OsString::from(node.parent().expect("a folder"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let environment = json!({ "VITE_API": service, "VITE_SENTRY_DSN": dsn, "MODE": "test" });
    let output = Command::new(Component::Pages.path().join(".bin/esbuild"))
        .arg(workspace().join("tests/browser/main.jsx"))
        .args([
            "--bundle",
            "--minify",
            "--jsx=automatic",
            "--log-level=warning",
        ])
        .arg(format!("--define:import.meta.env={environment}"))
        .arg(format!("--outfile={}", file.display()))
        .env("NODE_PATH", Component::Pages.path())
        .env("PATH", path)
        .output()
        .expect("esbuild runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no page: {said}");
    fs::read_to_string(file).expect("a script")
}
