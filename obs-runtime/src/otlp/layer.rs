//! Spans of `tracing`, handed to OpenTelemetry.

use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{FilterFn, Filtered, filter_fn};
use tracing_subscriber::layer::{Layer, Layered};
use tracing_subscriber::registry::LookupSpan;

use super::Traces;
use crate::context::{CtxLayer, is_worth_showing};
use crate::log::AskedEachTime;
use crate::start::Obs;

type Exported<S> =
    Filtered<Layered<CtxLayer, OpenTelemetryLayer<S, SdkTracer>, S>, AskedEachTime<FilterFn>, S>;

impl Traces {
    /// Returns the layer, which asks for spans of level INFO and above and for no events.
    pub(crate) fn layer<S>(&self) -> Exported<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let filter = filter_fn(is_worth_showing as fn(&Metadata<'_>) -> bool);
        tracing_opentelemetry::layer()
            .with_tracer(self.tracer.clone())
            // Paths of the machine that built it, threads and idle times are on no span.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_level(false)
            .with_target(false)
            // The log may want none of them.
            .and_then(CtxLayer)
            .with_filter(AskedEachTime(filter.with_max_level_hint(Level::INFO)))
    }
}

impl Obs {
    /// Returns the layer that exports spans, for a subscriber of the service's own; see
    /// [`Setup::logs`](crate::Setup::logs).
    ///
    /// It has its own filter, and asks for spans of level INFO and above. `None`, a layer that does
    /// nothing, stands for no export.
    ///
    /// # Example
    /// ```standalone_crate
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// let obs = obs_runtime::Obs::from_env(obs_runtime::service!())?
    ///     .logs(false)
    ///     .install()?;
    /// let subscriber = tracing_subscriber::registry().with(obs.otlp_layer());
    /// tracing::subscriber::set_global_default(subscriber)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn otlp_layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + 'static>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        self.http().traces.as_ref().map(Traces::layer)
    }
}
