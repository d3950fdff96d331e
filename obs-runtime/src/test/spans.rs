//! The spans of a test: a layer that remembers them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::lines::{check, write_fields};
use crate::context::{Ctx, SpanId, TraceId};
use crate::redact::Redactor;

/// The spans of one test, in the order in which they were opened; a snapshot.
///
/// `Display` writes one line for each, below the one that it is a child of.
#[derive(Clone, Debug)]
pub struct TestSpans {
    spans: Arc<[Recorded]>,
}

/// One span; made by [`TestSpans::assert_one`] and [`TestSpans::iter`].
#[derive(Clone, Debug)]
pub struct TestSpan {
    spans: TestSpans,
    at: usize,
}

/// What is known of a span.
#[derive(Clone, Debug)]
struct Recorded {
    metadata: &'static Metadata<'static>,
    /// Where its parent stands.
    parent: Option<usize>,
    /// Of the operation that it belongs to.
    trace_id: Option<TraceId>,
    /// Of the operation, where it is the operation's own span.
    span_id: Option<SpanId>,
    /// Those that `otel.*` fields say are left out.
    fields: Map<String, Value>,
    name: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    is_open: bool,
}

/// Remembers the spans of a test. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    spans: Arc<Mutex<Vec<Recorded>>>,
    redactor: Arc<Redactor>,
}

/// Where a span stands in the recorder's list.
struct Place(usize);

