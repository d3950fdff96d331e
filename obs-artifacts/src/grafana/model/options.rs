//! The options of each kind of panel.

use serde::Serialize;

/// Which values of a series stand for it.
#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct Reduce {
    pub calcs: [&'static str; 1],
    pub fields: &'static str,
    pub values: bool,
}

impl Reduce {
    const fn last() -> Self {
        Self {
            calcs: ["lastNotNull"],
            fields: "",
            values: false,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct Tooltip {
    mode: &'static str,
    sort: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct Legend {
    display_mode: &'static str,
    placement: &'static str,
    #[serde(rename = "showLegend")]
    shown: bool,
    calcs: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_desc: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
pub(in crate::grafana) struct TimeSeriesOptions {
    legend: Legend,
    tooltip: Tooltip,
}

impl TimeSeriesOptions {
    /// With a table of what the series are at the end and at most, the largest first.
    pub(in crate::grafana) const fn new() -> Self {
        Self {
            legend: Legend {
                display_mode: "table",
                placement: "bottom",
                shown: true,
                calcs: &["lastNotNull", "max"],
                sort_by: Some("Last *"),
                sort_desc: Some(true),
            },
            tooltip: Tooltip {
                mode: "multi",
                sort: "desc",
            },
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct StatOptions {
    reduce_options: Reduce,
    orientation: &'static str,
    color_mode: &'static str,
    graph_mode: &'static str,
    justify_mode: &'static str,
    text_mode: &'static str,
    percent_change_color_mode: &'static str,
    show_percent_change: bool,
    wide_layout: bool,
}

impl StatOptions {
    /// The last value, its colour, and behind it how it came to be.
    pub(in crate::grafana) const fn new() -> Self {
        Self {
            reduce_options: Reduce::last(),
            orientation: "auto",
            color_mode: "value",
            graph_mode: "area",
            justify_mode: "auto",
            text_mode: "auto",
            percent_change_color_mode: "standard",
            show_percent_change: false,
            wide_layout: true,
        }
    }

    /// The name of the series instead of its value.
    pub(in crate::grafana) const fn name() -> Self {
        Self {
            text_mode: "name",
            graph_mode: "none",
            color_mode: "none",
            ..Self::new()
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct HeatmapOptions {
    calculate: bool,
    cell_gap: u8,
    color: HeatmapColor,
    exemplars: ExemplarColor,
    filter_values: FilterValues,
    legend: HeatmapLegend,
    rows_frame: RowsFrame,
    show_value: &'static str,
    tooltip: HeatmapTooltip,
    y_axis: YAxis,
}

#[derive(Clone, Debug, Serialize)]
struct HeatmapColor {
    mode: &'static str,
    scheme: &'static str,
    scale: &'static str,
    exponent: f64,
    fill: &'static str,
    steps: u8,
    reverse: bool,
}

#[derive(Clone, Debug, Serialize)]
struct ExemplarColor {
    color: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct FilterValues {
    /// Cells with less are left empty.
    le: f64,
}

#[derive(Clone, Debug, Serialize)]
struct HeatmapLegend {
    show: bool,
}

#[derive(Clone, Debug, Serialize)]
struct RowsFrame {
    layout: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HeatmapTooltip {
    mode: &'static str,
    y_histogram: bool,
    show_color_scale: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct YAxis {
    axis_placement: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

impl HeatmapOptions {
    /// Of buckets, whose bounds are in this unit; without one, of series by name.
    pub(in crate::grafana) fn new(unit: Option<&str>) -> Self {
        Self {
            calculate: false,
            cell_gap: 1,
            color: HeatmapColor {
                mode: "scheme",
                scheme: "Oranges",
                scale: "exponential",
                exponent: 0.5,
                fill: "dark-orange",
                steps: 64,
                reverse: false,
            },
            exemplars: ExemplarColor {
                color: "rgba(31, 120, 193, 0.7)",
            },
            filter_values: FilterValues { le: 1e-9 },
            legend: HeatmapLegend { show: true },
            rows_frame: RowsFrame {
                layout: if unit.is_some() { "le" } else { "auto" },
            },
            show_value: "never",
            tooltip: HeatmapTooltip {
                mode: "single",
                y_histogram: unit.is_some(),
                show_color_scale: true,
            },
            y_axis: YAxis {
                axis_placement: "left",
                unit: unit.map(str::to_owned),
            },
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct TableOptions {
    show_header: bool,
    frame_index: u8,
    cell_height: &'static str,
    sort_by: Vec<SortBy>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SortBy {
    display_name: &'static str,
    desc: bool,
}

impl TableOptions {
    /// With the largest value of a column first.
    pub(in crate::grafana) fn new(sort_by: Option<&'static str>) -> Self {
        let sort_by = sort_by.into_iter().map(|display_name| SortBy {
            display_name,
            desc: true,
        });
        Self {
            show_header: true,
            frame_index: 0,
            cell_height: "sm",
            sort_by: sort_by.collect(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct BarGaugeOptions {
    reduce_options: Reduce,
    orientation: &'static str,
    display_mode: &'static str,
    value_mode: &'static str,
    name_placement: &'static str,
    show_unfilled: bool,
    sizing: &'static str,
    min_viz_width: u8,
    min_viz_height: u8,
    max_viz_height: u16,
    legend: Legend,
}

impl BarGaugeOptions {
    /// One bar for each series, below each other.
    pub(in crate::grafana) const fn new() -> Self {
        Self {
            reduce_options: Reduce::last(),
            orientation: "horizontal",
            display_mode: "basic",
            value_mode: "color",
            name_placement: "left",
            show_unfilled: true,
            sizing: "auto",
            min_viz_width: 8,
            min_viz_height: 16,
            max_viz_height: 300,
            legend: Legend {
                display_mode: "list",
                placement: "bottom",
                shown: false,
                calcs: &[],
                sort_by: None,
                sort_desc: None,
            },
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::grafana) struct StateTimelineOptions {
    legend: Legend,
    tooltip: Tooltip,
    merge_values: bool,
    row_height: f64,
    show_value: &'static str,
    align_value: &'static str,
}

impl StateTimelineOptions {
    pub(in crate::grafana) const fn new() -> Self {
        Self {
            legend: Legend {
                display_mode: "list",
                placement: "bottom",
                shown: false,
                calcs: &[],
                sort_by: None,
                sort_desc: None,
            },
            tooltip: Tooltip {
                mode: "single",
                sort: "none",
            },
            merge_values: true,
            row_height: 0.8,
            show_value: "never",
            align_value: "left",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are those of Grafana")]
pub(in crate::grafana) struct LogsOptions {
    show_time: bool,
    show_labels: bool,
    show_common_labels: bool,
    wrap_log_message: bool,
    prettify_log_message: bool,
    enable_log_details: bool,
    show_log_context_toggle: bool,
    dedup_strategy: &'static str,
    sort_order: &'static str,
    displayed_fields: &'static [&'static str],
}

impl LogsOptions {
    /// The newest line first, as these of its fields.
    pub(in crate::grafana) const fn new(displayed_fields: &'static [&'static str]) -> Self {
        Self {
            show_time: true,
            show_labels: false,
            show_common_labels: false,
            wrap_log_message: true,
            prettify_log_message: false,
            enable_log_details: true,
            show_log_context_toggle: true,
            dedup_strategy: "none",
            sort_order: "Descending",
            displayed_fields,
        }
    }
}
