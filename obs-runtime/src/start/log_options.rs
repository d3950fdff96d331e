//! The options of the log.

use std::io;
use std::sync::Arc;

use super::Environment;
use super::options::Options;
use super::own::BuildInfo;
use super::setup::Setup;
use super::value::log::Stream;
use super::variables;
use crate::log::{LogFormat, LogOptions, LogOutput};
use crate::redact::Redactor;

impl Setup {
    /// Says whether [`install`](Self::install) writes the log (the default): it then becomes the
    /// process's `tracing` subscriber.
    ///
    /// With `false`, put [`Obs::log_layer`](crate::Obs::log_layer) into a subscriber of your own,
    /// or do without.
    pub fn logs(mut self, write: bool) -> Self {
        self.options.logs = write;
        self
    }

    /// Says whether records of the `log` crate are logged (the default) where
    /// [`logs`](Self::logs) are: `obs` then becomes the process's `log` logger as well.
    pub fn log_bridge(mut self, install: bool) -> Self {
        self.options.log_bridge = install;
        self
    }

    /// Sets how a log line looks, whatever `LOG_FORMAT` says.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.options.settings.log.format = Some(format);
        let name = match format {
            LogFormat::Json => "json",
            LogFormat::Pretty => "pretty",
        };
        self.configuration.chosen(&variables::LOG_FORMAT.row, name);
        self
    }

    /// Writes the log to somewhere else than a standard stream, whatever `OBS_LOG_OUTPUT` says.
    ///
    /// The writer is used by one thread. It may block, which delays no request: lines that find no
    /// room are dropped and counted.
    pub fn log_writer(mut self, writer: impl io::Write + Send + 'static) -> Self {
        self.options.writer = Some(Box::new(writer));
        self.configuration
            .chosen(&variables::LOG_OUTPUT.row, "a writer");
        self
    }

    /// Says that standard output belongs to MCP: the log goes to standard error, whatever
    /// `OBS_LOG_OUTPUT` says. A [`log_writer`](Self::log_writer) stays.
    pub fn mcp_stdio(self) -> Self {
        self.log_to_stderr()
    }

    /// Writes the log to standard error, whatever `OBS_LOG_OUTPUT` says. A
    /// [`log_writer`](Self::log_writer) stays.
    pub fn log_to_stderr(mut self) -> Self {
        self.options.log_to_stderr = true;
        if self.options.writer.is_none() {
            self.configuration
                .chosen(&variables::LOG_OUTPUT.row, "stderr");
        }
        self
    }

    /// Sets the share of successful GET, HEAD and OPTIONS requests whose lines are logged, from 0
    /// to 1, whatever `OBS_LOG_SUCCESS_SAMPLE` says.
    pub fn success_sample(mut self, share: f64) -> Self {
        self.options.settings.log.success_sample = share;
        self.configuration
            .chosen(&variables::SUCCESS_SAMPLE.row, &share.to_string());
        self
    }
}

impl Options {
    /// What the log is started with, if it ever is.
    pub(super) fn log_options(
        &mut self,
        build: &BuildInfo,
        redactor: &Arc<Redactor>,
    ) -> LogOptions {
        let stream = self.stream();
        let written = self.writer.take();
        #[cfg(feature = "test")]
        let memory = self.test_sinks.as_ref().map(crate::test::TestSinks::log);
        #[cfg(not(feature = "test"))]
        let memory: Option<LogOutput> = None;
        LogOptions {
            service: build.service.name().to_owned(),
            environment: build.environment.name().to_owned(),
            format: self.log_format_or_default(&build.environment, written.is_some()),
            output: match (memory, written, stream) {
                (Some(memory), ..) => memory,
                (None, Some(writer), _) => LogOutput::Writer(writer),
                (None, None, Stream::Stdout) => LogOutput::Stdout,
                (None, None, Stream::Stderr) => LogOutput::Stderr,
            },
            redactor: Arc::clone(redactor),
        }
    }

    /// Where the log goes, in words.
    pub(super) fn log_state(&self, environment: &Environment) -> String {
        let format = match self.log_format_or_default(environment, self.writer.is_some()) {
            LogFormat::Json => "json",
            LogFormat::Pretty => "pretty",
        };
        let output = match (&self.writer, self.stream()) {
            (Some(_), _) => "a writer",
            (None, Stream::Stdout) => "stdout",
            (None, Stream::Stderr) => "stderr",
        };
        if self.logs {
            format!("{format} to {output}")
        } else {
            "off: the service has a subscriber of its own".to_owned()
        }
    }

    fn stream(&self) -> Stream {
        if self.log_to_stderr {
            Stream::Stderr
        } else {
            self.settings.log.stream
        }
    }

    pub(super) fn log_format_or_default(
        &self,
        environment: &Environment,
        to_writer: bool,
    ) -> LogFormat {
        let log = &self.settings.log;
        match log.format {
            None if to_writer => LogFormat::Json,
            format => format.unwrap_or_else(|| self.stream().format(environment)),
        }
    }
}
