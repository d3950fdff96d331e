//! However an observed call ends, it is counted once, and nothing stays in flight.
#![expect(clippy::float_cmp, reason = "counts in tests are small integers")]

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use obs::test::{Capture, capture};

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn outcome(capture: &Capture, operation: &str, outcome: &str) -> f64 {
    let labels = [("operation", operation), ("outcome", outcome)];
    capture.value("operation_calls_total", &labels)
}

fn in_flight(capture: &Capture, operation: &str) -> f64 {
    capture.value("operations_in_flight", &[("operation", operation)])
}

#[obs::observed]
async fn waits() -> Result<(), String> {
    tokio::time::sleep(Duration::from_secs(60)).await;
    Ok(())
}

#[obs::observed]
fn waits_boxed() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(std::future::pending())
}

#[obs::observed]
async fn panics_after_a_wait() {
    tokio::task::yield_now().await;
    panic!("boom")
}

#[obs::observed]
fn panics() -> Result<(), String> {
    panic!("boom")
}

#[obs::observed]
fn panics_before_its_future(panics: bool) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    assert!(!panics, "boom");
    Box::pin(async {})
}

#[tokio::test(start_paused = true)]
async fn a_thousand_dropped_futures_are_counted_as_cancelled() {
    let capture = capture();
    capture.run_sync(|| {
        let mut futures: Vec<_> = (0..1_000).map(|_| Box::pin(waits())).collect();
        for future in &mut futures {
            assert!(poll_once(future.as_mut()).is_pending());
        }
        assert_eq!(in_flight(&capture, "waits"), 1_000.0);
    });
    assert_eq!(in_flight(&capture, "waits"), 0.0);
    assert_eq!(outcome(&capture, "waits", "cancelled"), 1_000.0);
    assert_eq!(
        capture.value("operation_calls_total", &[("operation", "waits")]),
        1_000.0
    );
}

#[test]
fn a_future_that_is_dropped_before_its_first_poll_is_no_call() {
    let capture = capture();
    capture.run_sync(|| {
        for _ in 0..1_000 {
            drop(waits());
            drop(waits_boxed());
        }
    });
    capture.assert_changed(&[]);
}

#[test]
fn a_boxed_future_that_is_dropped_is_counted_as_cancelled() {
    let capture = capture();
    capture.run_sync(|| {
        let mut future = waits_boxed();
        assert!(poll_once(future.as_mut()).is_pending());
        assert_eq!(in_flight(&capture, "waits_boxed"), 1.0);
    });
    assert_eq!(in_flight(&capture, "waits_boxed"), 0.0);
    assert_eq!(outcome(&capture, "waits_boxed", "cancelled"), 1.0);
}

#[test]
fn a_panic_is_counted_and_goes_on() {
    let capture = capture();
    for _ in 0..3 {
        let panic = catch_unwind(|| capture.run_sync(panics)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"boom"));
    }
    assert_eq!(outcome(&capture, "panics", "panic"), 3.0);
    assert_eq!(in_flight(&capture, "panics"), 0.0);
}

#[test]
fn a_panic_after_a_wait_is_counted_once_although_the_future_is_dropped_later() {
    let capture = capture();
    capture.run_sync(|| {
        let mut future = Box::pin(panics_after_a_wait());
        assert!(poll_once(future.as_mut()).is_pending());
        catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()).is_ready())).unwrap_err();
        assert_eq!(outcome(&capture, "panics_after_a_wait", "panic"), 1.0);
        assert_eq!(in_flight(&capture, "panics_after_a_wait"), 0.0);
        drop(future);
    });
    assert_eq!(outcome(&capture, "panics_after_a_wait", "cancelled"), 0.0);
    assert_eq!(outcome(&capture, "panics_after_a_wait", "panic"), 1.0);
}

#[test]
fn a_future_that_is_dropped_while_another_panic_unwinds_is_cancelled() {
    let capture = capture();
    catch_unwind(AssertUnwindSafe(|| {
        capture.run_sync(|| {
            let mut future = waits_boxed();
            assert!(poll_once(future.as_mut()).is_pending());
            panic!("not the future's")
        })
    }))
    .unwrap_err();
    assert_eq!(outcome(&capture, "waits_boxed", "cancelled"), 1.0);
    assert_eq!(outcome(&capture, "waits_boxed", "panic"), 0.0);
}

#[test]
fn a_call_that_ends_well_while_a_panic_unwinds_is_ok() {
    #[obs::observed]
    fn cleans_up() {}

    struct Cleaner;

    impl Drop for Cleaner {
        fn drop(&mut self) {
            cleans_up();
        }
    }

    let capture = capture();
    catch_unwind(AssertUnwindSafe(|| {
        capture.run_sync(|| {
            let _cleaner = Cleaner;
            panic!("boom")
        })
    }))
    .unwrap_err();
    assert_eq!(outcome(&capture, "cleans_up", "ok"), 1.0);
    assert_eq!(outcome(&capture, "cleans_up", "panic"), 0.0);
}

