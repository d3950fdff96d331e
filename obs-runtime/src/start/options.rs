//! The options of feature `http`: routes, the facade, the log, the panic hook, stopping.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::error::{Problem, ProblemKind};
use super::globals;
#[cfg(feature = "sentry")]
use super::own::BuildInfo;
use super::serving::ServingOptions;
use super::settings::Settings;
use super::setup::Setup;
use super::variables;
use crate::context::Carried;
use crate::facade::{self, Facade};
use crate::http::{self, Traffic, TrafficOptions};
#[cfg(feature = "sentry")]
use crate::redact::Redactor;
#[cfg(feature = "sentry")]
use crate::sentry::{Sentry, SentryError, SentryOptions};

/// Longer than this nobody waits for a service to stop.
const MAX_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3600);

/// The most buckets that latencies may have.
const MAX_BUCKETS: usize = 50;

/// What can be chosen.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that stands for itself"
)]
pub(super) struct Options {
    max_routes: usize,
    http_buckets: Vec<f64>,
    prefix: Option<String>,
    facade: bool,
    facade_cap: usize,
    install_recorder: bool,
    pub(super) serving: ServingOptions,
    pub(super) logs: bool,
    pub(super) log_bridge: bool,
    pub(super) writer: Option<Box<dyn io::Write + Send>>,
    /// Standard output belongs to a protocol.
    pub(super) log_to_stderr: bool,
    panic_hook: bool,
    keep_panic_hook: bool,
    #[cfg(feature = "sentry")]
    sentry: bool,
    /// Instead of one that is started from the variables.
    #[cfg(feature = "sentry")]
    pub(super) sentry_client: Option<Arc<::sentry::Client>>,
    /// The keys of `baggage` that are passed on.
    pub(super) baggage_keys: Vec<String>,
    #[cfg(feature = "otlp")]
    pub(super) traces: bool,
    /// Instead of a standard stream and a server, in a test.
    #[cfg(feature = "test")]
    pub(super) test_sinks: Option<crate::test::TestSinks>,
    pub(super) settings: Settings,
}

impl Setup {
    /// Sets how many routes are counted by name; further ones are route `other`. The default is
    /// 100, the most is 10,000.
    pub fn max_routes(mut self, routes: usize) -> Self {
        self.options.max_routes = routes;
        self
    }

    /// Sets the bounds of the buckets of `http_request_duration_seconds`, in seconds: 1 to 50 of
    /// them, increasing. The default holds every bound that alerts commonly use: 0.005, 0.01, 0.05,
    /// 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5 and 10.
    pub fn http_buckets(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.options.http_buckets = bounds.into();
        self
    }

    /// Puts a prefix and `_` in front of the names of the HTTP families and those of the databases:
    /// `traceo_http_requests_total`.
    pub fn metric_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = Some(prefix.into());
        self
    }

    /// Opens (the default) or closes the side door for the `metrics` facade.
    pub fn facade(mut self, open: bool) -> Self {
        self.options.facade = open;
        self
    }

    /// Sets how many label sets each third-party metric may have; further ones go to the series
    /// whose label values are all `_other`. The default is 1,000, the most is 100,000.
    pub fn facade_cap(mut self, label_sets: usize) -> Self {
        self.options.facade_cap = label_sets;
        self
    }

    /// Says whether [`install`](Self::install) makes the facade's recorder the global one (the
    /// default). With `false`, pass records on to [`Obs::recorder`](crate::Obs::recorder).
    pub fn install_recorder(mut self, install: bool) -> Self {
        self.options.install_recorder = install;
        self
    }

    /// Sets how long stopping may take, whatever `OBS_SHUTDOWN_TIMEOUT` says; at most an hour.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.options.settings.shutdown_timeout = timeout;
        self.configuration
            .chosen(&variables::SHUTDOWN_TIMEOUT.row, &format!("{timeout:?}"));
        self
    }

    /// Says whether [`install`](Self::install) logs panics (the default).
    ///
    /// A panic is one ERROR event with target `obs::panic`, its message and its `location`; a
    /// `backtrace` as well where the level DEBUG is on. The hook that was there before is called
    /// only for panics that nobody logs, because it would write the same message a second time,
    /// with the secrets in it.
    pub fn panic_hook(mut self, install: bool) -> Self {
        self.options.panic_hook = install;
        self
    }

    /// Says whether errors go to Sentry where `SENTRY_DSN` is set (the default).
    ///
    /// With `false`, a Sentry client of the service's own stays alone in the process.
    #[cfg(feature = "sentry")]
    pub fn sentry(mut self, report: bool) -> Self {
        self.options.sentry = report;
        self
    }

    /// Calls the panic hook that was there before for every panic, after `obs` has logged it.
    pub fn keep_panic_hook(mut self) -> Self {
        self.options.keep_panic_hook = true;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("max_routes", &self.max_routes)
            .field("prefix", &self.prefix)
            .field("facade", &self.facade)
            .field("logs", &self.logs)
            .field("panic_hook", &self.panic_hook)
            .finish_non_exhaustive()
    }
}

