//! Adding one to a counter with two labels, 16 tools and 3 outcomes.

use std::sync::atomic::{AtomicU64, Ordering};

use measured::{CounterVec, LabelGroup};
use prometheus::{IntCounterVec, Opts};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_static_metric::make_static_metric;

use crate::harness::{Role, Row};
use crate::inputs::{Inputs, Outcome, Random, Tool};
use crate::options::Options;
use crate::report::Table;

obs::metrics! {
    registry COUNTERS;

    /// Calls of a tool, by how they ended.
    counter bench_calls_total(tool: Tool, outcome: Outcome);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelGroup, EncodeLabelSet)]
#[label(set = CallSet)]
struct Call {
    tool: Tool,
    outcome: Outcome,
}

make_static_metric! {
    label_enum StaticTool {
        ingest_csv, ingest_json, list_jobs, job_status, cancel_job, retry_job, search, query,
        explain, create_project, delete_project, list_projects, export, reconcile, validate, health,
    }

    label_enum StaticOutcome { ok, error, cancelled }

    struct StaticCalls: IntCounter {
        "tool" => StaticTool,
        "outcome" => StaticOutcome,
    }
}

/// Times every way of counting.
pub(crate) fn table(options: &Options) -> Table {
    let rows = [
        obs(),
        walk(),
        bare_atomic(),
        measured(),
        prometheus_static_metric(),
        metrics_handles(),
        prometheus_client(),
        prometheus(),
        metrics_macro(),
    ];
    Table::of_rows("Counter with two labels", options, &rows)
}

fn inputs() -> &'static Inputs<Call> {
    Inputs::draw(|random| {
        let (tool, outcome) = draw(random, &Tool::ALL, &Outcome::ALL);
        Call { tool, outcome }
    })
}

fn draw<T: Copy, O: Copy>(random: &mut Random, tools: &[T], outcomes: &[O]) -> (T, O) {
    (random.pick(tools), random.pick(outcomes))
}

fn obs() -> Row {
    Row::new(Role::Obs, "**obs**", inputs(), |call| {
        bench_calls_total(call.tool, call.outcome).inc();
    })
}

fn walk() -> Row {
    Row::new(
        Role::Mark,
        "picking the labels, nothing counted",
        inputs(),
        |call| {
            std::hint::black_box(call);
        },
    )
}

fn bare_atomic() -> Row {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    Row::new(
        Role::Mark,
        "one bare atomic add, no labels",
        inputs(),
        |_| {
            COUNT.fetch_add(1, Ordering::Relaxed);
        },
    )
}

fn measured() -> Row {
    let calls: CounterVec<CallSet> = CounterVec::dense_with_label_set(CallSet::new());
    Row::new(
        Role::Peer,
        "measured 0.0.25, dense",
        inputs(),
        move |call| {
            calls.inc(call);
        },
    )
}

fn prometheus_static_metric() -> Row {
    use {StaticOutcome as O, StaticTool as T};
    const TOOLS: [T; 16] = [
        T::ingest_csv,
        T::ingest_json,
        T::list_jobs,
        T::job_status,
        T::cancel_job,
        T::retry_job,
        T::search,
        T::query,
        T::explain,
        T::create_project,
        T::delete_project,
        T::list_projects,
        T::export,
        T::reconcile,
        T::validate,
        T::health,
    ];
    const OUTCOMES: [O; 3] = [O::ok, O::error, O::cancelled];
    let calls = StaticCalls::from(&vector());
    let inputs = Inputs::draw(|random| draw(random, &TOOLS, &OUTCOMES));
    Row::new(
        Role::Peer,
        "prometheus-static-metric 0.5",
        inputs,
        move |(tool, outcome)| calls.get(tool).get(outcome).inc(),
    )
}

fn metrics_handles() -> Row {
    let handles: Vec<metrics::Counter> = Tool::ALL
        .into_iter()
        .flat_map(|tool| Outcome::ALL.map(|outcome| (tool, outcome)))
        .map(|(tool, outcome)| {
            metrics::counter!("calls_by_handle", "tool" => tool.as_str(), "outcome" => outcome.as_str())
        })
        .collect();
    Row::new(
        Role::Peer,
        "metrics 0.24 handles in an array, exporter-prometheus 0.18",
        inputs(),
        move |call| {
            handles[call.tool as usize * Outcome::ALL.len() + call.outcome as usize].increment(1);
        },
    )
}

fn prometheus_client() -> Row {
    let calls = Family::<Call, Counter>::default();
    Row::new(
        Role::Peer,
        "prometheus-client 0.25, Family",
        inputs(),
        move |call| {
            calls.get_or_create(&call).inc();
        },
    )
}

fn prometheus() -> Row {
    let calls = vector();
    Row::new(
        Role::Peer,
        "prometheus 0.14, with_label_values",
        inputs(),
        move |call| {
            calls
                .with_label_values(&[call.tool.as_str(), call.outcome.as_str()])
                .inc();
        },
    )
}

fn metrics_macro() -> Row {
    Row::new(
        Role::Peer,
        "`metrics::counter!`, labels in the call",
        inputs(),
        |call| {
            metrics::counter!("calls", "tool" => call.tool.as_str(), "outcome" => call.outcome.as_str())
                .increment(1);
        },
    )
}

fn vector() -> IntCounterVec {
    IntCounterVec::new(Opts::new("calls", "Calls of a tool."), &["tool", "outcome"])
        .expect("the names are valid")
}
