//! The queue.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, Value};

use super::span;
use crate::otlp::bound::{MAX_SPAN, bound};
use crate::otlp::counts::Dropped;
use crate::otlp::queue::{BATCH_BYTES, Hurry, MAX_BYTES, Queue, Waiting};
use crate::otlp::scrub::scrub;
use crate::redact::Redactor;
use crate::start::QueueSettings;

const HOUR: Duration = Duration::from_secs(3600);

fn queue(spans: usize, batch: usize) -> Queue {
    let settings = QueueSettings {
        spans,
        batch,
        delay: HOUR,
        timeout: HOUR,
    };
    Queue::new(settings, false)
}

fn waiting(bytes: usize) -> Waiting {
    Waiting {
        span: span(1, 1, None, false),
        bytes,
    }
}

fn take(queue: &Queue) -> Option<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let now = Instant::now();
    let taken = runtime.block_on(queue.take(now, now));
    taken.map(|spans| spans.len())
}

#[test]
fn what_is_offered_is_counted_exactly_whatever_happens() {
    let queue = queue(10, 4);
    queue.push((0..25).map(|_| waiting(1)));
    let counts = queue.counts();
    assert_eq!(
        (counts.waiting, counts.dropped[Dropped::QueueFull as usize]),
        (10, 15)
    );
    assert_eq!(take(&queue), Some(4));
    assert_eq!(queue.counts().waiting, 10, "on its way is not gone");
    queue.settle(3, 1, Dropped::Rejected);
    assert_eq!(take(&queue), Some(4));
    // The stop takes what waits and what is on its way.
    assert!(!queue.stop(Instant::now()));
    queue.settle(4, 0, Dropped::Rejected);
    queue.push([waiting(1)]);
    queue.lose(Dropped::HeldOverflow, 2);
    let counts = queue.counts();
    assert_eq!((counts.exported, counts.waiting), (3, 0));
    assert_eq!(counts.dropped, [15, 0, 1, 2, 6, 1]);
    assert_eq!(take(&queue), None, "the thread ends");
    assert_eq!(queue.hurry(), Hurry::Stopped);
}

#[test]
fn bytes_are_bounded_as_well_as_spans() {
    let queue = queue(usize::MAX, usize::MAX);
    let fit = MAX_BYTES / MAX_SPAN;
    queue.push((0..fit + 5).map(|_| waiting(MAX_SPAN)));
    assert_eq!(queue.counts().waiting, fit as u64);
    assert_eq!(queue.counts().dropped[Dropped::QueueFull as usize], 5);
    // So many bytes are a batch, however few spans they are.
    assert_eq!(take(&queue), Some(BATCH_BYTES / MAX_SPAN));
}

#[test]
fn a_flush_waits_for_what_was_there_and_for_nothing_later() {
    let queue = Arc::new(queue(100, 10));
    assert!(queue.flush(Instant::now()), "there is nothing to wait for");
    queue.push((0..15).map(|_| waiting(1)));
    let flushes = Arc::clone(&queue);
    let flush = thread::spawn(move || flushes.flush(Instant::now() + HOUR));
    // Whoever hurries gets a batch before it is due.
    while queue.hurry() != Hurry::Flush {
        thread::yield_now();
    }
    queue.push((0..50).map(|_| waiting(1)));
    assert_eq!(take(&queue), Some(10));
    queue.settle(10, 0, Dropped::Rejected);
    assert_eq!(queue.hurry(), Hurry::Flush);
    assert_eq!(take(&queue), Some(10));
    queue.settle(10, 0, Dropped::Rejected);
    assert!(flush.join().unwrap());
    assert_eq!(queue.hurry(), Hurry::No);
    assert_eq!(queue.counts().waiting, 45);
}

#[test]
fn nothing_that_a_span_holds_is_too_long() {
    let mut long = span(1, 1, None, true);
    long.name = "n".repeat(1 << 20).into();
    long.attributes = (0..200)
        .map(|_| KeyValue::new("k", "ä".repeat(1 << 12)))
        .collect();
    let bytes = bound(&mut long);
    assert!(bytes <= MAX_SPAN, "{bytes}");
    scrub(&Redactor::default(), &mut long);
    assert_eq!(long.name.len(), 4096);
    assert_eq!(long.attributes[0].value.as_str().len(), 4096);
    let kept = long.attributes.len();
    assert!((10..20).contains(&kept), "{kept}");
    assert_eq!(
        long.dropped_attributes_count,
        200 - u32::try_from(kept).unwrap()
    );
    // What is small stays as it is.
    let mut small = span(1, 1, None, false);
    small.attributes.push(KeyValue::new("k", 7));
    let before = small.clone();
    bound(&mut small);
    assert_eq!(small, before);
}

#[test]
fn a_secret_at_the_edge_of_what_is_exported_is_not_cut_in_two_before_it_is_seen() {
    let text = format!("{} postgres://app:hunter2@db/orders", "x".repeat(4_075));
    assert_eq!(text.find('@').map(|at| at > 4_096), Some(true));
    let mut secret = span(1, 1, None, true);
    secret.name = text.clone().into();
    secret.status = Status::error(text.clone());
    secret.attributes.push(KeyValue::new("note", text.clone()));
    secret.attributes.push(KeyValue::new(
        "notes",
        Value::Array(Array::String(vec![text.into()])),
    ));
    bound(&mut secret);
    scrub(&Redactor::default(), &mut secret);
    let shown = format!("{secret:?}");
    assert!(shown.contains("postgres://"), "the text is there");
    assert!(!shown.contains("hun"), "{shown}");
}
