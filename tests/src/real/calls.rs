//! What one call of a tool must change on `/metrics`: exactly itself.

use std::collections::BTreeMap;

use super::page::{Page, Series, series};

/// One call as the server must have counted it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The tool.
    pub tool: &'a str,
    /// How it ended.
    pub outcome: &'a str,
    /// The value of the `error` label, where the tool's error type has one.
    pub error: Option<&'a str>,
}

impl Call<'_> {
    fn result(&self) -> &'static str {
        match self.outcome {
            "ok" => "ok",
            "cancelled" => "cancelled",
            _ => "failed",
        }
    }
}

/// Checks that `calls` of one kind, and nothing else, happened between two pages. Returns what
/// changed in the families of HTTP, for the caller to judge.
///
/// # Panics
///
/// Where anything else changed, or something did not.
pub fn assert_calls(
    before: &Page,
    after: &Page,
    call: Call<'_>,
    calls: f64,
) -> BTreeMap<Series, f64> {
    let mut changes = after.since(before);
    let tool = call.tool;
    let counted = series(
        "mcp_tool_calls_total",
        &[("tool", tool), ("outcome", call.outcome)],
    );
    take(&mut changes, &counted, calls, after);
    if let Some(error) = call.error {
        let counted = series("mcp_tool_errors_total", &[("tool", tool), ("error", error)]);
        take(&mut changes, &counted, calls, after);
    }
    let duration = "mcp_tool_call_duration_seconds";
    let labels = [("tool", tool), ("result", call.result())];
    let count = series(&format!("{duration}_count"), &labels);
    take(&mut changes, &count, calls, after);
    take_histogram(&mut changes, duration, &labels, calls, after);
    if call.tool == "limits" && call.outcome == "ok" {
        take_asking_the_engine(&mut changes, calls, after);
    }
    take_http(&mut changes, after)
}

/// Takes what a tool changes that asks the engine once.
fn take_asking_the_engine(changes: &mut BTreeMap<Series, f64>, calls: f64, after: &Page) {
    let labels = [("peer", "engine"), ("method", "GET"), ("route", "/limits")];
    let duration = "traceo_http_client_request_duration_seconds";
    let count = series(&format!("{duration}_count"), &labels);
    take(changes, &count, calls, after);
    take_histogram(changes, duration, &labels, calls, after);
    let answered = [&labels[..], &[("status", "200")]].concat();
    let answered = series("traceo_http_client_requests_total", &answered);
    take(changes, &answered, calls, after);
}

/// Checks that no call happened between two pages. Returns what changed in the families of HTTP.
///
/// # Panics
///
/// Where anything else changed.
pub fn assert_no_call(before: &Page, after: &Page) -> BTreeMap<Series, f64> {
    take_http(&mut after.since(before), after)
}

/// How many tool calls run on the server.
pub fn in_flight(page: &Page, tool: &str) -> f64 {
    page.get(&series("mcp_tool_calls_in_flight", &[("tool", tool)]))
        .unwrap_or(0.0)
}

fn take(changes: &mut BTreeMap<Series, f64>, series: &Series, expected: f64, after: &Page) {
    match changes.remove(series) {
        Some(change) => assert!(
            same(change, expected),
            "{series} rose by {change}, not {expected}"
        ),
        None => panic!(
            "{series} did not change: it is {:?}; what changed: {changes:?}",
            after.get(series)
        ),
    }
}

/// Takes the buckets and the sum: each bucket at most `calls`, never fewer than the one below,
/// the last all of them.
fn take_histogram(
    changes: &mut BTreeMap<Series, f64>,
    name: &str,
    labels: &[(&str, &str)],
    calls: f64,
    after: &Page,
) {
    let sum = series(&format!("{name}_sum"), labels);
    let seconds = changes
        .remove(&sum)
        .unwrap_or_else(|| panic!("{sum} did not change"));
    assert!(
        seconds > 0.0 && seconds < 60.0 * calls,
        "{sum} rose by {seconds}"
    );
    let mut buckets = Vec::new();
    for (found, _) in after.iter() {
        let bare = found.labels.iter().filter(|(label, _)| *label != "le");
        let wanted = labels.iter().copied();
        let matching = found.name == format!("{name}_bucket")
            && bare
                .map(|(l, v)| (l.as_str(), v.as_str()))
                .collect::<BTreeMap<_, _>>()
                == wanted.collect();
        if matching {
            let bound = match found.labels["le"].as_str() {
                "+Inf" => f64::INFINITY,
                bound => bound
                    .parse()
                    .unwrap_or_else(|_| panic!("{found}: no bound")),
            };
            buckets.push((bound, changes.remove(found).unwrap_or(0.0)));
        }
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(
        buckets.is_sorted_by(|a, b| a.1 <= b.1),
        "{name}: {buckets:?}"
    );
    let last = buckets
        .last()
        .unwrap_or_else(|| panic!("{name} has no buckets"));
    assert!(
        last.0.is_infinite() && same(last.1, calls),
        "{name}: {buckets:?}"
    );
}

/// Takes what the transport and the log change, each family by its own rule; nothing may be left.
fn take_http(changes: &mut BTreeMap<Series, f64>, after: &Page) -> BTreeMap<Series, f64> {
    let mut requests = BTreeMap::new();
    let mut left = BTreeMap::new();
    for (series, change) in std::mem::take(changes) {
        let label = |name: &str| series.labels.get(name).map_or("", String::as_str);
        let plausible = match series.name.as_str() {
            "traceo_http_requests_total" => {
                label("route").starts_with("/mcp")
                    && ["POST", "GET", "DELETE"].contains(&label("method"))
                    && change >= 1.0
                    && change.fract() == 0.0
            }
            name if name.starts_with("traceo_http_request_duration_seconds") => {
                label("route").starts_with("/mcp") && change > 0.0
            }
            // An event stream that a client keeps open is a request in flight.
            "traceo_http_requests_in_flight"
            | "traceo_http_streams_open"
            | "mcp_sessions_active" => after
                .get(&series)
                .is_some_and(|now| (0.0..=2.0).contains(&now)),
            name if name.starts_with("mcp_session_duration_seconds") => change > 0.0,
            "traceo_http_response_aborts_total" => change > 0.0,
            // What a call says depends on how it ends. No line may be lost: those are other series.
            "obs_log_lines_total" => change >= 1.0 && change.fract() == 0.0,
            // Combinations in use: routes and statuses are learned.
            "obs_series" => change > 0.0 && label("family").starts_with("traceo_http_"),
            _ => false,
        };
        if series.name == "traceo_http_requests_total" {
            requests.insert(series.clone(), change);
        }
        if !plausible {
            left.insert(series, change);
        }
    }
    assert!(left.is_empty(), "also changed, and must not have: {left:?}");
    requests
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < f64::EPSILON
}
