//! Grafana's dashboards, read as Grafana reads them: what their panels ask.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The languages of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Prometheus'.
    PromQl,
    /// Loki's.
    LogQl,
    /// Tempo's.
    TraceQl,
}

/// A query of a panel or an annotation.
#[derive(Clone, Debug)]
pub struct Query {
    /// The id of the dashboard.
    pub dashboard: String,
    /// The title of the panel, or the name of the annotation.
    pub panel: String,
    /// Its language.
    pub language: Language,
    /// As it stands there, with Grafana's variables.
    pub text: String,
}

/// Every dashboard of a folder of artifacts, sorted by the name of its file.
///
/// # Panics
///
/// Where there is none, or one is not JSON.
pub fn read(root: &Path) -> Vec<Value> {
    let folder = root.join("deploy/grafana/dashboards");
    let entries = fs::read_dir(&folder).expect("a folder of dashboards");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no dashboard in {}", folder.display());
    let texts = paths.iter().map(fs::read_to_string);
    texts
        .map(|text| serde_json::from_str(&text.expect("it can be read")).expect("JSON"))
        .collect()
}

/// Every panel of a dashboard, titles of rows included.
///
/// # Panics
///
/// Where it has none.
pub fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().expect("panels")
}

/// Every query of a dashboard: of its panels and of its annotations.
///
/// # Panics
///
/// Where one asks another data source than those of the stack.
pub fn queries(dashboard: &Value) -> Vec<Query> {
    let mut queries = Vec::new();
    let uid = text(&dashboard["uid"]);
    let mut push = |panel: &Value, target: &Value| {
        let (language, key) = match text(&target["datasource"]["type"]).as_str() {
            "prometheus" => (Language::PromQl, "expr"),
            "loki" => (Language::LogQl, "expr"),
            "tempo" => (Language::TraceQl, "query"),
            other => panic!("{uid}: {panel}: a data source of the type {other:?}"),
        };
        queries.push(Query {
            dashboard: uid.clone(),
            panel: text(panel),
            language,
            text: text(&target[key]),
        });
    };
    for panel in panels(dashboard) {
        for target in panel["targets"].as_array().into_iter().flatten() {
            push(&panel["title"], target);
        }
    }
    let annotations = dashboard["annotations"]["list"].as_array();
    for annotation in annotations.into_iter().flatten() {
        push(&annotation["name"], &annotation["target"]);
    }
    queries
}

impl Query {
    /// The query as Grafana would send it: in this environment, for all services, routes and levels,
    /// without a correlation id, over ten minutes.
    ///
    /// # Panics
    ///
    /// Where a variable is left.
    pub fn sent(&self, environment: &str) -> String {
        let values = [
            ("$__rate_interval", "1m"),
            ("$__range", "10m"),
            ("$__auto", "1m"),
            ("$environment", environment),
            ("$service", ".*"),
            ("$route", ".*"),
            ("$level", ".*"),
            ("$correlation_id", ""),
        ];
        let mut text = self.text.clone();
        for (variable, value) in values {
            text = text.replace(variable, value);
        }
        assert!(!text.contains('$'), "a variable is left in {text}");
        text
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
