//! What a thread has while it works for a test, and how it follows the work.
//!
//! A scope is entered around every poll of the test's future, of what `obs` spawned in it and of
//! what runs in a [`Ctx`](crate::Ctx) that was made in it, and left after the poll. So tests whose
//! futures alternate on one thread do not see each other.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tracing::Dispatch;
use tracing::dispatcher::{self, DefaultGuard};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

use super::capture::{Capture, Entered, Lent};
use super::guards::Guards;
use super::seeded::Seeded;
use crate::metric::block::Block;

/// One test: what it records into, and where its ids come from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Scope {
    /// A [`Ctx`](crate::Ctx) holds it, and that may cross a `catch_unwind` as it may without it.
    inner: Arc<AssertUnwindSafe<Inner>>,
}

struct Inner {
    capture: Capture,
    ids: Seeded,
    guards: Guards,
    sinks: OnceLock<Sinks>,
}

/// What exists only once the test's `Obs` does.
struct Sinks {
    dispatch: Dispatch,
    #[cfg(feature = "sentry")]
    hub: Arc<::sentry::Hub>,
}

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

impl Scope {
    /// Makes the scope of a test; its name decides the ids.
    pub(super) fn new(name: &str) -> Self {
        Self {
            inner: Arc::new(AssertUnwindSafe(Inner {
                capture: super::capture(),
                ids: Seeded::new(name),
                guards: Guards::default(),
                sinks: OnceLock::new(),
            })),
        }
    }

    /// Says where events and reports go. The first call counts.
    pub(super) fn set_sinks(
        &self,
        subscriber: impl Subscriber + Send + Sync,
        #[cfg(feature = "sentry")] hub: Arc<::sentry::Hub>,
    ) {
        keep_callsites_open();
        let sinks = Sinks {
            dispatch: Dispatch::new(subscriber),
            #[cfg(feature = "sentry")]
            hub,
        };
        drop(self.inner.sinks.set(sinks));
    }

    /// Returns the test that the thread works for.
    pub(crate) fn current() -> Option<Self> {
        CURRENT
            .try_with(|current| current.try_borrow().ok()?.clone())
            .ok()
            .flatten()
    }

    /// Returns the next number of the current test's sequence.
    pub(crate) fn next_id() -> Option<u64> {
        Some(Self::current()?.inner.ids.next())
    }

    /// Returns the next time of the current test's ids, in milliseconds since 1970.
    pub(crate) fn next_millis() -> Option<u64> {
        Some(Self::current()?.inner.ids.millis())
    }

    /// Returns the blocks that the current test has recorded into.
    pub(crate) fn captured_blocks() -> Option<Vec<Block>> {
        Some(Self::current()?.inner.capture.blocks())
    }

    pub(super) fn capture(&self) -> &Capture {
        &self.inner.capture
    }

    pub(super) fn guards(&self) -> &Guards {
        &self.inner.guards
    }

    fn is_current(&self) -> bool {
        CURRENT
            .try_with(|current| {
                let current = current.try_borrow().ok()?;
                Some(Arc::ptr_eq(&current.as_ref()?.inner, &self.inner))
            })
            .ok()
            .flatten()
            .unwrap_or(false)
    }

    /// Makes the thread work for this test until the result is dropped.
    ///
    /// Where it does already, nothing changes: what was put into the scope further in stays.
    pub(super) fn enter(&self) -> InScope {
        if self.is_current() {
            return InScope::unchanged();
        }
        let sinks = self.inner.sinks.get();
        let (cells, lent) = self.inner.capture.enter();
        let previous = CURRENT
            .try_with(|current| current.replace(Some(self.clone())))
            .unwrap_or_default();
        InScope {
            _entered: Some(EnteredScope {
                previous,
                #[cfg(feature = "sentry")]
                _hub: sinks.map(|sinks| ::sentry::HubSwitchGuard::new(Arc::clone(&sinks.hub))),
                _subscriber: sinks.map(|sinks| dispatcher::set_default(&sinks.dispatch)),
                _cells: cells,
                _lent: lent,
            }),
            on_this_thread: PhantomData,
        }
    }

    /// Runs a closure for this test.
    pub(super) fn run_sync<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        f()
    }

    pub(super) fn run<F: Future>(&self, future: F) -> InTest<F> {
        InTest {
            future: Some(Box::pin(future)),
            scope: self.clone(),
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// The thread works for a test until this is dropped.
///
/// Never held across an `.await`: it cannot be sent.
#[must_use]
pub(crate) struct InScope {
    _entered: Option<EnteredScope>,
    on_this_thread: PhantomData<*const ()>,
}

/// What is given back, in this order.
struct EnteredScope {
    previous: Option<Scope>,
    #[cfg(feature = "sentry")]
    _hub: Option<::sentry::HubSwitchGuard>,
    _subscriber: Option<DefaultGuard>,
    _cells: Entered,
    _lent: Lent,
}

impl InScope {
    fn unchanged() -> Self {
        Self {
            _entered: None,
            on_this_thread: PhantomData,
        }
    }
}

impl Drop for EnteredScope {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // Dropped only after the cell is free again: the last of a scope drops its sinks.
        let ended = CURRENT.try_with(|current| current.replace(previous));
        drop(ended);
    }
}

/// The test that something belongs to, if any: goes wherever a [`Ctx`](crate::Ctx) goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried(Option<Scope>);

impl Carried {
    pub(crate) const NONE: Self = Self(None);
}

impl Carried {
    pub(crate) fn current() -> Self {
        Self(Scope::current())
    }

    /// Makes the thread work for the test. What belongs to no test belongs to whichever runs it.
    pub(crate) fn enter(&self) -> InScope {
        self.0
            .as_ref()
            .map_or_else(InScope::unchanged, Scope::enter)
    }
}

impl From<Scope> for Carried {
    fn from(scope: Scope) -> Self {
        Self(Some(scope))
    }
}

/// The future of [`TestObs::run`](super::TestObs::run).
#[must_use = "a future does nothing until it is awaited"]
pub struct InTest<F> {
    /// Boxed, so that it can be dropped inside the test without unsafe code.
    future: Option<Pin<Box<F>>>,
    scope: Scope,
}

impl<F: Future> Future for InTest<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _entered = this.scope.enter();
        match &mut this.future {
            Some(future) => future.as_mut().poll(cx),
            // Only its drop takes the future away.
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for InTest<F> {
    fn drop(&mut self) {
        let _entered = self.scope.enter();
        self.future = None;
    }
}

impl<F> fmt::Debug for InTest<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTest").finish_non_exhaustive()
    }
}

/// Keeps every callsite asking the thread's own subscriber whether it is enabled.
///
/// `tracing` keeps for each callsite what the subscribers said about it. While a process has one
/// subscriber, it asks the one of the thread that comes first, which may have none: the callsite is
/// then off for everybody. Two more that always say "sometimes" end both.
fn keep_callsites_open() {
    static KEPT: OnceLock<[Dispatch; 2]> = OnceLock::new();
    KEPT.get_or_init(|| [Dispatch::new(Undecided), Dispatch::new(Undecided)]);
}

/// Never the subscriber of a thread: it only takes part in deciding what callsites keep.
struct Undecided;

impl Subscriber for Undecided {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
