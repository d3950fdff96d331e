//! The options of feature `http`: routes, the facade, the metrics listener.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Environment;
use super::error::{Problem, ProblemKind};
use super::obs::HttpParts;
use super::serving::ServingOptions;
use super::setup::Setup;
use crate::facade::{self, Facade};
use crate::health::{Health, Shutdown};
use crate::http::{self, Traffic, TrafficOptions};
use crate::redact::Redactor;

/// What can be chosen.
#[derive(Debug)]
pub(super) struct Options {
    max_routes: usize,
    prefix: Option<String>,
    facade: bool,
    facade_cap: usize,
    install_recorder: bool,
    pub(super) serving: ServingOptions,
}

impl Setup {
    /// Sets how many routes are counted by name; further ones are route `other`. The default is
    /// 100, the most is 10,000.
    pub fn max_routes(mut self, routes: usize) -> Self {
        self.options.max_routes = routes;
        self
    }

    /// Puts a prefix and `_` in front of the names of the HTTP families:
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
}

impl Options {
    pub(super) fn new(admin_addr: Option<SocketAddr>) -> Self {
        Self {
            max_routes: http::DEFAULT_MAX_ROUTES,
            prefix: None,
            facade: true,
            facade_cap: facade::DEFAULT_CAP,
            install_recorder: true,
            serving: ServingOptions::new(admin_addr),
        }
    }

    pub(super) fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    pub(super) fn parts(&self, environment: &Environment) -> HttpParts {
        let redactor = Arc::new(Redactor::new(&[]));
        let health = Health::new(Arc::clone(&redactor), self.serving.manual_startup);
        health.configure(None, None, None);
        let timeout = Duration::from_secs(25);
        let drain_delay = self.serving.drain_delay(environment);
        HttpParts {
            admin_addr: self.serving.admin_addr,
            redactor,
            logs: None,
            health,
            shutdown: Shutdown::new(timeout, drain_delay),
            serving: self.serving.parts(environment),
        }
    }

    pub(super) fn traffic(&self) -> Arc<Traffic> {
        Arc::new(Traffic::new(TrafficOptions {
            prefix: self.prefix.clone(),
            max_routes: self.max_routes,
            buckets: http::DEFAULT_BUCKETS.to_vec(),
            trusted: http::default_trusted(),
            success_sample: 1.0,
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
        // With other problems at hand, do not keep this one for the next attempt.
        if install && !problems.is_empty() && self.wants_global() && another_recorder() {
            problems.push(recorder_installed());
        }
        problems
    }

    /// Whether the facade's recorder shall be the global one.
    pub(super) fn wants_global(&self) -> bool {
        self.facade && self.install_recorder
    }

    /// Starts the facade. Making its recorder the global one comes last, because it cannot be
    /// taken back.
    pub(super) fn start_facade(
        &self,
        own: &[(Cow<'static, str>, bool)],
        install: bool,
    ) -> Result<Option<Facade>, Problem> {
        if !self.facade {
            return Ok(None);
        }
        let facade = Facade::start(self.facade_cap, own).map_err(|error| Problem {
            kind: ProblemKind::Thread,
            what: format!("the thread of the `metrics` facade could not be started: {error}"),
            places: Vec::new(),
            why: "without it, third-party histograms would grow in memory",
            fix: "raise the limit of threads, or close the side door with `.facade(false)`"
                .to_owned(),
        })?;
        if install && self.wants_global() {
            metrics::set_global_recorder(facade.recorder().clone())
                .map_err(|_| recorder_installed())?;
        }
        Ok(Some(facade))
    }
}

fn recorder_installed() -> Problem {
    Problem {
        kind: ProblemKind::RecorderInstalled,
        what: "another recorder of the `metrics` facade is installed".to_owned(),
        places: Vec::new(),
        why: "the facade takes one for the life of the process, so third-party metrics would be \
              missing here",
        fix: "install obs first; or say `.install_recorder(false)` and pass records on to \
              `obs.recorder()`; or `.facade(false)`"
            .to_owned(),
    }
}

/// Whether records go anywhere. The recorder that drops them is the only one without fields.
fn another_recorder() -> bool {
    metrics::with_recorder(|recorder| size_of_val(recorder) != 0)
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
