//! The life of one attempt at a job, from the queue to its end.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::Engine;
use super::error::ImportError;
use super::job::{FailureKind, JobKind, RowOutcome};
use super::store::{self, End, Held, Hold, MAX_ROW_ERRORS, Waiting};
use crate::api::{Failure, JobId, JobStatus, Source, text};
use crate::csv::{self, Batch, Ending, Layout, Position, Summary};
use crate::database::{StorageError, now};
use crate::metrics::engine::{
    traceo_engine_csv_errors_total, traceo_engine_csv_rows_total,
    traceo_engine_job_duration_seconds, traceo_engine_job_failures_total,
    traceo_engine_job_retries_total, traceo_engine_jobs_ended_total,
    traceo_engine_worker_busy_seconds_total,
};
use crate::telemetry::{self, Attempt};

/// Batches between the thread that reads and the task that stores.
const BATCHES_AHEAD: usize = 2;

/// Attempts that may fail by themselves; an engine that stops or dies is no failure of the job.
const MAX_FAILURES: i64 = 5;

/// The pause behind the first failure; it doubles from there.
const FIRST_PAUSE_MS: i64 = 500;

/// How long the end of a job is tried to be stored, before the job is left to its lease.
const FINISHING: Duration = Duration::from_secs(60);

/// The pause between two such tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// The pause after the queue failed.
const QUEUE_PAUSE: Duration = Duration::from_secs(1);

/// Works off jobs, one at a time, until the engine stops.
pub(super) async fn run(engine: Engine) {
    loop {
        let taken = tokio::select! {
            biased;
            () = engine.stopping().cancelled() => return,
            taken = engine.queue().take() => taken,
        };
        match taken {
            Ok(None) => {}
            Ok(Some(id)) => {
                let attempt = {
                    let engine = engine.clone();
                    async move { attempt(&engine, &id).await }
                };
                // A task of its own: if it panics, the job is begun again when its lease is over,
                // and the worker goes on.
                telemetry::in_background(attempt).await.ok();
            }
            Err(error) => {
                engine.queue_failed(&error);
                tokio::select! {
                    () = engine.stopping().cancelled() => return,
                    () = tokio::time::sleep(QUEUE_PAUSE) => {}
                }
            }
        }
    }
}

/// What an attempt came to that did not fail.
enum Done {
    Ended,
    /// Somebody else was faster.
    NotOurs,
}

async fn attempt(engine: &Engine, id: &JobId) {
    let Some(_kept) = engine.keep_for_one(id) else {
        return;
    };
    // If the database does not answer, the sweeper finds the job again.
    let Ok(Some(job)) = store::waiting(engine.database(), id).await else {
        return;
    };
    let attempt = Attempt {
        name: "import_csv",
        number: u32::try_from(job.attempts + 1).unwrap_or(u32::MAX),
        carrier: &job.ticket.carrier,
        actor: &job.ticket.actor,
        job: id,
    };
    let is_final = |error: &ImportError| is_final(&job, error);
    // It has said by itself what became of it.
    attempt.run(is_final, work(engine, &job)).await.ok();
}

fn is_final(job: &Waiting, error: &ImportError) -> bool {
    match error {
        ImportError::Interrupted | ImportError::TakenOver => false,
        _ => !error.is_worth_another_attempt() || job.failures + 1 >= MAX_FAILURES,
    }
}

async fn work(engine: &Engine, job: &Waiting) -> Result<Done, ImportError> {
    let hold = engine.hold(&job.id, job.attempts + 1);
    match start(engine, &hold).await {
        Ok(true) => {}
        Ok(false) => return Ok(Done::NotOurs),
        Err(error) => {
            // The database takes nothing now, and the job stays in the queue: without a pause the
            // log would fill with attempts that cannot begin.
            tokio::select! {
                () = tokio::time::sleep(QUEUE_PAUSE) => {}
                () = engine.stopping().cancelled() => {}
            }
            return Err(error);
        }
    }
    let running = Running::begin(engine, &hold);
    let imported = import(engine, job, &hold, &running.run).await;
    let settled = match imported {
        Ok(end) => {
            let finished = finish(engine, job, &hold, &end).await;
            finished
                .map(|()| Done::Ended)
                .map_err(|error| (error, false))
        }
        Err(error) => Err((error, true)),
    };
    let settled = match settled {
        Ok(done) => Ok(done),
        Err((error, is_known)) => {
            settle(engine, job, &hold, &error, is_known).await;
            Err(error)
        }
    };
    drop(running);
    engine.changed(&job.id);
    settled
}

