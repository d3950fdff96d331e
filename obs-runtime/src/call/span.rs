//! The span of an observed call.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tracing::callsite::{self, Callsite, Identifier};
use tracing::dispatcher::get_default;
use tracing::field::{Field, FieldSet, Value};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::metadata::Kind;
use tracing::span::Entered;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Span};

use super::event::{contained, forget};
use super::outcome::{ErrorKind, Outcome};
use crate::label::clamp;

/// The target of the spans of calls without fields. The log leaves them out: they have nothing to
/// say on its lines, so a service that only logs never makes one.
const TARGET: &str = "obs::call";

/// What is recorded at the end of a call, by the OpenTelemetry conventions for errors on spans.
const FIELDS: &[&str] = &["otel.status_code", "error.type"];

/// The value of `error.type` for an error of no known kind, as the conventions call it.
const OTHER: &str = "_OTHER";

/// The span of a call; nothing where nobody listens.
///
/// In a box, so that a call that nobody listens to carries one word.
#[derive(Debug, Default)]
pub struct CallSpan(Option<Box<Span>>);

impl CallSpan {
    /// Takes the span that holds the fields of a call.
    pub(super) fn given(span: Span) -> Self {
        Self((!span.is_disabled()).then(|| Box::new(span)))
    }

    pub(super) fn get(&self) -> Option<&Span> {
        self.0.as_deref()
    }

    #[inline]
    pub(super) fn enter(&self) -> Option<Entered<'_>> {
        self.get().map(Span::enter)
    }

    /// Says on the span how the call ended. Must not panic: runs while a panic unwinds.
    #[inline]
    pub(super) fn ended(&self, outcome: Outcome, error: Option<ErrorKind>) {
        if let Some(span) = self.get() {
            ended(span, outcome, error);
        }
    }
}

impl Drop for CallSpan {
    #[inline]
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            close(span);
        }
    }
}

/// Closes a span. A subscriber is somebody else's code, and a panic may be unwinding already.
#[cold]
fn close(span: Box<Span>) {
    contained(|| drop(span));
}

/// Says on a span how its call ended: nothing for a value or a cancelled call.
#[cold]
pub(crate) fn ended(span: &Span, outcome: Outcome, error: Option<ErrorKind>) {
    let kind = match outcome {
        Outcome::Ok | Outcome::Cancelled => return,
        Outcome::Error => OTHER,
        failed => failed.as_str(),
    };
    let kind = error.and_then(name_of).unwrap_or(kind);
    contained(|| {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", kind);
    });
}

fn name_of(kind: ErrorKind) -> Option<&'static str> {
    let index = clamp(kind.index, kind.values.len());
    kind.values.get(index).copied()
}

/// Where the calls of a site are spans: a callsite of `tracing`, made without a macro, so that the
/// expansion of `#[observed]` has nothing of it.
pub(super) struct SpanSite {
    pub(super) level: Level,
    /// What the subscribers said, or [`UNASKED`].
    interest: AtomicU8,
    is_registered: AtomicBool,
    metadata: OnceLock<Metadata<'static>>,
}

const NEVER: u8 = 0;
/// It depends, on the thread as well.
const SOMETIMES: u8 = 1;
const ALWAYS: u8 = 2;
const UNASKED: u8 = 3;

/// What a site is called, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Described {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
}

impl SpanSite {
    pub(super) const fn new(level: Level) -> Self {
        Self {
            level,
            interest: AtomicU8::new(UNASKED),
            is_registered: AtomicBool::new(false),
            metadata: OnceLock::new(),
        }
    }

    /// Whether somebody may listen: one load where there is no subscriber, two where none of them
    /// wants it.
    #[inline]
    pub(super) fn may_be_wanted(&self) -> bool {
        self.level <= STATIC_MAX_LEVEL
            && self.level <= LevelFilter::current()
            && self.interest.load(Ordering::Relaxed) != NEVER
    }

    /// Opens a span below the current one. A subscriber is somebody else's code.
    #[cold]
    #[inline(never)]
    pub(super) fn open(
        &self,
        callsite: &'static dyn Callsite,
        describe: impl FnOnce() -> Described,
    ) -> CallSpan {
        let opened = catch_unwind(AssertUnwindSafe(|| self.span(callsite, describe)));
        CallSpan(opened.unwrap_or_else(|panic| {
            forget(panic);
            None
        }))
    }

    fn span(
        &self,
        callsite: &'static dyn Callsite,
        describe: impl FnOnce() -> Described,
    ) -> Option<Box<Span>> {
        if self.interest.load(Ordering::Relaxed) == UNASKED {
            self.register(callsite, describe);
        }
        let metadata = callsite.metadata();
        let is_enabled = match self.interest.load(Ordering::Relaxed) {
            NEVER => false,
            ALWAYS => true,
            // Sometimes, or another thread is about to ask.
            _ => get_default(|subscriber| subscriber.enabled(metadata)),
        };
        let none: [(&Field, Option<&dyn Value>); 0] = [];
        is_enabled.then(|| Box::new(Span::new(metadata, &metadata.fields().value_set(&none))))
    }

    /// Asks the subscribers, now and whenever there is a new one.
    fn register(&self, callsite: &'static dyn Callsite, describe: impl FnOnce() -> Described) {
        self.metadata.get_or_init(|| {
            let Described { name, file, line } = describe();
            Metadata::new(
                name,
                TARGET,
                self.level,
                Some(file),
                Some(line),
                None,
                FieldSet::new(FIELDS, Identifier(callsite)),
                Kind::SPAN,
            )
        });
        if !self.is_registered.swap(true, Ordering::AcqRel) {
            callsite::register(callsite);
        }
    }

    pub(super) fn set_interest(&self, interest: &Interest) {
        let interest = if interest.is_never() {
            NEVER
        } else if interest.is_always() {
            ALWAYS
        } else {
            SOMETIMES
        };
        self.interest.store(interest, Ordering::Relaxed);
    }

    pub(super) fn metadata(&self) -> &Metadata<'static> {
        self.metadata.get().unwrap_or(&UNREGISTERED)
    }
}

/// The callsite of [`UNREGISTERED`].
struct Unregistered;

/// Stands in for the metadata of a site that nobody knows yet; no subscriber sees it.
static UNREGISTERED: Metadata<'static> = Metadata::new(
    "",
    TARGET,
    Level::INFO,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Unregistered)),
    Kind::SPAN,
);

impl Callsite for Unregistered {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &UNREGISTERED
    }
}
