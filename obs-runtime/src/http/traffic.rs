//! What the HTTP layer counts: the families of its scrape, and the table of routes behind them.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use ipnet::IpNet;

use super::routes::{Routes, Row};
use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::client::ClientCounts;
use crate::context::{Rejected, TracePolicy};
use crate::metric::{Cells, Kind};
use crate::problem::{EXCEPTIONS, Exceptions};

/// Bounds of the latency histogram, in seconds; they hold every alert bound in common use.
pub(crate) const DEFAULT_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0,
];

/// The names of the families, without a prefix, and whether each is a histogram.
pub(crate) const NAMES: [(&str, bool); 6] = [
    (REQUESTS, false),
    (DURATION, true),
    (IN_FLIGHT, false),
    (ABORTS, false),
    (STREAMS, false),
    (EXCEPTIONS, false),
];

pub(super) const REQUESTS: &str = "http_requests_total";
pub(super) const DURATION: &str = "http_request_duration_seconds";
pub(super) const ABORTS: &str = "http_response_aborts_total";
const IN_FLIGHT: &str = "http_requests_in_flight";
const STREAMS: &str = "http_streams_open";

/// Never prefixed: it is about `obs`, not about the service.
pub(crate) const REJECTED_IDS: &str = "obs_correlation_rejected_total";

/// What the layer is started with.
#[derive(Clone, Debug)]
pub(crate) struct TrafficOptions {
    pub(crate) prefix: Option<String>,
    pub(crate) max_routes: usize,
    pub(crate) buckets: Vec<f64>,
    /// Peers whose trace context is continued.
    pub(crate) trusted: Vec<IpNet>,
    /// The share of successful safe requests whose lines are kept.
    pub(crate) success_sample: f64,
    pub(crate) policy: Arc<TracePolicy>,
}

/// A response that goes on after its head, and is no request in flight any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    Sse,
    WebSocket,
}

impl StreamKind {
    const VALUES: [&'static str; 2] = ["sse", "websocket"];

    pub(super) const fn as_str(self) -> &'static str {
        Self::VALUES[self as usize]
    }
}

/// The numbers of one `Obs`' HTTP traffic.
#[derive(Debug)]
pub(crate) struct Traffic {
    routes: Routes,
    prefix: Option<String>,
    trusted: Vec<IpNet>,
    success_sample: f64,
    policy: Arc<TracePolicy>,
    in_flight: &'static Cells,
    streams: &'static Cells,
    rejected_ids: &'static Cells,
    exceptions: Exceptions,
    clients: ClientCounts,
    /// Whether the server has ended what was still under way.
    cut_off: AtomicBool,
}

impl Traffic {
    pub(crate) fn new(options: TrafficOptions) -> Self {
        let buckets: &'static [f64] = if options.buckets == DEFAULT_BUCKETS {
            DEFAULT_BUCKETS
        } else {
            // Once for each `Obs`; cells are never freed either.
            options.buckets.leak()
        };
        Self {
            routes: Routes::new(options.max_routes, buckets),
            prefix: options.prefix,
            trusted: options.trusted,
            success_sample: options.success_sample,
            policy: options.policy,
            in_flight: Cells::leak(1),
            streams: Cells::leak(StreamKind::VALUES.len()),
            rejected_ids: Cells::leak(Rejected::VALUES.len()),
            exceptions: Exceptions::new(),
            clients: ClientCounts::default(),
            cut_off: AtomicBool::new(false),
        }
    }

    /// Returns the row of a method and route.
    pub(super) fn row(&self, method: &Method, route: Option<&str>) -> Row {
        self.routes.row(method, route)
    }

    /// Returns the row of the same method and another route.
    pub(super) fn row_of(&self, row: &Row, route: &str) -> Row {
        self.routes.row_at(row.method_index(), Some(route))
    }

    /// Returns what is counted of outgoing requests.
    pub(crate) const fn clients(&self) -> &ClientCounts {
        &self.clients
    }

    /// Returns the bounds of the latency histogram.
    pub(crate) fn buckets(&self) -> &'static [f64] {
        self.routes.buckets()
    }

    /// Returns what stands in front of the names of the families.
    pub(crate) fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// Returns whether a peer's trace may be continued.
    pub(super) fn trusts(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| {
            let peer = peer.to_canonical();
            self.trusted.iter().any(|net| net.contains(&peer))
        })
    }

    pub(super) fn success_sample(&self) -> f64 {
        self.success_sample
    }

    /// Returns which traces are recorded, and what is passed on.
    pub(crate) fn policy(&self) -> &Arc<TracePolicy> {
        &self.policy
    }

    pub(crate) const fn exceptions(&self) -> &Exceptions {
        &self.exceptions
    }

    /// Notes that requests end now because the service does, and not because of their clients.
    pub(super) fn cut_off(&self) {
        self.cut_off.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off.load(Ordering::Relaxed)
    }

    pub(super) fn request_began(&self) {
        self.in_flight.add(0, 1);
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.sub(0, 1);
    }

    pub(super) fn stream_began(&self, kind: StreamKind) {
        self.streams.add(kind as usize, 1);
    }

    pub(super) fn stream_ended(&self, kind: StreamKind) {
        self.streams.sub(kind as usize, 1);
    }

    pub(super) fn id_rejected(&self, reason: Rejected) {
        self.rejected_ids.add(reason.index(), 1);
    }

    fn descriptor(&self, name: &'static str, kind: Kind, help: &'static str) -> FamilyDescriptor {
        FamilyDescriptor {
            name: prefixed(self.prefix.as_deref(), name),
            kind,
            unit: (kind == Kind::Histogram).then_some("seconds"),
            help: Cow::Borrowed(help),
        }
    }
}

