//! What belongs to the whole process: the `log` logger, the `metrics` recorder, the `tracing`
//! subscriber.
//!
//! None of them can be taken back. So all are looked at before any is taken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tracing::subscriber::NoSubscriber;
use tracing::{Dispatch, dispatcher};
use tracing_log::{AsLog, LogTracer, log};

use super::error::{Problem, ProblemKind};
use super::options::Options;
use crate::facade::Facade;

/// Whether the process's `log` logger is the one that [`take`] installed. It survives a start that
/// failed afterwards, and serves the next one.
static BRIDGED: AtomicBool = AtomicBool::new(false);

/// Returns what somebody else has taken of that which the options want.
pub(super) fn taken(options: &Options) -> Vec<Problem> {
    let (subscriber, recorder) = on_a_fresh_thread(|| (another_subscriber(), another_recorder()));
    let mut problems = Vec::new();
    if options.wants_logs() && subscriber {
        problems.push(subscriber_installed());
    }
    if options.wants_log_bridge() && another_logger() {
        problems.push(logger_installed());
    }
    if options.wants_global() && recorder {
        problems.push(recorder_installed());
    }
    #[cfg(feature = "sentry")]
    if options.wants_sentry() && crate::sentry::Sentry::is_taken() {
        problems.push(sentry_installed());
    }
    problems
}

/// Takes what the options want, the least certain first: a logger or a recorder without fields
/// looks as if there were none, and is found only here.
pub(super) fn take(
    options: &Options,
    facade: Option<&Facade>,
    subscriber: Option<Dispatch>,
) -> Result<(), Problem> {
    if options.wants_log_bridge() && !BRIDGED.load(Ordering::Acquire) {
        LogTracer::init().map_err(|_| logger_installed())?;
        BRIDGED.store(true, Ordering::Release);
    }
    if let Some(facade) = facade.filter(|_| options.wants_global()) {
        metrics::set_global_recorder(facade.recorder().clone())
            .map_err(|_| recorder_installed())?;
    }
    if let Some(subscriber) = subscriber {
        dispatcher::set_global_default(subscriber).map_err(|_| subscriber_installed())?;
    }
    if options.wants_log_bridge() {
        log::set_max_level(tracing::level_filters::LevelFilter::current().as_log());
    }
    Ok(())
}

// What is local to the calling thread is not the process's.
fn on_a_fresh_thread<T: Send>(f: impl Fn() -> T + Sync) -> T {
    thread::scope(|scope| {
        let asked = thread::Builder::new().spawn_scoped(scope, &f);
        asked.ok().and_then(|thread| thread.join().ok())
    })
    .unwrap_or_else(f)
}

fn another_subscriber() -> bool {
    dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>())
}

/// Whether records go anywhere. The recorder that drops them is the only one without fields.
fn another_recorder() -> bool {
    metrics::with_recorder(|recorder| size_of_val(recorder) != 0)
}

/// Whether records go anywhere. The logger that drops them has no fields.
fn another_logger() -> bool {
    !BRIDGED.load(Ordering::Acquire) && size_of_val(log::logger()) != 0
}

fn subscriber_installed() -> Problem {
    Problem {
        kind: ProblemKind::SubscriberInstalled,
        what: "another `tracing` subscriber is installed".to_owned(),
        places: Vec::new(),
        why: "the process has one for its whole life, so nothing would be logged here",
        fix:
            "install obs first; or say `.logs(false)` and add `obs.log_layer()` to your subscriber"
                .to_owned(),
    }
}

fn logger_installed() -> Problem {
    Problem {
        kind: ProblemKind::LoggerInstalled,
        what: "another logger of the `log` crate is installed".to_owned(),
        places: Vec::new(),
        why: "the process has one for its whole life, so its records would be missing here",
        fix: "install obs first; or say `.log_bridge(false)`; or `.logs(false)`".to_owned(),
    }
}

#[cfg(feature = "sentry")]
fn sentry_installed() -> Problem {
    Problem {
        kind: ProblemKind::SentryInstalled,
        what: "another Sentry client is installed".to_owned(),
        places: Vec::new(),
        why: "what the service captures by itself would go there, and the rest here",
        fix:
            "do not call `sentry::init`; say `.sentry_client(client)` to report through yours; or \
              `.sentry(false)`"
                .to_owned(),
    }
}

fn recorder_installed() -> Problem {
    Problem {
        kind: ProblemKind::RecorderInstalled,
        what: "another recorder of the `metrics` facade is installed".to_owned(),
        places: Vec::new(),
        why: "the facade takes one for the life of the process, so third-party metrics would be \
              missing here",
        fix: "install obs first; or say `.install_recorder(false)` and pass records on to \
              `obs.recorder()`; or `.facade(false)`"
            .to_owned(),
    }
}
