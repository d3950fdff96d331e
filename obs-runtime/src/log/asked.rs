//! Filters are asked at every event and every span.
//!
//! `tracing-subscriber` keeps on the thread what a layer's filter has refused, until the event is
//! dispatched. `tracing::enabled!` and `log::log_enabled!` ask and dispatch nothing (`sqlx` does, of a
//! slow statement), so the refusal stays, and the next event of a callsite of interest "always",
//! which is dispatched without asking, would be lost. A filter that is asked each time writes anew
//! what is kept there.

use tracing::subscriber::Interest;

pub(crate) use filter::AskedEachTime;

/// Says "sometimes" for "always".
pub(super) fn asked(interest: Interest) -> Interest {
    if interest.is_always() {
        Interest::sometimes()
    } else {
        interest
    }
}

mod filter {
    use tracing::level_filters::LevelFilter;
    use tracing::span::{Attributes, Id, Record};
    use tracing::subscriber::Interest;
    use tracing::{Event, Metadata, Subscriber};
    use tracing_subscriber::layer::{Context, Filter};

    use super::asked;

    /// Asks the filter inside each time, also where it said "always" of a callsite.
    #[derive(Debug)]
    pub(crate) struct AskedEachTime<F>(pub(crate) F);

    impl<S: Subscriber, F: Filter<S>> Filter<S> for AskedEachTime<F> {
        fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
            self.0.enabled(metadata, context)
        }

        fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
            asked(self.0.callsite_enabled(metadata))
        }

        fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
            self.0.event_enabled(event, context)
        }

        fn max_level_hint(&self) -> Option<LevelFilter> {
            self.0.max_level_hint()
        }

        fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
            self.0.on_new_span(attributes, id, context);
        }

        fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
            self.0.on_record(id, values, context);
        }

        fn on_enter(&self, id: &Id, context: Context<'_, S>) {
            self.0.on_enter(id, context);
        }

        fn on_exit(&self, id: &Id, context: Context<'_, S>) {
            self.0.on_exit(id, context);
        }

        fn on_close(&self, id: Id, context: Context<'_, S>) {
            self.0.on_close(id, context);
        }
    }
}
