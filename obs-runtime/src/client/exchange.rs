//! One outgoing request, recorded exactly once whatever ends it.

use std::sync::Arc;

use http::header::HeaderName;
use http::{HeaderMap, Method, StatusCode};
use tracing::Span;
use tracing::field::Empty;

use super::counts::{Ended, Row};
use super::directory::{Directory, Found, Route, Target};
use super::inject::inject;
use crate::call::contained;
use crate::clock::Stopwatch;
use crate::context::{Ctx, Entered};
use crate::http::Traffic;
use crate::metric::Cells;

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The head of a response.
    Response(StatusCode),
    /// No response, for a reason from a finite list.
    Failed(&'static str),
    /// Nobody waited for it any longer.
    Cancelled,
    /// What sends it panicked.
    Panicked,
}

impl End {
    const fn counted(self) -> Ended {
        match self {
            Self::Response(status) => Ended::With(status),
            Self::Failed(_) | Self::Panicked => Ended::Error,
            Self::Cancelled => Ended::Cancelled,
        }
    }
}

/// The record of one request, in flight until it is finished or dropped.
#[derive(Debug)]
#[must_use = "dropping it records the request as cancelled"]
pub(super) struct ClientExchange {
    traffic: Arc<Traffic>,
    row: Row,
    in_flight: &'static Cells,
    ctx: Option<Ctx>,
    /// Disabled where nobody exports spans.
    span: Span,
    watch: Stopwatch,
    /// Whether somebody else's code runs. If it is still so in `Drop`, that code panicked.
    running: bool,
    finished: bool,
}

impl ClientExchange {
    /// Begins the record, and writes the ids into the headers where they may be seen; returns the
    /// names of what was written.
    pub(super) fn begin(
        directory: &Directory,
        target: Target<'_>,
        method: &Method,
        route: Option<Route>,
        headers: &mut HeaderMap,
    ) -> (Self, Vec<HeaderName>) {
        let watch = Stopwatch::start();
        let found = directory.find(target, method, route);
        let ctx = Ctx::current();
        found.in_flight.add(0, 1);
        let mut exchange = Self {
            traffic: Arc::clone(directory.traffic()),
            row: found.row,
            in_flight: found.in_flight,
            ctx,
            span: Span::none(),
            watch,
            running: false,
            finished: false,
        };
        let mut written = Vec::new();
        // A subscriber is somebody else's code.
        contained(|| exchange.span = span(&found));
        if found.propagates {
            // Within the span: it is the parent of what the peer does.
            let (span, ctx) = (&exchange.span, exchange.ctx.as_ref());
            contained(|| written = span.in_scope(|| inject(ctx, headers)));
        }
        (exchange, written)
    }

    /// Runs what sends the request.
    pub(super) fn run<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.running = true;
        let entered = self.ctx.clone().map(|ctx| Entered::new(Some(ctx)));
        let result = self.span.in_scope(f);
        drop(entered);
        self.running = false;
        result
    }

    /// Records the request.
    pub(super) fn finish(mut self, end: End) {
        self.record(end);
    }

    /// Must not panic: runs in `Drop`.
    fn record(&mut self, end: End) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.row.count(end.counted());
        self.row.observe(self.traffic.buckets(), self.watch.nanos());
        self.in_flight.sub(0, 1);
        contained(|| {
            let span = std::mem::replace(&mut self.span, Span::none());
            say(&span, end);
        });
    }
}

impl Drop for ClientExchange {
    fn drop(&mut self) {
        self.record(if self.running {
            End::Panicked
        } else {
            End::Cancelled
        });
    }
}

/// The span of a request, by the OpenTelemetry conventions for HTTP clients.
///
/// No `url.full`: paths and queries hold what nobody declared.
fn span(found: &Found<'_>) -> Span {
    let span = tracing::info_span!(
        target: "obs::client",
        "client",
        otel.name = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = found.method,
        url.template = found.template,
        server.address = found.host,
        server.port = found.port.map(i64::from),
        http.response.status_code = Empty,
        error.type = Empty,
    );
    match found.template {
        Some(template) => span.record(
            "otel.name",
            tracing::field::display(format_args!("{} {template}", found.method)),
        ),
        None => span.record("otel.name", found.method),
    };
    span
}

fn say(span: &Span, end: End) {
    let failed = |kind: &str| {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", kind);
    };
    match end {
        End::Response(status) => {
            span.record("http.response.status_code", i64::from(status.as_u16()));
            // To a client, an answer that says it did something wrong is a failure.
            if status.is_client_error() || status.is_server_error() {
                failed(status.as_str());
            }
        }
        End::Failed(kind) => failed(kind),
        // The caller's choice, as for a hedged request: no failure that would keep its trace.
        End::Cancelled => {
            span.record("error.type", "cancelled");
        }
        End::Panicked => failed("panic"),
    }
}
