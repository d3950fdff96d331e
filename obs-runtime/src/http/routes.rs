//! The capped table of routes: one row of cells for each pair of method and route.
//!
//! A row has a cell for each status, one for each phase in which a response can end early, and the
//! latency histogram.
//!
//! Routes are learned while requests come in, because axum gives no list of them. Looking up a
//! known pair takes no lock and allocates nothing: rows are only ever added.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{Method, StatusCode};

use crate::call::contained;
use crate::catalog::{
    Families, FamilyDescriptor, HistogramValue, LabelPair, Sample, Totals, Value,
};
use crate::context::TraceContext;
use crate::label::{Label, clamp};
use crate::metric::{Cells, Kind, LabelDescriptor, bucket_of_nanos, nanos_to_seconds};

pub(crate) const METHODS: &[&str] = <Method as Label>::VALUES;
pub(crate) const STATUSES: &[&str] = <StatusCode as Label>::VALUES;

pub(crate) const METHOD: LabelDescriptor = LabelDescriptor::new("method", METHODS);
pub(crate) const ROUTE: LabelDescriptor = LabelDescriptor::open("route");
const STATUS: LabelDescriptor = LabelDescriptor::new("status", STATUSES);
const PHASE: LabelDescriptor = LabelDescriptor::new("phase", &Phase::VALUES);

/// The route of a request that the router matched nothing for.
pub(crate) const UNMATCHED: &str = "unmatched";

/// The route of a request whose own found no room.
pub(super) const OTHER: &str = "other";

/// What axum names the rest of a path under `nest_service`; never to be seen in a label.
const NEST_TAIL: &str = "__private__axum_nest_tail_param";

/// How a route with [`NEST_TAIL`] ends.
const NEST_TAIL_END: &str = "axum_nest_tail_param}";

/// The rows of [`UNMATCHED`] and [`OTHER`], which always find room.
const RESERVED_ROWS: usize = 2 * METHODS.len();

pub(crate) const DEFAULT_MAX_ROUTES: usize = 100;
pub(crate) const MAX_MAX_ROUTES: usize = 10_000;

pub(crate) const CAPPED_NAME: &str = "obs_http_routes_capped_total";

/// In which phase a response ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The client left before a byte of the body was taken.
    Unsent,
    /// The client left in the middle of the body.
    InBody,
    /// The body gave an error.
    BodyError,
    /// The body panicked.
    BodyPanic,
}

impl Phase {
    const VALUES: [&'static str; 4] = ["unsent", "in_body", "body_error", "body_panic"];

    pub(super) const fn as_str(self) -> &'static str {
        Self::VALUES[self as usize]
    }
}

/// The requests counted so far, by method, route and status.
#[derive(Debug)]
pub(super) struct Routes {
    buckets: &'static [f64],
    route_cap: usize,
    row_cap: usize,
    /// Open addressing: a slot, once set, never changes. Twice as many as rows, so that every
    /// probe ends at an empty one.
    slots: Box<[OnceLock<Row>]>,
    /// Held while a row is added.
    known: Mutex<Known>,
    capped: &'static Cells,
    said: AtomicBool,
}

/// The cells of one pair of method and route.
#[derive(Clone, Debug)]
pub(super) struct Row {
    method: usize,
    route: Arc<str>,
    /// Statuses, phases, buckets, and the sum of the durations.
    cells: &'static Cells,
}

