//! Routes, tools and operations: what has calls, errors, seconds and perhaps a number in flight.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use obs::catalog::{Family, Sample, Value as Number};
use serde_json::{Value, json};

use super::quantile::quantile;
use super::samples::{Samples, Span, WINDOW, numbers};

/// Points of a curve.
const MAX_BINS: usize = 100;

/// What a curve shows of the past.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Curve {
    pub(crate) window: Duration,
    pub(crate) bins: usize,
}

impl Curve {
    /// Chooses as much of the past as was asked for, and no more than is known: a service that has just
    /// begun would be a line at the edge.
    pub(crate) fn of(range: Option<Duration>, known: Duration) -> Self {
        let asked = range.unwrap_or(WINDOW);
        let seconds = [30, 60, 120]
            .into_iter()
            .find(|seconds| Duration::from_secs(*seconds) >= known.min(asked))
            .unwrap_or(WINDOW.as_secs());
        let bins = [1, 2, 3].map(|width| seconds.div_ceil(width));
        let fitting = bins.into_iter().find(|bins| *bins <= MAX_BINS as u64);
        Self {
            window: Duration::from_secs(seconds),
            bins: fitting
                .and_then(|bins| bins.try_into().ok())
                .unwrap_or(MAX_BINS),
        }
    }

    /// Returns the curves of several groups of numbers.
    fn draw(
        self,
        samples: &Samples,
        groups: usize,
        group: impl Fn(usize) -> Option<usize>,
    ) -> Vec<Vec<f64>> {
        samples.bins(self.window, self.bins, groups, group)
    }
}

/// Rows of a table that are shown; the busiest come first.
const MAX_ROWS: usize = 100;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Well,
    /// The caller's mistake, or its wish.
    Refused,
    Failed,
}

/// Which families make a table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Calls, by how they ended.
    calls: Cow<'static, str>,
    seconds: Cow<'static, str>,
    in_flight: Cow<'static, str>,
    /// The labels that make a row.
    key: &'static [&'static str],
    /// The label that says how a call ended.
    outcome: &'static str,
    end: fn(&str) -> End,
}

/// Returns the table of routes. Of the families of the tables, only those of HTTP have a prefix.
pub(crate) fn routes(prefix: Option<&str>) -> Table {
    match prefix {
        Some(prefix) => ROUTES.prefixed(prefix),
        None => ROUTES,
    }
}

const ROUTES: Table = Table {
    calls: Cow::Borrowed("http_requests_total"),
    seconds: Cow::Borrowed("http_request_duration_seconds"),
    in_flight: Cow::Borrowed("http_requests_in_flight"),
    key: &["method", "route"],
    outcome: "status",
    end: end_of_status,
};

pub(crate) const TOOLS: Table = Table {
    calls: Cow::Borrowed("mcp_tool_calls_total"),
    seconds: Cow::Borrowed("mcp_tool_call_duration_seconds"),
    in_flight: Cow::Borrowed("mcp_tool_calls_in_flight"),
    key: &["tool"],
    outcome: "outcome",
    end: end_of_outcome,
};

pub(crate) const OPERATIONS: Table = Table {
    calls: Cow::Borrowed("operation_calls_total"),
    seconds: Cow::Borrowed("operation_duration_seconds"),
    in_flight: Cow::Borrowed("operations_in_flight"),
    key: &["operation"],
    outcome: "outcome",
    end: end_of_outcome,
};

fn end_of_status(status: &str) -> End {
    match status.as_bytes().first() {
        Some(b'5') => End::Failed,
        Some(b'4') => End::Refused,
        _ => End::Well,
    }
}

fn end_of_outcome(outcome: &str) -> End {
    match outcome {
        "ok" => End::Well,
        "cancelled" => End::Refused,
        _ => End::Failed,
    }
}

impl Table {
    fn key_of<'f>(&self, sample: &'f Sample) -> Key<'f> {
        self.key.iter().map(|name| label(sample, name)).collect()
    }

    /// Whether a family is part of it.
    pub(crate) fn has(&self, name: &str) -> bool {
        [&self.calls, &self.seconds, &self.in_flight].contains(&&Cow::Borrowed(name))
    }

    /// Puts the prefix of the service in front of the names.
    fn prefixed(self, prefix: &str) -> Self {
        let prefixed = |name| Cow::Owned(format!("{prefix}_{name}"));
        Self {
            calls: prefixed(self.calls),
            seconds: prefixed(self.seconds),
            in_flight: prefixed(self.in_flight),
            ..self
        }
    }
}

fn find<'f>(families: &'f [Family], name: &str) -> Option<&'f Family> {
    families.iter().find(|family| family.name == name)
}

/// What is added up for one row.
#[derive(Debug, Default)]
struct Row {
    calls: f64,
    failed: f64,
    refused: f64,
    buckets: Buckets,
    in_flight: Option<f64>,
}

