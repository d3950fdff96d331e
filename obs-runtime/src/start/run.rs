//! The whole life of a service: variables, start, runtime, signals, stop, exit code.

use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::iter::successors;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep_until;
use tracing::Level;

use super::setup::Setup;
use super::signals::Watch;
use super::stop::{left, say};
use super::{Obs, Service};
use crate::call::forget;
use crate::context::tasks;

/// Any error, as `?` makes it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The variables or the code must be corrected before another start can succeed: `EX_CONFIG` of
/// `sysexits.h`.
const MISCONFIGURED: u8 = 78;

/// As the standard library exits after a panic.
const PANICKED: u8 = 101;

/// Runs a service from its first to its last line; for `main`.
///
/// Reads the variables, [installs](Setup::install), starts a runtime with as many threads as the
/// machine has, runs `body`, and when that ends, flushes everything within `OBS_SHUTDOWN_TIMEOUT`.
/// SIGTERM and Ctrl-C [begin the shutdown](crate::Shutdown); a second one ends the process at
/// once. With options, call [`run_with`].
///
/// | exit code | when |
/// |---|---|
/// | 0 | `body` returned `Ok`, after a signal or without one |
/// | 1 | `body` returned an error, which is logged, or did not end in time |
/// | 78 | a variable or the start was refused; standard error says why |
/// | 101 | `body` panicked |
/// | 130, 143 | a second SIGINT, a second SIGTERM |
///
/// # Example
/// ```standalone_crate
/// use std::process::ExitCode;
///
/// use obs_runtime as obs;
///
/// fn main() -> ExitCode {
///     obs::run(obs::service!(), |obs| async move {
///         let router: axum::Router = obs.wrap(axum::Router::new());
/// #       drop(router);
///         Ok(())
///     })
/// }
/// ```
pub fn run<F, Fut>(service: Service, body: F) -> ExitCode
where
    F: FnOnce(Obs) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    run_with(service, |setup| setup, body)
}

/// Does what [`run`] does, with options.
///
/// # Example
/// ```standalone_crate
/// use std::process::ExitCode;
///
/// use obs_runtime as obs;
///
/// fn main() -> ExitCode {
///     obs::run_with(
///         obs::service!(),
///         |setup| setup.metric_prefix("traceo").max_routes(40),
///         |obs| async move {
///             println!("{}", obs.report());
///             Ok(())
///         },
///     )
/// }
/// ```
pub fn run_with<F, Fut>(service: Service, options: impl FnOnce(Setup) -> Setup, body: F) -> ExitCode
where
    F: FnOnce(Obs) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    match Obs::from_env(service) {
        Ok(setup) => options(setup).run(body),
        Err(error) => refuse(&error),
    }
}

impl Setup {
    /// Does what [`run`](crate::run) does, with the options of this.
    ///
    /// Within a runtime it starts nothing, says so and returns 78.
    pub fn run<F, Fut>(self, body: F) -> ExitCode
    where
        F: FnOnce(Obs) -> Fut,
        Fut: Future<Output = Result<(), BoxError>>,
    {
        if tokio::runtime::Handle::try_current().is_ok() {
            return refuse(
                &"`obs::run` starts a runtime of its own, and one is running here\n  fix: make `main` a plain function, without `#[tokio::main]`; or use `Obs::from_env(..)?.install()?`",
            );
        }
        let obs = match self.install() {
            Ok(obs) => obs,
            Err(error) => return refuse(&error),
        };
        let watch = Watch::start(&obs).map_err(|error| {
            tracing::warn!(
                target: TARGET,
                %error,
                "signals are not seen: they end the process without a flush"
            );
        });
        let ended = match runtime() {
            Ok(runtime) => live(&obs, runtime, body),
            Err(error) => Ended::Failed(error.into()),
        };
        report(&obs, &ended);
        let losses = obs.stop_until(deadline(&obs));
        if let Ok(watch) = watch {
            watch.end();
        }
        if !losses.is_empty() {
            say(&format!("obs: {losses}"));
        }
        ended.exit_code()
    }
}

const TARGET: &str = "obs::run";

/// How the body ended.
enum Ended {
    Well,
    Failed(BoxError),
    Panicked,
    /// Its time was over.
    Overdue,
}

impl Ended {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Well => ExitCode::SUCCESS,
            Self::Failed(_) | Self::Overdue => ExitCode::FAILURE,
            Self::Panicked => ExitCode::from(PANICKED),
        }
    }
}