impl Row {
    pub(super) const fn method(&self) -> &'static str {
        METHODS[self.method]
    }

    pub(super) const fn method_index(&self) -> usize {
        self.method
    }

    pub(super) const fn route(&self) -> &Arc<str> {
        &self.route
    }

    /// Counts a request by the status of its response.
    pub(super) fn count(&self, status: StatusCode) {
        let status = clamp(<StatusCode as Label>::index(status), STATUSES.len());
        self.cells.add(status, 1);
    }

    /// Counts a response that ended early.
    pub(super) fn abort(&self, phase: Phase) {
        self.cells.add(STATUSES.len() + phase as usize, 1);
    }

    /// Observes how long a request took; its trace is given, because the last bytes of a body may
    /// be taken where another request is the current one.
    pub(super) fn observe(&self, buckets: &'static [f64], nanos: u64, trace: TraceContext) {
        let bucket = FIRST_BUCKET + bucket_of_nanos(buckets, nanos);
        let sum = FIRST_BUCKET + buckets.len() + 1;
        self.cells
            .record_of(trace.sampled_span(), bucket, sum, nanos);
    }
}

/// Where a row's histogram begins.
const FIRST_BUCKET: usize = STATUSES.len() + Phase::VALUES.len();

#[derive(Debug, Default)]
struct Known {
    routes: HashSet<Arc<str>>,
    rows: usize,
}

impl Routes {
    pub(super) fn new(max_routes: usize, buckets: &'static [f64]) -> Self {
        let max_rows = max_routes * 5 / 2;
        let slots = ((max_rows + RESERVED_ROWS) * 2).next_power_of_two();
        Self {
            buckets,
            route_cap: max_routes,
            row_cap: max_rows,
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            known: Mutex::default(),
            capped: Cells::leak(1),
            said: AtomicBool::new(false),
        }
    }

