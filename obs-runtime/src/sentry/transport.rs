//! A transport around that of a client which is not ours.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::sentry::{Envelope, Transport, TransportFactory, TransportOptions};

use super::envelope;
use crate::redact::Redactor;

/// Removes secrets and personal data from everything that a Sentry client sends; made by
/// [`Setup::sentry_transport`](crate::Setup::sentry_transport).
///
/// Attachments are left out.
#[derive(Clone)]
pub struct SentryTransport {
    inner: Arc<dyn TransportFactory>,
    redactor: Arc<Redactor>,
}

impl SentryTransport {
    pub(crate) fn new(inner: Arc<dyn TransportFactory>, redactor: Arc<Redactor>) -> Self {
        Self { inner, redactor }
    }
}

impl TransportFactory for SentryTransport {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        Arc::new(Scrubbing {
            inner: self.inner.create_transport_with_options(options),
            redactor: Arc::clone(&self.redactor),
        })
    }
}

struct Scrubbing {
    inner: Arc<dyn Transport>,
    redactor: Arc<Redactor>,
}

impl Transport for Scrubbing {
    fn send_envelope(&self, envelope: Envelope) {
        let read = envelope::read(&envelope, &self.redactor, None);
        let items: Vec<_> = read
            .items
            .into_iter()
            .filter(|item| !item.withheld)
            .collect();
        if items.is_empty() {
            return;
        }
        let text = envelope::write(&read.header, &items);
        // Read back so that the inner transport sees what it knows, and as it is where it cannot be.
        let scrubbed = Envelope::from_slice(&text).or_else(|_| Envelope::from_bytes_raw(text));
        if let Ok(scrubbed) = scrubbed {
            self.inner.send_envelope(scrubbed);
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.inner.flush(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.inner.shutdown(timeout)
    }
}

impl fmt::Debug for SentryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryTransport").finish_non_exhaustive()
    }
}
