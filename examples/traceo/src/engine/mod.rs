//! The engine: imports CSV files as background jobs and keeps what came of them.

mod csv;
mod error;
mod input;
mod job;
mod owner;
mod store;
mod worker;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub(crate) use csv::{ColumnStats, CsvErrorKind, DeclaredColumn, Layout};
pub(crate) use error::EngineError;
pub(crate) use input::Input;
pub(crate) use job::{FailureKind, Job, JobKind, JobStatus, RowError, RowOutcome, Source};

use crate::metrics::{traceo_engine_jobs, traceo_engine_uptime_seconds};
use owner::Owner;
use store::{NewJob, Store};

/// How long `cancel` and `stop` wait for a job to notice.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// What the engine refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) file_bytes: u64,
    pub(crate) inline_bytes: usize,
    /// Jobs that run at a time.
    pub(crate) workers: usize,
    /// Jobs that run or wait.
    pub(crate) jobs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1024 * 1024 * 1024,
            inline_bytes: 1024 * 1024,
            workers: 2,
            jobs: 64,
        }
    }
}

/// Runs jobs in the background of one data directory.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    owner: Owner,
    limits: Limits,
    workers: Semaphore,
    active: Mutex<HashMap<i64, Active>>,
    /// Cancelled when the process stops.
    stopping: CancellationToken,
    /// Held while jobs are counted, so that the gauge never gets an older count over a newer one.
    counting: tokio::sync::Mutex<()>,
}

/// A job that waits or runs in this process.
#[derive(Clone, Debug)]
struct Active {
    cancel: CancellationToken,
    ended: CancellationToken,
}

impl Engine {
    /// Opens the data directory, makes it if need be, and fails the jobs of processes that are gone.
    pub(crate) async fn open(directory: &Path, limits: Limits) -> Result<Self, EngineError> {
        let locks = directory.join("run");
        let owner = Owner::claim(&locks).await?;
        let store = Store::open(&directory.join("traceo.db")).await?;
        let living = owner.living(&locks).await?;
        let interrupted = store.fail_orphans(&living).await?;
        if interrupted > 0 {
            tracing::warn!(
                jobs = interrupted,
                "jobs of an earlier process were interrupted"
            );
        }
        let engine = Self {
            inner: Arc::new(Inner {
                store,
                owner,
                limits,
                workers: Semaphore::new(limits.workers),
                active: Mutex::default(),
                stopping: CancellationToken::new(),
                counting: tokio::sync::Mutex::default(),
            }),
        };
        engine.inner.count_jobs().await;
        tokio::spawn(tell_uptime(engine.inner.stopping.clone()));
        Ok(engine)
    }

    /// Accepts an import, which then waits for a worker.
    #[obs::observed(name = "accept_job")]
    pub(crate) async fn submit(&self, input: Input, layout: Layout) -> Result<Job, EngineError> {
        let accepted = Instant::now();
        let inner = &self.inner;
        if inner.stopping.is_cancelled() {
            return Err(EngineError::Stopping);
        }
        let limit = inner.limits.jobs;
        if inner.active().len() >= limit {
            return Err(EngineError::QueueFull { limit });
        }
        let opened = input.open(&inner.limits)?;
        let new = NewJob {
            owner: &inner.owner.name,
            source: opened.source,
            name: &opened.name,
            bytes_total: opened.bytes,
        };
        let id = inner.store.insert(&new).await?;
        let active = Active {
            cancel: inner.stopping.child_token(),
            ended: CancellationToken::new(),
        };
        inner.active().insert(id, active.clone());
        tracing::info!(job_id = id, name = %opened.name, "job accepted");
        inner.count_jobs().await;
        let job = inner.store.job(id).await;
        // The job's lines carry the ids of the request that brought it.
        obs::spawn(worker::run(
            Arc::clone(inner),
            worker::Task {
                id,
                accepted,
                opened,
                layout,
                active,
            },
        ));
        job
    }

    pub(crate) fn limits(&self) -> Limits {
        self.inner.limits
    }

    pub(crate) async fn job(&self, id: i64) -> Result<(Job, Vec<RowError>), EngineError> {
        let job = self.inner.store.job(id).await?;
        Ok((job, self.inner.store.row_errors(id).await?))
    }

    pub(crate) async fn jobs(
        &self,
        status: Option<JobStatus>,
        limit: u32,
    ) -> Result<Vec<Job>, EngineError> {
        self.inner.store.jobs(status, limit).await
    }

    /// The statistics of all columns of a job that has ended.
    pub(crate) async fn columns(&self, id: i64) -> Result<Vec<ColumnStats>, EngineError> {
        let job = self.inner.store.job(id).await?;
        if !job.status.has_ended() {
            let status = job.status;
            return Err(EngineError::StatisticsNotReady { id, status });
        }
        let columns = self.inner.store.columns(id).await?;
        if columns.is_empty() {
            return Err(EngineError::NoStatistics { id });
        }
        Ok(columns)
    }

    /// Stops a job; the rows it has imported stay.
    pub(crate) async fn cancel(&self, id: i64) -> Result<Job, EngineError> {
        let active = self.inner.active().get(&id).cloned();
        let Some(active) = active else {
            let job = self.inner.store.job(id).await?;
            return Err(if job.status.has_ended() {
                let status = job.status;
                EngineError::JobEnded { id, status }
            } else {
                EngineError::JobElsewhere { id }
            });
        };
        active.cancel.cancel();
        // If it takes longer, the answer says `running` and `job_status` says the rest.
        tokio::time::timeout(STOP_WAIT, active.ended.cancelled())
            .await
            .ok();
        self.inner.store.job(id).await
    }

    /// Interrupts all jobs, and ends when they have.
    pub(crate) async fn stop(&self) {
        self.inner.stopping.cancel();
        let active: Vec<_> = self.inner.active().values().cloned().collect();
        let ended = async {
            for job in active {
                job.ended.cancelled().await;
            }
        };
        if tokio::time::timeout(STOP_WAIT, ended).await.is_err() {
            tracing::warn!("jobs did not stop in time; they will be failed at the next start");
        }
        self.inner.store.close().await;
    }
}

impl Inner {
    fn active(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the gauge from the database, which is right after restarts too.
    async fn count_jobs(&self) {
        let _counting = self.counting.lock().await;
        match self.store.counts().await {
            Ok(counts) => {
                for (status, jobs) in counts {
                    traceo_engine_jobs(status).set(jobs);
                }
            }
            Err(error) => tracing::warn!(%error, "jobs could not be counted"),
        }
    }
}

/// Keeps the uptime up to date.
async fn tell_uptime(stopping: CancellationToken) {
    let started = Instant::now();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = second.tick() => {
                let seconds = started.elapsed().as_secs().cast_signed();
                traceo_engine_uptime_seconds().set(seconds);
            }
            () = stopping.cancelled() => return,
        }
    }
}

/// The default data directory, under the current one.
pub(crate) fn default_directory() -> PathBuf {
    PathBuf::from(".obs")
}

#[cfg(test)]
mod tests;
