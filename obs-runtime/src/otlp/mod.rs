//! Spans to an OpenTelemetry collector: what `tracing` knows, under the ids of the context.
//!
//! # What is exported
//!
//! Spans of `tracing` of level INFO and above, whatever `RUST_LOG` says, but for those of the crates
//! that HTTP and the export itself are made of. Events are not copied into spans: every line of the
//! log has the trace's id, and a copy would cost each request twice.
//!
//! # Which spans
//!
//! Those of the traces that the policy samples ([`sampler`]), and with `OBS_TRACES_KEEP_ERRORS` all
//! spans of a request in this process in which one failed ([`hold`]).
//!
//! # How
//!
//! A span that ends is cut to a bounded size ([`bound`]) and put into a bounded queue ([`queue`]).
//! One thread ([`worker`]) removes secrets ([`scrub`]), writes what the console shows ([`console`]),
//! and sends batches ([`deliver`]). It has a runtime of its own, so it needs none of the service's,
//! and blocks nobody. Secrets are removed there and not before: most spans that are held for an
//! error are thrown away, and no request shall wait for it.
//!
//! `opentelemetry-otlp` is not used: it reads environment variables on its own, whatever it is
//! given, keeps a connection that leads nowhere, and does not tell how many spans a collector
//! refused, so that nothing could be counted exactly.
//!
//! # Bounds
//!
//! 12 MiB of spans wait at most, 8 MiB are held, and 3 MiB are on their way, which is as much again
//! once it is encoded. What finds no room is counted in `obs_spans_dropped_total`.

mod bound;
mod bridge;
mod console;
mod counts;
mod deliver;
mod hold;
mod ids;
mod layer;
mod processor;
mod queue;
mod sampler;
mod scrub;
#[cfg(test)]
mod tests;
mod trouble;
mod worker;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanLimits};

use crate::catalog::{Families, Part, Totals};
use crate::context::TracePolicy;
use crate::log::LogFormat;
use crate::redact::Redactor;
use crate::start::{OtlpSettings, QueueSettings};

use console::Console;
use deliver::Deliver;
use hold::{Bounds, Held};
use ids::CtxIds;
use processor::Processor;
use queue::Queue;
use sampler::CtxSampler;
use worker::Worker;

pub(crate) use bridge::{Attached, Innermost, SpanSlot, attach, current, end, open};
pub(crate) use counts::describe;

/// The name under which the spans are exported.
const SCOPE: &str = "obs-runtime";

/// What the export is started with.
pub(crate) struct TracesOptions {
    pub(crate) collector: Option<OtlpSettings>,
    /// Spans are written to standard error, and how they look there.
    pub(crate) console: Option<LogFormat>,
    pub(crate) queue: QueueSettings,
    pub(crate) policy: Arc<TracePolicy>,
    pub(crate) keep_errors: bool,
    /// Who exports: keys and values of OpenTelemetry.
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) redactor: Arc<Redactor>,
}

/// Why the export could not be started.
#[derive(Debug)]
pub(crate) enum TracesError {
    Endpoint(String),
    Thread(io::Error),
}

/// The running export. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Traces {
    queue: Arc<Queue>,
    tracer: SdkTracer,
}

impl Traces {
    /// Starts the thread that exports.
    pub(crate) fn start(options: TracesOptions) -> Result<Self, TracesError> {
        let deliver = match &options.collector {
            Some(settings) => Some(Deliver::new(settings).map_err(TracesError::Endpoint)?),
            None => None,
        };
        let console = options.console.map(Console::stderr);
        let timeout = options
            .collector
            .as_ref()
            .map_or(options.queue.timeout, |settings| settings.timeout);
        Self::with(options, deliver, console, timeout).map_err(TracesError::Thread)
    }

    fn with(
        options: TracesOptions,
        deliver: Option<Deliver>,
        console: Option<Console>,
        attempt_timeout: Duration,
    ) -> io::Result<Self> {
        let attributes = options.resource.iter().map(|(key, value)| {
            KeyValue::new(key.clone(), options.redactor.value(key, value).into_owned())
        });
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_attributes(attributes)
            .build();
        let queue = Arc::new(Queue::new(options.queue, console.is_some()));
        let worker = Worker {
            queue: Arc::clone(&queue),
            deliver,
            console,
            redactor: options.redactor,
            resource: (&resource).into(),
            attempt_timeout,
            batch_timeout: options.queue.timeout,
        };
        worker.start()?;
        let processor = Processor {
            queue: Arc::clone(&queue),
            held: Held::new(Bounds::default()),
        };
        let provider = SdkTracerProvider::builder()
            .with_id_generator(CtxIds)
            .with_sampler(CtxSampler::new(options.policy, options.keep_errors))
            // Given here, so that no variable decides that nobody checked.
            .with_span_limits(SpanLimits::default())
            .with_resource(resource)
            .with_span_processor(processor)
            .build();
        bridge::switch_on();
        Ok(Self {
            queue,
            tracer: provider.tracer(SCOPE),
        })
    }

    /// Waits until every span that ended before has been exported, no longer than until the
    /// deadline. Returns whether all of them are settled.
    pub(crate) fn flush(&self, deadline: Instant) -> bool {
        self.queue.flush(deadline)
    }

    /// As [`flush`](Self::flush); afterwards nothing is exported, and what still comes is counted.
    pub(crate) fn stop(&self, deadline: Instant) -> bool {
        self.queue.stop(deadline)
    }

    /// Returns how many spans were dropped.
    pub(crate) fn lost(&self) -> u64 {
        self.queue.counts().dropped()
    }
}

impl Part for Traces {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        self.queue.collect(totals, families);
    }
}

impl fmt::Display for TracesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(why) => write!(f, "the endpoint cannot be sent to: {why}"),
            Self::Thread(error) => write!(f, "its thread could not be started: {error}"),
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}
