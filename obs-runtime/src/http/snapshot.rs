//! One rendering of the metrics for all who ask at the same time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time;

use crate::exposition::Format;
use crate::metric::block::LOCAL;
use crate::start::Obs;

/// Who waits for a rendering waits no longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Scrapes that wait for one rendering; further ones are turned away at once.
const MAX_WAITING: usize = 64;

type Waiting = watch::Receiver<Option<Bytes>>;

/// The renderings under way, for each format.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    text: Arc<Flight>,
    openmetrics: Arc<Flight>,
}

/// At most one rendering, and one that follows it.
#[derive(Default)]
struct Flight {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_rendering: bool,
    /// Begins when the present rendering ends, so that whoever joins it finds everything that was
    /// recorded before asking.
    next: Option<watch::Sender<Option<Bytes>>>,
}

/// There are too many scrapes, or they take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

impl Snapshots {
    /// Renders the metrics, or waits for a rendering that begins after the call.
    ///
    /// # Cancel safety
    /// Cancel safe: the rendering goes on for the others.
    pub(super) async fn get(&self, obs: &Obs, format: Format) -> Result<Bytes, Busy> {
        // Inside a test's capture it must be this thread that reads: the numbers are its own. Where
        // tokio does not run there is no other.
        if LOCAL.with(|local| local.captured.get()) || Handle::try_current().is_err() {
            return Ok(obs.scrape(format).into());
        }
        let flight = match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.openmetrics,
        };
        let render = {
            let obs = obs.clone();
            move || obs.scrape(format).into()
        };
        let mut waiting = flight.join(render)?;
        let rendered = time::timeout(PATIENCE, waiting.wait_for(Option::is_some)).await;
        // A rendering that panicked left nothing.
        let snapshot = rendered.ok().and_then(Result::ok);
        snapshot.and_then(|snapshot| snapshot.clone()).ok_or(Busy)
    }
}

impl Flight {
    fn join(
        self: &Arc<Self>,
        render: impl Fn() -> Bytes + Send + 'static,
    ) -> Result<Waiting, Busy> {
        let mut state = self.state();
        if state.is_rendering {
            let next = state.next.get_or_insert_with(|| watch::Sender::new(None));
            if next.receiver_count() >= MAX_WAITING {
                return Err(Busy);
            }
            return Ok(next.subscribe());
        }
        state.is_rendering = true;
        drop(state);
        let (sender, receiver) = watch::channel(None);
        let turn = Turn {
            flight: Arc::clone(self),
            sender,
            is_over: false,
        };
        // Off the threads that serve requests: with many series this takes a while.
        tokio::task::spawn_blocking(move || turn.run(render));
        Ok(receiver)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to render. However it ends, the next scrape may take it.
struct Turn {
    flight: Arc<Flight>,
    sender: watch::Sender<Option<Bytes>>,
    /// The turn was given back, and may be another's by now.
    is_over: bool,
}

impl Turn {
    fn run(mut self, render: impl Fn() -> Bytes) {
        loop {
            self.sender.send_replace(Some(render()));
            let mut state = self.flight.state();
            let Some(next) = state.next.take() else {
                state.is_rendering = false;
                self.is_over = true;
                return;
            };
            drop(state);
            self.sender = next;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // After a panic somebody may wait for the next rendering, which nobody will make.
        let mut state = self.flight.state();
        state.is_rendering = false;
        state.next = None;
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, mpsc};

    use super::{Busy, Bytes, Flight, MAX_WAITING, Waiting};

    async fn text(mut waiting: Waiting) -> Option<Bytes> {
        let text = waiting.wait_for(Option::is_some).await.ok()?;
        text.clone()
    }

    #[tokio::test]
    async fn o3_a_thousand_scrapes_at_once_are_two_renderings_and_the_rest_is_turned_away() {
        let flight = Arc::new(Flight::default());
        let renders = Arc::new(AtomicUsize::new(0));
        let (go, gate) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        let join = || {
            let (renders, gate) = (Arc::clone(&renders), Arc::clone(&gate));
            flight.join(move || {
                gate.lock().unwrap().recv().unwrap();
                Bytes::from(renders.fetch_add(1, Ordering::Relaxed).to_string())
            })
        };
        let first = join().unwrap();
        let joined: Vec<_> = (1..1_000).map(|_| join()).collect();
        let (waiting, refused): (Vec<_>, Vec<_>) = joined.into_iter().partition(Result::is_ok);
        assert_eq!(
            (waiting.len(), refused.len()),
            (MAX_WAITING, 999 - MAX_WAITING)
        );
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert_eq!(text(first).await.unwrap(), "0");
        // They asked while the first was being made, which may have missed what they are after.
        for waiting in waiting {
            assert_eq!(text(waiting.unwrap()).await.unwrap(), "1");
        }
        assert_eq!(renders.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_rendering_that_panics_leaves_nobody_waiting_and_the_next_works() {
        let flight = Arc::new(Flight::default());
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let first = flight.join(move || {
            gate.lock().unwrap().recv().unwrap_err();
            panic!("a collector panicked");
        });
        let second = flight.join(|| Bytes::from("never"));
        drop(go);
        assert_eq!(text(first.unwrap()).await, None);
        assert_eq!(text(second.unwrap()).await, None);
        loop {
            // The turn may end a moment after the sender.
            let third = flight.join(|| Bytes::from("works"));
            assert_ne!(third.as_ref().err(), Some(&Busy));
            if text(third.unwrap()).await.is_some() {
                break;
            }
        }
    }
}
