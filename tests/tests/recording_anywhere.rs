//! Recording works wherever code can run: in destructors of thread-locals, in panic hooks, and
//! while the same thread scrapes.

use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use obs::catalog::{Families, Part, Totals, add_part, gather};

obs::metrics! {
    registry ANYWHERE;

    /// Threads that ended.
    counter anywhere_ended_total();

    /// Seconds that threads lived.
    histogram anywhere_lived_seconds() { buckets = [1.0] }

    /// Scrapes that went through the hostile part.
    counter anywhere_scraped_total();

    /// The level at the last scrape.
    gauge anywhere_level();

    /// Panics seen by the hook.
    counter anywhere_panics_total();
}

#[obs::observed]
fn anywhere_last_words() {
    anywhere_ended_total().inc();
}

struct AtTheEnd(Option<obs::Timer>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        anywhere_last_words();
        drop(self.0.take());
    }
}

thread_local! {
    static AT_THE_END: AtTheEnd = AtTheEnd(Some(anywhere_lived_seconds().start_timer()));
}

/// The tests read the process's totals, one after the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn calls(operation: &str) -> u64 {
    let families = gather();
    let calls = families
        .iter()
        .find(|family| family.name == "operation_calls_total");
    let samples = calls
        .map(|family| family.samples.as_slice())
        .unwrap_or_default();
    samples
        .iter()
        .filter(|sample| sample.labels.iter().any(|(_, value)| value == operation))
        .map(|sample| match sample.value {
            obs::catalog::Value::Unsigned(count) => count,
            _ => 0,
        })
        .sum()
}

#[test]
fn a_destructor_of_a_thread_local_counts_calls_and_durations() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let threads: Vec<_> = (0..100)
        .map(|_| thread::spawn(|| AT_THE_END.with(|_| ())))
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(anywhere_ended_total().get(), 100);
    assert_eq!(anywhere_lived_seconds().count(), 100);
    assert_eq!(calls("anywhere_last_words"), 100);
}

/// Does everything in a scrape that a part must not do.
struct Hostile;

impl Part for Hostile {
    fn collect(&self, _: &Totals, _: &mut Families) {
        anywhere_scraped_total().inc();
        anywhere_level().set(7);
        assert_eq!(anywhere_level().get(), 7);
        observed_in_a_scrape();
        drop(catch_unwind(|| panic!("in the middle of a scrape")));
    }
}

#[obs::observed]
fn observed_in_a_scrape() {}

#[test]
fn recording_and_reading_while_the_same_thread_scrapes_ends_and_counts() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    std::panic::set_hook(Box::new(|_| anywhere_panics_total().inc()));
    add_part(&Hostile);
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        drop(gather());
        done.send(()).unwrap();
    });
    // A deadlock would hold the lock of all scrapes for ever.
    wait.recv_timeout(Duration::from_secs(20))
        .expect("the scrape ends");
    assert!(anywhere_scraped_total().get() >= 1);
    assert_eq!(
        anywhere_panics_total().get(),
        anywhere_scraped_total().get()
    );
}
