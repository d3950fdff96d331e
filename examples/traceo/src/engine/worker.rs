//! The life of one job, from its place in the queue to its end.

use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::csv::{self, Batch, ColumnStats, Ending, Layout, Position, Summary};
use super::error::EngineError;
use super::input::Opened;
use super::job::{Failure, FailureKind, JobKind, JobStatus, RowOutcome, Source, text};
use super::store::MAX_ROW_ERRORS;
use super::{Active, Inner};
use crate::metrics::{
    traceo_engine_csv_errors_total, traceo_engine_csv_rows_total,
    traceo_engine_job_duration_seconds, traceo_engine_job_failures_total,
    traceo_engine_worker_busy_seconds_total,
};

/// Batches between the thread that reads and the task that stores.
const BATCHES_AHEAD: usize = 2;

/// An accepted job.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: i64,
    pub(super) accepted: Instant,
    pub(super) opened: Opened,
    pub(super) layout: Layout,
    pub(super) active: Active,
}

/// How a job ended.
struct End {
    status: JobStatus,
    failure: Option<(FailureKind, Failure)>,
    columns: Vec<ColumnStats>,
}

pub(super) async fn run(engine: Arc<Inner>, task: Task) {
    let Task {
        id,
        accepted,
        opened,
        layout,
        active,
    } = task;
    let worker = tokio::select! {
        worker = engine.workers.acquire() => worker.ok(),
        () = active.cancel.cancelled() => None,
    };
    let end = if worker.is_some() {
        import(&engine, id, opened, layout, &active).await
    } else {
        End::stopped(&engine, Vec::new())
    };
    if let Err(error) = finish(&engine, id, &end).await {
        tracing::error!(job_id = id, %error, "the end of the job could not be stored");
    }
    let seconds = accepted.elapsed();
    traceo_engine_job_duration_seconds(JobKind::CsvImport).observe(seconds);
    tracing::info!(
        job_id = id,
        status = text(end.status),
        failure = end.failure.map(|(kind, _)| text(kind)),
        seconds = seconds.as_secs_f64(),
        "job ended"
    );
    engine.active().remove(&id);
    active.ended.cancel();
}

/// Reads on a thread of its own and stores batch after batch.
async fn import(engine: &Inner, id: i64, opened: Opened, layout: Layout, active: &Active) -> End {
    let source = opened.source;
    if let Err(error) = start(engine, id).await {
        return End::storage(&error);
    }
    let (batches, mut received) = mpsc::channel(BATCHES_AHEAD);
    let input = opened.into_reader(active.cancel.clone());
    let reading: JoinHandle<Summary> = obs::spawn_blocking(move || read(input, layout, &batches));
    let mut kept_errors = 0;
    let mut lost = None;
    let mut busy_since = Instant::now();
    while let Some(batch) = received.recv().await {
        let stored = store(engine, id, &batch, &mut kept_errors).await;
        let busy = busy_since.elapsed();
        busy_since += busy;
        traceo_engine_worker_busy_seconds_total(source).add(busy.as_secs_f64());
        if let Err(error) = stored {
            lost = Some(End::storage(&error));
            break;
        }
        count(source, &batch);
    }
    // The reader hands over until somebody hangs up.
    drop(received);
    let summary = reading.await;
    lost.unwrap_or_else(|| End::of(engine, active, summary))
}

/// Reads the whole input, on a thread that may wait.
#[obs::observed(name = "read_csv")]
fn read(input: impl Read, layout: Layout, batches: &mpsc::Sender<Batch>) -> Summary {
    csv::read(input, layout, |batch| batches.blocking_send(batch).is_ok())
}

/// Counts what is in the database now.
fn count(source: Source, batch: &Batch) {
    traceo_engine_csv_rows_total(source, RowOutcome::Ok).add(batch.rows.len() as u64);
    traceo_engine_csv_rows_total(source, RowOutcome::Rejected).add(batch.rejected);
    for error in &batch.errors {
        traceo_engine_csv_errors_total(error.kind).inc();
    }
}

#[obs::observed(name = "start_job")]
async fn start(engine: &Inner, id: i64) -> Result<(), EngineError> {
    engine.store.start(id).await?;
    engine.count_jobs().await;
    Ok(())
}

/// Stores one batch: all its rows, and its mistakes as long as few are kept.
#[obs::observed(name = "store_batch")]
async fn store(
    engine: &Inner,
    id: i64,
    batch: &Batch,
    kept_errors: &mut usize,
) -> Result<(), EngineError> {
    let room = MAX_ROW_ERRORS - *kept_errors;
    let errors = &batch.errors[..batch.errors.len().min(room)];
    engine.store.add(id, batch, errors).await?;
    *kept_errors += errors.len();
    Ok(())
}

#[obs::observed(name = "finish_job")]
async fn finish(engine: &Inner, id: i64, end: &End) -> Result<(), EngineError> {
    if let Some((kind, _)) = end.failure {
        traceo_engine_job_failures_total(kind).inc();
    }
    let failure = end.failure.as_ref().map(|(_, failure)| failure);
    engine
        .store
        .finish(id, end.status, failure, &end.columns)
        .await?;
    engine.count_jobs().await;
    Ok(())
}

impl End {
    fn of(engine: &Inner, active: &Active, summary: Result<Summary, JoinError>) -> Self {
        let Summary { columns, ending } = match summary {
            Ok(summary) => summary,
            Err(error) => {
                let message = format!("reading ended unexpectedly: {error}");
                return Self::failed(FailureKind::Internal, message, None, Vec::new());
            }
        };
        match ending {
            Ending::Complete => Self {
                status: JobStatus::Completed,
                failure: None,
                columns,
            },
            Ending::Io(_) | Ending::Stopped if active.cancel.is_cancelled() => {
                Self::stopped(engine, columns)
            }
            Ending::Unusable(error) => {
                let kind = FailureKind::Csv(error.kind);
                Self::failed(kind, error.to_string(), Some(error.at), columns)
            }
            Ending::Io(error) => {
                let message = format!("the file could not be read to its end: {error}");
                Self::failed(FailureKind::Io, message, None, columns)
            }
            Ending::Stopped => {
                let message = "reading stopped".to_owned();
                Self::failed(FailureKind::Internal, message, None, columns)
            }
        }
    }

    fn failed(
        kind: FailureKind,
        message: String,
        at: Option<Position>,
        columns: Vec<ColumnStats>,
    ) -> Self {
        Self {
            status: JobStatus::Failed,
            failure: Some((kind, Failure::new(kind, message, at))),
            columns,
        }
    }

    fn storage(error: &EngineError) -> Self {
        Self::failed(FailureKind::Storage, error.to_string(), None, Vec::new())
    }

    /// Cancelled by a client, or interrupted by the end of the process.
    fn stopped(engine: &Inner, columns: Vec<ColumnStats>) -> Self {
        if engine.stopping.is_cancelled() {
            let message = "traceo was stopped".to_owned();
            return Self::failed(FailureKind::Interrupted, message, None, columns);
        }
        Self {
            status: JobStatus::Cancelled,
            failure: None,
            columns,
        }
    }
}