    pub(super) const fn buckets(&self) -> &'static [f64] {
        self.buckets
    }

    /// Returns the row of a method and route.
    ///
    /// # Cardinality
    /// At most `max_routes` routes and two and a half times as many rows; then route `other`.
    pub(super) fn row(&self, method: &Method, route: Option<&str>) -> Row {
        let method = clamp(<Method as Label>::index(method.clone()), METHODS.len());
        self.row_at(method, route)
    }

    pub(super) fn row_at(&self, method: usize, route: Option<&str>) -> Row {
        let route = match route {
            // Searching every route for it would be a good part of what counting costs.
            Some(route) if route.ends_with(NEST_TAIL_END) => {
                route.split_once(NEST_TAIL).map_or(route, |(head, _)| head)
            }
            Some(route) => route,
            None => UNMATCHED,
        };
        if let Some(row) = self.find(method, route) {
            return row;
        }
        if let Some(row) = self.add(method, route) {
            return row;
        }
        self.capped.add(0, 1);
        if !self.said.swap(true, Ordering::Relaxed) {
            contained(|| {
                tracing::warn!(
                    target: "obs::http",
                    template = route,
                    max_routes = self.route_cap,
                    "the table of HTTP routes is full: further routes are counted as `{OTHER}`; raise it with `.max_routes(n)`"
                );
            });
        }
        self.find(method, OTHER)
            .or_else(|| self.add(method, OTHER))
            // Its room is reserved; should that ever be wrong, a row that no scrape shows beats
            // panicking.
            .unwrap_or_else(|| self.new_row(method, Arc::from(OTHER)))
    }

    fn new_row(&self, method: usize, route: Arc<str>) -> Row {
        Row {
            method,
            route,
            cells: Cells::leak(FIRST_BUCKET + self.buckets.len() + 2),
        }
    }

    fn find(&self, method: usize, route: &str) -> Option<Row> {
        for slot in self.probe(method, route) {
            match slot.get() {
                Some(row) if row.method == method && *row.route == *route => {
                    return Some(row.clone());
                }
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// Adds a row, unless the table is full for it.
    #[cold]
    fn add(&self, method: usize, route: &str) -> Option<Row> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if let Some(row) = self.find(method, route) {
            return Some(row);
        }
        let reserved = route == UNMATCHED || route == OTHER;
        let name = match known.routes.get(route) {
            Some(name) => Arc::clone(name),
            None => Arc::from(route),
        };
        if !reserved {
            let is_new = !known.routes.contains(route);
            if known.rows >= self.row_cap || (is_new && known.routes.len() >= self.route_cap) {
                return None;
            }
            known.routes.insert(Arc::clone(&name));
            known.rows += 1;
        }
        let row = self.new_row(method, name);
        let slot = self
            .probe(method, route)
            .find(|slot| slot.get().is_none())?;
        slot.set(row.clone()).is_ok().then_some(row)
    }

    /// The slots to look at, one after the other.
    fn probe(&self, method: usize, route: &str) -> impl Iterator<Item = &OnceLock<Row>> {
        // FNV-1a: routes are written by the service's author, not by a peer.
        let hash = route
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325 ^ method as u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        #[expect(clippy::cast_possible_truncation, reason = "masked to the table")]
        let start = (hash ^ (hash >> 32)) as usize;
        let mask = self.slots.len() - 1;
        (0..self.slots.len()).map(move |step| &self.slots[(start + step) & mask])
    }
}

pub(crate) fn label_pair(name: &'static str, value: &'static str) -> LabelPair {
    (Cow::Borrowed(name), Cow::Borrowed(value))
}

impl Routes {
    pub(super) fn collect(
        &self,
        totals: &Totals,
        families: &mut Families,
        requests: FamilyDescriptor,
        durations: FamilyDescriptor,
        aborts: FamilyDescriptor,
    ) {
        let mut rows: Vec<&Row> = self.slots.iter().filter_map(OnceLock::get).collect();
        rows.sort_unstable_by(|a, b| (&a.route, a.method).cmp(&(&b.route, b.method)));
        let rows: Vec<(&Row, LabelPair, Vec<u64>)> = rows
            .into_iter()
            .map(|row| {
                let route = (Cow::Borrowed("route"), Cow::Owned(row.route.to_string()));
                (row, route, totals.of(row.cells))
            })
            .collect();
        let requests = families.family(requests);
        requests.labels(&[METHOD, ROUTE, STATUS]);
        requests.at_most((self.row_cap + RESERVED_ROWS) * STATUSES.len());
        for (row, route, cells) in &rows {
            let method = label_pair("method", row.method());
            for (status, count) in STATUSES.iter().zip(cells) {
                // Only what happened: most pairs of route and status never do.
                if *count > 0 {
                    requests.push(
                        vec![method.clone(), route.clone(), label_pair("status", status)],
                        Value::Unsigned(*count),
                    );
                }
            }
        }
        let durations = families.family(durations);
        durations.labels(&[METHOD, ROUTE]);
        durations.buckets(self.buckets);
        durations.at_most(self.row_cap + RESERVED_ROWS);
        for (row, route, cells) in &rows {
            let Some((sum, counts)) = cells.get(FIRST_BUCKET..).and_then(<[u64]>::split_last)
            else {
                continue;
            };
            let value = Value::Histogram(HistogramValue {
                bounds: Cow::Borrowed(self.buckets),
                counts: counts.to_vec(),
                sum: nanos_to_seconds(*sum),
            });
            let buckets = FIRST_BUCKET..FIRST_BUCKET + counts.len();
            let labels = vec![label_pair("method", row.method()), route.clone()];
            let exemplars = totals.exemplars(row.cells, buckets);
            durations.push_sample(Sample::new(labels, value).with_exemplars(exemplars));
        }
        let aborts = families.family(aborts);
        aborts.labels(&[ROUTE, PHASE]);
        aborts.at_most((self.route_cap + 2) * Phase::VALUES.len());
        for (_, route, cells) in &rows {
            for (phase, count) in Phase::VALUES.iter().zip(&cells[STATUSES.len()..]) {
                if *count > 0 {
                    aborts.push(
                        vec![route.clone(), label_pair("phase", phase)],
                        Value::Unsigned(*count),
                    );
                }
            }
        }
        let capped = families.family(FamilyDescriptor {
            name: Cow::Borrowed(CAPPED_NAME),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed("HTTP requests whose route found no room in the table."),
        });
        for count in totals.of(self.capped) {
            capped.push(Vec::new(), Value::Unsigned(count));
        }
    }
}
