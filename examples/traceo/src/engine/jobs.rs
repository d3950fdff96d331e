//! What clients ask about jobs.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;

use super::Engine;
use super::error::{EngineError, JobError, ParameterError};
use super::store::{self, Cancelling};
use crate::api::{Accepted, ColumnTable, Job, JobId, JobList, JobReport, JobStatus, MAX_LISTED};
use crate::metrics::engine::traceo_engine_jobs_ended_total;
use crate::telemetry;

/// How long `cancel` waits for a running job to end; if it takes longer, the answer says `running`.
const CANCEL_WAIT: Duration = Duration::from_secs(5);

const DEFAULT_LIMIT: u32 = 20;

/// Bytes of what was asked for that an answer repeats.
const MAX_ECHO: usize = 64;

#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    status: Option<JobStatus>,
    limit: Option<u32>,
}

/// `GET /jobs`.
pub(super) async fn list(
    State(engine): State<Engine>,
    Query(listing): Query<Listing>,
) -> Result<Json<JobList>, EngineError> {
    let limit = listing.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=u32::from(MAX_LISTED)).contains(&limit) {
        return Err(ParameterError::BadParameter {
            name: "limit",
            expected: "a number from 1 to 100",
        }
        .into());
    }
    let jobs = store::jobs(engine.database(), listing.status, limit).await?;
    Ok(Json(JobList { jobs }))
}

/// `GET /jobs/{id}`.
pub(super) async fn report(
    State(engine): State<Engine>,
    Path(id): Path<String>,
) -> Result<Json<JobReport>, EngineError> {
    let job = engine.job(&named(&id)?).await?;
    let errors = store::row_errors(engine.database(), &job.job_id).await?;
    Ok(Json(JobReport { job, errors }))
}

/// `GET /jobs/{id}/columns`.
pub(super) async fn columns(
    State(engine): State<Engine>,
    Path(id): Path<String>,
) -> Result<Json<ColumnTable>, EngineError> {
    let Job {
        job_id: id, status, ..
    } = engine.job(&named(&id)?).await?;
    if !status.has_ended() {
        return Err(JobError::StatisticsNotReady { id, status }.into());
    }
    let columns = store::columns(engine.database(), &id).await?;
    if columns.is_empty() {
        return Err(JobError::NoStatistics { id }.into());
    }
    Ok(Json(ColumnTable {
        job_id: id,
        columns,
    }))
}

/// `POST /jobs/{id}/cancel`.
pub(super) async fn cancel(
    State(engine): State<Engine>,
    Path(id): Path<String>,
) -> Result<Json<Job>, EngineError> {
    let id = named(&id)?;
    Ok(Json(cancel_job(&engine, &id).await?))
}

#[obs::observed(fields(job_id = %id))]
async fn cancel_job(engine: &Engine, id: &JobId) -> Result<Job, EngineError> {
    // Before it is asked, so that no end is missed.
    let mut changes = engine.changes();
    match store::cancel(engine.database(), id).await? {
        Cancelling::TooLate => {
            let job = engine.job(id).await?;
            let (id, status) = (job.job_id, job.status);
            return Err(JobError::JobEnded { id, status }.into());
        }
        Cancelling::Ended => {
            traceo_engine_jobs_ended_total(JobStatus::Cancelled).inc();
            engine.uploads().remove(id).await;
            engine.webhooks_due().notify_one();
            engine.changed(id);
        }
        Cancelling::Asked => {
            engine.stop_run(id);
            let ended = async {
                while !engine.job(id).await?.status.has_ended() {
                    // Missed changes are changes; a look every so often is for those of others.
                    let look = Duration::from_millis(500);
                    tokio::time::timeout(look, changes.recv()).await.ok();
                }
                Ok::<_, EngineError>(())
            };
            if let Ok(Err(error)) = tokio::time::timeout(CANCEL_WAIT, ended).await {
                return Err(error);
            }
        }
    }
    engine.job(id).await
}

/// `GET /limits`.
pub(super) async fn limits(State(engine): State<Engine>) -> Json<Accepted> {
    let limits = engine.limits();
    Json(Accepted {
        file_bytes: limits.file_bytes,
        running_jobs: u64::from(limits.workers),
        jobs: limits.jobs.unsigned_abs(),
    })
}

/// Understands the id in a path, and puts it on the lines of the request.
pub(super) fn named(id: &str) -> Result<JobId, JobError> {
    let Ok(id) = id.parse() else {
        let id = id.chars().take(MAX_ECHO).collect();
        return Err(JobError::JobNotFound { id });
    };
    telemetry::about_job(&id);
    Ok(id)
}
