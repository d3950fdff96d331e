//! A value that logs itself while it is shown does not go on for ever.

use std::cell::{Cell, RefCell};
use std::fmt;

use tracing::field::{Value, debug};
use tracing::metadata::Kind;
use tracing::{Dispatch, Event, Level, callsite::Callsite};

use super::{PATIENCE, start, subscriber};

/// Where the test gives up, long before the stack does.
const GIVES_UP: u32 = 32;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static DEEPEST: Cell<u32> = const { Cell::new(0) };
    static DISPATCH: RefCell<Option<Dispatch>> = const { RefCell::new(None) };
}

struct LogsItself;

impl fmt::Debug for LogsItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = DEPTH.get() + 1;
        DEPTH.set(depth);
        DEEPEST.set(DEEPEST.get().max(depth));
        if depth < GIVES_UP {
            log_it();
        }
        DEPTH.set(depth - 1);
        f.write_str("itself")
    }
}

/// As `tracing::error!` does with the subscriber of the process: one that is set for a scope is
/// never entered twice, and would hide what this is about.
fn log_it() {
    let callsite = tracing::callsite! {
        name: "shown",
        kind: Kind::EVENT,
        target: "shop",
        level: Level::ERROR,
        fields: value
    };
    let metadata = callsite.metadata();
    let field = metadata.fields().field("value").unwrap();
    let shown = debug(LogsItself);
    let values = [(&field, Some(&shown as &dyn Value))];
    let fields = metadata.fields().value_set(&values);
    let dispatch = DISPATCH.with_borrow(Clone::clone).unwrap();
    dispatch.event(&Event::new(metadata, &fields));
}

#[test]
fn a_value_that_logs_itself_is_asked_a_bounded_number_of_times() {
    let (sentry, server) = start(1.0, 0.0);
    DISPATCH.set(Some(subscriber(&sentry)));
    log_it();
    DISPATCH.take();
    assert!(DEEPEST.get() < 4, "asked {} levels deep", DEEPEST.get());
    assert!(sentry.flush(PATIENCE));
    assert!(!server.events().is_empty());
}
