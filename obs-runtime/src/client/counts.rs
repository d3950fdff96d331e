//! What is counted of outgoing requests.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use http::StatusCode;

use crate::catalog::{Families, FamilyDescriptor, HistogramValue, Sample, Totals, Value};
use crate::http::{METHOD, METHODS, ROUTE, STATUSES, label_pair, prefixed};
use crate::label::{Label, clamp};
use crate::metric::{Cells, Kind, LabelDescriptor, bucket_of_nanos, nanos_to_seconds};

pub(crate) const REQUESTS: &str = "http_client_requests_total";
pub(crate) const DURATION: &str = "http_client_request_duration_seconds";
pub(crate) const IN_FLIGHT: &str = "http_client_requests_in_flight";

/// The peer of a request to a host that nobody declared.
pub(super) const OTHER_PEER: &str = "_other";

/// The values of the label `status` where there was no response.
const NO_RESPONSE: [&str; 2] = ["error", "cancelled"];

const PEER: LabelDescriptor = LabelDescriptor::open("peer");
const STATUS: LabelDescriptor = LabelDescriptor::new("status", &ENDED);

/// All values of the label `status`.
const ENDED: [&str; FIRST_BUCKET] = {
    let mut all = [""; FIRST_BUCKET];
    let mut at = 0;
    while at < FIRST_BUCKET {
        all[at] = if at < STATUSES.len() {
            STATUSES[at]
        } else {
            NO_RESPONSE[at - STATUSES.len()]
        };
        at += 1;
    }
    all
};

/// Where a row's histogram begins.
const FIRST_BUCKET: usize = STATUSES.len() + NO_RESPONSE.len();

/// How a request ended, as far as its counter tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    With(StatusCode),
    Error,
    Cancelled,
}

/// The outgoing requests of one `Obs`, whichever of its clients sent them.
///
/// Clients share their rows by peer, route and method, so that one made for every request costs no
/// more than one made at start.
#[derive(Debug, Default)]
pub(crate) struct ClientCounts {
    /// Held while a client is made, a row is seen for the first time, and a scrape is read. Cells
    /// are only made while it is held, never recorded into.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    routes: BTreeSet<(&'static str, &'static str)>,
    rows: BTreeMap<Key, Row>,
    in_flight: BTreeMap<&'static str, &'static Cells>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    peer: &'static str,
    route: &'static str,
    method: usize,
}

/// The cells of one peer, route and method: statuses, buckets, and the sum of the durations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    cells: &'static Cells,
}

impl Row {
    /// Counts a request.
    pub(super) fn count(self, ended: Ended) {
        let cell = match ended {
            Ended::With(status) => clamp(<StatusCode as Label>::index(status), STATUSES.len()),
            Ended::Error => STATUSES.len(),
            Ended::Cancelled => STATUSES.len() + 1,
        };
        self.cells.add(cell, 1);
    }

    /// Observes how long a request took.
    pub(super) fn observe(self, buckets: &'static [f64], nanos: u64) {
        let bucket = FIRST_BUCKET + bucket_of_nanos(buckets, nanos);
        self.cells
            .record(bucket, FIRST_BUCKET + buckets.len() + 1, nanos);
    }
}

impl ClientCounts {
    /// Makes a peer known, and returns its requests in flight.
    pub(super) fn peer(&self, peer: &'static str) -> &'static Cells {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .in_flight
            .entry(peer)
            .or_insert_with(|| Cells::leak(1))
    }

    /// Makes a route of a peer known.
    pub(super) fn route(&self, peer: &'static str, route: &'static str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.routes.insert((peer, route));
    }

    /// Returns the row of a peer, a route that is known, and a method.
    #[cold]
    pub(super) fn row(
        &self,
        peer: &'static str,
        route: &'static str,
        method: usize,
        buckets: &[f64],
    ) -> Row {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Key {
            peer,
            route,
            method,
        };
        *known.rows.entry(key).or_insert_with(|| Row {
            cells: Cells::leak(FIRST_BUCKET + buckets.len() + 2),
        })
    }

    pub(crate) fn collect(
        &self,
        totals: &Totals,
        families: &mut Families,
        prefix: Option<&str>,
        buckets: &'static [f64],
    ) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.in_flight.is_empty() && !families.is_description() {
            // The service sends nothing.
            return;
        }
        // A description is the same before and after the first client: it is about one route.
        let routes = if families.is_description() {
            1
        } else {
            known.routes.len()
        };
        let descriptor = |name, kind, help| FamilyDescriptor {
            name: prefixed(prefix, name),
            kind,
            unit: (kind == Kind::Histogram).then_some("seconds"),
            help: Cow::Borrowed(help),
        };
        let rows: Vec<(Key, &'static Cells, Vec<u64>)> = known
            .rows
            .iter()
            .map(|(key, row)| (*key, row.cells, totals.of(row.cells)))
            .collect();
        let requests = families.family(descriptor(
            REQUESTS,
            Kind::Counter,
            "HTTP requests sent, by declared peer, method, route template and status; error and cancelled had no response.",
        ));
        requests.labels(&[PEER, METHOD, ROUTE, STATUS]);
        requests.at_most(routes * METHODS.len() * FIRST_BUCKET);
        for (key, _, cells) in &rows {
            for (status, count) in ENDED.iter().zip(cells).filter(|(_, count)| **count > 0) {
                let mut labels = key.labels();
                labels.push(label_pair("status", status));
                requests.push(labels, Value::Unsigned(*count));
            }
        }
        let durations = families.family(descriptor(
            DURATION,
            Kind::Histogram,
            "Seconds from sending an HTTP request to the head of its response, or to what ended it before.",
        ));
        durations.labels(&[PEER, METHOD, ROUTE]);
        durations.buckets(buckets);
        durations.at_most(routes * METHODS.len());
        for (key, range, cells) in &rows {
            let histogram = cells.get(FIRST_BUCKET..).and_then(<[u64]>::split_last);
            if let Some((sum, counts)) = histogram {
                let value = Value::Histogram(HistogramValue {
                    bounds: Cow::Borrowed(buckets),
                    counts: counts.to_vec(),
                    sum: nanos_to_seconds(*sum),
                });
                let exemplars = totals.exemplars(range, FIRST_BUCKET..FIRST_BUCKET + counts.len());
                durations.push_sample(Sample::new(key.labels(), value).with_exemplars(exemplars));
            }
        }
        let in_flight = families.family(descriptor(
            IN_FLIGHT,
            Kind::Gauge,
            "HTTP requests that were sent and whose response has not begun, by declared peer.",
        ));
        in_flight.labels(&[PEER]);
        for (peer, cells) in &known.in_flight {
            for count in totals.of(cells) {
                in_flight.push(
                    vec![label_pair("peer", peer)],
                    Value::Signed(count.cast_signed()),
                );
            }
        }
    }
}

impl Key {
    fn labels(self) -> Vec<crate::catalog::LabelPair> {
        let method = METHODS.get(self.method).copied().unwrap_or_default();
        vec![
            label_pair("peer", self.peer),
            label_pair("method", method),
            label_pair("route", self.route),
        ]
    }
}
