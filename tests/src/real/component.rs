//! What `.ci/install` puts in place.

use std::env;
use std::io::Write;
use std::path::PathBuf;

use super::workspace;

/// Something that is not written in Rust and that a test talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The metrics server.
    Prometheus,
    /// Its linter.
    Promtool,
    /// What alerts are sent to.
    Alertmanager,
    /// Its linter and client.
    Amtool,
    /// Docker Compose, of which no engine is needed to check a project.
    Compose,
    /// The client of Kubernetes, of which no cluster is needed to put a kustomization together.
    Kubectl,
    /// The schemas of Kubernetes.
    KubernetesValidate,
    /// The schemas of the Prometheus operator.
    KubernetesModels,
    /// What documents send requests with.
    Curl,
    /// What documents read answers with.
    Jq,
    /// Python with the MCP clients, the `OpenMetrics` parser and the public CSV files.
    Python,
    /// What switches OpenTelemetry on in a Python program.
    PythonOpenTelemetry,
    /// The collector.
    Rotel,
    /// The Node that the Inspector, the conformance suites and pages need.
    Node,
    /// The MCP Inspector.
    Inspector,
    /// The conformance suite of the protocols with sessions.
    Conformance,
    /// The conformance suite of the protocol of 2026-07-28.
    ConformanceNext,
    /// The database server.
    Postgres,
    /// The cache.
    Redis,
    /// The server that Sentry's clients send to.
    Bugsink,
    /// Python with Sentry's own normaliser.
    Relay,
    /// The browser.
    Chromium,
    /// What drives it, and what its page is made of.
    Pages,
    /// The types of Grafana's dashboards, a compiler for them, and the grammars of their queries.
    Grafana,
}

impl Component {
    /// Where it is.
    ///
    /// # Panics
    ///
    /// Where it is not: tests ask [`available`] first.
    pub fn path(self) -> PathBuf {
        self.find()
            .unwrap_or_else(|| panic!("{self:?} is not there; run .ci/install"))
    }

    fn find(self) -> Option<PathBuf> {
        let suite = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
        let place = match self {
            Self::Prometheus => return in_path("prometheus"),
            Self::Promtool => return in_path("promtool"),
            Self::Alertmanager => return in_path("prometheus-alertmanager"),
            Self::Amtool => return in_path("amtool"),
            Self::Curl => return in_path("curl"),
            Self::Jq => return in_path("jq"),
            Self::Chromium => return in_path("chromium-headless-shell"),
            Self::Python => "venv/bin/python".to_owned(),
            Self::PythonOpenTelemetry => "venv/bin/opentelemetry-instrument".to_owned(),
            Self::Rotel => "rotel/agent".to_owned(),
            Self::Node => "node/node_modules/node/bin/node".to_owned(),
            Self::Inspector => "inspector/node_modules/.bin/mcp-inspector".to_owned(),
            Self::Conformance => format!("conformance/{suite}"),
            Self::ConformanceNext => format!("conformance-next/{suite}"),
            Self::Postgres => "postgres/postgres".to_owned(),
            Self::Redis => "redis/redis-server".to_owned(),
            Self::Bugsink => "sentry/bin/gunicorn".to_owned(),
            Self::Relay => "sentry/bin/python".to_owned(),
            Self::Compose => "newer/docker-compose".to_owned(),
            Self::Kubectl => "newer/kubectl".to_owned(),
            Self::KubernetesValidate => "kubernetes/bin/kubernetes-validate".to_owned(),
            Self::KubernetesModels => "kubernetes-models/node_modules".to_owned(),
            Self::Pages => "browser/node_modules".to_owned(),
            Self::Grafana => "grafana/node_modules".to_owned(),
        };
        Some(workspace().join("target/real").join(place)).filter(|path| path.exists())
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// Whether all of `components` are there. Where one is missing it says so on standard error, past
/// the test harness, which would keep it to itself.
///
/// # Panics
///
/// Where one is missing and `OBS_REAL=required` is set.
pub fn available(components: &[Component]) -> bool {
    let missing: Vec<_> = components
        .iter()
        .filter(|component| component.find().is_none())
        .collect();
    if missing.is_empty() {
        return true;
    }
    let required = env::var_os("OBS_REAL").is_some_and(|value| value == "required");
    assert!(
        !required,
        "OBS_REAL=required, and {missing:?} is not there; run .ci/install"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED: {test} needs {missing:?}; run .ci/install\n");
    // Nothing to do about a standard error that is closed.
    drop(std::io::stderr().write_all(line.as_bytes()));
    false
}