/// Returns a family's name with the prefix of the options.
pub(crate) fn prefixed(prefix: Option<&str>, name: &'static str) -> Cow<'static, str> {
    match prefix {
        Some(prefix) => Cow::Owned(format!("{prefix}_{name}")),
        None => Cow::Borrowed(name),
    }
}

impl Part for Traffic {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        self.routes.collect(
            totals,
            families,
            self.descriptor(
                REQUESTS,
                Kind::Counter,
                "HTTP requests answered, by method, route template and status; 499 is a client that left before the response, 500 also a handler that panicked, 503 also a request that the stop cut off.",
            ),
            self.descriptor(
                DURATION,
                Kind::Histogram,
                "Seconds from a request's arrival to the last byte of its response; streams are not in it.",
            ),
            self.descriptor(
                ABORTS,
                Kind::Counter,
                "Responses that ended early, by route and phase: unsent, in_body (the client left), body_error, body_panic.",
            ),
        );
        let in_flight = families.family(self.descriptor(
            IN_FLIGHT,
            Kind::Gauge,
            "HTTP requests that are being answered; open streams are not in it.",
        ));
        for count in totals.of(self.in_flight) {
            in_flight.push(Vec::new(), Value::Signed(count.cast_signed()));
        }
        let streams = families.family(self.descriptor(
            STREAMS,
            Kind::Gauge,
            "Streams that are open, by kind: server-sent events, WebSockets.",
        ));
        for (kind, count) in StreamKind::VALUES.into_iter().zip(totals.of(self.streams)) {
            streams.push(
                vec![(Cow::Borrowed("kind"), Cow::Borrowed(kind))],
                Value::Signed(count.cast_signed()),
            );
        }
        self.clients
            .collect(totals, families, self.prefix.as_deref(), self.buckets());
        let exceptions = prefixed(self.prefix.as_deref(), EXCEPTIONS);
        self.exceptions.collect(exceptions, totals, families);
        let rejected = families.family(FamilyDescriptor {
            name: Cow::Borrowed(REJECTED_IDS),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed(
                "Correlation and request ids from outside that were replaced, by reason.",
            ),
        });
        for (reason, count) in Rejected::VALUES
            .into_iter()
            .zip(totals.of(self.rejected_ids))
        {
            rejected.push(
                vec![(Cow::Borrowed("reason"), Cow::Borrowed(reason))],
                Value::Unsigned(count),
            );
        }
    }
}

/// A count of one open stream, given back when it is dropped.
#[derive(Debug)]
pub(super) struct OpenStream {
    traffic: Arc<Traffic>,
    kind: StreamKind,
}

impl OpenStream {
    pub(super) fn new(traffic: Arc<Traffic>, kind: StreamKind) -> Self {
        traffic.stream_began(kind);
        Self { traffic, kind }
    }

    pub(super) const fn kind(&self) -> StreamKind {
        self.kind
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.traffic.stream_ended(self.kind);
    }
}
