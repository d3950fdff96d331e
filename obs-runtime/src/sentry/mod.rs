//! Sentry: one issue per failure, one root transaction per request, nothing personal.
//!
//! # What is sent
//!
//! * ERROR events of `tracing`, with the INFO and WARN events of the same request or job before
//!   them as breadcrumbs.
//! * Panics, once, by the panic hook.
//! * `HTTP 500 GET /jobs/{id}` for a response from 500 on whose handler reported nothing.
//! * What the service captures by itself through the `sentry` crate.
//! * A transaction for a share of the requests.
//!
//! Everything of a request or job goes through a hub of its own, which travels with its
//! [`Ctx`], so that tasks on other threads report there too. The hub is also the
//! thread's current one while the request's future or body is polled, for `sentry::capture_*`.
//! Tags: `correlation_id`, `request_id`, `method`, `route`, `service`, and `tool` or `job`; the
//! context `trace` has the ids of the `Ctx`. What was [bound](crate::bind) are tags as well, as far as
//! Sentry takes them, but for `user_id`, which is the event's `user.id`.
//!
//! A tool call reports through a hub of its own below that of its HTTP request, so that its errors
//! have its ids. It is a span of the request's transaction, and has a transaction of its own only
//! where there is no request, or where its client has put it into another trace.
//!
//! # Which events are sent
//!
//! A service under load repeats its errors. At a rate of 0.001 for all of them alike, an error that
//! happens ten times would hardly ever be seen. Here, and unlike in the systems this crate
//! replaces, **the first event of each kind in an hour is always sent**, whatever the rate, and of
//! `n` events of a kind `ceil(n * rate)`, exactly: 10,000 equal errors are 10,000, 500 and 10
//! events in dev, staging and prod, and an error that happens once is one event in all of them.
//!
//! A kind is what the event's own `fingerprint` says, if it has one. Otherwise it is made of
//! * the types of its exceptions and the innermost frame that is the service's own, or else the
//!   target of the log event,
//! * the message (of which the first 1,024 characters count),
//! * the route.
//!
//! Messages that differ in their numbers and ids alone (`job 17 failed`) are kinds of their own
//! for the first 128 of them in the hour, and one kind from then on. At most 4,096 kinds are known
//! at a time; what comes on top of them is sampled as one. The first of a kind that cannot be
//! delivered is not the first: the next one is.
//!
//! Transactions are sampled by the low 56 bits of the trace id, so that all services that know the
//! trace come to the same decision; how the request ends plays no part in it.
//!
//! The decision of a browser stands, at whatever rate: a trusted peer's `sentry-trace` that ends in
//! `-1` records the transaction, one that ends in `-0` does not. The share that the browser recorded
//! is in its `baggage`, and goes with the transaction unchanged, because Sentry reckons with it.
//! The sampled flag of a `traceparent` says what is exported as spans, and decides nothing here:
//! Sentry's rate and that of the exported spans are two settings, and mostly two budgets.
//!
//! # What is never sent
//!
//! The host's name, names of threads, local variables, addresses, headers, cookies, queries and
//! bodies of requests, attachments; of a user nothing but the id that the service itself set. The
//! [`Redactor`] goes over everything else just before it is written to the network.
//!
//! # Bounds
//!
//! Events are handed to a thread through a queue of 256, and 512 for firsts of their kind. Nothing
//! blocks; what is not sent is counted in `obs_sentry_events_total`, by `kind` and `outcome`.
//! Sending takes 15 seconds at most, and closing as long as it is given.

mod counts;
mod deliver;
mod envelope;
mod fields;
mod head;
mod kind;
mod layer;
mod operation;
mod panic;
mod queue;
mod request;
mod sample;
mod stack;
#[cfg(test)]
mod tests;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::sentry::integrations::backtrace::ProcessStacktraceIntegration;
use ::sentry::integrations::contexts::ContextIntegration;
use ::sentry::protocol::Event;
use ::sentry::types::Dsn;
use ::sentry::{Client, ClientOptions, Hub};

use crate::catalog::{Families, Part, Totals};
use crate::context::Ctx;
use crate::redact::Redactor;

use counts::{Counts, Kind, Outcome};
#[cfg(not(feature = "test"))]
use deliver::Deliver;
use deliver::Http;
use queue::Queue;
use sample::{Decision, Sampler};

pub use layer::SentryLayer;
pub use transport::SentryTransport;

pub(crate) use counts::describe;
#[cfg(feature = "test")]
pub(crate) use deliver::{Answer, Deliver};
#[cfg(feature = "rmcp")]
pub(crate) use operation::Fault;
#[cfg(feature = "rmcp")]
pub(crate) use operation::HubEntered;
pub(crate) use operation::SentryOperation;
pub(crate) use request::{Bound, SentryRequest};

