//! A panel: where it is, what it asks, how it shows the answers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::query::{DataSource, Target};
use super::{
    BarGaugeOptions, HeatmapOptions, LogsOptions, StatOptions, StateTimelineOptions, TableOptions,
    TimeSeriesOptions,
};

/// A panel, or the title of a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct Panel {
    pub id: u32,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub grid_pos: GridPos,
    #[serde(flatten)]
    pub visual: Visual,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<DataSource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_config: Option<FieldConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transformations: Vec<Transformation>,
}

/// Where a panel is, in 24 columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::grafana) struct GridPos {
    pub x: u32,
    pub y: u32,
    pub w: u32,
    pub h: u32,
}

/// The kind of panel, with its options.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(in crate::grafana) enum Visual {
    Row {
        collapsed: bool,
        panels: [(); 0],
    },
    TimeSeries {
        options: TimeSeriesOptions,
    },
    Stat {
        options: StatOptions,
    },
    Heatmap {
        options: HeatmapOptions,
    },
    Table {
        options: TableOptions,
    },
    BarGauge {
        options: BarGaugeOptions,
    },
    #[serde(rename = "state-timeline")]
    StateTimeline {
        options: StateTimelineOptions,
    },
    Logs {
        options: LogsOptions,
    },
}

#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::grafana) struct FieldConfig {
    pub defaults: FieldDefaults,
    pub overrides: Vec<Override>,
}

/// How every value is shown.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct FieldDefaults {
    pub unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_value: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<DataLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct Color {
    pub mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_color: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct Thresholds {
    mode: &'static str,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Step {
    color: &'static str,
    /// `null` is where the scale begins.
    value: Option<f64>,
}

impl Thresholds {
    /// A colour from the beginning on, and others from values on.
    pub(in crate::grafana) fn new(
        base: &'static str,
        above: impl IntoIterator<Item = (&'static str, f64)>,
    ) -> Self {
        let base = Step {
            color: base,
            value: None,
        };
        let above = above.into_iter().map(|(color, value)| Step {
            color,
            value: Some(value),
        });
        Self {
            mode: "absolute",
            steps: [base].into_iter().chain(above).collect(),
        }
    }
}

/// A value that is shown as a word.
#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct Mapping {
    #[serde(rename = "type")]
    kind: &'static str,
    options: BTreeMap<&'static str, Word>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Word {
    text: &'static str,
    color: &'static str,
}

impl Mapping {
    pub(in crate::grafana) fn word(
        value: &'static str,
        text: &'static str,
        color: &'static str,
    ) -> Self {
        Self {
            kind: "value",
            options: [(value, Word { text, color })].into(),
        }
    }
}

/// A link behind a value.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct DataLink {
    pub title: &'static str,
    pub url: String,
}

/// What only some kinds of panels know.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct Custom {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw_style: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_width: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill_opacity: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_points: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stacking: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds_style: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filterable: Option<bool>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::grafana) struct Mode {
    pub mode: &'static str,
}

/// How some of the values are shown.
#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct Override {
    matcher: Matcher,
    properties: Vec<Property>,
}

#[derive(Clone, Debug, Serialize)]
struct Matcher {
    id: &'static str,
    options: String,
}

/// One thing that an override changes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "id", content = "value")]
pub(in crate::grafana) enum Property {
    #[serde(rename = "color")]
    Color(Color),
    #[serde(rename = "unit")]
    Unit(&'static str),
    #[serde(rename = "links")]
    Links(Vec<DataLink>),
    #[serde(rename = "custom.lineStyle")]
    LineStyle(LineStyle),
    #[serde(rename = "custom.fillOpacity")]
    FillOpacity(u8),
    #[serde(rename = "custom.width")]
    Width(u32),
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::grafana) struct LineStyle {
    pub fill: &'static str,
    pub dash: [u8; 2],
}

impl Override {
    /// Of the series or the column of that name.
    pub(in crate::grafana) fn name(
        name: impl Into<String>,
        properties: impl Into<Vec<Property>>,
    ) -> Self {
        Self::of("byName", name.into(), properties.into())
    }

    /// Of the series whose names match a regular expression.
    pub(in crate::grafana) fn matching(
        pattern: &str,
        properties: impl Into<Vec<Property>>,
    ) -> Self {
        Self::of("byRegexp", format!("/{pattern}/"), properties.into())
    }

    fn of(id: &'static str, options: String, properties: Vec<Property>) -> Self {
        Self {
            matcher: Matcher { id, options },
            properties,
        }
    }
}

/// What is done with the answers before they are shown.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "id", content = "options", rename_all = "camelCase")]
pub(in crate::grafana) enum Transformation {
    /// Makes columns of the labels of log lines.
    #[serde(rename_all = "camelCase")]
    ExtractFields {
        source: &'static str,
        format: &'static str,
        replace: bool,
        keep_time: bool,
    },
    /// Keeps some columns.
    #[serde(rename = "filterFieldsByName")]
    Keep { include: Columns },
    /// Orders, names and leaves out columns.
    #[serde(rename_all = "camelCase")]
    Organize {
        exclude_by_name: BTreeMap<&'static str, bool>,
        index_by_name: BTreeMap<&'static str, u32>,
        rename_by_name: BTreeMap<&'static str, &'static str>,
    },
    /// Joins the answers of several queries to rows of one table.
    Merge {},
}

#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct Columns {
    pub names: Vec<&'static str>,
}
