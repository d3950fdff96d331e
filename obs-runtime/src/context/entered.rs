//! Which context a thread works in.

use std::cell::RefCell;
use std::marker::PhantomData;

use super::InScope;
use super::ctx::Ctx;
use crate::metric::exemplar;

thread_local! {
    static CURRENT: RefCell<Option<Ctx>> = const { RefCell::new(None) };
}

/// Returns the context that was entered on this thread.
pub(super) fn entered() -> Option<Ctx> {
    CURRENT
        .try_with(|current| current.try_borrow().ok()?.clone())
        .ok()
        .flatten()
}

/// Makes a context, or none, the current one of this thread until it is dropped.
///
/// Never held across an `.await`: it cannot be sent.
#[must_use]
pub(crate) struct Entered {
    /// Its span is the current one of what is exported.
    #[cfg(feature = "otlp")]
    _span: Option<crate::otlp::Attached>,
    previous: Option<Ctx>,
    /// Given back last: what ends before is still of the test.
    _test: Option<InScope>,
    on_this_thread: PhantomData<*const ()>,
}

impl Entered {
    pub(crate) fn new(ctx: Option<Ctx>) -> Self {
        let test = ctx.as_ref().map(Ctx::enter_test);
        #[cfg(feature = "otlp")]
        let span = crate::otlp::attach(ctx.as_ref());
        exemplar::set_current(sampled_span(ctx.as_ref()));
        let previous = CURRENT
            .try_with(|current| current.replace(ctx))
            .unwrap_or_default();
        Self {
            #[cfg(feature = "otlp")]
            _span: span,
            previous,
            _test: test,
            on_this_thread: PhantomData,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        exemplar::set_current(sampled_span(previous.as_ref()));
        // Dropped only after the cell is free again: a context's drop runs code of its own.
        let ended = CURRENT.try_with(|current| current.replace(previous));
        drop(ended);
    }
}

/// The operation that exemplars name while this context is the current one.
fn sampled_span(ctx: Option<&Ctx>) -> Option<exemplar::SampledSpan> {
    ctx?.trace().sampled_span()
}
