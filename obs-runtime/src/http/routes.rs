//! The capped table of routes: one row of cells for each pair of method and route.
//!
//! Routes are learned while requests come in, because axum gives no list of them. Looking up a
//! known pair takes no lock and allocates nothing: rows are only ever added.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::{Method, StatusCode};

use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::label::Label;
use crate::metric::{Cells, Kind};

const METHODS: &[&str] = <Method as Label>::VALUES;
const STATUSES: &[&str] = <StatusCode as Label>::VALUES;

/// The route of a request that the router matched nothing for.
pub(super) const UNMATCHED: &str = "unmatched";

/// The route of a request whose own found no room.
const OTHER: &str = "other";

/// What axum names the rest of a path under `nest_service`; never to be seen in a label.
const NEST_TAIL: &str = "__private__axum_nest_tail_param";

/// The rows of [`UNMATCHED`] and [`OTHER`], which always find room.
const RESERVED_ROWS: usize = 2 * METHODS.len();

pub(crate) const DEFAULT_MAX_ROUTES: usize = 100;
pub(crate) const MAX_MAX_ROUTES: usize = 10_000;

pub(crate) const CAPPED_NAME: &str = "obs_http_routes_capped_total";

/// The requests counted so far, by method, route and status.
#[derive(Debug)]
pub(crate) struct Routes {
    family: Cow<'static, str>,
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

#[derive(Debug)]
struct Row {
    method: usize,
    route: Arc<str>,
    /// One cell for each status label.
    cells: &'static Cells,
}

#[derive(Debug, Default)]
struct Known {
    routes: HashSet<Arc<str>>,
    rows: usize,
}

impl Routes {
    pub(crate) fn new(prefix: Option<&str>, max_routes: usize) -> Self {
        let max_rows = max_routes * 5 / 2;
        let slots = ((max_rows + RESERVED_ROWS) * 2).next_power_of_two();
        Self {
            family: requests_name(prefix),
            route_cap: max_routes,
            row_cap: max_rows,
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            known: Mutex::default(),
            capped: Cells::leak(1),
            said: AtomicBool::new(false),
        }
    }

    /// Returns the cells of a method and route, one for each status.
    ///
    /// # Cardinality
    /// At most `max_routes` routes and two and a half times as many rows; then route `other`.
    pub(super) fn cells(&self, method: &Method, route: Option<&str>) -> &'static Cells {
        let method = <Method as Label>::index(method.clone()).min(METHODS.len() - 1);
        let route = match route {
            Some(route) => route.split_once(NEST_TAIL).map_or(route, |(head, _)| head),
            None => UNMATCHED,
        };
        if let Some(cells) = self.find(method, route) {
            return cells;
        }
        if let Some(cells) = self.add(method, route) {
            return cells;
        }
        self.capped.add(0, 1);
        if !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                route,
                max_routes = self.route_cap,
                "the table of HTTP routes is full: further routes are counted as `{OTHER}`; raise it with `.max_routes(n)`"
            );
        }
        self.find(method, OTHER)
            .or_else(|| self.add(method, OTHER))
            // Its room is reserved; should that ever be wrong, counting elsewhere beats panicking.
            .unwrap_or(self.capped)
    }

    fn find(&self, method: usize, route: &str) -> Option<&'static Cells> {
        for slot in self.probe(method, route) {
            match slot.get() {
                Some(row) if row.method == method && *row.route == *route => {
                    return Some(row.cells);
                }
                Some(_) => {}
                None => return None,
            }
        }
        None
    }

    /// Adds a row, unless the table is full for it.
    #[cold]
    fn add(&self, method: usize, route: &str) -> Option<&'static Cells> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if let Some(cells) = self.find(method, route) {
            return Some(cells);
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
        let cells = Cells::leak(STATUSES.len());
        let row = Row {
            method,
            route: name,
            cells,
        };
        let slot = self
            .probe(method, route)
            .find(|slot| slot.get().is_none())?;
        slot.set(row).is_ok().then_some(cells)
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

/// Returns the name of the family of requests.
pub(crate) fn requests_name(prefix: Option<&str>) -> Cow<'static, str> {
    match prefix {
        Some(prefix) => Cow::Owned(format!("{prefix}_http_requests_total")),
        None => Cow::Borrowed("http_requests_total"),
    }
}

impl Part for Routes {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        let mut rows: Vec<&Row> = self.slots.iter().filter_map(OnceLock::get).collect();
        rows.sort_unstable_by(|a, b| (&a.route, a.method).cmp(&(&b.route, b.method)));
        let requests = families.family(FamilyDescriptor {
            name: self.family.clone(),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed(
                "HTTP requests answered, by method, route template and status; 499 is a client that left before the response, 500 also a handler that panicked.",
            ),
        });
        requests.at_most((self.row_cap + RESERVED_ROWS) * STATUSES.len());
        for row in rows {
            for (status, count) in STATUSES.iter().zip(totals.of(row.cells)) {
                // Only what happened: most pairs of route and status never do.
                if count > 0 {
                    requests.push(
                        vec![
                            (Cow::Borrowed("method"), Cow::Borrowed(METHODS[row.method])),
                            (Cow::Borrowed("route"), Cow::Owned(row.route.to_string())),
                            (Cow::Borrowed("status"), Cow::Borrowed(status)),
                        ],
                        Value::Unsigned(count),
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