fn refuse(error: &dyn fmt::Display) -> ExitCode {
    say(&error.to_string());
    ExitCode::from(MISCONFIGURED)
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// Runs the body to its end, then whatever it left behind.
fn live<F, Fut>(obs: &Obs, runtime: Runtime, body: F) -> Ended
where
    F: FnOnce(Obs) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    let ended = runtime.block_on(until_the_end(obs, body));
    obs.http().shutdown.begin();
    let left_behind = runtime.block_on(spawned_tasks(left(deadline(obs)).min(TASKS_GRACE)));
    if left_behind > 0 {
        tracing::warn!(
            target: TARGET,
            tasks = left_behind,
            "tasks of `obs::spawn` were dropped: nobody waited for them, and they did not end by themselves"
        );
    }
    // Dropped here, so that what their drop logs still is.
    let patience = left(deadline(obs)).min(LEFT_BEHIND);
    runtime.shutdown_timeout(patience);
    ended
}

/// What `obs::spawn` started, and nobody waited for, may end by itself for so long.
const TASKS_GRACE: Duration = Duration::from_secs(1);

/// Waits for the tasks of `obs::spawn`, and returns how many are left.
async fn spawned_tasks(patience: Duration) -> usize {
    let all = async {
        while tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    // Elapsed or not, what counts is what is left.
    drop(tokio::time::timeout(patience, all).await);
    tasks()
}

/// Blocking calls that nobody waited for have this long.
const LEFT_BEHIND: Duration = Duration::from_millis(100);

async fn until_the_end<F, Fut>(obs: &Obs, body: F) -> Ended
where
    F: FnOnce(Obs) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    let given = obs.clone();
    let mut body = Box::pin(async move { body(given).await });
    let mut overdue = Box::pin(overdue(obs));
    let ended = poll_fn(|cx| {
        match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))) {
            Ok(Poll::Ready(Ok(()))) => return Poll::Ready(Ended::Well),
            Ok(Poll::Ready(Err(error))) => return Poll::Ready(Ended::Failed(error)),
            Ok(Poll::Pending) => {}
            Err(payload) => {
                forget(payload);
                return Poll::Ready(Ended::Panicked);
            }
        }
        overdue.as_mut().poll(cx).map(|()| Ended::Overdue)
    })
    .await;
    if contained(move || drop::<Pin<Box<_>>>(body)) {
        ended
    } else {
        Ended::Panicked
    }
}

/// Waits until the body must end. The last part of the time belongs to the sinks.
async fn overdue(obs: &Obs) {
    let shutdown = &obs.http().shutdown;
    shutdown.begun().await;
    // Half of what requests leave over is for what comes after them: closing a pool, a last line.
    let requests_end = shutdown.requests_end().unwrap_or_else(Instant::now);
    let end = requests_end + deadline(obs).saturating_duration_since(requests_end) / 2;
    sleep_until(end.into()).await;
}

/// The moment at which everything must be over.
fn deadline(obs: &Obs) -> Instant {
    let shutdown = &obs.http().shutdown;
    shutdown.begin();
    shutdown.deadline().unwrap_or_else(Instant::now)
}

/// Runs code of the user's own, and returns whether it came to its end.
fn contained(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).map_err(forget).is_ok()
}

fn report(obs: &Obs, ended: &Ended) {
    match ended {
        Ended::Well => tracing::info!(target: TARGET, "the service has ended"),
        Ended::Failed(error) => report_error(obs, error.as_ref()),
        // The hook has said it.
        Ended::Panicked => {}
        Ended::Overdue => tracing::warn!(
            target: TARGET,
            "the service did not end in time and was stopped"
        ),
    }
}

fn report_error(obs: &Obs, error: &(dyn Error + Send + Sync + 'static)) {
    if !tracing::enabled!(target: TARGET, Level::ERROR) {
        let text = error.to_string();
        say(&format!("error: {}", obs.http().redactor.scrub(&text)));
    } else if obs.http().settings.log.debugs(TARGET)
        && tracing::enabled!(target: TARGET, Level::DEBUG)
    {
        let chain = chain(error);
        let chain = (!chain.is_empty()).then_some(chain);
        tracing::error!(target: TARGET, %error, chain, "the service failed");
    } else {
        tracing::error!(target: TARGET, %error, "the service failed");
    }
}

/// The error's sources; a chain without an end is cut.
fn chain(error: &(dyn Error + 'static)) -> String {
    let sources = successors(error.source(), |&error| error.source());
    let texts: Vec<String> = sources.take(32).map(ToString::to_string).collect();
    texts.join(": ")
}