/// The buckets of several series of one family.
#[derive(Debug, Default)]
struct Buckets {
    bounds: Vec<f64>,
    counts: Vec<f64>,
}

impl Buckets {
    fn add(&mut self, bounds: &[f64], counts: &[f64]) {
        if self.bounds.is_empty() {
            self.bounds = bounds.to_vec();
            self.counts = vec![0.0; counts.len()];
        }
        // Series of one family have the same buckets, or are not to be added up.
        if self.bounds == bounds {
            for (sum, count) in self.counts.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        quantile(share, &self.bounds, &self.counts)
    }
}

/// The numbers of a histogram's buckets within a span.
fn counts<'s>(samples: &Samples, span: &'s Span, family: &Family, sample: &Sample) -> &'s [f64] {
    let Number::Histogram(histogram) = &sample.value else {
        return &[];
    };
    let first = samples.first(family, sample);
    let found = first.and_then(|first| span.grown.get(first..first + histogram.counts.len()));
    found.unwrap_or_default()
}

fn label<'s>(sample: &'s Sample, name: &str) -> &'s str {
    let found = sample.labels.iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// Returns a table, and what all its rows make together.
pub(crate) fn table(samples: &Samples, span: &Span, shape: Curve, table: &Table) -> Value {
    let mut gathered = Gathered::default();
    let families = samples.families();
    if let Some(family) = find(families, &table.calls) {
        gathered.calls(samples, span, table, family);
    }
    if let Some(family) = find(families, &table.seconds) {
        gathered.seconds(samples, span, table, family);
    }
    if let Some(family) = find(families, &table.in_flight) {
        gathered.in_flight(samples, table, family);
    }
    gathered.json(samples, span, shape)
}

/// The values of the labels that make a row.
type Key<'f> = Vec<&'f str>;

/// What a table is made of, and which numbers belong to which of its curves.
#[derive(Debug, Default)]
struct Gathered<'f> {
    rows: BTreeMap<Key<'f>, Row>,
    total: Row,
    calls: BTreeMap<usize, Key<'f>>,
    failed: BTreeSet<usize>,
    /// Which bucket each number counts.
    buckets: BTreeMap<usize, usize>,
    in_flight: BTreeSet<usize>,
}

impl<'f> Gathered<'f> {
    fn calls(&mut self, samples: &Samples, span: &Span, table: &Table, family: &'f Family) {
        for sample in &family.samples {
            let Some(first) = samples.first(family, sample) else {
                continue;
            };
            let grown = span.grown.get(first).copied().unwrap_or_default();
            let end = (table.end)(label(sample, table.outcome));
            let key = table.key_of(sample);
            let row = self.rows.entry(key.clone()).or_default();
            for row in [row, &mut self.total] {
                row.calls += grown;
                match end {
                    End::Well => {}
                    End::Refused => row.refused += grown,
                    End::Failed => row.failed += grown,
                }
            }
            if end == End::Failed {
                self.failed.insert(first);
            }
            self.calls.insert(first, key);
        }
    }

    fn seconds(&mut self, samples: &Samples, span: &Span, table: &Table, family: &'f Family) {
        for sample in &family.samples {
            let Number::Histogram(histogram) = &sample.value else {
                continue;
            };
            let grown = counts(samples, span, family, sample);
            let row = self.rows.entry(table.key_of(sample)).or_default();
            row.buckets.add(&histogram.bounds, grown);
            self.total.buckets.add(&histogram.bounds, grown);
            if let Some(first) = samples.first(family, sample) {
                let cells = (0..grown.len()).map(|at| (first + at, at));
                self.buckets.extend(cells);
            }
        }
    }

    fn in_flight(&mut self, samples: &Samples, table: &Table, family: &'f Family) {
        for sample in &family.samples {
            let now = numbers(&sample.value).first().copied().unwrap_or_default();
            *self.total.in_flight.get_or_insert_default() += now;
            self.in_flight.extend(samples.first(family, sample));
            // That of HTTP is one for all routes.
            if !sample.labels.is_empty() {
                let row = self.rows.entry(table.key_of(sample)).or_default();
                *row.in_flight.get_or_insert_default() += now;
            }
        }
    }

    /// Returns the rows, the busiest first.
    fn busiest(&self) -> Vec<(&Key<'f>, &Row)> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        // Stable: those with as many calls stay in the order of their names.
        rows.sort_by(|(_, a), (_, b)| b.calls.total_cmp(&a.calls));
        rows.truncate(MAX_ROWS);
        rows
    }

