//! The thread that moves the exporter's histogram samples into their buckets.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

const INTERVAL: Duration = Duration::from_secs(5);

/// This many samples are moved at once rather than kept for the rest of the interval: 1.5 MiB.
const EARLY: usize = 1 << 16;

/// Samples recorded since the last upkeep, and the way to ask for the next one.
#[derive(Debug)]
pub(super) struct Backlog {
    samples: AtomicUsize,
    wake: SyncSender<()>,
}

impl Backlog {
    /// Starts the thread; it ends when the backlog is dropped.
    pub(super) fn start(handle: PrometheusHandle) -> io::Result<Arc<Self>> {
        let (wake, asleep) = sync_channel(1);
        std::thread::Builder::new()
            .name("obs-facade".to_owned())
            .spawn(move || run(&handle, &asleep))?;
        Ok(Arc::new(Self {
            samples: AtomicUsize::new(0),
            wake,
        }))
    }

    pub(super) fn add_one(&self) {
        if self.samples.fetch_add(1, Ordering::Relaxed) == EARLY {
            self.samples.store(0, Ordering::Relaxed);
            // Full means that the thread was already asked; it cannot be gone while we are here.
            let _: Result<(), _> = self.wake.try_send(());
        }
    }
}

fn run(handle: &PrometheusHandle, asleep: &Receiver<()>) {
    while asleep.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Disconnected) {
        handle.run_upkeep();
    }
}
