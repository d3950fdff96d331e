//! Starting: from the environment, through checks, to the [`Obs`] that the service works with.

mod checks;
mod config;
mod configuration;
mod environment;
mod error;
mod first_line;
#[cfg(feature = "http")]
mod globals;
#[cfg(feature = "http")]
mod log_options;
#[cfg(feature = "http")]
mod log_slot;
#[cfg(feature = "http")]
mod losses;
mod obs;
#[cfg(feature = "http")]
mod options;
mod own;
mod page;
#[cfg(feature = "http")]
mod panic;
#[cfg(feature = "http")]
mod run;
#[cfg(feature = "sentry")]
mod sentry_client;
#[cfg(feature = "http")]
mod serving;
#[cfg(feature = "http")]
mod settings;
mod setup;
#[cfg(feature = "http")]
mod signals;
#[cfg(feature = "http")]
mod started;
#[cfg(feature = "http")]
mod stop;
#[cfg(all(feature = "test", feature = "http"))]
mod test_sinks;
#[cfg(feature = "http")]
mod trace_options;
mod value;
mod variable;
mod variables;

pub use config::{ConfigError, InvalidVariable};
pub use configuration::{Configuration, ConfigurationEntry, ConfigurationSource};
pub use environment::Environment;
pub use error::{Problem, ProblemKind, StartError};
#[cfg(feature = "http")]
pub use losses::Losses;
pub use obs::Obs;
#[cfg(feature = "http")]
pub(crate) use panic::take_last_panic;
#[cfg(feature = "sentry")]
pub(crate) use panic::without_machine;
#[cfg(feature = "http")]
pub use run::{BoxError, run, run_with};
#[cfg(feature = "otlp")]
pub(crate) use settings::{OtlpSettings, QueueSettings};
pub use setup::Setup;
#[cfg(feature = "otlp")]
pub(crate) use value::traces::Protocol;
#[cfg(feature = "http")]
pub(crate) use variable::shown_url;

use std::borrow::Cow;

/// The name and version of the service that is observed.
///
/// [`service!`](crate::service) takes both from the crate that calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub(crate) name: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
}

impl Service {
    /// Names a service by hand.
    #[must_use]
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            version: Cow::Borrowed(version),
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Names the service after the calling crate: its package name and version.
///
/// # Example
/// ```
/// let service = obs_runtime::service!();
/// assert_eq!(service.version(), env!("CARGO_PKG_VERSION"));
/// ```
#[macro_export]
macro_rules! service {
    () => {
        $crate::Service::new(
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_PKG_VERSION"),
        )
    };
}
