//! The thread that moves the exporter's samples into its sketches of quantiles.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

const INTERVAL: Duration = Duration::from_secs(5);

/// With this many samples waiting, they are moved at once rather than at the end of the interval.
const EARLY: usize = 1 << 16;

/// More are not kept: 2 MiB.
const FULL: usize = 1 << 17;

/// The samples that wait for the exporter's upkeep.
#[derive(Debug)]
pub(super) struct Backlog {
    waiting: Arc<AtomicUsize>,
    wake: SyncSender<()>,
}

impl Backlog {
    /// Starts the thread; it ends when the backlog is dropped.
    pub(super) fn start(handle: PrometheusHandle) -> io::Result<Arc<Self>> {
        let (wake, asleep) = sync_channel(1);
        let waiting = Arc::new(AtomicUsize::new(0));
        let emptied = Arc::clone(&waiting);
        std::thread::Builder::new()
            .name("obs-facade".to_owned())
            .spawn(move || run(&handle, &asleep, &emptied))?;
        Ok(Arc::new(Self { waiting, wake }))
    }

    /// Makes room for a sample, or says that there is none.
    pub(super) fn takes_one(&self) -> bool {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting == EARLY {
            // Full means that the thread was already asked; it cannot be gone while we are here.
            let _: Result<(), _> = self.wake.try_send(());
        }
        waiting < FULL
    }
}

fn run(handle: &PrometheusHandle, asleep: &Receiver<()>, waiting: &AtomicUsize) {
    while asleep.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Disconnected) {
        handle.run_upkeep();
        waiting.store(0, Ordering::Relaxed);
    }
}
