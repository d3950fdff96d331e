//! A Sentry client that the service has already.

use std::sync::Arc;

use ::sentry::{Client, TransportFactory};

use super::setup::Setup;
use crate::redact::Redactor;
use crate::sentry::SentryTransport;

impl Setup {
    /// Reports through a client of the service's own, whatever `SENTRY_DSN` and
    /// [`sentry`](Self::sentry) say.
    ///
    /// Requests get hubs with their tags and trace, errors and panics are reported as by `obs`'s
    /// own client. What is sent of them, how often, and under which release and environment, is up
    /// to the client's options; make it with [`sentry_transport`](Self::sentry_transport), which
    /// removes secrets.
    ///
    /// # Example
    /// ```standalone_crate
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// let setup = obs_runtime::Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?;
    /// let options = sentry::ClientOptions::new()
    ///     .dsn("http://key@127.0.0.1:8000/1")
    ///     .transport(setup.sentry_transport(sentry::transports::DefaultTransportFactory));
    /// let client = Arc::new(sentry::Client::with_options(options));
    /// let obs = setup.sentry_client(client).detached()?;
    /// # drop(obs);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sentry_client(mut self, client: Arc<Client>) -> Self {
        self.options.sentry_client = Some(client);
        self
    }

    /// Wraps a transport of a Sentry client of the service's own: nothing that is a secret or about
    /// a person goes through it. See [`sentry_client`](Self::sentry_client).
    pub fn sentry_transport(&self, inner: impl TransportFactory + 'static) -> SentryTransport {
        let redactor = Redactor::new(&self.options.settings.redact_keys);
        SentryTransport::new(Arc::new(inner), Arc::new(redactor))
    }
}
