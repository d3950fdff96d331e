//! The life of one job, from its place in the queue to its end.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::csv::{self, Batch, Ending, Layout, Summary};
use super::error::EngineError;
use super::input::Opened;
use super::job::{Failure, JobStatus};
use super::store::MAX_ROW_ERRORS;
use super::{Active, Inner};

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
    failure: Option<Failure>,
    columns: Vec<csv::ColumnStats>,
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
    tracing::info!(
        job_id = id,
        status = end.status.as_str(),
        failure = end.failure.as_ref().map(|failure| failure.kind.as_str()),
        seconds = accepted.elapsed().as_secs_f64(),
        "job ended"
    );
    engine.active().remove(&id);
    active.ended.cancel();
}

/// Reads on a thread of its own and stores batch after batch.
async fn import(engine: &Inner, id: i64, opened: Opened, layout: Layout, active: &Active) -> End {
    if let Err(error) = start(engine, id).await {
        return End::failed(storage(&error), Vec::new());
    }
    let (batches, mut received) = mpsc::channel(BATCHES_AHEAD);
    let stop = active.cancel.clone();
    let reading: JoinHandle<Summary> = tokio::task::spawn_blocking(move || {
        let input = opened.into_reader(stop);
        csv::read(input, layout, |batch| batches.blocking_send(batch).is_ok())
    });
    let mut kept_errors = 0;
    let mut storage_failure = None;
    while let Some(batch) = received.recv().await {
        if let Err(error) = store(engine, id, &batch, &mut kept_errors).await {
            storage_failure = Some(storage(&error));
            break;
        }
    }
    // The reader hands over until somebody hangs up.
    drop(received);
    let summary = reading.await;
    if let Some(failure) = storage_failure {
        return End::failed(failure, Vec::new());
    }
    End::of(engine, active, summary)
}

async fn start(engine: &Inner, id: i64) -> Result<(), EngineError> {
    engine.store.start(id).await?;
    engine.count_jobs().await;
    Ok(())
}

/// Stores one batch: all its rows, and its mistakes as long as few are kept.
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

async fn finish(engine: &Inner, id: i64, end: &End) -> Result<(), EngineError> {
    let failure = end.failure.as_ref();
    engine
        .store
        .finish(id, end.status, failure, &end.columns)
        .await?;
    engine.count_jobs().await;
    Ok(())
}

fn storage(error: &EngineError) -> Failure {
    Failure::new("storage", error.to_string(), None)
}

impl End {
    fn of(engine: &Inner, active: &Active, summary: Result<Summary, JoinError>) -> Self {
        let Summary { columns, ending } = match summary {
            Ok(summary) => summary,
            Err(error) => {
                let message = format!("reading ended unexpectedly: {error}");
                return Self::failed(Failure::new("internal", message, None), Vec::new());
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
                let failure = Failure::new(error.kind.as_str(), error.to_string(), Some(error.at));
                Self::failed(failure, columns)
            }
            Ending::Io(error) => {
                let message = format!("the file could not be read to its end: {error}");
                Self::failed(Failure::new("io", message, None), columns)
            }
            Ending::Stopped => {
                let failure = Failure::new("internal", "reading stopped", None);
                Self::failed(failure, columns)
            }
        }
    }

    fn failed(failure: Failure, columns: Vec<csv::ColumnStats>) -> Self {
        Self {
            status: JobStatus::Failed,
            failure: Some(failure),
            columns,
        }
    }

    /// Cancelled by a client, or interrupted by the end of the process.
    fn stopped(engine: &Inner, columns: Vec<csv::ColumnStats>) -> Self {
        if engine.stopping.is_cancelled() {
            let failure = Failure::new("interrupted", "traceo was stopped", None);
            return Self::failed(failure, columns);
        }
        Self {
            status: JobStatus::Cancelled,
            failure: None,
            columns,
        }
    }
}
