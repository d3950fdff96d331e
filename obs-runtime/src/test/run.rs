//! Runs what stands under `#[obs::test]`.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::runtime::{Builder, Runtime};

use super::TestObs;
use crate::start::Service;

/// A test, as its attribute describes it.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Its path, which decides the ids.
    pub name: &'static str,
    /// The name and version of the crate under test.
    pub service: (&'static str, &'static str),
    /// The variables that it is started with.
    pub variables: &'a [(&'a str, &'a str)],
    /// The runtime of an `async` test.
    pub flavor: Flavor,
}

/// The runtime of a test.
#[derive(Clone, Copy, Debug)]
pub enum Flavor {
    /// One thread: the test's own.
    CurrentThread {
        /// Whether time stands still until everything waits for it.
        start_paused: bool,
    },
    /// Threads besides the test's own.
    MultiThread {
        /// How many; one for each processor if nothing is said.
        worker_threads: Option<usize>,
    },
}

impl Flavor {
    fn build(self) -> Runtime {
        let mut builder = match self {
            Self::CurrentThread { start_paused } => {
                let mut builder = Builder::new_current_thread();
                builder.start_paused(start_paused);
                builder
            }
            Self::MultiThread { worker_threads } => {
                let mut builder = Builder::new_multi_thread();
                if let Some(threads) = worker_threads {
                    builder.worker_threads(threads);
                }
                builder
            }
        };
        builder
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("the runtime of the test could not be started: {error}"))
    }
}

/// Runs an `async` test; `failed` knows of its output whether it is an error.
///
/// # Panics
/// As the test does; what was logged is then printed, and the spans.
#[track_caller]
pub fn run<F: Future>(
    plan: Plan<'_>,
    body: impl FnOnce(TestObs) -> F,
    failed: impl FnOnce(&F::Output) -> bool,
) -> F::Output {
    let run = |t: &TestObs| {
        let runtime = plan.flavor.build();
        let test = t.run_sync(|| body(t.clone()));
        runtime.block_on(t.run(test))
    };
    watched(plan, run, failed)
}

/// Runs a test that is no `async fn`.
///
/// # Panics
/// As the test does; what was logged is then printed, and the spans.
#[track_caller]
pub fn run_sync<R>(
    plan: Plan<'_>,
    body: impl FnOnce(TestObs) -> R,
    failed: impl FnOnce(&R) -> bool,
) -> R {
    watched(plan, |t| t.run_sync(|| body(t.clone())), failed)
}

/// Prints what there was where the test fails: by the test's harness, which shows it below the
/// panic's message, or above the error.
#[track_caller]
fn watched<R>(
    plan: Plan<'_>,
    run: impl FnOnce(&TestObs) -> R,
    failed: impl FnOnce(&R) -> bool,
) -> R {
    let (name, version) = plan.service;
    let t = TestObs::start(Service::new(name, version), plan.name, plan.variables);
    match catch_unwind(AssertUnwindSafe(|| run(&t))) {
        Ok(output) => {
            if failed(&output) {
                show(&t);
            }
            output
        }
        Err(panic) => {
            show(&t);
            resume_unwind(panic)
        }
    }
}

#[expect(clippy::print_stderr, reason = "harnesses capture what is printed")]
fn show(t: &TestObs) {
    if let Ok(summary) = catch_unwind(AssertUnwindSafe(|| t.summary())) {
        eprintln!("{summary}");
    }
}
