//! The options of traces: which there are, what is passed on, where their spans go.

use std::sync::Arc;

use super::error::{Problem, ProblemKind};
use super::options::Options;
#[cfg(feature = "otlp")]
use super::own::BuildInfo;
use super::setup::Setup;
use crate::context::{Sampler, TracePolicy};
#[cfg(feature = "otlp")]
use crate::otlp::TracesOptions;
#[cfg(feature = "otlp")]
use crate::redact::Redactor;

/// More of them is no choice.
const MAX_BAGGAGE_KEYS: usize = 64;

impl Setup {
    /// Allows members of `baggage` to be passed on, by their keys; at most 64. None are by default.
    ///
    /// What is not allowed is left out: whoever calls could make every request of the system behind
    /// larger, and what is in it is nobody's to hand on.
    ///
    /// # Example
    /// ```standalone_crate
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let obs = obs_runtime::Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?
    ///     .baggage_keys(["tenant", "experiment"])
    ///     .detached()?;
    /// # drop(obs);
    /// # Ok(())
    /// # }
    /// ```
    pub fn baggage_keys<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.options.baggage_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Says whether spans are exported where `OTEL_EXPORTER_OTLP_ENDPOINT` or another variable asks
    /// for it (the default).
    ///
    /// With `false`, an OpenTelemetry pipeline of the service's own stays alone in the process. Trace
    /// ids are made and handed on all the same. With [`logs(false)`](Self::logs), put
    /// [`Obs::otlp_layer`](crate::Obs::otlp_layer) into a subscriber of your own.
    #[cfg(feature = "otlp")]
    pub fn traces(mut self, export: bool) -> Self {
        self.options.traces = export;
        self
    }
}

impl Options {
    /// Which traces are recorded, and what is passed on.
    pub(super) fn trace_policy(&self) -> Arc<TracePolicy> {
        let settings = &self.settings.traces;
        Arc::new(TracePolicy {
            sampler: Sampler {
                ratio: settings.ratio,
                parent_based: settings.parent_based,
            },
            tracecontext: settings.propagators.tracecontext,
            baggage_keys: if settings.propagators.baggage {
                self.baggage_keys.clone()
            } else {
                Vec::new()
            },
        })
    }

    /// What the export is started with, where it is wanted.
    #[cfg(feature = "otlp")]
    pub(super) fn traces_options(
        &self,
        build: &BuildInfo,
        attributes: &[(String, String)],
        redactor: &Arc<Redactor>,
    ) -> Option<TracesOptions> {
        let settings = &self.settings.traces;
        if !self.traces || !settings.is_wanted() {
            return None;
        }
        let own = [
            ("service.name", build.service.name()),
            ("service.version", build.service.version()),
            ("deployment.environment.name", build.environment.name()),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Some(TracesOptions {
            collector: settings.otlp.clone(),
            console: settings
                .console
                .then(|| self.log_format_or_default(&build.environment, false)),
            queue: settings.queue,
            policy: self.trace_policy(),
            keep_errors: settings.keep_errors,
            resource: attributes.iter().cloned().chain(own).collect(),
            redactor: Arc::clone(redactor),
        })
    }

    /// Where spans go, in words.
    pub(super) fn traces_state(&self) -> String {
        let settings = &self.settings.traces;
        #[cfg(feature = "otlp")]
        if !self.traces {
            return "off: the service exports for itself".to_owned();
        }
        if settings.disabled {
            return "off: OTEL_SDK_DISABLED is set".to_owned();
        }
        if !settings.is_wanted() {
            return "off: OTEL_EXPORTER_OTLP_ENDPOINT is not set".to_owned();
        }
        if cfg!(not(feature = "otlp")) {
            return "off: obs was built without feature `otlp`".to_owned();
        }
        let collector = settings
            .otlp
            .as_ref()
            .map(|otlp| format!("{} to {}", otlp.protocol.name(), otlp.url));
        let console = settings.console.then(|| "console".to_owned());
        let sinks: Vec<String> = collector.into_iter().chain(console).collect();
        format!(
            "{}; {} of the traces{}",
            sinks.join(" and "),
            settings.ratio,
            if settings.keep_errors {
                ", and every failed request"
            } else {
                ""
            }
        )
    }

    pub(super) fn check_baggage_keys(&self) -> Option<Problem> {
        let is_key = |key: &String| {
            let fits =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            (1..=256).contains(&key.len()) && key.bytes().all(fits)
        };
        let keys = &self.baggage_keys;
        if keys.len() <= MAX_BAGGAGE_KEYS && keys.iter().all(is_key) {
            return None;
        }
        Some(Problem {
            kind: ProblemKind::InvalidOption,
            what: format!("`.baggage_keys({:.200})` are no keys", format!("{keys:?}")),
            places: Vec::new(),
            why: "they are looked for in a header of every request",
            fix: "give at most 64 keys of letters, digits and `!#$%&'*+-.^_`|~`".to_owned(),
        })
    }
}
