//! Spans on standard error, for people in development.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Map, json};

use crate::log::{LogFormat, timestamp};

/// Where spans are written to.
pub(super) struct Console {
    pub(super) format: LogFormat,
    pub(super) out: Box<dyn Write + Send>,
}

impl Console {
    pub(super) fn stderr(format: LogFormat) -> Self {
        Self {
            format,
            out: Box::new(io::stderr()),
        }
    }

    /// Writes the spans, each whole. Returns whether they could be written.
    pub(super) fn write(&mut self, spans: &[SpanData]) -> bool {
        spans.iter().all(|span| {
            let mut text = match self.format {
                LogFormat::Json => as_json(span),
                LogFormat::Pretty => as_words(span),
            };
            text.push('\n');
            self.out.write_all(text.as_bytes()).is_ok()
        })
    }
}

fn as_json(span: &SpanData) -> String {
    let attributes: Map<_, _> = span
        .attributes
        .iter()
        .map(|KeyValue { key, value, .. }| (key.as_str().to_owned(), as_json_value(value)))
        .collect();
    let links: Vec<_> = span
        .links
        .iter()
        .map(|link| {
            json!({
                "trace_id": link.span_context.trace_id().to_string(),
                "span_id": link.span_context.span_id().to_string(),
            })
        })
        .collect();
    json!({
        "timestamp": timestamp(span.start_time),
        "span": span.name,
        "kind": kind(&span.span_kind),
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": parent(span),
        "duration_ms": milliseconds(span),
        "status": status(&span.status),
        "attributes": attributes,
        "links": links,
    })
    .to_string()
}

fn as_words(span: &SpanData) -> String {
    let mut text = format!(
        "{} span {} {} {:?} {}\n    trace_id={} span_id={}",
        timestamp(span.start_time),
        kind(&span.span_kind),
        Escaped(&span.name),
        duration(span),
        status(&span.status),
        span.span_context.trace_id(),
        span.span_context.span_id(),
    );
    if let Some(parent) = parent(span) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, " parent_span_id={parent}");
    }
    for link in span.links.iter() {
        let context = &link.span_context;
        let _ = write!(
            text,
            "\n    link={}/{}",
            context.trace_id(),
            context.span_id()
        );
    }
    for KeyValue { key, value, .. } in &span.attributes {
        let _ = write!(
            text,
            "\n    {}={}",
            Escaped(key.as_str()),
            Escaped(&value.as_str())
        );
    }
    text
}

/// A text without characters that a terminal obeys.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_debug())
    }
}

fn as_json_value(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::F64(value) => json!(value),
        value => json!(value.as_str()),
    }
}

const fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "client",
        SpanKind::Server => "server",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
    }
}

const fn status(status: &Status) -> &'static str {
    match status {
        Status::Unset => "unset",
        Status::Ok => "ok",
        Status::Error { .. } => "error",
    }
}

fn parent(span: &SpanData) -> Option<String> {
    (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string())
}

/// With microseconds, as the times of the log are.
fn milliseconds(span: &SpanData) -> f64 {
    (duration(span).as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn duration(span: &SpanData) -> Duration {
    span.end_time
        .duration_since(span.start_time)
        .unwrap_or_default()
}
