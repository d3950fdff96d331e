//! What `#[observed]` says in spans and in the log: fields, never arguments or panics.

mod mcp_support;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use mcp_support::{call, call_with, connect};
use rmcp::model::JsonObject;
use rmcp::{ErrorData, tool, tool_router};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Writes a line for each span that opens, and for each event the spans it stands in.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn subscribe(&self) -> tracing::subscriber::DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() != "duration_ms" {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().target().starts_with("rmcp") {
            return;
        }
        let mut text = Text(format!("span {}", attributes.metadata().name()));
        attributes.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != "obs::mcp" {
            return;
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        for span in context.event_scope(event).into_iter().flatten() {
            if !span.metadata().target().starts_with("rmcp") {
                write!(text.0, " in {}", span.name()).unwrap();
            }
        }
        self.0.lock().unwrap().push(text.0);
    }
}

#[obs::observed]
fn without_fields() {}

#[obs::observed(fields(job.id = %id, attempt, secret = obs::redacted(id)))]
fn with_fields(id: &str, attempt: u32) -> Result<(), String> {
    Err(format!("{id} {attempt}"))
}

#[obs::observed(fields(id))]
async fn with_fields_later(id: u32) -> u32 {
    tokio::task::yield_now().await;
    id
}

#[tokio::test]
async fn a_call_has_a_span_with_its_fields_and_a_redacted_value_stays_hidden() {
    let lines = Lines::default();
    let _subscribed = lines.subscribe();
    without_fields();
    assert_eq!(lines.take(), ["span without_fields"]);
    with_fields("j-1", 2).unwrap_err();
    assert_eq!(
        lines.take(),
        ["span with_fields job.id=j-1 attempt=2 secret=[redacted]"]
    );
    with_fields_later(3).await;
    assert_eq!(lines.take(), ["span with_fields_later id=3"]);
}

struct Spans;

#[obs::observed]
#[tool_router(server_handler)]
impl Spans {
    #[tool]
    async fn spans_ok(&self, arguments: JsonObject) -> String {
        drop(arguments);
        String::new()
    }

    #[obs::observed(fields(kind = "failing"))]
    #[tool]
    async fn spans_fails(&self) -> Result<String, ErrorData> {
        Err(ErrorData::internal_error("the message", None))
    }

    #[tool]
    async fn spans_panics(&self) -> String {
        panic!("the panic")
    }
}

/// The lines, and of the spans of tool calls the name that is exported.
fn named(lines: &[String]) -> Vec<String> {
    let name = |line: &String| {
        let fields = line.strip_prefix("span tools/call otel.name=")?;
        Some(format!("span {}", fields.split(" otel.kind").next()?))
    };
    lines
        .iter()
        .map(|line| name(line).unwrap_or_else(|| line.clone()))
        .collect()
}

#[tokio::test]
async fn a_tool_call_has_a_span_and_one_line_at_its_end_without_arguments_or_panics() {
    let lines = Lines::default();
    let _subscribed = lines.subscribe();
    let client = connect(Spans).await;
    lines.take();

    let arguments = serde_json::from_str(r#"{"argument": "the argument"}"#).unwrap();
    call_with(&client, "spans_ok", arguments).await.unwrap();
    let mut all = lines.take();
    assert_eq!(
        named(&all),
        [
            "span tools/call spans_ok",
            "DEBUG message=tool call ended tool=\"spans_ok\" outcome=\"ok\" in tools/call",
        ]
    );

    call(&client, "spans_fails").await.unwrap_err();
    let failed = lines.take();
    assert_eq!(
        named(&failed),
        [
            "span tools/call spans_fails",
            "span spans_fails kind=\"failing\"",
            "WARN message=tool call failed tool=\"spans_fails\" outcome=\"error\" in spans_fails in tools/call",
        ]
    );
    all.extend(failed);

    call(&client, "spans_panics").await.unwrap_err();
    let panicked = lines.take();
    assert_eq!(
        named(&panicked),
        [
            "span tools/call spans_panics",
            "ERROR message=tool panicked tool=\"spans_panics\" outcome=\"panic\" in tools/call",
        ]
    );
    all.extend(panicked);

    // The client's own words are no field either.
    call(&client, "the unknown tool").await.unwrap_err();
    all.extend(lines.take());
    let all = all.join("\n");
    assert!(all.contains("tool=\"_other\""), "{all}");
    for secret in [
        "the argument",
        "the message",
        "the panic",
        "the unknown tool",
    ] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}