/// What one attempt is told while it works.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Cancelled when reading is to stop, for whatever reason.
    pub(super) stop: CancellationToken,
    is_lost: std::sync::Arc<AtomicBool>,
}

impl Run {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self {
            stop,
            is_lost: std::sync::Arc::default(),
        }
    }

    fn heed(&self, held: Held) {
        match held {
            Held::Yes => {}
            Held::Cancelled => self.stop.cancel(),
            Held::No => {
                self.is_lost.store(true, Ordering::SeqCst);
                self.stop.cancel();
            }
        }
    }

    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }
}

/// An attempt under way: its lease is renewed until this is dropped, however the attempt ends.
struct Running<'a> {
    engine: &'a Engine,
    job: &'a JobId,
    run: Run,
    renewing: JoinHandle<()>,
}

impl<'a> Running<'a> {
    fn begin(engine: &'a Engine, hold: &'a Hold) -> Self {
        let run = engine.begin_run(&hold.job);
        let renewing = renew(engine.clone(), hold.clone(), run.clone());
        Self {
            engine,
            job: &hold.job,
            run,
            renewing: telemetry::in_background(renewing),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.renewing.abort();
        self.engine.end_run(self.job);
    }
}

/// Renews the lease of an attempt, however long a batch takes.
async fn renew(engine: Engine, hold: Hold, run: Run) {
    let lease = Duration::from_millis(hold.lease.unsigned_abs());
    loop {
        tokio::time::sleep(lease / 3).await;
        // While the database does not answer, nobody else can take the job over either.
        if let Ok(held) = store::renew(engine.database(), &hold).await {
            run.heed(held);
        }
    }
}

/// Takes the job up, unless somebody else has.
#[obs::observed(name = "start_job")]
async fn start(engine: &Engine, hold: &Hold) -> Result<bool, ImportError> {
    let claimed = store::claim(engine.database(), hold).await?;
    engine.changed(&hold.job);
    Ok(claimed)
}

/// Reads on a thread of its own and stores batch after batch.
async fn import(
    engine: &Engine,
    job: &Waiting,
    hold: &Hold,
    run: &Run,
) -> Result<End, ImportError> {
    let file = File::open(engine.uploads().file(&job.id)).map_err(ImportError::FileUnreadable)?;
    let input = Stoppable {
        file,
        stop: run.stop.clone(),
    };
    let (batches, mut received) = mpsc::channel(BATCHES_AHEAD);
    let layout = job.layout.clone();
    let reading = telemetry::on_a_thread(move || read(input, layout, &batches));
    let keeping = async move {
        let mut kept_errors = 0;
        let mut busy_since = Instant::now();
        while let Some(batch) = received.recv().await {
            let outcome = store_batch(engine, hold, &batch, &mut kept_errors).await;
            let busy = busy_since.elapsed();
            busy_since += busy;
            traceo_engine_worker_busy_seconds_total(job.source).add(busy.as_secs_f64());
            let outcome = outcome?;
            run.heed(outcome);
            if outcome == Held::No {
                return Err(ImportError::TakenOver);
            }
            count(job.source, &batch);
            engine.told(&job.id);
        }
        // The receiver is dropped here, after an error as well: the reader then hands over no more.
        Ok(())
    };
    let (summary, kept) = tokio::join!(reading, keeping);
    kept?;
    ending(engine, run, summary)
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

/// Stores one batch: all its rows, and its mistakes as long as few are kept.
#[obs::observed(fields(rows = store::number(batch.rows.len())))]
async fn store_batch(
    engine: &Engine,
    hold: &Hold,
    batch: &Batch,
    kept_errors: &mut usize,
) -> Result<Held, StorageError> {
    let room = MAX_ROW_ERRORS.saturating_sub(*kept_errors);
    let errors = batch.errors.get(..batch.errors.len().min(room));
    let errors = errors.unwrap_or_default();
    let outcome = store::add(engine.database(), hold, batch, errors, *kept_errors).await?;
    *kept_errors += errors.len();
    Ok(outcome)
}

/// Says what the end of reading means for the job.
fn ending(
    engine: &Engine,
    run: &Run,
    summary: Result<Summary, JoinError>,
) -> Result<End, ImportError> {
    let Summary { columns, ending } = summary.map_err(ImportError::ReaderDied)?;
    let end = |status| End {
        status,
        failure: None,
        columns,
    };
    match ending {
        Ending::Complete => Ok(end(JobStatus::Completed)),
        Ending::Unusable(error) => Err(ImportError::UnusableFile(error)),
        _ if run.is_lost() => Err(ImportError::TakenOver),
        _ if engine.stopping().is_cancelled() => Err(ImportError::Interrupted),
        _ if run.stop.is_cancelled() => Ok(end(JobStatus::Cancelled)),
        Ending::Io(error) => Err(ImportError::FileUnreadable(error)),
        Ending::Stopped => Err(ImportError::FileUnreadable(io::Error::other(
            "reading stopped",
        ))),
    }
}

/// Stores how the job ended, again and again while the database does not answer.
#[obs::observed(name = "finish_job")]
async fn finish(engine: &Engine, job: &Waiting, hold: &Hold, end: &End) -> Result<(), ImportError> {
    let tried_since = Instant::now();
    let outcome = loop {
        match store::finish(engine.database(), hold, end).await {
            Ok(outcome) => break outcome,
            Err(error) if tried_since.elapsed() > FINISHING => return Err(error.into()),
            Err(error) if engine.stopping().is_cancelled() => return Err(error.into()),
            Err(_) => tokio::time::sleep(BETWEEN_TRIES).await,
        }
    };
    if outcome == Held::No {
        return Err(ImportError::TakenOver);
    }
    traceo_engine_jobs_ended_total(end.status).inc();
    let waited = now().saturating_sub(job.created_at).unsigned_abs();
    let seconds = Duration::from_millis(waited);
    traceo_engine_job_duration_seconds(JobKind::CsvImport).observe(seconds);
    engine.uploads().remove(&job.id).await;
    engine.webhooks_due().notify_one();
    telemetry::tell::job_ended(end.status, seconds);
    Ok(())
}

/// Stores what a failure means: the end of the job, or another attempt.
///
/// If that cannot be stored either, the lease runs out, and the job is begun again.
async fn settle(
    engine: &Engine,
    job: &Waiting,
    hold: &Hold,
    error: &ImportError,
    end_is_open: bool,
) {
    let kind = error.kind();
    if matches!(error, ImportError::TakenOver) {
        return;
    }
    if is_final(job, error) && end_is_open {
        let end = End {
            status: JobStatus::Failed,
            failure: Some(failure(kind, error)),
            columns: Vec::new(),
        };
        if finish(engine, job, hold, &end).await.is_ok() {
            traceo_engine_job_failures_total(kind).inc();
        }
        return;
    }
    let interrupted = matches!(error, ImportError::Interrupted);
    let doublings = u32::try_from(job.failures).unwrap_or(0).min(10);
    let pause = if interrupted {
        0
    } else {
        FIRST_PAUSE_MS << doublings
    };
    let tried_since = Instant::now();
    loop {
        let released = store::release(engine.database(), hold, !interrupted, pause).await;
        match released {
            Ok(Held::No) => return,
            Ok(_) => break,
            Err(_) if tried_since.elapsed() > FINISHING || engine.stopping().is_cancelled() => {
                return;
            }
            Err(_) => tokio::time::sleep(BETWEEN_TRIES).await,
        }
    }
    traceo_engine_job_retries_total(kind).inc();
}

fn failure(kind: FailureKind, error: &ImportError) -> Failure {
    let at: Option<Position> = match error {
        ImportError::UnusableFile(error) => Some(error.at),
        _ => None,
    };
    Failure {
        kind: text(kind).to_owned(),
        message: error.to_string(),
        row: at.map(|at| at.row.cast_signed()),
        column: at.map(|at| at.column.cast_signed()),
    }
}

struct Stoppable {
    file: File,
    stop: CancellationToken,
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the job was stopped"));
        }
        self.file.read(buffer)
    }
}