    fn json(&self, samples: &Samples, span: &Span, shape: Curve) -> Value {
        let shown = self.busiest();
        let place: BTreeMap<_, _> = shown
            .iter()
            .enumerate()
            .map(|(at, (key, _))| (*key, at))
            .collect();
        let curves = shape.draw(samples, shown.len(), |cell| {
            place.get(self.calls.get(&cell)?).copied()
        });
        let lengths = samples.lengths(shape.window, shape.bins);
        let rate = |grown: &[f64]| -> Vec<f64> {
            let points = grown.iter().zip(&lengths);
            points.map(|(grown, length)| grown / length).collect()
        };
        let rows: Vec<Value> = shown
            .iter()
            .zip(&curves)
            .map(|((key, row), curve)| {
                let mut json = numbers_of(row, span.length);
                json["key"] = json!(key);
                json["points"] = json!(rate(curve));
                json
            })
            .collect();
        let one = |is_of: &dyn Fn(usize) -> bool| -> Vec<f64> {
            let all = shape.draw(samples, 1, |cell| is_of(cell).then_some(0));
            all.into_iter().next().unwrap_or_default()
        };
        let mut total = numbers_of(&self.total, span.length);
        total["points"] = json!(rate(&one(&|cell| self.calls.contains_key(&cell))));
        total["failed_points"] = json!(rate(&one(&|cell| self.failed.contains(&cell))));
        total["p95_points"] = json!(self.p95_points(samples, shape));
        if let Some(now) = self.total.in_flight {
            let changes = one(&|cell| self.in_flight.contains(&cell));
            total["in_flight_points"] = json!(levels(now, &changes));
        }
        json!({ "total": total, "rows": rows, "hidden": self.rows.len() - shown.len() })
    }

    fn p95_points(&self, samples: &Samples, shape: Curve) -> Vec<Option<f64>> {
        let Buckets { bounds, counts } = &self.total.buckets;
        let curves = shape.draw(samples, counts.len(), |cell| {
            self.buckets.get(&cell).copied()
        });
        let at = |bin: usize| -> Vec<f64> {
            let counts = curves.iter().filter_map(|curve| curve.get(bin));
            counts.copied().collect()
        };
        (0..shape.bins)
            .map(|bin| quantile(0.95, bounds, &at(bin)))
            .collect()
    }
}

fn numbers_of(row: &Row, length: Duration) -> Value {
    json!({
        "calls": row.calls,
        "rate": row.calls / length.as_secs_f64().max(1.0),
        "failed": row.failed,
        "refused": row.refused,
        "p50": row.buckets.quantile(0.5),
        "p95": row.buckets.quantile(0.95),
        "p99": row.buckets.quantile(0.99),
        "in_flight": row.in_flight,
    })
}

/// Returns what a level was at the end of each bin, from what it is now and how it changed.
pub(crate) fn levels(now: f64, changes: &[f64]) -> Vec<f64> {
    let mut level = now;
    let mut levels: Vec<f64> = changes
        .iter()
        .rev()
        .map(|change| {
            let at_end = level;
            level -= change;
            at_end
        })
        .collect();
    levels.reverse();
    levels
}

#[cfg(test)]
mod tests {
    use super::{Curve, End, OPERATIONS, end_of_outcome, end_of_status, levels, routes};
    use std::time::Duration;

    #[test]
    fn a_curve_shows_what_was_asked_for_as_far_as_it_is_known() {
        let curve = |range: Option<u64>, known| {
            let curve = Curve::of(range.map(Duration::from_secs), Duration::from_secs(known));
            (curve.window.as_secs(), curve.bins)
        };
        assert_eq!(curve(Some(300), 2), (30, 30));
        assert_eq!(curve(Some(300), 31), (60, 60));
        assert_eq!(curve(Some(60), 9_000), (60, 60));
        assert_eq!(curve(Some(300), 61), (120, 60));
        assert_eq!(curve(Some(300), 121), (300, 100));
        assert_eq!(curve(None, 9_000), (300, 100));
    }

    #[test]
    fn a_metric_of_the_service_that_is_only_called_alike_is_its_own() {
        assert!(routes(None).has("http_requests_total"));
        assert!(routes(Some("traceo")).has("traceo_http_requests_total"));
        assert!(OPERATIONS.has("operations_in_flight"));
        for name in ["upstream_http_requests_total", "http_requests_total_x"] {
            assert!(!routes(None).has(name), "{name}");
            assert!(!routes(Some("traceo")).has(name), "{name}");
        }
        assert!(!routes(Some("traceo")).has("http_requests_total"));
        assert!(!OPERATIONS.has("bulk_operations_in_flight"));
    }

    #[test]
    fn a_callers_mistake_is_no_failure() {
        assert_eq!(end_of_status("200"), End::Well);
        assert_eq!(end_of_status("404"), End::Refused);
        assert_eq!(end_of_status("4xx"), End::Refused);
        assert_eq!(end_of_status("503"), End::Failed);
        assert_eq!(end_of_outcome("ok"), End::Well);
        assert_eq!(end_of_outcome("cancelled"), End::Refused);
        assert_eq!(end_of_outcome("panic"), End::Failed);
    }

    #[test]
    fn levels_end_at_what_is_now() {
        assert_eq!(levels(3.0, &[0.0, 2.0, -1.0, 2.0]), [0.0, 2.0, 1.0, 3.0]);
    }
}
