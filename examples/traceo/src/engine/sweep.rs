//! Finds what would otherwise wait for ever: jobs whose engine died, and jobs that no queue knows.

use std::time::Duration;

use super::Engine;
use super::job::JobKind;
use super::store::{self, Abandoned};
use super::uploads;
use crate::api::JobStatus;
use crate::database::{StorageError, now, purge_audit_rows};
use crate::metrics::engine::{
    traceo_engine_audit_purged_total, traceo_engine_job_duration_seconds,
    traceo_engine_jobs_ended_total,
};
use crate::telemetry::{self, Attempt};

/// How often jobs are looked for, if leases are long.
const LOOK: Duration = Duration::from_millis(500);

/// Jobs that wait for less are on their way from the queue to a worker, or into the queue.
const ON_THE_WAY_MS: i64 = 1000;

/// How often old audit rows and files without a job are looked for.
const CLEAN: Duration = Duration::from_secs(60 * 60);

/// Sweeps until the engine stops.
pub(super) async fn run(engine: Engine) {
    let look = LOOK.min(engine.lease() / 2).max(Duration::from_millis(10));
    loop {
        // A database or a queue that does not answer is asked again; readiness and gauges say so.
        sweep(&engine).await.ok();
        tokio::select! {
            () = tokio::time::sleep(look) => {}
            () = engine.stopping().cancelled() => return,
        }
    }
}

async fn sweep(engine: &Engine) -> Result<(), StorageError> {
    let database = engine.database();
    for job in store::abandoned(database).await? {
        // This engine is alive, though its database kept silent for longer than a lease.
        if !engine.works_on(&job) {
            take_care_of(engine, &job).await;
        }
    }
    let limit = engine.limits().jobs.saturating_add(1);
    let due = store::due(database, ON_THE_WAY_MS, limit).await?;
    engine.enqueue(&due).await;
    Ok(())
}

/// Does what an abandoned job needs, in the context in which it was accepted.
async fn take_care_of(engine: &Engine, job: &Abandoned) {
    let attempt = Attempt {
        name: "requeue_job",
        number: u32::try_from(job.attempts.max(1)).unwrap_or(u32::MAX),
        carrier: &job.ticket.carrier,
        actor: &job.ticket.actor,
        job: &job.id,
    };
    // It is found again if it fails, and has said so.
    attempt.run(|_| false, requeue(engine, job)).await.ok();
    engine.changed(&job.id);
}

#[obs::observed(name = "requeue_job")]
async fn requeue(engine: &Engine, job: &Abandoned) -> Result<(), StorageError> {
    let database = engine.database();
    if !job.is_cancelled {
        if store::requeue(database, job).await? {
            telemetry::tell::job_taken_over();
            engine.enqueue(std::slice::from_ref(&job.id)).await;
        }
        return Ok(());
    }
    if store::end_cancelled(database, job).await? {
        traceo_engine_jobs_ended_total(JobStatus::Cancelled).inc();
        let waited = now().saturating_sub(job.created_at).unsigned_abs();
        traceo_engine_job_duration_seconds(JobKind::CsvImport)
            .observe(Duration::from_millis(waited));
        engine.uploads().remove(&job.id).await;
        engine.webhooks_due().notify_one();
    }
    Ok(())
}

/// Removes what is kept for a time only, at the start and then every hour.
pub(super) async fn clean(engine: Engine, audit_days: u32) {
    loop {
        let purged = telemetry::tick(
            "purge_audit_rows",
            purge_audit_rows(engine.database(), audit_days),
        );
        if let Ok(purged) = purged.await {
            traceo_engine_audit_purged_total().add(purged);
        }
        // What cannot be read now may be in an hour.
        uploads::remove_orphans(&engine).await.ok();
        tokio::select! {
            () = tokio::time::sleep(CLEAN) => {}
            () = engine.stopping().cancelled() => return,
        }
    }
}
