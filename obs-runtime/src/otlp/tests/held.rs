//! Spans of traces that are not sampled.

use opentelemetry::trace::SpanContext;

use super::{context, span};
use crate::otlp::hold::{Bounds, Held};
use crate::otlp::queue::Waiting;

const BYTES: usize = 100;

fn held(bounds: Bounds) -> Held {
    Held::new(bounds)
}

/// Begins the root of a trace.
fn begin(held: &Held, trace: u64) {
    held.started(&context(trace, 1, false), &SpanContext::empty_context());
}

/// Ends a span, and returns the names of what comes out and how much was lost.
fn end(held: &Held, trace: u64, id: u64, parent: Option<u64>, failed: bool) -> (Vec<String>, u64) {
    let released = held.ended(Waiting {
        span: span(trace, id, parent, failed),
        bytes: BYTES,
    });
    let names = released.spans.iter().map(|one| one.span.name.to_string());
    (names.collect(), released.lost)
}

fn nothing() -> (Vec<String>, u64) {
    (Vec::new(), 0)
}

fn just(names: &[&str]) -> (Vec<String>, u64) {
    (names.iter().map(|name| (*name).to_owned()).collect(), 0)
}

#[test]
fn a_root_that_ends_well_takes_its_spans_with_it() {
    let held = held(Bounds::default());
    begin(&held, 7);
    assert_eq!(end(&held, 7, 2, Some(1), false), nothing());
    assert_eq!(held.sizes(), (1, 1, BYTES));
    assert_eq!(end(&held, 7, 1, None, false), nothing());
    assert_eq!(held.sizes(), (0, 0, 0));
}

#[test]
fn once_a_span_fails_what_was_held_comes_out_and_what_follows_as_well() {
    let held = held(Bounds::default());
    begin(&held, 7);
    begin(&held, 8);
    assert_eq!(end(&held, 7, 2, Some(1), false), nothing());
    assert_eq!(end(&held, 8, 2, Some(1), false), nothing());
    assert_eq!(end(&held, 7, 3, Some(1), true), just(&["7/2", "7/3"]));
    assert_eq!(end(&held, 7, 4, Some(1), false), just(&["7/4"]));
    assert_eq!(end(&held, 7, 1, None, false), just(&["7/1"]));
    // A task that outlives the request.
    assert_eq!(end(&held, 7, 5, Some(1), false), just(&["7/5"]));
    assert_eq!(end(&held, 8, 1, None, false), nothing());
    assert_eq!(held.sizes(), (0, 0, 0));
}

#[test]
fn what_comes_of_a_failed_root_is_kept_whether_it_begins_before_or_after_its_end() {
    for begins_after in [false, true] {
        let held = held(Bounds::default());
        begin(&held, 7);
        if !begins_after {
            begin(&held, 7);
        }
        assert_eq!(end(&held, 7, 1, None, true), just(&["7/1"]));
        if begins_after {
            begin(&held, 7);
        }
        assert_eq!(end(&held, 7, 12, Some(11), false), just(&["7/12"]));
        assert_eq!(end(&held, 7, 11, None, false), just(&["7/11"]));
        assert_eq!(held.sizes(), (0, 0, 0));
    }
}

#[test]
fn a_trace_that_comes_in_twice_ends_with_its_last_root() {
    let held = held(Bounds::default());
    begin(&held, 7);
    held.started(&context(7, 10, false), &context(7, 99, true));
    assert_eq!(end(&held, 7, 1, None, false), nothing());
    assert_eq!(
        held.sizes(),
        (1, 1, BYTES),
        "the first root waits for the second"
    );
    let mut second = span(7, 10, Some(99), true);
    second.parent_span_is_remote = true;
    let released = held.ended(Waiting {
        span: second,
        bytes: BYTES,
    });
    assert_eq!(released.spans.len(), 2);
    assert_eq!(held.sizes(), (0, 0, 0));
}

#[test]
fn what_ends_after_its_root_is_not_held() {
    let held = held(Bounds::default());
    begin(&held, 7);
    assert_eq!(end(&held, 7, 1, None, false), nothing());
    for id in 2..1_000 {
        assert_eq!(end(&held, 7, id, Some(1), false), nothing());
    }
    assert_eq!(held.sizes(), (0, 0, 0));
    assert_eq!(
        end(&held, 7, 1_000, Some(1), true),
        just(&["7/1000"]),
        "it failed itself"
    );
}

#[test]
fn what_is_held_is_bounded_and_what_a_failed_trace_misses_is_counted() {
    let bounds = Bounds {
        traces: 3,
        spans: 10,
        spans_of_trace: 4,
        bytes: 8 * BYTES,
        remembered: 2,
    };
    let held = held(bounds);
    for trace in 1..=3 {
        begin(&held, trace);
        for id in 2..=7 {
            assert_eq!(end(&held, trace, id, Some(1), false), nothing());
        }
    }
    let (traces, spans, bytes) = held.sizes();
    assert_eq!((traces, spans, bytes), (3, 8, 8 * BYTES));
    // Four of six found room; the last tell most.
    let (names, lost) = end(&held, 1, 1, None, true);
    assert_eq!(names, ["1/4", "1/5", "1/6", "1/7", "1/1"]);
    assert_eq!(lost, 2);
    // The third found no room at all, because two others took it.
    let (names, lost) = end(&held, 3, 1, None, true);
    assert_eq!((names.len(), lost), (1, 6));
    assert_eq!(end(&held, 2, 1, None, false), nothing());
    assert_eq!(held.sizes(), (0, 0, 0));

    // More traces than may be open: what fails comes all the same.
    for trace in 10..=13 {
        begin(&held, trace);
    }
    assert_eq!(held.sizes().0, 3);
    assert_eq!(end(&held, 13, 2, Some(1), false), (Vec::new(), 1));
    assert_eq!(end(&held, 13, 1, None, true), just(&["13/1"]));
}
