//! Waiting until a service answers `/ready`.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::Failure;
use super::process::{Process, how};
use super::service::Service;

/// How often a service is asked.
const PAUSE: Duration = Duration::from_millis(50);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(3);

/// Waits until a service that was just started is ready, and returns how long that took.
pub(crate) async fn until_ready(
    service: &Service,
    process: &mut Process,
    limit: Duration,
) -> Result<Duration, Failure> {
    let start = Instant::now();
    let how = tokio::select! {
        ready = timeout(limit, answers_ready(service)) => match ready {
            Ok(()) => return Ok(start.elapsed()),
            Err(_) => format!("is not ready after {} s", limit.as_secs()),
        },
        ended = process.wait() => how(&ended),
    };
    Err(Failure::NotReady {
        service: service.title,
        how,
        log: service.log.display().to_string(),
        last: service.last_lines(),
    })
}

/// Waits until a service says that it is ready.
pub(crate) async fn answers_ready(service: &Service) {
    // No proxy of the environment: the services are on this machine.
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(ANSWER)
        .build();
    let Ok(client) = client else {
        return std::future::pending().await;
    };
    loop {
        let answer = client.get(service.url("/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        sleep(PAUSE).await;
    }
}
