//! The signal to stop, and the deadline that comes with it.

use std::future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time;

/// What is kept of the time limit for OTLP, Sentry and the log: a fifth, but no more than this.
const MAX_RESERVE: Duration = Duration::from_secs(3);

/// Tells every part of the service that it is about to stop.
///
/// Stopping has two moments. When it [begins](Self::begin), `/ready` answers 503 and load balancers
/// look elsewhere, while requests are served as before. After the drain delay it is
/// [closing](Self::closing): nothing is accepted any more, and streams end. Everything is over at
/// the [deadline](Self::deadline).
///
/// Cheap to clone; all clones are one signal.
///
/// # Example
/// ```standalone_crate
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use obs_runtime::Obs;
/// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// let shutdown = obs.shutdown();
/// let worker = tokio::spawn({
///     let shutdown = shutdown.clone();
///     async move { shutdown.begun().await }
/// });
/// shutdown.begin();
/// worker.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    timeout: Duration,
    drain_delay: Duration,
    begun: watch::Sender<Option<Moments>>,
}

/// When what happens, once stopping has begun.
#[derive(Clone, Copy, Debug)]
struct Moments {
    closing: Instant,
    requests_end: Instant,
    deadline: Instant,
}

impl Shutdown {
    /// Makes a signal that leaves `drain_delay` between being not ready and closing, or half of the
    /// time that requests have, if that is shorter.
    pub(crate) fn new(timeout: Duration, drain_delay: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                timeout,
                drain_delay: drain_delay.min(requests_time(timeout) / 2),
                begun: watch::Sender::new(None),
            }),
        }
    }

    /// How long requests are still accepted once stopping has begun.
    pub(crate) fn drain_delay(&self) -> Duration {
        self.inner.drain_delay
    }

    /// Begins to stop: not ready, drain, stop accepting, end streams.
    ///
    /// Only the first call sets the deadline; further ones, from any thread, do nothing.
    pub fn begin(&self) {
        let inner = &*self.inner;
        inner.begun.send_if_modified(|moments| {
            if moments.is_some() {
                return false;
            }
            // Tokio's clock, so that a test that pauses it decides about the deadline as well.
            let now = time::Instant::now().into_std();
            *moments = Some(Moments {
                closing: after(now, inner.drain_delay),
                requests_end: after(now, requests_time(inner.timeout)),
                deadline: after(now, inner.timeout),
            });
            true
        });
    }

    /// Returns whether the service is about to stop.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.inner.begun.borrow().is_some()
    }

    /// Waits until the service is about to stop.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn begun(&self) {
        self.moments().await;
    }

    /// Waits until the service stops accepting: streams end now.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closing(&self) {
        let moments = self.moments().await;
        time::sleep_until(moments.closing.into()).await;
    }

    /// Returns the moment at which everything must be over, once stopping has begun.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.inner.begun.borrow().map(|moments| moments.deadline)
    }

    /// Returns the moment at which requests are cut off, once stopping has begun: early enough
    /// that what they recorded can still be sent.
    pub(crate) fn requests_end(&self) -> Option<Instant> {
        let begun = self.inner.begun.borrow();
        begun.map(|moments| moments.requests_end)
    }

    async fn moments(&self) -> Moments {
        let mut begun = self.inner.begun.subscribe();
        let moments = begun.wait_for(Option::is_some).await.ok().and_then(|m| *m);
        match moments {
            Some(moments) => moments,
            // The sender lives as long as this.
            None => future::pending().await,
        }
    }
}

/// The part of the time limit that requests have.
fn requests_time(timeout: Duration) -> Duration {
    timeout.saturating_sub((timeout / 5).min(MAX_RESERVE))
}

/// A limit past the end of time is none that anybody waits for.
fn after(now: Instant, time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365);
    now + time.min(FAR)
}

#[cfg(test)]
mod tests {
    use super::{Duration, Shutdown};

    const ZERO: Duration = Duration::ZERO;
    const SECOND: Duration = Duration::from_secs(1);

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    }

    #[test]
    fn g5_only_the_first_of_a_hundred_calls_sets_the_deadline() {
        let shutdown = Shutdown::new(25 * SECOND, ZERO);
        assert!(!shutdown.has_begun() && shutdown.deadline().is_none());
        std::thread::scope(|scope| {
            for _ in 0..100 {
                scope.spawn(|| shutdown.begin());
            }
        });
        let deadline = shutdown.deadline().unwrap();
        shutdown.begin();
        assert!(shutdown.has_begun());
        assert_eq!(shutdown.deadline(), Some(deadline));
    }

    #[test]
    fn everybody_who_waits_is_told_and_so_is_who_comes_later() {
        paused().block_on(async {
            let shutdown = Shutdown::new(25 * SECOND, Duration::ZERO);
            let waiting: Vec<_> = (0..100)
                .map(|_| {
                    let shutdown = shutdown.clone();
                    tokio::spawn(async move { shutdown.begun().await })
                })
                .collect();
            tokio::task::yield_now().await;
            shutdown.begin();
            for task in waiting {
                task.await.unwrap();
            }
            shutdown.begun().await;
        });
    }

    #[test]
    fn closing_comes_after_the_drain_delay_and_leaves_time_for_requests() {
        for (timeout, delay, closing) in [
            (25 * SECOND, 5 * SECOND, 5 * SECOND),
            (25 * SECOND, ZERO, ZERO),
            // 5 s less a fifth, and half of that.
            (5 * SECOND, 5 * SECOND, 2 * SECOND),
            (ZERO, 5 * SECOND, ZERO),
        ] {
            paused().block_on(async {
                let shutdown = Shutdown::new(timeout, delay);
                let start = tokio::time::Instant::now();
                shutdown.begin();
                shutdown.closing().await;
                assert_eq!(start.elapsed(), closing, "{timeout:?} {delay:?}");
                assert_eq!(shutdown.deadline(), Some(start.into_std() + timeout));
            });
        }
    }

    #[test]
    fn what_requests_recorded_has_time_to_be_sent() {
        for (timeout, requests) in [(25, 22), (10, 8), (100, 97)] {
            paused().block_on(async {
                let shutdown = Shutdown::new(timeout * SECOND, ZERO);
                let start = tokio::time::Instant::now().into_std();
                shutdown.begin();
                assert_eq!(shutdown.requests_end(), Some(start + requests * SECOND));
            });
        }
    }

    #[test]
    fn no_time_limit_is_too_long() {
        let shutdown = Shutdown::new(Duration::MAX, Duration::MAX);
        shutdown.begin();
        assert!(shutdown.deadline().is_some());
    }
}
