//! Panics, reported by the hook where they happen.

use std::cell::Cell;
use std::time::Instant;

use ::sentry::Level;
use ::sentry::integrations::backtrace::current_stacktrace;
use ::sentry::protocol::{Event, Exception, Mechanism, Values};

use super::Sentry;
use super::counts::{Kind, Outcome};
use super::kind::KindOfEvent;
use super::sample::Decision;
use super::stack;
use crate::context::Ctx;

thread_local! {
    /// Whether the last panic of this thread was reported.
    static REPORTED: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether the panic that was just caught on this thread was reported by the hook, and
/// forgets about it.
pub(super) fn was_reported() -> bool {
    REPORTED
        .try_with(|reported| reported.replace(false))
        .unwrap_or(false)
}

impl Sentry {
    /// Reports a panic, from within the panic hook: one event of level fatal, not handled.
    ///
    /// `message` is the payload, which is scrubbed like everything else; `location` the file, line
    /// and column. Goes to the hub of the current context. Does not flush, does not wait and does
    /// not panic.
    pub(crate) fn panicked(&self, message: &str, location: &str) {
        // Reading a thread's last variables may fail while it ends.
        let _ = REPORTED.try_with(|reported| reported.set(true));
        let ctx = Ctx::current();
        let bound = ctx.as_ref().map(|ctx| self.bound(ctx));
        let route = ctx.as_ref().and_then(|ctx| ctx.request());
        let kind = KindOfEvent {
            place: ["panic", location]
                .into_iter()
                .chain(route.map(|request| &*request.route))
                .map(str::to_owned)
                .collect(),
            message: message.to_owned(),
        };
        // Decided before the stack is walked, which is what costs.
        let own = self.inner.own.as_ref();
        let decision = own.map(|own| own.sampler.decide(&kind, Instant::now()));
        if let (Some(own), Some(Decision::Out)) = (own, decision) {
            own.counts.add(Kind::Error, Outcome::SampledOut);
            if let Some(bound) = bound {
                bound.mark_captured();
            }
            return;
        }
        let mut event = Event {
            level: Level::Fatal,
            logger: Some("obs::panic".to_owned()),
            culprit: Some(location.to_owned()),
            exception: Values::from(vec![Exception {
                ty: "panic".to_owned(),
                value: Some(message.to_owned()),
                stacktrace: current_stacktrace().map(stack::tidied),
                mechanism: Some(Mechanism {
                    ty: "panic".to_owned(),
                    handled: Some(false),
                    ..Mechanism::default()
                }),
                ..Exception::default()
            }]),
            ..Event::default()
        };
        if let Some(decision) = decision {
            decision.mark(&mut event);
        }
        match bound {
            Some(bound) => bound.hub().capture_event(event),
            None => self.new_hub().capture_event(event),
        };
    }
}