impl Recorder {
    pub(super) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            spans: Arc::default(),
            redactor,
        }
    }

    pub(super) fn spans(&self) -> TestSpans {
        TestSpans {
            spans: self.lock().as_slice().into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of a span.
    fn change<S>(&self, id: &Id, context: &Context<'_, S>, change: impl FnOnce(&mut Recorded))
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let place = context
            .span(id)
            .and_then(|span| Some(span.extensions().get::<Place>()?.0));
        if let Some(place) = place
            && let Some(recorded) = self.lock().get_mut(place)
        {
            change(recorded);
        }
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        // Asking the values what they are may run code that makes spans.
        let mut fields = Fields::new(&self.redactor);
        attributes.record(&mut fields);
        let ctx = Ctx::current();
        let parent = span
            .scope()
            .skip(1)
            .find_map(|outer| Some(outer.extensions().get::<Place>()?.0));
        let mut recorded = Recorded {
            metadata: attributes.metadata(),
            parent,
            trace_id: ctx.as_ref().map(|ctx| ctx.trace().trace_id),
            span_id: None,
            fields: Map::new(),
            name: None,
            kind: None,
            status: None,
            is_open: true,
        };
        recorded.add(fields.found);
        let mut spans = self.lock();
        // The first span of an operation is the operation's own.
        recorded.span_id = ctx
            .map(|ctx| ctx.trace().span_id)
            .filter(|id| spans.iter().all(|known| known.span_id != Some(*id)));
        let place = spans.len();
        spans.push(recorded);
        drop(spans);
        span.extensions_mut().insert(Place(place));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::new(&self.redactor);
        values.record(&mut fields);
        self.change(id, &context, |recorded| recorded.add(fields.found));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.change(&id, &context, |recorded| recorded.is_open = false);
    }
}

impl Recorded {
    fn add(&mut self, fields: Vec<(&'static str, Value)>) {
        for (name, value) in fields {
            let text = |value: Value| match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            match name {
                "otel.name" => self.name = Some(text(value)),
                "otel.kind" => self.kind = Some(text(value)),
                "otel.status_code" => self.status = Some(text(value)),
                _ => {
                    self.fields.insert(name.to_owned(), value);
                }
            }
        }
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.metadata.name())
    }
}

impl TestSpans {
    /// Returns the number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns whether no span was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Returns the spans.
    pub fn iter(&self) -> impl Iterator<Item = TestSpan> {
        (0..self.len()).map(|at| self.at(at))
    }

    /// Returns the spans that have this name.
    #[must_use]
    pub fn with_name(&self, name: &str) -> Vec<TestSpan> {
        self.iter().filter(|span| span.name() == name).collect()
    }

    /// Asserts that exactly one span has this name, and returns it.
    ///
    /// # Panics
    /// If none has, or several have; the message shows all spans.
    #[track_caller]
    pub fn assert_one(&self, name: &str) -> TestSpan {
        let mut found = self.with_name(name);
        let count = found.len();
        match (found.pop(), count) {
            (Some(span), 1) => span,
            _ => panic!("{count} spans are called {name:?}, and one was expected; {self}"),
        }
    }

    /// Asserts that no span has this name.
    ///
    /// # Panics
    /// If one has; the message shows all spans.
    #[track_caller]
    pub fn assert_none(&self, name: &str) {
        let count = self.with_name(name).len();
        assert!(
            count == 0,
            "{count} spans are called {name:?}, and none was expected; {self}"
        );
    }

    fn at(&self, at: usize) -> TestSpan {
        TestSpan {
            spans: self.clone(),
            at,
        }
    }

    fn write_below(
        &self,
        f: &mut fmt::Formatter<'_>,
        parent: Option<usize>,
        depth: usize,
    ) -> fmt::Result {
        for (at, span) in self.spans.iter().enumerate() {
            // A child stands behind its parent, so this ends.
            if span.parent != parent {
                continue;
            }
            write!(f, "\n  {:depth$}{}", "", span.name(), depth = 2 * depth)?;
            for (key, value) in [("kind", &span.kind), ("status", &span.status)] {
                if let Some(value) = value {
                    write!(f, " {key}={value}")?;
                }
            }
            write_fields(f, span.fields.iter())?;
            if span.is_open {
                f.write_str(" (open)")?;
            }
            self.write_below(f, Some(at), depth + 1)?;
        }
        Ok(())
    }
}

impl TestSpan {
    fn recorded(&self) -> &Recorded {
        // It was made with its own place.
        &self.spans.spans[self.at]
    }

    /// Returns the name: `otel.name` where there is one, as exporters do.
    #[must_use]
    pub fn name(&self) -> &str {
        self.recorded().name()
    }

    /// Returns the target: the module that opened it, unless it says otherwise.
    #[must_use]
    pub fn target(&self) -> &str {
        self.recorded().metadata.target()
    }

    /// Returns the kind (`otel.kind`): `server`, `client`, `producer`, `consumer`; `None` is
    /// internal.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.recorded().kind.as_deref()
    }

    /// Returns the status (`otel.status_code`): `ERROR`, `OK`; `None` is unset.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.recorded().status.as_deref()
    }

    /// Returns the fields, without those that are name, kind and status.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.recorded().fields
    }

    /// Returns a field, or `None` where the span has none of this name.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields().get(field)
    }

    /// Asserts that a field has this value.
    ///
    /// # Panics
    /// If it has another, or is not there; the message shows all spans.
    #[track_caller]
    pub fn field(&self, field: &str, expected: impl Into<Value>) -> &Self {
        if let Err(why) = check(self.fields().get(field), field, &expected.into()) {
            panic!("{why} of the span {:?}; {}", self.name(), self.spans);
        }
        self
    }

    /// Returns the span that this one is a child of, in this test.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        Some(self.spans.at(self.recorded().parent?))
    }

    /// Returns the trace of the request, tool call or job that it belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.recorded().trace_id
    }

    /// Returns its id where it is the span of a request, tool call or job as a whole. Spans inside
    /// of one have their ids from the exporter.
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        self.recorded().span_id
    }

    /// Returns whether it had not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.recorded().is_open
    }
}

impl fmt::Display for TestSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no span was opened");
        }
        f.write_str("the spans:")?;
        self.write_below(f, None, 0)
    }
}

/// Reads fields, as far as they may be seen.
struct Fields<'a> {
    redactor: &'a Redactor,
    found: Vec<(&'static str, Value)>,
}

impl<'a> Fields<'a> {
    fn new(redactor: &'a Redactor) -> Self {
        Self {
            redactor,
            found: Vec::new(),
        }
    }

    fn number(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        let value = if self.redactor.is_sensitive(name) {
            crate::redact::REDACTED.into()
        } else {
            value.into()
        };
        self.found.push((name, value));
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.number(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let name = field.name();
        let shown = self.redactor.value(name, value).into_owned();
        self.found.push((name, shown.into()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_str(field, &value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