impl Options {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            max_routes: http::DEFAULT_MAX_ROUTES,
            http_buckets: http::DEFAULT_BUCKETS.to_vec(),
            prefix: None,
            facade: true,
            facade_cap: facade::DEFAULT_CAP,
            install_recorder: true,
            serving: ServingOptions::new(&settings.access),
            logs: true,
            log_bridge: true,
            writer: None,
            log_to_stderr: false,
            panic_hook: true,
            keep_panic_hook: false,
            #[cfg(feature = "sentry")]
            sentry: true,
            #[cfg(feature = "sentry")]
            sentry_client: None,
            baggage_keys: Vec::new(),
            #[cfg(feature = "otlp")]
            traces: true,
            #[cfg(feature = "test")]
            test_sinks: None,
            settings,
        }
    }

    pub(super) fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// What Sentry is started with, where it is wanted.
    #[cfg(feature = "sentry")]
    pub(super) fn sentry_options(
        &self,
        build: &BuildInfo,
        redactor: &Arc<Redactor>,
    ) -> Option<SentryOptions> {
        let settings = &self.settings.sentry;
        Some(SentryOptions {
            dsn: settings.dsn.clone().filter(|_| self.sentry)?,
            release: settings.release.clone(),
            environment: build.environment.name().to_owned(),
            service: build.service.name().to_owned(),
            error_rate: settings.sample_rate,
            traces_rate: settings.traces_sample_rate,
            redactor: Arc::clone(redactor),
        })
    }

    /// The test that this is started for.
    #[cfg_attr(
        not(feature = "test"),
        expect(clippy::unused_self, reason = "with the feature it is asked")
    )]
    pub(super) fn test(&self) -> Carried {
        #[cfg(feature = "test")]
        if let Some(sinks) = &self.test_sinks {
            return sinks.scope().into();
        }
        Carried::NONE
    }

    /// Starts Sentry: in a test with its memory for a server.
    #[cfg(feature = "sentry")]
    #[cfg_attr(
        not(feature = "test"),
        expect(clippy::unused_self, reason = "asked in tests")
    )]
    pub(super) fn start_sentry(&self, options: SentryOptions) -> Result<Sentry, SentryError> {
        #[cfg(feature = "test")]
        if let Some(sinks) = &self.test_sinks {
            return Sentry::start_in_memory(options, sinks.sentry());
        }
        Sentry::start(options)
    }

    /// Whether errors shall go to Sentry through a client of our own.
    pub(super) fn wants_sentry(&self) -> bool {
        #[cfg(feature = "sentry")]
        let wanted = self.sentry && self.sentry_client.is_none();
        #[cfg(not(feature = "sentry"))]
        let wanted = false;
        wanted && self.settings.sentry.dsn.is_some()
    }

    /// Where errors go, in words.
    pub(super) fn sentry_state(&self) -> &'static str {
        #[cfg(feature = "sentry")]
        if self.sentry_client.is_some() {
            return "on: through the service's own client";
        }
        match (&self.settings.sentry.dsn, cfg!(feature = "sentry")) {
            (None, _) => "off: SENTRY_DSN is not set",
            (Some(_), false) => {
                "off: SENTRY_DSN is set, but obs was built without feature `sentry`"
            }
            (Some(_), true) if self.wants_sentry() => "on",
            (Some(_), true) => "off: the service has a client of its own",
        }
    }

    /// Whether the log shall be the process's subscriber.
    pub(super) const fn wants_logs(&self) -> bool {
        self.logs
    }

    /// Whether records of the `log` crate shall be logged.
    pub(super) const fn wants_log_bridge(&self) -> bool {
        self.logs && self.log_bridge
    }

    /// Whether panics shall be logged; and whether the hook before shall be called for each.
    pub(super) fn wants_panic_hook(&self) -> Option<bool> {
        self.panic_hook.then_some(self.keep_panic_hook)
    }

    pub(super) fn traffic(&self) -> Arc<Traffic> {
        Arc::new(Traffic::new(TrafficOptions {
            prefix: self.prefix.clone(),
            max_routes: self.max_routes,
            buckets: self.http_buckets.clone(),
            trusted: self.settings.trusted_proxies.clone(),
            success_sample: self.settings.log.success_sample,
            policy: self.trace_policy(),
        }))
    }

    /// Returns every problem with the options.
    pub(super) fn check(&self, install: bool) -> Vec<Problem> {
        let mut problems = self.serving.check();
        let option = |what: String, why: &'static str, fix: &str| Problem {
            kind: ProblemKind::InvalidOption,
            what,
            places: Vec::new(),
            why,
            fix: fix.to_owned(),
        };
        if !(1..=http::MAX_MAX_ROUTES).contains(&self.max_routes) {
            problems.push(option(
                format!("`.max_routes({})` is out of range", self.max_routes),
                "the table of routes is made at the start, and every row is memory and series",
                "choose between 1 and 10,000",
            ));
        }
        let bounds = &self.http_buckets;
        let increase = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        let positive = bounds.iter().all(|bound| bound.is_finite() && *bound > 0.0);
        if !(1..=MAX_BUCKETS).contains(&bounds.len()) || !increase || !positive {
            problems.push(option(
                format!("`.http_buckets({bounds:?})` are no bounds of buckets"),
                "each is the upper end of a bucket, in seconds, and every bucket is a series of each route",
                "give 1 to 50 finite numbers above 0, each larger than the one before",
            ));
        }
        if !(1..=facade::MAX_CAP).contains(&self.facade_cap) {
            problems.push(option(
                format!("`.facade_cap({})` is out of range", self.facade_cap),
                "every label set of a third-party metric is memory and a series",
                "choose between 1 and 100,000, or close the side door with `.facade(false)`",
            ));
        }
        if let Some(prefix) = self.prefix().filter(|prefix| !is_name(prefix)) {
            problems.push(option(
                format!("`.metric_prefix({prefix:?})` cannot begin a metric name"),
                "a scraper refuses a whole answer over one bad name",
                "use letters, digits and `_`, a letter first and no `_` last: `traceo`",
            ));
        }
        let share = self.settings.log.success_sample;
        if !(0.0..=1.0).contains(&share) {
            problems.push(option(
                format!("`.success_sample({share})` is out of range"),
                "it is the share of requests whose lines are kept",
                "choose between 0.0 and 1.0",
            ));
        }
        problems.extend(self.check_baggage_keys());
        let timeout = self.settings.shutdown_timeout;
        if timeout > MAX_SHUTDOWN_TIMEOUT {
            problems.push(option(
                format!("`.shutdown_timeout({timeout:?})` is out of range"),
                "a service that does not stop is killed, and loses what it has not sent",
                "choose at most an hour",
            ));
        }
        if install {
            problems.extend(globals::taken(self));
        }
        problems
    }

    /// Whether the facade's recorder shall be the global one.
    pub(super) fn wants_global(&self) -> bool {
        self.facade && self.install_recorder
    }

    /// Starts the facade.
    pub(super) fn start_facade(
        &self,
        own: &[(Cow<'static, str>, bool)],
    ) -> Result<Option<Facade>, Problem> {
        if !self.facade {
            return Ok(None);
        }
        Facade::start(self.facade_cap, own)
            .map(Some)
            .map_err(|error| Problem {
                kind: ProblemKind::Thread,
                what: format!("the thread of the `metrics` facade could not be started: {error}"),
                places: Vec::new(),
                why: "without it, third-party histograms would grow in memory",
                fix: "raise the limit of threads, or close the side door with `.facade(false)`"
                    .to_owned(),
            })
    }
}

fn is_name(prefix: &str) -> bool {
    prefix
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && prefix
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic())
        && !prefix.ends_with('_')
}
