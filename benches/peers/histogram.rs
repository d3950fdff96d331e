//! Observing a value in a histogram with one label and 14 buckets.

use std::time::Duration;

use measured::{HistogramVec, LabelGroup, metric::histogram::Thresholds};
use metrics_exporter_prometheus::PrometheusHandle;
use prometheus::HistogramOpts;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{family::Family, histogram::Histogram};

use crate::harness::{Role, Row};
use crate::inputs::{Inputs, Tool};
use crate::options::Options;
use crate::report::Table;

/// The bounds that every row uses.
pub(crate) const BUCKETS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 10.0,
];

obs::metrics! {
    registry HISTOGRAMS;

    /// Seconds that a call took.
    histogram bench_call_duration_seconds(tool: Tool) { buckets = BUCKETS }

    /// Shares of a budget that calls used; no seconds, so the sum is a float.
    histogram bench_call_budget_ratio(tool: Tool) { buckets = BUCKETS }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelGroup, EncodeLabelSet)]
#[label(set = ByToolSet)]
struct ByTool {
    tool: Tool,
}

/// Times every way of observing.
pub(crate) fn table(options: &Options, facade: &PrometheusHandle) -> Table {
    let rows = [
        obs_seconds(),
        obs_duration(),
        obs_float(),
        measured(),
        prometheus_client(),
        metrics_handles(facade.clone()),
        prometheus(),
        metrics_macro(facade.clone()),
    ];
    Table::of_rows("Histogram with one label, 14 buckets", options, &rows)
}

fn inputs() -> &'static Inputs<(Tool, f64)> {
    Inputs::draw(|random| (random.pick(&Tool::ALL), random.seconds()))
}

fn obs_seconds() -> Row {
    Row::new(
        Role::Obs,
        "**obs**, `f64` seconds",
        inputs(),
        |(tool, value)| {
            bench_call_duration_seconds(tool).observe(value);
        },
    )
}

fn obs_duration() -> Row {
    let inputs = Inputs::draw(|random| {
        let tool = random.pick(&Tool::ALL);
        (tool, Duration::from_secs_f64(random.seconds()))
    });
    Row::new(Role::Obs, "**obs**, `Duration`", inputs, |(tool, value)| {
        bench_call_duration_seconds(tool).observe(value);
    })
}

fn obs_float() -> Row {
    Row::new(
        Role::Obs,
        "**obs**, `f64` in another unit",
        inputs(),
        |(tool, value)| {
            bench_call_budget_ratio(tool).observe(value);
        },
    )
}

fn measured() -> Row {
    let calls: HistogramVec<ByToolSet, 14> = HistogramVec::dense_with_label_set_and_metadata(
        ByToolSet::new(),
        Thresholds::with_buckets(BUCKETS),
    );
    Row::new(
        Role::Peer,
        "measured 0.0.25, dense",
        inputs(),
        move |(tool, value)| calls.observe(ByTool { tool }, value),
    )
}

fn prometheus_client() -> Row {
    let calls = Family::<ByTool, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
    Row::new(
        Role::Peer,
        "prometheus-client 0.25, Family",
        inputs(),
        move |(tool, value)| calls.get_or_create(&ByTool { tool }).observe(value),
    )
}

// The exporter keeps every observation until its upkeep sorts them into buckets. A process runs
// that in the background every few seconds; here it runs between the rounds, at no cost to the row.

fn metrics_handles(facade: PrometheusHandle) -> Row {
    let handles: Vec<metrics::Histogram> = Tool::ALL
        .iter()
        .map(|tool| metrics::histogram!("duration_by_handle", "tool" => tool.as_str()))
        .collect();
    Row::new(
        Role::Peer,
        "metrics 0.24 handles in an array, exporter-prometheus 0.18",
        inputs(),
        move |(tool, value)| handles[tool as usize].record(value),
    )
    .after_each_round(move || facade.run_upkeep())
}

fn prometheus() -> Row {
    let options = HistogramOpts::new("duration", "Seconds that a call took.");
    let calls = prometheus::HistogramVec::new(options.buckets(BUCKETS.to_vec()), &["tool"])
        .expect("the names and the buckets are valid");
    Row::new(
        Role::Peer,
        "prometheus 0.14, with_label_values",
        inputs(),
        move |(tool, value)| calls.with_label_values(&[tool.as_str()]).observe(value),
    )
}

fn metrics_macro(facade: PrometheusHandle) -> Row {
    Row::new(
        Role::Peer,
        "`metrics::histogram!`, labels in the call",
        inputs(),
        |(tool, value)| {
            metrics::histogram!("duration", "tool" => tool.as_str()).record(value);
        },
    )
    .after_each_round(move || facade.run_upkeep())
}
