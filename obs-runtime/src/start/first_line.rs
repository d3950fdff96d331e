//! The first line of the log: what runs here, and the state of every sink.

use super::Obs;
use super::setup::Setup;

/// What is known before the options are used up.
pub(super) struct FirstLine {
    assumed: bool,
    #[cfg(feature = "http")]
    log: String,
    /// Somebody else writes the log; ours has service and environment on every line.
    #[cfg(feature = "http")]
    elsewhere: bool,
    #[cfg(feature = "http")]
    sentry: &'static str,
    #[cfg(feature = "http")]
    traces: String,
}

impl FirstLine {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            assumed: setup.assumed,
            #[cfg(feature = "http")]
            log: setup.options.log_state(&setup.build.environment),
            #[cfg(feature = "http")]
            elsewhere: !setup.options.wants_logs(),
            #[cfg(feature = "http")]
            sentry: setup.options.sentry_state(),
            #[cfg(feature = "http")]
            traces: setup.options.traces_state(),
        }
    }

    #[cfg(not(feature = "http"))]
    pub(super) fn write(&self, obs: &Obs) {
        tracing::info!(
            target: TARGET,
            service = obs.service().name(),
            version = obs.service().version(),
            environment = obs.environment().name(),
            "obs started"
        );
        self.say_if_assumed(obs);
    }

    #[cfg(feature = "http")]
    pub(super) fn write(&self, obs: &Obs) {
        let settings = &obs.http().settings;
        tracing::info!(
            target: TARGET,
            service = self.elsewhere.then(|| obs.service().name()),
            version = obs.service().version(),
            environment = self.elsewhere.then(|| obs.environment().name()),
            log = self.log,
            log_filter = settings.log.filter,
            log_success_sample = settings.log.success_sample,
            sentry = self.sentry,
            traces = self.traces,
            metrics = metrics(obs),
            checks = checks(settings),
            shutdown_timeout = ?settings.shutdown_timeout,
            "obs started"
        );
        self.say_if_assumed(obs);
        if settings.sentry.dsn.is_some() && cfg!(not(feature = "sentry")) {
            tracing::warn!(
                target: TARGET,
                "SENTRY_DSN is set, but nothing is sent: obs was built without its feature `sentry`"
            );
        }
        if settings.traces.is_wanted() && cfg!(not(feature = "otlp")) {
            tracing::warn!(
                target: TARGET,
                "spans shall be exported, but none are: obs was built without its feature `otlp`"
            );
        }
        if obs.facade_is_deaf() {
            tracing::warn!(
                target: TARGET,
                "records through the `metrics` facade do not arrive: a recorder local to this thread takes them"
            );
        }
    }

    fn say_if_assumed(&self, obs: &Obs) {
        if self.assumed && obs.environment().is_production() {
            tracing::info!(
                target: TARGET,
                "no environment is set (OBS_ENV): behaving as in prod"
            );
        }
    }
}

const TARGET: &str = "obs::start";

#[cfg(feature = "http")]
fn metrics(obs: &Obs) -> String {
    let access = &obs.http().settings.access;
    let port = if obs.http().serving.access.has_tokens() {
        "/metrics for whoever has the token"
    } else if *obs.environment() == super::Environment::DEV {
        "/metrics open to this machine"
    } else {
        "/metrics off: neither OBS_METRICS_TOKEN nor OBS_METRICS_TOKEN_FILE is set"
    };
    match access.admin_addr {
        Some(address) => format!("{port}; OBS_ADMIN_ADDR is {address}"),
        None => port.to_owned(),
    }
}

#[cfg(feature = "http")]
fn checks(settings: &super::settings::Settings) -> String {
    let checks = &settings.checks;
    let names = [
        ("database", checks.database.is_some()),
        ("cache", checks.cache.is_some()),
        ("external", checks.external.is_some()),
    ];
    let on: Vec<&str> = names
        .iter()
        .filter_map(|(name, on)| on.then_some(*name))
        .collect();
    if on.is_empty() {
        "none set by variables".to_owned()
    } else {
        on.join(", ")
    }
}
