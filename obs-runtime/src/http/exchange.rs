//! One request from its arrival to the last byte of its response, recorded exactly once.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::Response;
use http::{Method, StatusCode, Version};
use tracing::Span;
use tracing::field::Empty;

use super::routes::{OTHER, Phase, Row, UNMATCHED};
use super::traffic::{OpenStream, StreamKind, Traffic};
use crate::call::contained;
use crate::clock::Stopwatch;
use crate::context::{CARRIER_SPAN, Ctx, Entered, end_span, open_span};
// By name: `tracing` with its feature `log` has a `log` of its own inside of its macros.
use crate::log::{REQUEST, REQUEST_COMPLETED, REQUEST_STARTED, keeps};
use crate::metric::nanos_to_millis;
use crate::problem::{self, ErrorCode};
#[cfg(feature = "sentry")]
use crate::sentry::SentryRequest;
use crate::start::{Obs, take_last_panic};

/// "Client closed request": what nginx logs for a client that left before the response.
const CLIENT_LEFT: u16 = 499;

/// Which lines of a successful request are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// All: it is no GET, HEAD or OPTIONS.
    Always,
    /// All: it may be left out, but the sampling kept it.
    Sampled,
    /// None, unless something asks to [keep](Ctx::keep) it.
    LeftOut,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the last byte of the response.
    Complete,
    /// The service gave an error instead of a response.
    NoResponse,
    /// The client left before there was a response.
    Left,
    /// The service stopped before there was a response.
    CutOff,
    /// The response ended early.
    Aborted(Phase),
}

/// The record of one request.
///
/// Moves from the future into the body of the response. Whatever ends it, it is recorded when it is
/// finished, or else when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it records the request as abandoned"]
pub(super) struct Exchange {
    traffic: Arc<Traffic>,
    ctx: Ctx,
    row: Row,
    /// For whoever exports spans; disabled where nobody does.
    span: Span,
    watch: Stopwatch,
    lines: Lines,
    panicked: bool,
    status: Option<StatusCode>,
    stream: Option<OpenStream>,
    #[cfg(feature = "sentry")]
    sentry: Option<SentryRequest>,
    first_byte: Option<u64>,
    bytes: u64,
    finished: bool,
}

impl Exchange {
    /// Begins the record: the request is in flight from here on.
    pub(super) fn begin(
        obs: &Obs,
        watch: Stopwatch,
        method: &Method,
        version: Version,
        row: Row,
        ctx: Ctx,
    ) -> Self {
        let traffic = obs.traffic();
        traffic.request_began();
        let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let lines = if !safe {
            Lines::Always
        } else if keeps(ctx.correlation_id(), traffic.success_sample()) {
            Lines::Sampled
        } else {
            Lines::LeftOut
        };
        // What goes wrong in a subscriber, or in a Sentry client of the service's own, must not
        // leave the request in flight for ever.
        let mut request_span = Span::none();
        contained(|| request_span = open_span(&ctx, || span(&row, version, &ctx)));
        #[cfg(feature = "sentry")]
        let sentry = {
            let mut request = None;
            contained(|| {
                let sentry = obs.http().sentry.as_ref();
                request = sentry.map(|sentry| sentry.request(&ctx));
            });
            request
        };
        let exchange = Self {
            traffic: Arc::clone(traffic),
            ctx,
            row,
            span: request_span,
            watch,
            lines,
            panicked: false,
            status: None,
            stream: None,
            #[cfg(feature = "sentry")]
            sentry,
            first_byte: None,
            bytes: 0,
            finished: false,
        };
        if lines != Lines::LeftOut {
            exchange.say_started();
        }
        exchange
    }

