//! What feature `http` starts.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::{Dispatch, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::error::{Problem, ProblemKind};
use super::globals;
use super::log_slot::LogSlot;
use super::obs::HttpParts;
use super::options::Options;
use super::own::BuildInfo;
use crate::facade::Facade;
use crate::health::{Health, Shutdown};
use crate::log::{PageFeed, PageFeedOptions};
#[cfg(feature = "otlp")]
use crate::otlp::{Traces, TracesError};
use crate::redact::Redactor;
#[cfg(feature = "sentry")]
use crate::sentry::{Sentry, SentryError};

/// What runs after a start. Dropped before anything global is taken, it leaves nothing behind.
pub(super) struct Started {
    pub(super) facade: Option<Facade>,
    pub(super) http: HttpParts,
}

impl Started {
    /// Starts what can end again, then takes what cannot be given back.
    pub(super) fn new(
        options: &mut Options,
        build: &BuildInfo,
        #[cfg_attr(
            not(feature = "otlp"),
            expect(unused_variables, reason = "for the spans")
        )]
        attributes: &[(String, String)],
        own: &[(Cow<'static, str>, bool)],
        install: bool,
    ) -> Result<Self, Problem> {
        let facade = options.start_facade(own)?;
        let redactor = Arc::new(Redactor::new(&options.settings.redact_keys));
        let logs = LogSlot::new(
            options.log_options(build, &redactor),
            &options.settings.log.filter,
        );
        let settings = options.settings.clone();
        #[cfg(feature = "sentry")]
        let sentry = match &options.sentry_client {
            Some(client) => Some(Sentry::adopt(
                Arc::clone(client),
                build.service.name().to_owned(),
                Arc::clone(&redactor),
            )),
            None => options
                .sentry_options(build, &redactor)
                .map(|sentry| options.start_sentry(sentry))
                .transpose()
                .map_err(|error| sentry_failed(&error))?,
        };
        #[cfg(feature = "otlp")]
        let traces = options
            .traces_options(build, attributes, &redactor)
            .map(Traces::start)
            .transpose()
            .map_err(|error| traces_failed(&error))?;
        let serving = options.serving.parts(&build.environment);
        let feed = serving.page.as_ref().map(|page| {
            PageFeed::new(PageFeedOptions {
                page: Arc::clone(page),
                service: build.service.name().to_owned(),
                environment: build.environment.name().to_owned(),
                redactor: Arc::clone(&redactor),
                filter: settings.log.filter.clone(),
            })
        });
        if install {
            let layer = if options.wants_logs() {
                Some(logs.start().map_err(|error| log_thread(&error))?.layer())
            } else {
                None
            };
            let sinks = Sinks {
                #[cfg(not(any(feature = "sentry", feature = "otlp")))]
                none: std::marker::PhantomData,
                #[cfg(feature = "sentry")]
                sentry: sentry.as_ref(),
                #[cfg(feature = "otlp")]
                traces: traces.as_ref(),
            };
            // No layer that is `None`: it would ask for everything, and each request would have a
            // span that nobody reads.
            let subscriber = layer.map(|layer| {
                let registry = Registry::default().with(layer.with_filter(settings.log.filter()));
                match &feed {
                    Some(feed) => sinks.above(registry.with(feed.layer(settings.log.filter()))),
                    None => sinks.above(registry),
                }
            });
            globals::take(options, facade.as_ref(), subscriber)?;
            #[cfg(feature = "sentry")]
            if let Some(sentry) = &sentry {
                sentry.install();
            }
        }
        let health = Health::new(Arc::clone(&redactor), options.serving.manual_startup);
        let checks = settings.checks.clone();
        health.configure(checks.database, checks.cache, checks.external);
        let drain_delay = options.serving.drain_delay(&build.environment);
        Ok(Self {
            facade,
            http: HttpParts {
                admin_addr: options.serving.admin_addr,
                redactor,
                logs,
                #[cfg(feature = "sentry")]
                sentry,
                #[cfg(feature = "otlp")]
                traces,
                health,
                shutdown: Shutdown::new(settings.shutdown_timeout, drain_delay),
                serving,
                feed,
                test: options.test(),
                settings,
            },
        })
    }
}

/// What is told of spans and errors, besides the log and a page.
struct Sinks<'a> {
    #[cfg(feature = "sentry")]
    sentry: Option<&'a Sentry>,
    #[cfg(feature = "otlp")]
    traces: Option<&'a Traces>,
    #[cfg(not(any(feature = "sentry", feature = "otlp")))]
    none: std::marker::PhantomData<&'a ()>,
}

impl Sinks<'_> {
    /// Puts their layers above others.
    #[cfg_attr(
        not(any(feature = "sentry", feature = "otlp")),
        expect(clippy::unused_self, reason = "there are none")
    )]
    fn above<S>(&self, subscriber: S) -> Dispatch
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        #[cfg(all(feature = "otlp", feature = "sentry"))]
        if let (Some(traces), Some(sentry)) = (self.traces, self.sentry) {
            return Dispatch::new(subscriber.with(sentry.layer()).with(traces.layer()));
        }
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            return Dispatch::new(subscriber.with(traces.layer()));
        }
        #[cfg(feature = "sentry")]
        if let Some(sentry) = self.sentry {
            return Dispatch::new(subscriber.with(sentry.layer()));
        }
        Dispatch::new(subscriber)
    }
}

#[cfg(feature = "sentry")]
fn sentry_failed(error: &SentryError) -> Problem {
    Problem {
        kind: ProblemKind::Sentry,
        what: format!("Sentry could not be started: {error}"),
        places: Vec::new(),
        why: "errors would be reported nowhere",
        fix: "correct SENTRY_DSN, or unset it to do without Sentry".to_owned(),
    }
}

#[cfg(feature = "otlp")]
fn traces_failed(error: &TracesError) -> Problem {
    Problem {
        kind: ProblemKind::Traces,
        what: format!("the export of spans could not be started: {error}"),
        places: Vec::new(),
        why: "requests could be followed nowhere",
        fix: "correct OTEL_EXPORTER_OTLP_ENDPOINT or raise the limit of threads; or do without: \
              `.traces(false)`"
            .to_owned(),
    }
}

fn log_thread(error: &std::io::Error) -> Problem {
    Problem {
        kind: ProblemKind::Thread,
        what: format!("the thread that writes the log could not be started: {error}"),
        places: Vec::new(),
        why: "without it, every line would block the code that logs",
        fix: "raise the limit of threads, or do without the log: `.logs(false)`".to_owned(),
    }
}
