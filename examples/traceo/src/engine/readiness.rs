//! What must be so for the engine to take work: more than that its database answers.

use std::time::Duration;

use super::{Engine, store};
use crate::database::now;
use crate::telemetry::{BoxError, Telemetry};

/// A job that has waited for longer says that workers do not keep up, or are stuck.
const OLDEST: Duration = Duration::from_secs(120);

/// What must be free on the disk of the uploads.
const FREE: u64 = 64 * 1024 * 1024;

/// Declares the checks of the engine's own; database and queue brought theirs.
pub(super) fn declare(
    telemetry: &Telemetry,
    engine: &Engine,
    mcp_url: &str,
) -> Result<(), BoxError> {
    let of = engine.clone();
    telemetry.ready("schema", move || {
        let engine = of.clone();
        async move {
            engine
                .database()
                .migrated()
                .await
                .map_err(|error| error.to_string())
        }
    });
    let of = engine.clone();
    telemetry.ready("queue_age", move || {
        let engine = of.clone();
        async move { queue_age(&engine).await }
    });
    let of = engine.clone();
    telemetry.ready("disk", move || {
        let engine = of.clone();
        async move { disk(&engine).await }
    });
    // Its health, not its readiness, which asks for the engine's; and watched only: jobs run, and
    // webhooks wait, without it.
    telemetry.watched_url("mcp", &format!("{mcp_url}/health"))
}

async fn queue_age(engine: &Engine) -> Result<(), String> {
    let oldest = store::oldest_waiting(engine.database()).await;
    let oldest = oldest.map_err(|error| error.to_string())?;
    let waited = oldest.map_or(0, |moment| now().saturating_sub(moment).max(0));
    let waited = Duration::from_millis(waited.unsigned_abs());
    if waited > OLDEST {
        return Err(format!("a job has waited for {} s", waited.as_secs()));
    }
    Ok(())
}

async fn disk(engine: &Engine) -> Result<(), String> {
    let directory = engine.uploads().directory().to_owned();
    let probed = tokio::task::spawn_blocking(move || {
        let probe = directory.join(".probe");
        std::fs::write(&probe, b"ready")?;
        std::fs::remove_file(&probe)?;
        free(&directory)
    });
    let free = match probed.await {
        Ok(Ok(free)) => free,
        Ok(Err(error)) => return Err(format!("nothing can be written: {error}")),
        Err(error) => return Err(error.to_string()),
    };
    if free < FREE {
        return Err(format!(
            "{} MiB are free, {} are needed",
            free >> 20,
            FREE >> 20
        ));
    }
    Ok(())
}

#[cfg(unix)]
fn free(directory: &std::path::Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn free(_: &std::path::Path) -> std::io::Result<u64> {
    Ok(u64::MAX)
}