/// Breadcrumbs that one request keeps.
const MAX_BREADCRUMBS: usize = 50;

/// Events of a test that may wait: none is left out.
#[cfg(feature = "test")]
const IN_MEMORY: usize = 1 << 30;

/// Crates whose frames are not the service's own.
const NOT_OURS: &[&str] = &[
    "axum",
    "axum_core",
    "h2",
    "http",
    "http_body",
    "hyper",
    "hyper_util",
    "obs_runtime",
    "rmcp",
    "tower",
    "tower_http",
    "tower_layer",
    "tower_service",
    "tracing",
    "tracing_subscriber",
];

/// Where an event holds which kind it is the first of, or null once sampling has let it through.
/// Removed before it is sent.
const DECIDED: &str = "obs.first_of_kind";

/// What Sentry is started with.
pub(crate) struct SentryOptions {
    /// As in `SENTRY_DSN`.
    pub(crate) dsn: String,
    pub(crate) release: String,
    pub(crate) environment: String,
    pub(crate) service: String,
    /// The share of repeated errors that is sent, from 0 to 1.
    pub(crate) error_rate: f64,
    /// The share of traces whose root transactions are sent, from 0 to 1.
    pub(crate) traces_rate: f64,
    pub(crate) redactor: Arc<Redactor>,
}

/// Why Sentry could not be started. Does not repeat the DSN, which has a key in it.
#[derive(Debug)]
pub(crate) enum SentryError {
    Dsn(String),
    Thread(std::io::Error),
}

/// The running Sentry. Cheap to clone.
///
/// How the request layer uses it, `sentry` being an `Option<Sentry>`:
/// ```text
/// let request: Option<SentryRequest> = sentry.as_ref().map(|sentry| sentry.request(&ctx));
/// // around `call`, and around each poll of the future and of the body:
/// let _entered = request.as_ref().map(SentryRequest::enter);
/// // exactly once, at the end:
/// if let Some(request) = request.take() { request.finish(status, outcome); }
/// ```
#[derive(Clone)]
pub(crate) struct Sentry {
    inner: Arc<Inner>,
}

struct Inner {
    client: Arc<Client>,
    /// Has the client, and what every event is to have; never the current one of a thread.
    root: Arc<Hub>,
    /// Unless the client is the service's own.
    own: Option<Own>,
    service: Arc<str>,
    /// Goes over what was bound while its key is still known: under Sentry's names of it, a key of
    /// the configuration would not be found.
    redactor: Arc<Redactor>,
}

/// What decides about the events of our own client, and counts them.
struct Own {
    sampler: Arc<Sampler>,
    counts: Counts,
    traces_rate: f64,
}

impl Sentry {
    /// Starts the thread that sends. Nothing global changes.
    ///
    /// # Errors
    /// If the DSN is none, or there is no thread to be had.
    pub(crate) fn start(options: SentryOptions) -> Result<Self, SentryError> {
        let dsn = parse(&options.dsn)?;
        let deliver = Box::new(Http::new(&dsn));
        Self::start_with(options, deliver, queue::CAPACITY)
    }

    /// Starts with the memory of a test for a server.
    #[cfg(feature = "test")]
    pub(crate) fn start_in_memory(
        options: SentryOptions,
        deliver: Box<dyn Deliver>,
    ) -> Result<Self, SentryError> {
        Self::start_with(options, deliver, IN_MEMORY)
    }

    /// Returns a hub for what belongs to no request.
    #[cfg(feature = "test")]
    pub(crate) fn hub(&self) -> Arc<Hub> {
        Arc::new(self.new_hub())
    }

