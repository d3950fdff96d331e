//! `traceo` without a command: both services, each in a process of its own.

mod keeper;
mod log_file;
mod parent;
mod process;
mod ready;
mod restarts;
mod service;
mod signals;
#[cfg(test)]
mod tests;
mod welcome;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub(crate) use parent::stop_when_input_ends;
pub(crate) use process::Process;
pub(crate) use ready::until_ready;
pub(crate) use service::{Addresses, Service};
pub(crate) use signals::Signals;

use crate::cli;
use crate::telemetry::Surroundings;

/// How long both services may take until they answer `/ready`.
const START: Duration = Duration::from_secs(30);

/// What the services need longer to stop than they promise, at most.
const GRACE: Duration = Duration::from_secs(1);

/// Runs both services until the process is told to stop.
pub(crate) fn run(options: &cli::Both, surroundings: &Surroundings) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(both(options, surroundings)),
        Err(error) => Err(Failure::System("start", error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&format!("traceo: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Why the services do not run, or do not run any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(
        "the {service} service cannot listen on {address}: {error}\n\n\
         Stop what listens there, perhaps another traceo, or choose another address: \
         `traceo --{service}-listen ADDR`, or `traceo {service} --listen ADDR` for it alone. \
         Port 0 takes any free one."
    )]
    Address {
        service: &'static str,
        address: std::net::SocketAddr,
        error: std::io::Error,
    },
    #[error("cannot {0}: {1}")]
    System(&'static str, std::io::Error),
    #[error("cannot write logs to {directory}: {error}; choose another directory with `--data`")]
    Logs {
        directory: String,
        error: std::io::Error,
    },
    #[error("the {service} {how}; the end of {log}:\n\n{last}")]
    NotReady {
        service: &'static str,
        how: String,
        log: String,
        last: String,
    },
    #[error(
        "the {service} ended {times} times within {seconds} s, so it is not started again; \
         the end of {log}:\n\n{last}"
    )]
    KeepsEnding {
        service: &'static str,
        times: usize,
        seconds: u64,
        log: String,
        last: String,
    },
}

async fn both(options: &cli::Both, surroundings: &Surroundings) -> Result<(), Failure> {
    let mut signals = Signals::listen().map_err(|error| Failure::System("hear signals", error))?;
    let addresses = Addresses::free(options.mcp_listen, options.engine_listen)?;
    let engine = Service::engine(&addresses, &options.data, options.careless)?;
    let mcp = Service::mcp(&addresses, &options.data)?;
    let limit = surroundings.shutdown_timeout + GRACE;

    tell(&format!(
        "Starting both services; their logs are {} and {}.",
        engine.log.display(),
        mcp.log.display()
    ));
    let (mut first, mut second) = (engine.start()?, mcp.start()?);
    let started = tokio::select! {
        started = async {
            tokio::try_join!(
                comes_up(&engine, &mut first),
                comes_up(&mcp, &mut second),
            )
        } => started.map(|_| true),
        () = signals.next() => Ok(false),
    };
    if !matches!(started, Ok(true)) {
        tokio::join!(first.stop(limit), second.stop(limit));
        return started.map(|_| ());
    }
    say(&welcome::text(&addresses, &options.data, surroundings));

    let stop = CancellationToken::new();
    let kept = async {
        tokio::join!(
            keeper::keep(&engine, first, &stop, limit),
            keeper::keep(&mcp, second, &stop, limit),
        )
    };
    tokio::pin!(kept);
    let (one, other) = tokio::select! {
        kept = &mut kept => kept,
        () = signals.next() => {
            tell("Stopping both services; Ctrl-C again ends them at once.");
            stop.cancel();
            tokio::select! {
                kept = &mut kept => kept,
                // What is dropped with the futures are the processes, which are killed then.
                () = signals.next() => (Ok(()), Ok(())),
            }
        }
    };
    let result = one.and(other);
    if result.is_ok() {
        tell("Stopped.");
    }
    result
}

async fn comes_up(service: &Service, process: &mut Process) -> Result<(), Failure> {
    let took = until_ready(service, process, START).await?.as_secs_f64();
    tell(&format!(
        "The {} is ready, after {took:.1} s.",
        service.title
    ));
    Ok(())
}

/// Writes to standard output; nobody may be reading, which is no reason to panic.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).ok();
    out.flush().ok();
}

/// Writes a line to standard error.
fn tell(line: &str) {
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).ok();
}
