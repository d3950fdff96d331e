//! What the `Obs` of a test has instead of a standard stream and a server.

use super::setup::Setup;
use crate::log::LogFormat;
use crate::test::TestSinks;

/// A DSN that is read and never connected to.
#[cfg(feature = "sentry")]
const DSN: &str = "http://test@127.0.0.1:9/1";

impl Setup {
    /// Keeps log lines and Sentry events in memory, whatever the variables say.
    pub(crate) fn test_sinks(mut self, sinks: TestSinks) -> Self {
        self.options.test_sinks = Some(sinks);
        #[cfg(feature = "sentry")]
        {
            self.options.settings.sentry.dsn = Some(DSN.to_owned());
        }
        // Lines are read back.
        self.log_format(LogFormat::Json)
    }

    /// Returns whether there is a variable of this name.
    pub(crate) fn knows(&self, variable: &str) -> bool {
        self.configuration
            .rows()
            .any(|row| row.names.contains(&variable))
    }
}