#[test]
fn a_panic_while_a_future_is_made_is_counted() {
    let capture = capture();
    catch_unwind(AssertUnwindSafe(|| {
        capture.run_sync(|| drop(panics_before_its_future(true)));
    }))
    .unwrap_err();
    assert_eq!(outcome(&capture, "panics_before_its_future", "panic"), 1.0);
    assert_eq!(in_flight(&capture, "panics_before_its_future"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn losing_a_select_and_running_into_a_timeout_are_cancellations() {
    let capture = capture();
    capture
        .run(async {
            tokio::select! {
                _ = waits() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            assert!(
                tokio::time::timeout(Duration::from_secs(1), waits())
                    .await
                    .is_err()
            );
        })
        .await;
    assert_eq!(outcome(&capture, "waits", "cancelled"), 2.0);
}

#[tokio::test]
async fn an_aborted_task_is_a_cancellation() {
    let capture = capture();
    let task = tokio::spawn(capture.run(waits_boxed()));
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(outcome(&capture, "waits_boxed", "cancelled"), 1.0);
    assert_eq!(in_flight(&capture, "waits_boxed"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_moves_between_threads_stays_balanced() {
    let capture = capture();
    let mut future = Box::pin(capture.run(waits()));
    assert!(poll_once(future.as_mut()).is_pending());
    std::thread::spawn(move || drop(future)).join().unwrap();
    assert_eq!(in_flight(&capture, "waits"), 0.0);
    assert_eq!(outcome(&capture, "waits", "cancelled"), 1.0);
}

#[derive(obs::ErrorLabel, Debug, Clone, PartialEq)]
enum StoreError {
    Missing,
    #[label(ignore)]
    Corrupt(String),
}

#[obs::observed]
fn loads(name: &str) -> Result<(), StoreError> {
    match name {
        "a" => Ok(()),
        "b" => Err(StoreError::Corrupt(name.to_owned())),
        _ => Err(StoreError::Missing),
    }
}

#[expect(dead_code, reason = "its series are there before anybody calls it")]
#[obs::observed]
async fn loads_async(name: &str) -> Result<(), StoreError> {
    loads(name)
}

#[obs::observed]
fn loads_generic<T: Default>(_: T) -> Result<T, StoreError> {
    Err(StoreError::Missing)
}

fn error(capture: &Capture, operation: &str, kind: &str) -> f64 {
    let labels = [("operation", operation), ("error", kind)];
    capture.value("operation_errors_total", &labels)
}

#[test]
fn kinds_of_errors_are_there_at_zero_before_the_first_error() {
    let capture = capture();
    for operation in ["loads", "loads_async", "loads_generic"] {
        assert_eq!(error(&capture, operation, "missing"), 0.0);
        assert_eq!(error(&capture, operation, "corrupt"), 0.0);
    }
}

#[test]
fn errors_are_counted_by_kind() {
    let capture = capture();
    capture.run_sync(|| {
        loads("a").unwrap();
        for _ in 0..3 {
            loads("b").unwrap_err();
        }
        loads("c").unwrap_err();
        loads_generic(1u8).unwrap_err();
    });
    assert_eq!(error(&capture, "loads", "corrupt"), 3.0);
    assert_eq!(error(&capture, "loads", "missing"), 1.0);
    assert_eq!(error(&capture, "loads_generic", "missing"), 1.0);
    assert_eq!(outcome(&capture, "loads", "error"), 4.0);
    assert_eq!(outcome(&capture, "loads", "ok"), 1.0);
}

#[test]
fn every_outcome_is_there_at_zero_before_the_first_call_and_no_other() {
    #[expect(dead_code, reason = "it is never called")]
    #[obs::observed]
    fn never_called() {}

    let capture = capture();
    for known in ["ok", "error", "panic", "cancelled"] {
        assert_eq!(outcome(&capture, "never_called", known), 0.0);
    }
    let unknown = catch_unwind(AssertUnwindSafe(|| {
        outcome(&capture, "never_called", "tool_error")
    }));
    assert!(unknown.is_err(), "an operation cannot end like a tool");
    for result in ["ok", "failed", "cancelled"] {
        let labels = [("operation", "never_called"), ("result", result)];
        assert_eq!(
            capture.value("operation_duration_seconds_count", &labels),
            0.0
        );
    }
}

/// An error whose index is written by hand and panics.
struct Treacherous;

impl obs::ErrorLabel for Treacherous {
    const VALUES: &'static [&'static str] = &["only"];

    fn index(&self) -> usize {
        panic!("in the index")
    }
}

#[obs::observed]
fn fails_treacherously() -> Result<(), Treacherous> {
    Err(Treacherous)
}

#[test]
fn a_panic_in_the_index_of_an_error_does_not_reach_the_caller() {
    let capture = capture();
    let result = capture.run_sync(fails_treacherously);
    assert!(result.is_err());
    assert_eq!(outcome(&capture, "fails_treacherously", "error"), 1.0);
    assert_eq!(error(&capture, "fails_treacherously", "only"), 0.0);
}

mod one {
    #[obs::observed]
    pub(super) fn same_name() {}
}

mod two {
    #[obs::observed]
    pub(super) fn same_name() {}
}

#[test]
fn two_functions_of_one_name_are_one_series_that_sums_both() {
    let capture = capture();
    capture.run_sync(|| {
        one::same_name();
        two::same_name();
    });
    assert_eq!(outcome(&capture, "same_name", "ok"), 2.0);
    let series = capture
        .families()
        .iter()
        .find(|family| family.name == "operation_calls_total")
        .unwrap()
        .samples
        .iter()
        .filter(|sample| sample.labels[0].1 == "same_name")
        .count();
    assert_eq!(series, 4, "one for each outcome");
}

thread_local! {
    static DROPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Says when it is dropped.
struct Traced(&'static str);

impl Drop for Traced {
    fn drop(&mut self) {
        DROPS.with_borrow_mut(|drops| drops.push(self.0));
    }
}

fn drops(body: impl FnOnce()) -> Vec<&'static str> {
    body();
    DROPS.take()
}

macro_rules! twins {
    ($(#[$observed:meta])* $name:ident) => {
        mod $name {
            use super::Traced;

            $(#[$observed])*
            pub(super) fn unused(_a: Traced, b: Traced, c: Traced) {
                let _ = (&b, &c);
            }

            $(#[$observed])*
            pub(super) fn last_mentioned_first(a: Traced, b: Traced) {
                let _ = &b;
                let _local = Traced("local");
                let _ = &a;
            }

            $(#[$observed])*
            pub(super) fn pattern((a, mut b): (Traced, Traced), c: Traced) {
                b.0 = "b2";
                let _ = (&a, &c);
            }

            $(#[$observed])*
            pub(super) fn moved(a: Traced, b: Traced) -> Traced {
                drop(a);
                b
            }

            $(#[$observed])*
            pub(super) async fn in_the_future(a: Traced, b: Traced) {
                let _local = Traced("local");
                tokio::task::yield_now().await;
                let _ = (&b, &a);
            }
        }
    };
}
twins!(bare);
twins!(
    #[obs::observed(crate = ::obs)]
    watched
);

#[test]
fn arguments_are_dropped_in_the_order_in_which_they_were() {
    let t = Traced;
    assert_eq!(
        drops(|| bare::unused(t("a"), t("b"), t("c"))),
        drops(|| watched::unused(t("a"), t("b"), t("c")))
    );
    assert_eq!(
        drops(|| bare::last_mentioned_first(t("a"), t("b"))),
        drops(|| watched::last_mentioned_first(t("a"), t("b")))
    );
    assert_eq!(
        drops(|| bare::pattern((t("a"), t("b")), t("c"))),
        drops(|| watched::pattern((t("a"), t("b")), t("c")))
    );
    assert_eq!(
        drops(|| drop(bare::moved(t("a"), t("b")))),
        drops(|| drop(watched::moved(t("a"), t("b"))))
    );
    let run = |future: Pin<Box<dyn Future<Output = ()>>>| {
        drops(|| {
            let mut future = future;
            while poll_once(future.as_mut()).is_pending() {}
        })
    };
    assert_eq!(
        run(Box::pin(bare::in_the_future(t("a"), t("b")))),
        run(Box::pin(watched::in_the_future(t("a"), t("b"))))
    );
    let dropped = |future: Pin<Box<dyn Future<Output = ()>>>| {
        drops(|| {
            let mut future = future;
            assert!(poll_once(future.as_mut()).is_pending());
        })
    };
    assert_eq!(
        dropped(Box::pin(bare::in_the_future(t("a"), t("b")))),
        dropped(Box::pin(watched::in_the_future(t("a"), t("b"))))
    );
}

#[test]
fn an_observed_future_is_little_larger_than_the_bare_one() {
    async fn bare(buffer: [u8; 256]) -> u8 {
        tokio::task::yield_now().await;
        buffer[0]
    }
    #[obs::observed]
    async fn watched(buffer: [u8; 256]) -> u8 {
        tokio::task::yield_now().await;
        buffer[0]
    }
    let (bare, watched) = (bare([0; 256]), watched([0; 256]));
    let (bare, watched) = (size_of_val(&bare), size_of_val(&watched));
    assert!(watched <= bare + 256 + 64, "{watched} bytes against {bare}");
}

#[tokio::test]
async fn a_chain_of_a_thousand_observed_calls_does_not_overflow_the_stack() {
    #[obs::observed]
    fn deep(levels: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if levels == 0 {
                0
            } else {
                deep(levels - 1).await + 1
            }
        })
    }
    let capture = capture();
    let depth = capture.run(async { pin!(deep(1_000)).await }).await;
    assert_eq!(depth, 1_000);
    assert_eq!(outcome(&capture, "deep", "ok"), 1_001.0);
}
