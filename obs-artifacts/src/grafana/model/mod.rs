//! The JSON of a dashboard, as Grafana's schema has it: what is left out is Grafana's default.

mod options;
mod panel;
mod query;

pub(super) use options::{
    BarGaugeOptions, HeatmapOptions, LogsOptions, StatOptions, StateTimelineOptions, TableOptions,
    TimeSeriesOptions,
};
pub(super) use panel::{
    Color, Columns, Custom, DataLink, FieldConfig, FieldDefaults, GridPos, LineStyle, Mapping,
    Mode, Override, Panel, Property, Thresholds, Transformation, Visual,
};
pub(super) use query::{DataSource, Target};

use serde::Serialize;

/// The schema that the fields are those of. Grafana migrates older ones when it loads them.
const SCHEMA_VERSION: u32 = 39;

/// A dashboard.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dashboard {
    pub uid: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    pub editable: bool,
    /// 1 shows the same moment in all panels.
    pub graph_tooltip: u8,
    pub schema_version: u32,
    pub refresh: &'static str,
    pub time: TimeRange,
    pub links: Vec<Link>,
    pub templating: Templating,
    pub annotations: Annotations,
    pub panels: Vec<Panel>,
}

impl Dashboard {
    pub(super) fn new(uid: String, title: String, description: String) -> Self {
        Self {
            uid,
            title,
            description,
            tags: Vec::new(),
            editable: true,
            graph_tooltip: 1,
            schema_version: SCHEMA_VERSION,
            refresh: "30s",
            time: TimeRange {
                from: "now-1h",
                to: "now",
            },
            links: Vec::new(),
            templating: Templating { list: Vec::new() },
            annotations: Annotations { list: Vec::new() },
            panels: Vec::new(),
        }
    }

    /// Writes it as a file.
    ///
    /// # Panics
    /// If a type has no form in JSON; none of ours is such.
    pub(super) fn file(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("our types have a form in JSON");
        text.push('\n');
        text
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct TimeRange {
    pub from: &'static str,
    pub to: &'static str,
}

/// A link to other dashboards, above the panels.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are those of Grafana")]
pub(super) struct Link {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: String,
    pub tooltip: &'static str,
    pub icon: &'static str,
    pub tags: Vec<String>,
    pub as_dropdown: bool,
    pub target_blank: bool,
    pub include_vars: bool,
    pub keep_time: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Templating {
    pub list: Vec<Variable>,
}

/// A variable that a person sets above the panels.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: &'static str,
    pub label: &'static str,
    pub description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    pub query: VariableQuery,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Choice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_all: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_value: Option<&'static str>,
    /// 2 asks again when the range of time changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<u8>,
    /// 1 is by alphabet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<u8>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum VariableQuery {
    Text(String),
    #[serde(rename_all = "camelCase")]
    Prometheus {
        query: String,
        ref_id: &'static str,
    },
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Choice {
    pub text: String,
    pub value: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Annotations {
    pub list: Vec<Annotation>,
}

/// Events that are drawn into every panel.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotation {
    pub name: &'static str,
    pub datasource: DataSource,
    pub enable: bool,
    pub icon_color: &'static str,
    pub target: Target,
    pub title_format: String,
    pub text_format: String,
}