    /// Runs what belongs to the request: its ids and its span are current.
    pub(super) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(Some(self.ctx.clone()));
        #[cfg(feature = "sentry")]
        let _hub = self.sentry.as_ref().map(SentryRequest::enter);
        self.span.in_scope(f)
    }

    pub(super) const fn ctx(&self) -> &Ctx {
        &self.ctx
    }

    /// Counts the error that the response carries, and makes a problem of one that nobody wrote.
    pub(super) fn answer(&mut self, method: &Method, response: Response) -> Response {
        if let Some(code) = response.extensions().get::<ErrorCode>() {
            self.traffic.exceptions().count(*code);
            #[cfg(feature = "sentry")]
            if let Some(sentry) = &mut self.sentry {
                sentry.answers(*code);
            }
        }
        self.scope(|| problem::rewrite(method, response))
    }

    /// Notes that the handler or its body panicked; called on the thread that caught it.
    pub(super) fn panicked(&mut self) {
        self.panicked = true;
        let logged = take_last_panic().is_some_and(|panic| panic.logged);
        if !logged {
            // Without our hook, nobody knows where it was.
            self.say(|| tracing::error!(target: "obs::panic", "a request handler panicked"));
        }
    }

    /// Notes the head of the response; its body is yet to come.
    pub(super) fn responding(&mut self, status: StatusCode, stream: Option<StreamKind>) {
        self.status = Some(status);
        // A server sends the head without waiting for the body.
        self.first_byte = Some(self.watch.nanos());
        if let Some(kind) = stream {
            self.row().count(status);
            self.traffic.request_ended();
            self.stream = Some(OpenStream::new(Arc::clone(&self.traffic), kind));
        }
    }

    /// Notes bytes of the body.
    pub(super) const fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
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
        if self.panicked {
            self.traffic.exceptions().count_panic();
        }
        let nanos = self.watch.nanos();
        let end = match end {
            End::Left if self.traffic.is_cut_off() => End::CutOff,
            end => end,
        };
        let status = self.status(end);
        let row = self.row();
        let stream = self.stream.as_ref().map(OpenStream::kind);
        if stream.is_none() {
            row.count(status);
            row.observe(self.traffic.buckets(), nanos, self.ctx.trace());
            self.traffic.request_ended();
        }
        let end = match end {
            // A client that closes a stream ends it as it should.
            End::Aborted(Phase::InBody | Phase::Unsent) if stream.is_some() => End::Complete,
            end => end,
        };
        if let End::Aborted(phase) = end {
            row.abort(phase);
        }
        self.say_completed(end, status, stream, nanos);
        contained(|| end_span(&self.ctx));
    }

    /// The row to count in: a mounted service knows its route only once it was called.
    fn row(&self) -> Cow<'_, Row> {
        match self.ctx.mounted() {
            Some(route) => Cow::Owned(self.traffic.row_of(&self.row, route)),
            None => Cow::Borrowed(&self.row),
        }
    }

    fn status(&self, end: End) -> StatusCode {
        match (self.status, end) {
            (Some(status), _) => status,
            (None, End::Left) => {
                StatusCode::from_u16(CLIENT_LEFT).unwrap_or(StatusCode::BAD_REQUEST)
            }
            (None, End::CutOff) => StatusCode::SERVICE_UNAVAILABLE,
            (None, _) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn say_started(&self) {
        let sample_rate = self.sample_rate();
        self.say(|| tracing::info!(target: REQUEST, sample_rate, "{}", REQUEST_STARTED));
    }

    /// What share of the requests a line stands for that only the sampling kept.
    fn sample_rate(&self) -> Option<f64> {
        let rate = self.traffic.success_sample();
        (self.lines == Lines::Sampled && rate < 1.0).then_some(rate)
    }

    fn say_completed(
        &mut self,
        end: End,
        status: StatusCode,
        stream: Option<StreamKind>,
        nanos: u64,
    ) {
        let outcome = self.outcome(end, status);
        #[cfg(feature = "sentry")]
        if let Some(sentry) = self.sentry.take() {
            // The hub's processors are somebody else's code.
            contained(|| sentry.finish(status.as_u16(), outcome));
        }
        self.say(|| {
            let (span, row) = (&self.span, self.row());
            // The bridge to OpenTelemetry takes every other integer for text.
            span.record("http.response.status_code", i64::from(status.as_u16()));
            if self.ctx.mounted().is_some() {
                span.record("otel.name", name(&row));
            }
            span.record("http.route", template(&row));
            if status.is_server_error() || matches!(end, End::Aborted(_) | End::Left) {
                span.record("otel.status_code", "ERROR");
                // A status that stands for itself is its own type of error.
                let kind = if outcome == "server_error" {
                    status.as_str()
                } else {
                    outcome
                };
                span.record("error.type", kind);
            }
        });
        let succeeded = matches!(outcome, "ok" | "redirect");
        let sampled = succeeded && !self.ctx.is_kept();
        if sampled && self.lines == Lines::LeftOut {
            return;
        }
        let sample_rate = self.sample_rate().filter(|_| sampled);
        let duration_ms = nanos_to_millis(nanos);
        let ttfb_ms = self.first_byte.map(nanos_to_millis);
        let stream = stream.map(StreamKind::as_str);
        let (status, bytes_out) = (status.as_u16(), self.bytes);
        self.say(|| {
            // The level of an event is a constant.
            if status >= 500 {
                tracing::error!(target: REQUEST, status, outcome, duration_ms, ttfb_ms, bytes_out, stream, "{}", REQUEST_COMPLETED);
            } else {
                tracing::info!(target: REQUEST, status, outcome, duration_ms, ttfb_ms, bytes_out, stream, sample_rate, "{}", REQUEST_COMPLETED);
            }
        });
    }

    /// Says something in the context of the request. A subscriber is somebody else's code.
    fn say(&self, event: impl FnOnce()) {
        contained(|| self.scope(event));
    }

    fn outcome(&self, end: End, status: StatusCode) -> &'static str {
        match end {
            End::Aborted(phase) => phase.as_str(),
            _ if self.panicked => "panic",
            End::Left => "cancelled",
            End::CutOff => "shutdown",
            End::NoResponse => "server_error",
            End::Complete if status.is_server_error() => "server_error",
            End::Complete if status.is_client_error() => "client_error",
            End::Complete if status.is_redirection() => "redirect",
            End::Complete => "ok",
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.record(match (self.status, self.bytes) {
            (None, _) => End::Left,
            (Some(_), 0) => End::Aborted(Phase::Unsent),
            (Some(_), _) => End::Aborted(Phase::InBody),
        });
    }
}

/// The span of a request, by the OpenTelemetry conventions for HTTP servers.
///
/// Neither the path nor the query nor anything of the client is in it: they may hold secrets, and
/// the route and the ids find the request as well.
fn span(row: &Row, version: Version, ctx: &Ctx) -> Span {
    let span = tracing::info_span!(
        target: "obs::http",
        "request",
        otel.name = name(row),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method(row),
        http.route = Empty,
        url.scheme = "http",
        network.protocol.name = "http",
        network.protocol.version = protocol_version(version),
        correlation_id = ctx.correlation_id(),
        request_id = ctx.request_id(),
        http.response.status_code = Empty,
        error.type = Empty,
    );
    if span.is_disabled() {
        return tracing::error_span!(target: CARRIER_SPAN, "request");
    }
    span
}

/// What the conventions call a method that they do not know.
fn method(row: &Row) -> &'static str {
    match row.method() {
        OTHER => "_OTHER",
        method => method,
    }
}

/// The method and the route, as far as they are known.
fn name(row: &Row) -> String {
    let method = match row.method() {
        OTHER => "HTTP",
        method => method,
    };
    match template(row) {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

fn template(row: &Row) -> Option<&str> {
    let route = &**row.route();
    (route != UNMATCHED && route != OTHER).then_some(route)
}

/// The version of HTTP, as the conventions write it.
pub(crate) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}
