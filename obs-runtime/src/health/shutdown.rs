//! The signal to stop, and the deadline that comes with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Tells every part of the service that it is about to stop.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    timeout: Duration,
    /// The moment at which everything must be over.
    deadline: watch::Sender<Option<Instant>>,
}

impl Shutdown {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                timeout,
                deadline: watch::Sender::new(None),
            }),
        }
    }

    /// Begins to stop: not ready, drain, stop accepting, end streams. A second call does nothing.
    pub fn begin(&self) {
        self.inner.deadline.send_if_modified(|deadline| {
            let first = deadline.is_none();
            if first {
                *deadline = Some(Instant::now() + self.inner.timeout);
            }
            first
        });
    }

    /// Returns whether the service is about to stop.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.deadline().is_some()
    }

    /// Waits until the service is about to stop.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn begun(&self) {
        // The sender lives as long as this.
        drop(
            self.inner
                .deadline
                .subscribe()
                .wait_for(Option::is_some)
                .await,
        );
    }

    /// Returns the moment at which everything must be over, once stopping has begun.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        *self.inner.deadline.borrow()
    }
}
