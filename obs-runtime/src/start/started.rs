//! What feature `http` starts.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use super::error::{Problem, ProblemKind};
use super::globals;
use super::log_slot::LogSlot;
use super::obs::HttpParts;
use super::options::Options;
use super::own::BuildInfo;
use crate::facade::Facade;
use crate::health::{Health, Shutdown};
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
        if install {
            let layer = if options.wants_logs() {
                Some(logs.start().map_err(|error| log_thread(&error))?.layer())
            } else {
                None
            };
            let subscriber = layer.map(|layer| {
                let registry = Registry::default().with(layer.with_filter(settings.log.filter()));
                // No layer that is `None`: it would ask for everything, and each request would have
                // a span that nobody reads.
                #[cfg(all(feature = "otlp", feature = "sentry"))]
                if let (Some(traces), Some(sentry)) = (&traces, &sentry) {
                    return Dispatch::new(registry.with(sentry.layer()).with(traces.layer()));
                }
                #[cfg(feature = "otlp")]
                if let Some(traces) = &traces {
                    return Dispatch::new(registry.with(traces.layer()));
                }
                #[cfg(feature = "sentry")]
                if let Some(sentry) = &sentry {
                    return Dispatch::new(registry.with(sentry.layer()));
                }
                Dispatch::new(registry)
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
                serving: options.serving.parts(&build.environment),
                test: options.test(),
                settings,
            },
        })
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
