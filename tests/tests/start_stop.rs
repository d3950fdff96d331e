//! Flushing and stopping by hand, from every place that could be a deadlock.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use obs::Obs;
use tracing_subscriber::layer::SubscriberExt;

/// A sink that takes nothing until it is told to.
#[derive(Clone, Default)]
struct Stuck(Arc<(Mutex<bool>, Condvar)>);

impl Stuck {
    fn release(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let free = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(free, |free| !*free).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PATIENCE: Duration = Duration::from_millis(50);

fn obs(sink: &Stuck) -> Obs {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .log_writer(sink.clone())
        .detached()
        .unwrap();
    let subscriber = tracing_subscriber::registry().with(obs.log_layer());
    tracing::subscriber::with_default(subscriber, || tracing::info!("stuck"));
    obs
}

fn stop(obs: &Obs) {
    let start = Instant::now();
    let losses = obs.clone().stop(PATIENCE);
    assert!(start.elapsed() < PATIENCE + Duration::from_millis(500));
    assert_eq!(
        losses.to_string(),
        "the log could not be written to its end in time"
    );
}

struct StopsWhenDropped(Obs);

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        stop(&self.0);
    }
}

#[test]
fn g4_stopping_is_no_deadlock_wherever_it_is_called() {
    let sink = Stuck::default();
    let obs = obs(&sink);
    // No runtime.
    stop(&obs);
    let current = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    current().block_on(async { stop(&obs) });
    let one = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let given = obs.clone();
    one.block_on(async { tokio::spawn(async move { stop(&given) }).await.unwrap() });
    let given = obs.clone();
    current().block_on(tokio::task::LocalSet::new().run_until(async move {
        tokio::task::spawn_local(async move { stop(&given) })
            .await
            .unwrap();
    }));
    // A drop while a panic unwinds.
    let given = obs.clone();
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = StopsWhenDropped(given);
        panic!("unwinds")
    }));
    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"unwinds"));
    // A panic hook.
    let given = obs.clone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |_| stop(&given)));
    let panicked = std::thread::spawn(|| panic!("hooked")).join();
    std::panic::set_hook(before);
    assert!(panicked.is_err());

    // Nothing was lost by it: what waited is written once the sink takes it.
    sink.release();
    let losses = obs.flush(Duration::from_secs(5));
    assert!(losses.is_empty(), "{losses}");
}

#[test]
fn g5_stopping_has_begun_for_everybody_and_no_patience_is_too_long_or_short() {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap();
    assert!(obs.flush(Duration::MAX).is_empty());
    assert!(!obs.shutdown().has_begun(), "a flush is no stop");
    assert!(obs.clone().stop(Duration::ZERO).is_empty());
    assert!(obs.shutdown().has_begun());
    assert!(obs.clone().stop(Duration::MAX).is_empty());
}
