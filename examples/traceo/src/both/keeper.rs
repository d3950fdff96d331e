//! Keeps a service running until it is to stop: one that ends is started again.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::process::{Process, how};
use super::ready::answers_ready;
use super::restarts::{Restarts, TOO_MANY, WINDOW};
use super::service::Service;
use super::{Failure, tell};

/// Returns when `stop` was asked for and the process has ended; an error also stops the other
/// service.
pub(super) async fn keep(
    service: &Service,
    process: Process,
    stop: &CancellationToken,
    limit: Duration,
) -> Result<(), Failure> {
    let kept = restarting(service, process, stop, limit).await;
    if kept.is_err() {
        stop.cancel();
    }
    kept
}

async fn restarting(
    service: &Service,
    mut process: Process,
    stop: &CancellationToken,
    limit: Duration,
) -> Result<(), Failure> {
    let name = service.title;
    let mut restarts = Restarts::default();
    let mut restarted = None;
    loop {
        let ended = tokio::select! {
            () = stop.cancelled() => {
                if !process.stop(limit).await {
                    tell(&format!(
                        "The {name} did not stop within {} s and was killed.",
                        limit.as_secs()
                    ));
                }
                return Ok(());
            }
            ended = process.wait() => ended,
            () = answers_ready(service), if restarted.is_some() => {
                let took = restarted.take().map(|at: Instant| at.elapsed()).unwrap_or_default();
                tell(&format!("The {name} is ready again, after {:.1} s.", took.as_secs_f64()));
                continue;
            }
        };
        let how = how(&ended);
        let Some(pause) = restarts.after(Instant::now()) else {
            tell(&format!("The {name} {how}."));
            return Err(Failure::KeepsEnding {
                service: name,
                times: TOO_MANY,
                seconds: WINDOW.as_secs(),
                log: service.log.display().to_string(),
                last: service.last_lines(),
            });
        };
        tell(&format!(
            "The {name} {how}; it is started again in {:.1} s.",
            pause.as_secs_f64()
        ));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Ok(()),
        }
        process = service.start()?;
        restarted = Some(Instant::now());
    }
}
