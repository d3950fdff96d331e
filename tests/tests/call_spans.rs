//! The span that every observed call opens: what it is called, when it is entered, what it says at
//! its end, and that nobody pays for it who does not want it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use obs::{Ctx, InCtx};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What was seen of one span.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    name: &'static str,
    target: &'static str,
    level: Level,
    file: Option<&'static str>,
    parent: Option<&'static str>,
    fields: BTreeMap<String, String>,
    entered: u32,
    closed: bool,
}

/// An event, and the spans it stands in from the innermost.
type Said = (String, Vec<&'static str>);

#[derive(Clone, Default)]
struct Recorder {
    spans: Arc<Mutex<Vec<(Id, Seen)>>>,
    events: Arc<Mutex<Vec<Said>>>,
}

impl Recorder {
    fn subscribe(&self, level: LevelFilter) -> DefaultGuard {
        let layer = self.clone().with_filter(level);
        set_default(tracing_subscriber::registry().with(layer))
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let mut spans = self.spans.lock().unwrap();
        // Ids are used again: the last is meant.
        if let Some((_, span)) = spans.iter_mut().rev().find(|(known, _)| known == id) {
            change(span);
        }
    }

    fn spans(&self) -> Vec<Seen> {
        let spans = self.spans.lock().unwrap();
        spans.iter().map(|(_, span)| span.clone()).collect()
    }

    fn only(&self) -> Seen {
        let [span] = &self.spans()[..] else {
            panic!("not one span: {:?}", self.spans())
        };
        span.clone()
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields
            .insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields
            .insert(field.name().to_owned(), value.to_owned());
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        let metadata = attributes.metadata();
        let parent = context
            .span(id)
            .and_then(|span| Some(span.parent()?.name()));
        let mut seen = Seen {
            name: metadata.name(),
            target: metadata.target(),
            level: *metadata.level(),
            file: metadata.file(),
            parent,
            fields: BTreeMap::new(),
            entered: 0,
            closed: false,
        };
        attributes.record(&mut seen);
        self.spans.lock().unwrap().push((id.clone(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: LayerContext<'_, S>) {
        self.change(id, |span| values.record(span));
    }

    fn on_enter(&self, id: &Id, _: LayerContext<'_, S>) {
        self.change(id, |span| span.entered += 1);
    }

    fn on_close(&self, id: Id, _: LayerContext<'_, S>) {
        self.change(&id, |span| span.closed = true);
    }

    fn on_event(&self, event: &Event<'_>, context: LayerContext<'_, S>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let spans = context.event_scope(event).into_iter().flatten();
        let spans = spans.map(|span| span.name()).collect();
        self.events.lock().unwrap().push((message.0, spans));
    }
}

#[derive(obs::ErrorLabel, Debug)]
enum Refused {
    TooLarge,
}

#[obs::observed]
fn plain() -> bool {
    tracing::Span::current().is_disabled()
}

#[obs::observed(name = "renamed", level = "debug")]
async fn quiet() {
    tokio::task::yield_now().await;
    tracing::info!("within");
}

#[obs::observed(level = "warn", fields(job = %job))]
async fn outer(job: u32) -> u32 {
    quiet().await;
    job
}

#[obs::observed]
fn kinded() -> Result<(), Refused> {
    Err(Refused::TooLarge)
}

#[obs::observed(fields(id = 7, error.type = "mine"))]
fn unkinded() -> Result<(), String> {
    Err(String::from("an error that says secrets"))
}

#[obs::observed]
fn panics() {
    panic!("a panic that says secrets")
}

struct SaysWhenDropped;

impl Drop for SaysWhenDropped {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

#[obs::observed]
async fn endless() {
    let _guard = SaysWhenDropped;
    pending::<()>().await;
}

#[obs::observed]
fn boxed<T: Send + 'static>(value: T) -> std::pin::Pin<Box<dyn Future<Output = T> + Send>> {
    Box::pin(async move { value })
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn a_call_opens_a_span_with_the_name_and_the_place_of_its_operation() {
    let seen = Recorder::default();
    let _subscribed = seen.subscribe(LevelFilter::INFO);
    assert!(!plain());
    let span = seen.only();
    assert_eq!((span.name, span.target), ("plain", "obs::call"));
    assert_eq!((span.level, span.parent), (Level::INFO, None));
    assert!(span.file.unwrap().ends_with("call_spans.rs"));
    assert!(span.fields.is_empty(), "a value says nothing: {span:?}");
    assert_eq!((span.entered, span.closed), (1, true));
    assert!(seen.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_span_of_a_future_is_entered_at_each_poll_and_holds_what_it_calls() {
    let seen = Recorder::default();
    let _subscribed = seen.subscribe(LevelFilter::DEBUG);
    assert_eq!(outer(3).with_ctx(Ctx::new()).await, 3);
    let [outer, inner] = &seen.spans()[..] else {
        panic!("{:?}", seen.spans())
    };
    assert_eq!((outer.name, outer.level), ("outer", Level::WARN));
    assert_eq!(outer.target, module_path!(), "fields are for the log too");
    assert_eq!(outer.fields, fields(&[("job", "3")]));
    assert_eq!((inner.name, inner.level), ("renamed", Level::DEBUG));
    assert_eq!(inner.parent, Some("outer"));
    // Two polls, and once more to be dropped in it.
    assert_eq!((outer.closed, inner.closed), (true, true));
    assert!(
        outer.entered >= 2 && inner.entered >= 2,
        "{outer:?} {inner:?}"
    );
    let events = seen.events.lock().unwrap();
    assert_eq!(*events, [("within".to_owned(), vec!["renamed", "outer"])]);
}

#[tokio::test]
async fn a_level_that_nobody_asks_for_makes_no_span_and_counts_all_the_same() {
    let seen = Recorder::default();
    let capture = obs::test::capture();
    let _subscribed = seen.subscribe(LevelFilter::INFO);
    capture.run(quiet()).await;
    assert!(seen.spans().is_empty());
    let calls = capture.value("operation_calls_total", &[("operation", "renamed")]);
    assert_eq!(calls.to_bits(), 1.0_f64.to_bits());
}

#[test]
fn a_call_that_fails_says_so_on_its_span_in_bounded_words_and_in_no_event() {
    let seen = Recorder::default();
    let _subscribed = seen.subscribe(LevelFilter::TRACE);
    kinded().unwrap_err();
    unkinded().unwrap_err();
    catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    let [kinded, unkinded, panicked] = &seen.spans()[..] else {
        panic!("{:?}", seen.spans())
    };
    let failed = |kind| fields(&[("otel.status_code", "ERROR"), ("error.type", kind)]);
    assert_eq!(kinded.fields, failed("too_large"));
    assert_eq!(panicked.fields, failed("panic"));
    let mut expected = failed("_OTHER");
    expected.extend(fields(&[("id", "7")]));
    assert_eq!(unkinded.fields, expected);
    assert!(kinded.closed && unkinded.closed && panicked.closed);
    assert!(seen.events.lock().unwrap().is_empty());
}

#[test]
fn a_cancelled_call_is_dropped_in_its_span_and_leaves_the_status_unset() {
    let seen = Recorder::default();
    let _subscribed = seen.subscribe(LevelFilter::TRACE);
    {
        let mut future = pin!(endless());
        let polled = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Pending);
    }
    // Never polled: no call, and no span.
    drop(endless());
    let span = seen.only();
    assert!(span.closed && span.fields.is_empty(), "{span:?}");
    let events = seen.events.lock().unwrap();
    assert_eq!(*events, [("dropped".to_owned(), vec!["endless"])]);
}

#[tokio::test]
async fn a_boxed_future_of_any_type_has_the_span_of_its_operation() {
    let seen = Recorder::default();
    let _subscribed = seen.subscribe(LevelFilter::TRACE);
    assert_eq!((boxed(1).await, boxed("a").await), (1, "a"));
    let spans = seen.spans();
    let names: Vec<_> = spans.iter().map(|span| (span.name, span.closed)).collect();
    assert_eq!(names, [("boxed", true); 2]);
}

#[test]
fn a_context_stays_current_in_an_observed_call() {
    #[obs::observed]
    fn found() -> Option<String> {
        Some(Ctx::current()?.correlation_id().to_owned())
    }
    let seen = Recorder::default();
    let _subscribed = seen.subscribe(LevelFilter::TRACE);
    let ctx = Ctx::new();
    assert_eq!(ctx.scope(found).as_deref(), Some(ctx.correlation_id()));
    assert_eq!(seen.only().name, "found");
}

/// Panics wherever a subscriber can.
struct Hostile;

impl<S: Subscriber> Layer<S> for Hostile {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        assert_ne!(attributes.metadata().name(), "plain", "at its begin");
    }

    fn on_record(&self, _: &Id, _: &Record<'_>, _: LayerContext<'_, S>) {
        panic!("at its end");
    }

    fn on_close(&self, _: Id, _: LayerContext<'_, S>) {
        panic!("at its close");
    }
}

#[test]
fn a_subscriber_that_panics_about_a_span_neither_stops_the_call_nor_its_counting() {
    let capture = obs::test::capture();
    let _subscribed = set_default(tracing_subscriber::registry().with(Hostile));
    capture.run_sync(|| {
        plain();
        kinded().unwrap_err();
        catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
    });
    capture.assert_changed(&[
        (
            "operation_calls_total{operation=\"kinded\",outcome=\"error\"}",
            1.0,
        ),
        (
            "operation_calls_total{operation=\"panics\",outcome=\"panic\"}",
            1.0,
        ),
        (
            "operation_calls_total{operation=\"plain\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "operation_duration_seconds_count{operation=\"kinded\",result=\"failed\"}",
            1.0,
        ),
        (
            "operation_duration_seconds_count{operation=\"panics\",result=\"failed\"}",
            1.0,
        ),
        (
            "operation_duration_seconds_count{operation=\"plain\",result=\"ok\"}",
            1.0,
        ),
        (
            "operation_errors_total{operation=\"kinded\",error=\"too_large\"}",
            1.0,
        ),
    ]);
}