    fn start_with(
        options: SentryOptions,
        deliver: Box<dyn Deliver>,
        capacity: usize,
    ) -> Result<Self, SentryError> {
        let dsn = parse(&options.dsn)?;
        let counts = Counts::new();
        let sampler = Arc::new(Sampler::new(options.error_rate));
        let redactor = Arc::clone(&options.redactor);
        let of_fields = Arc::clone(&redactor);
        let worker = queue::Worker {
            deliver,
            redactor: options.redactor,
            sampler: Arc::clone(&sampler),
            counts,
            traces_rate: options.traces_rate,
        };
        let queue = Queue::start(worker, capacity).map_err(SentryError::Thread)?;
        let service: Arc<str> = options.service.into();
        let mut client = ClientOptions::new()
            .release(options.release)
            .environment(options.environment)
            .default_integrations(false)
            .add_integration(ProcessStacktraceIntegration::new())
            .add_integration(ContextIntegration::new().add_device(false))
            .max_breadcrumbs(MAX_BREADCRUMBS)
            .send_default_pii(false);
        client.dsn = Some(dsn);
        client.in_app_exclude = NOT_OURS.to_vec();
        // Without a name the integration would look the host's up.
        client.server_name = Some("".into());
        client.transport = Some(Arc::new(Arc::new(queue)));
        client.before_breadcrumb = Some(Arc::new(move |breadcrumb| {
            Some(envelope::cut_breadcrumb(breadcrumb, &redactor))
        }));
        client.before_send = Some(before_send(Arc::clone(&sampler), counts));
        let traces_rate = options.traces_rate;
        let client = client.traces_sampler(move |context| {
            let id = u128::from_be_bytes(bytes_of(context.trace_id()));
            f32::from(context.sampled().unwrap_or(sample::trace(id, traces_rate)))
        });
        let client = Arc::new(Client::with_options(client));
        Ok(Self {
            inner: Arc::new(Inner {
                root: Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())),
                client,
                own: Some(Own {
                    sampler,
                    counts,
                    traces_rate,
                }),
                service,
                redactor: of_fields,
            }),
        })
    }

    /// Reports through a client that somebody else made, who decides what of it is sent.
    pub(crate) fn adopt(client: Arc<Client>, service: String, redactor: Arc<Redactor>) -> Self {
        Self {
            inner: Arc::new(Inner {
                root: Arc::new(Hub::new(Some(Arc::clone(&client)), Arc::default())),
                client,
                own: None,
                service: service.into(),
                redactor,
            }),
        }
    }

    /// Returns whether the process has a Sentry client already.
    pub(crate) fn is_taken() -> bool {
        Hub::main().client().is_some()
    }

    /// Makes this the Sentry of what belongs to no request, and the client of `sentry::capture_*`
    /// there, unless there is one.
    pub(crate) fn install(&self) {
        self.serve_operations();
        if !Self::is_taken() {
            Hub::main().bind_client(Some(Arc::clone(&self.inner.client)));
        }
    }

    /// Returns how many events and transactions found no room in the queue.
    pub(crate) fn lost(&self) -> u64 {
        let own = self.inner.own.as_ref();
        own.map_or(0, |own| own.counts.lost())
    }

    /// Makes the hub of a request and, for a share of them, its transaction.
    pub(crate) fn request(&self, ctx: &Ctx) -> SentryRequest {
        SentryRequest::new(self, ctx)
    }

    /// Waits until what was captured before is sent, no longer than `patience`; returns whether it
    /// was.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        self.inner.client.flush(Some(patience))
    }

    /// The hub of a context, made when it is first asked for.
    fn bound<'c>(&self, ctx: &'c Ctx) -> &'c Bound {
        ctx.sentry().get_or_init(|| Bound::new(self, ctx))
    }

    fn is_of(&self, hub: &Hub) -> bool {
        hub.client()
            .is_some_and(|client| Arc::ptr_eq(&client, &self.inner.client))
    }

    /// A new hub below the main one, with what the service set there, if that is ours.
    fn new_hub(&self) -> Hub {
        let main = Hub::main();
        if self.is_of(&main) {
            Hub::new_from_top(&main)
        } else {
            Hub::new_from_top(&self.inner.root)
        }
    }
}

fn parse(dsn: &str) -> Result<Dsn, SentryError> {
    dsn.trim()
        .parse()
        .map_err(|error: ::sentry::types::ParseDsnError| SentryError::Dsn(error.to_string()))
}

fn bytes_of(id: ::sentry::protocol::TraceId) -> [u8; 16] {
    // Its text is the only way in.
    u128::from_str_radix(&id.to_string(), 16)
        .unwrap_or_default()
        .to_be_bytes()
}

fn before_send(sampler: Arc<Sampler>, counts: Counts) -> ::sentry::BeforeCallback<Event<'static>> {
    Arc::new(move |mut event| {
        stack::tidy(&mut event);
        if !event.extra.contains_key(DECIDED) {
            match sampler.decide(&kind::of(&event), Instant::now()) {
                Decision::Out => {
                    counts.add(Kind::Error, Outcome::SampledOut);
                    return None;
                }
                decision => decision.mark(&mut event),
            }
        }
        envelope::cut(&mut event);
        Some(event)
    })
}

impl Part for Sentry {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        if let Some(own) = &self.inner.own {
            own.counts.collect(totals, families);
        }
    }
}

impl fmt::Display for SentryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dsn(why) => write!(
                f,
                "not a DSN of Sentry ({why}): expected `https://key@host/project`"
            ),
            Self::Thread(why) => write!(
                f,
                "the thread that sends to Sentry could not be started: {why}"
            ),
        }
    }
}

impl std::error::Error for SentryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Dsn(_) => None,
            Self::Thread(why) => Some(why),
        }
    }
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentry")
            .field("service", &self.inner.service)
            .finish_non_exhaustive()
    }
}
