//! Jobs, rows, mistakes and statistics in the database.
//!
//! Whoever works on a job holds a [`Hold`] on it: each of its writes begins by touching the job's row
//! on the condition that it still is its own, so that an engine that slept through its lease changes
//! nothing of what another has begun.

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{Any, Row as _, any::AnyArguments};

use crate::api::{ColumnStats, Failure, Job, JobEnded, JobId, JobStatus, RowError, Source, text};
use crate::csv::{Batch, ColumnType, CsvError, Layout, Row};
use crate::database::{Action, Database, PATIENCE, StorageError, audit, in_time, now, rfc3339};
use crate::telemetry::{Ticket, Transaction};

use super::webhooks;

/// Mistakes that are kept of a job; all are counted.
pub(super) const MAX_ROW_ERRORS: usize = 100;

/// Rows of columns that go into one statement: databases bound the number of parameters.
const COLUMNS_AT_ONCE: usize = 500;

/// How long a job may take to be taken up: the rows of an earlier attempt are removed with it.
const CLAIM_PATIENCE: Duration = Duration::from_secs(110);

type Result<T, E = StorageError> = std::result::Result<T, E>;

/// A job before it is stored.
#[derive(Debug)]
pub(super) struct NewJob {
    pub(super) id: JobId,
    pub(super) source: Source,
    pub(super) name: String,
    pub(super) layout: Layout,
    pub(super) bytes: u64,
}

/// A job that waits, as far as it must be known to begin an attempt.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: JobId,
    pub(super) ticket: Stored,
    /// Attempts that were begun.
    pub(super) attempts: i64,
    /// Attempts that failed by themselves.
    pub(super) failures: i64,
    pub(super) source: Source,
    pub(super) layout: Layout,
    pub(super) created_at: i64,
}

/// The context in which something was asked for, as it was stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) carrier: String,
    pub(super) actor: String,
    pub(super) correlation_id: String,
}

impl Stored {
    pub(super) fn of(ticket: Ticket) -> Self {
        Self {
            carrier: ticket.carrier,
            actor: ticket.origin.actor,
            correlation_id: ticket.origin.correlation_id,
        }
    }

    pub(super) fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            carrier: row.try_get("carrier")?,
            actor: row.try_get("actor")?,
            correlation_id: row.try_get("correlation_id")?,
        })
    }
}

/// One attempt's right to change a job.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) job: JobId,
    pub(super) owner: String,
    pub(super) attempt: i64,
    pub(super) lease: i64,
}

/// What became of a write under a [`Hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Yes,
    /// It was done, and a client wants the job to end.
    Cancelled,
    /// Nothing was done: the job belongs to somebody else, or has ended.
    No,
}

/// How a job ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) status: JobStatus,
    pub(super) failure: Option<Failure>,
    pub(super) columns: Vec<ColumnStats>,
}

/// What became of the wish to cancel a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cancelling {
    /// It waited, and has ended.
    Ended,
    /// Whoever works on it is told.
    Asked,
    /// There was nothing to cancel.
    TooLate,
}

/// Stores a job, and returns how it begins.
pub(super) async fn insert(transaction: &mut Transaction, job: &NewJob) -> Result<Job> {
    let ticket = Stored::of(Ticket::current());
    let moment = now();
    // A layout always serialises.
    let layout = serde_json::to_string(&job.layout).unwrap_or_default();
    sqlx::query(
        "INSERT INTO jobs (id, status, source, name, layout, carrier, actor, correlation_id, \
         attempts, failures, rows_ok, rows_rejected, bytes_read, bytes_total, created_at, \
         not_before, cancel) \
         VALUES ($1, 'pending', $2, $3, $4, $5, $6, $7, 0, 0, 0, 0, 0, $8, $9, $9, 0)",
    )
    .bind(job.id.as_str())
    .bind(text(job.source))
    .bind(storable(&job.name))
    .bind(layout)
    .bind(ticket.carrier)
    .bind(ticket.actor)
    .bind(ticket.correlation_id)
    .bind(job.bytes.cast_signed())
    .bind(moment)
    .execute(&mut **transaction)
    .await?;
    audit(transaction, Action::JobAccepted, job.id.as_str()).await?;
    Ok(Job {
        job_id: job.id.clone(),
        status: JobStatus::Pending,
        source: job.source,
        name: storable(&job.name),
        attempts: 0,
        rows_ok: 0,
        rows_rejected: 0,
        bytes_read: 0,
        bytes_total: job.bytes.cast_signed(),
        failure: None,
        created_at: rfc3339(moment),
        started_at: None,
        ended_at: None,
    })
}

/// Counts the jobs that have not ended.
pub(super) async fn open_jobs(database: &Database) -> Result<i64> {
    in_time(PATIENCE, async {
        let query = "SELECT count(*) AS jobs FROM jobs WHERE status IN ('pending', 'running')";
        let row = sqlx::query(query).fetch_one(database.pool()).await?;
        Ok(row.try_get("jobs")?)
    })
    .await
}

/// Finds a job that may be begun now.
pub(super) async fn waiting(database: &Database, id: &JobId) -> Result<Option<Waiting>> {
    in_time(PATIENCE, async {
        let row = sqlx::query(
            "SELECT id, carrier, actor, correlation_id, attempts, failures, source, layout, \
             created_at FROM jobs \
             WHERE id = $1 AND status = 'pending' AND cancel = 0 AND not_before <= $2",
        )
        .bind(id.as_str())
        .bind(now())
        .fetch_optional(database.pool())
        .await?;
        row.map(|row| {
            let layout: String = row.try_get("layout")?;
            Ok(Waiting {
                id: id.clone(),
                ticket: Stored::read(&row)?,
                attempts: row.try_get("attempts")?,
                failures: row.try_get("failures")?,
                source: source(&row)?,
                layout: serde_json::from_str(&layout).unwrap_or_default(),
                created_at: row.try_get("created_at")?,
            })
        })
        .transpose()
    })
    .await
}

/// Takes a job up, unless somebody else has, and removes what an earlier attempt left.
pub(super) async fn claim(database: &Database, hold: &Hold) -> Result<bool> {
    in_time(CLAIM_PATIENCE, async {
        let moment = now();
        let mut transaction = database.begin().await?;
        let claimed = sqlx::query(
            "UPDATE jobs SET status = 'running', owner = $1, lease_until = $2, attempts = $3, \
             rows_ok = 0, rows_rejected = 0, bytes_read = 0, \
             started_at = coalesce(started_at, $4) \
             WHERE id = $5 AND status = 'pending' AND cancel = 0 AND attempts = $6",
        )
        .bind(&hold.owner)
        .bind(moment + hold.lease)
        .bind(hold.attempt)
        .bind(moment)
        .bind(hold.job.as_str())
        .bind(hold.attempt - 1)
        .execute(&mut *transaction)
        .await?;
        if claimed.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        for query in [
            "DELETE FROM job_rows WHERE job = $1",
            "DELETE FROM job_errors WHERE job = $1",
            "DELETE FROM job_columns WHERE job = $1",
        ] {
            let query = sqlx::query(query).bind(hold.job.as_str());
            query.execute(&mut *transaction).await?;
        }
        audit(&mut transaction, Action::JobStarted, hold.job.as_str()).await?;
        transaction.commit().await?;
        Ok(true)
    })
    .await
}

/// Keeps the job for another lease.
pub(super) async fn renew(database: &Database, hold: &Hold) -> Result<Held> {
    in_time(PATIENCE, async {
        let row = sqlx::query(
            "UPDATE jobs SET lease_until = $1 \
             WHERE id = $2 AND owner = $3 AND attempts = $4 AND status = 'running' \
             RETURNING cancel",
        )
        .bind(now() + hold.lease)
        .bind(hold.job.as_str())
        .bind(&hold.owner)
        .bind(hold.attempt)
        .fetch_optional(database.unobserved())
        .await?;
        held(row.as_ref())
    })
    .await
}

/// Adds what a batch brought, and the progress it means, or nothing of it.
pub(super) async fn add(
    database: &Database,
    hold: &Hold,
    batch: &Batch,
    errors: &[CsvError],
    errors_before: usize,
) -> Result<Held> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let row = sqlx::query(
            "UPDATE jobs SET rows_ok = rows_ok + $1, rows_rejected = rows_rejected + $2, \
             bytes_read = $3, lease_until = $4 \
             WHERE id = $5 AND owner = $6 AND attempts = $7 AND status = 'running' \
             RETURNING cancel",
        )
        .bind(number(batch.rows.len()))
        .bind(batch.rejected.cast_signed())
        .bind(batch.bytes.cast_signed())
        .bind(now() + hold.lease)
        .bind(hold.job.as_str())
        .bind(&hold.owner)
        .bind(hold.attempt)
        .fetch_optional(&mut *transaction)
        .await?;
        let outcome = held(row.as_ref())?;
        if outcome == Held::No {
            transaction.rollback().await?;
            return Ok(outcome);
        }
        insert_rows(&mut transaction, &hold.job, &batch.rows).await?;
        insert_errors(&mut transaction, &hold.job, errors, errors_before).await?;
        transaction.commit().await?;
        Ok(outcome)
    })
    .await
}

/// Ends a job, with the webhook that tells so; [`Held::No`] if it was not this attempt's to end.
pub(super) async fn finish(database: &Database, hold: &Hold, end: &End) -> Result<Held> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let row = sqlx::query(
            "UPDATE jobs SET status = $1, failure_kind = $2, failure = $3, failure_row = $4, \
             failure_column = $5, ended_at = $6, lease_until = NULL \
             WHERE id = $7 AND owner = $8 AND attempts = $9 AND status = 'running' \
             RETURNING rows_ok, rows_rejected",
        )
        .bind(text(end.status))
        .bind(end.failure.as_ref().map(|failure| failure.kind.clone()))
        .bind(
            end.failure
                .as_ref()
                .map(|failure| storable(&failure.message)),
        )
        .bind(end.failure.as_ref().and_then(|failure| failure.row))
        .bind(end.failure.as_ref().and_then(|failure| failure.column))
        .bind(now())
        .bind(hold.job.as_str())
        .bind(&hold.owner)
        .bind(hold.attempt)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            transaction.rollback().await?;
            // The commit of an earlier try may have been done, and its answer lost.
            return ended_by(database, hold).await;
        };
        insert_columns(&mut transaction, &hold.job, &end.columns).await?;
        audit(&mut transaction, Action::JobEnded, hold.job.as_str()).await?;
        let told = JobEnded {
            job_id: hold.job.clone(),
            status: end.status,
            rows_ok: row.try_get("rows_ok")?,
            rows_rejected: row.try_get("rows_rejected")?,
            failure: end.failure.clone(),
        };
        let ticket = Stored::of(Ticket::current());
        webhooks::insert(&mut transaction, &told, &ticket).await?;
        transaction.commit().await?;
        Ok(Held::Yes)
    })
    .await
}

/// Says whether the job was ended by this attempt.
async fn ended_by(database: &Database, hold: &Hold) -> Result<Held> {
    let row = sqlx::query(
        "SELECT id FROM jobs WHERE id = $1 AND owner = $2 AND attempts = $3 \
         AND ended_at IS NOT NULL",
    )
    .bind(hold.job.as_str())
    .bind(&hold.owner)
    .bind(hold.attempt)
    .fetch_optional(database.pool())
    .await?;
    Ok(if row.is_some() { Held::Yes } else { Held::No })
}

/// Puts a job back, to be begun again in `pause` milliseconds.
pub(super) async fn release(
    database: &Database,
    hold: &Hold,
    failed: bool,
    pause: i64,
) -> Result<Held> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let released = sqlx::query(
            "UPDATE jobs SET status = 'pending', failures = failures + $1, not_before = $2, \
             lease_until = NULL \
             WHERE id = $3 AND owner = $4 AND attempts = $5 AND status = 'running'",
        )
        .bind(i64::from(failed))
        .bind(now() + pause)
        .bind(hold.job.as_str())
        .bind(&hold.owner)
        .bind(hold.attempt)
        .execute(&mut *transaction)
        .await?;
        if released.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(Held::No);
        }
        audit(&mut transaction, Action::JobRequeued, hold.job.as_str()).await?;
        transaction.commit().await?;
        Ok(Held::Yes)
    })
    .await
}

/// A running job that was not heard of for longer than its lease, or one that is to be cancelled and
/// that nobody works on.
#[derive(Debug)]
pub(super) struct Abandoned {
    pub(super) id: JobId,
    pub(super) ticket: Stored,
    pub(super) owner: Option<String>,
    pub(super) attempts: i64,
    pub(super) created_at: i64,
    pub(super) is_cancelled: bool,
}

pub(super) async fn abandoned(database: &Database) -> Result<Vec<Abandoned>> {
    in_time(PATIENCE, async {
        let rows = sqlx::query(
            "SELECT id, carrier, actor, correlation_id, owner, attempts, created_at, cancel \
             FROM jobs \
             WHERE (status = 'running' AND lease_until < $1) OR (status = 'pending' AND cancel = 1) \
             ORDER BY created_at LIMIT 100",
        )
        .bind(now())
        .fetch_all(database.unobserved())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Abandoned {
                    id: id(row, "id")?,
                    ticket: Stored::read(row)?,
                    owner: row.try_get("owner")?,
                    attempts: row.try_get("attempts")?,
                    created_at: row.try_get("created_at")?,
                    is_cancelled: row.try_get::<i64, _>("cancel")? == 1,
                })
            })
            .collect()
    })
    .await
}

/// Puts an abandoned job back into the queue; false if somebody else was faster.
pub(super) async fn requeue(database: &Database, job: &Abandoned) -> Result<bool> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let requeued = sqlx::query(
            "UPDATE jobs SET status = 'pending', lease_until = NULL, not_before = $1 \
             WHERE id = $2 AND status = 'running' AND attempts = $3 AND lease_until < $1",
        )
        .bind(now())
        .bind(job.id.as_str())
        .bind(job.attempts)
        .execute(&mut *transaction)
        .await?;
        if requeued.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        audit(&mut transaction, Action::JobRequeued, job.id.as_str()).await?;
        transaction.commit().await?;
        Ok(true)
    })
    .await
}

/// Ends a job that is to be cancelled and that nobody works on.
pub(super) async fn end_cancelled(database: &Database, job: &Abandoned) -> Result<bool> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let ended = cancelled(
            &mut transaction,
            "UPDATE jobs SET status = 'cancelled', ended_at = $1, lease_until = NULL \
             WHERE id = $2 AND cancel = 1 \
             AND (status = 'pending' OR (status = 'running' AND lease_until < $1)) \
             RETURNING rows_ok, rows_rejected, carrier, actor, correlation_id",
            &job.id,
        )
        .await?;
        transaction.commit().await?;
        Ok(ended)
    })
    .await
}

/// Cancels a job, at once if it waits.
pub(super) async fn cancel(database: &Database, id: &JobId) -> Result<Cancelling> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let ended = cancelled(
            &mut transaction,
            "UPDATE jobs SET status = 'cancelled', ended_at = $1, cancel = 1 \
             WHERE id = $2 AND status = 'pending' \
             RETURNING rows_ok, rows_rejected, carrier, actor, correlation_id",
            id,
        )
        .await?;
        let cancelling = if ended {
            Cancelling::Ended
        } else {
            let query = "UPDATE jobs SET cancel = 1 WHERE id = $1 AND status = 'running'";
            let asked = sqlx::query(query)
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await?;
            if asked.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok(Cancelling::TooLate);
            }
            Cancelling::Asked
        };
        audit(&mut transaction, Action::JobCancelled, id.as_str()).await?;
        transaction.commit().await?;
        Ok(cancelling)
    })
    .await
}

/// Ends a job by `update`, which gets now and the id, and says what it changed.
async fn cancelled(transaction: &mut Transaction, update: &str, id: &JobId) -> Result<bool> {
    let row = sqlx::query(update)
        .bind(now())
        .bind(id.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    let Some(row) = row else {
        return Ok(false);
    };
    audit(transaction, Action::JobEnded, id.as_str()).await?;
    let told = JobEnded {
        job_id: id.clone(),
        status: JobStatus::Cancelled,
        rows_ok: row.try_get("rows_ok")?,
        rows_rejected: row.try_get("rows_rejected")?,
        failure: None,
    };
    // In the context of the upload, not of the wish: a job is one story under one id.
    webhooks::insert(transaction, &told, &Stored::read(&row)?).await?;
    Ok(true)
}

/// The jobs that may be begun now and have waited for `age` milliseconds, oldest first.
pub(super) async fn due(database: &Database, age: i64, limit: i64) -> Result<Vec<JobId>> {
    in_time(PATIENCE, async {
        let rows = sqlx::query(
            "SELECT id FROM jobs WHERE status = 'pending' AND cancel = 0 AND not_before <= $1 \
             ORDER BY not_before LIMIT $2",
        )
        .bind(now() - age)
        .bind(limit)
        .fetch_all(database.unobserved())
        .await?;
        rows.iter().map(|row| id(row, "id")).collect()
    })
    .await
}

/// Finds a job.
pub(super) async fn job(database: &Database, id: &JobId) -> Result<Option<Job>> {
    in_time(PATIENCE, async {
        let row = sqlx::query("SELECT * FROM jobs WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(database.pool())
            .await?;
        row.as_ref().map(read_job).transpose()
    })
    .await
}

/// The newest jobs, newest first.
pub(super) async fn jobs(
    database: &Database,
    status: Option<JobStatus>,
    limit: u32,
) -> Result<Vec<Job>> {
    in_time(PATIENCE, async {
        let rows = match status {
            Some(status) => {
                let query = "SELECT * FROM jobs WHERE status = $1 ORDER BY id DESC LIMIT $2";
                sqlx::query(query)
                    .bind(text(status))
                    .bind(i64::from(limit))
                    .fetch_all(database.pool())
                    .await?
            }
            None => {
                sqlx::query("SELECT * FROM jobs ORDER BY id DESC LIMIT $1")
                    .bind(i64::from(limit))
                    .fetch_all(database.pool())
                    .await?
            }
        };
        rows.iter().map(read_job).collect()
    })
    .await
}

/// Counts the jobs in each state.
pub(super) async fn counts(
    database: &Database,
) -> Result<[(JobStatus, i64); JobStatus::ALL.len()]> {
    in_time(PATIENCE, async {
        let query = "SELECT status, count(*) AS jobs FROM jobs GROUP BY status";
        let rows = sqlx::query(query).fetch_all(database.unobserved()).await?;
        let mut counts = JobStatus::ALL.map(|status| (status, 0));
        for row in &rows {
            let name: String = row.try_get("status")?;
            for (status, jobs) in &mut counts {
                if text(*status) == name {
                    *jobs = row.try_get("jobs")?;
                }
            }
        }
        Ok(counts)
    })
    .await
}

/// The moment since which the job waits that has waited longest.
pub(super) async fn oldest_waiting(database: &Database) -> Result<Option<i64>> {
    in_time(PATIENCE, async {
        let query = "SELECT CAST(min(not_before) AS BIGINT) AS oldest FROM jobs \
                     WHERE status = 'pending' AND cancel = 0";
        let row = sqlx::query(query).fetch_one(database.unobserved()).await?;
        Ok(row.try_get("oldest")?)
    })
    .await
}

/// Says which of the jobs still need their files.
pub(super) async fn needs_file(database: &Database, id: &JobId) -> Result<bool> {
    in_time(PATIENCE, async {
        let query = "SELECT id FROM jobs WHERE id = $1 AND status IN ('pending', 'running')";
        let row = sqlx::query(query)
            .bind(id.as_str())
            .fetch_optional(database.unobserved())
            .await?;
        Ok(row.is_some())
    })
    .await
}

pub(super) async fn row_errors(database: &Database, id: &JobId) -> Result<Vec<RowError>> {
    in_time(PATIENCE, async {
        let rows = sqlx::query("SELECT * FROM job_errors WHERE job = $1 ORDER BY place")
            .bind(id.as_str())
            .fetch_all(database.pool())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(RowError {
                    kind: row.try_get("kind")?,
                    message: row.try_get("message")?,
                    row: row.try_get("row_no")?,
                    line: row.try_get("line_no")?,
                    column: row.try_get("column_no")?,
                })
            })
            .collect()
    })
    .await
}

pub(super) async fn columns(database: &Database, id: &JobId) -> Result<Vec<ColumnStats>> {
    in_time(PATIENCE, async {
        let rows = sqlx::query("SELECT * FROM job_columns WHERE job = $1 ORDER BY place")
            .bind(id.as_str())
            .fetch_all(database.pool())
            .await?;
        rows.iter()
            .map(|row| {
                let kind: String = row.try_get("kind")?;
                Ok(ColumnStats {
                    name: row.try_get("name")?,
                    kind: ColumnType::from_name(&kind).unwrap_or(ColumnType::Text),
                    count: row.try_get("filled")?,
                    nulls: row.try_get("nulls")?,
                    distinct: row.try_get("distinct_values")?,
                    distinct_is_exact: row.try_get::<i64, _>("distinct_is_exact")? == 1,
                    min: row.try_get("min_value")?,
                    max: row.try_get("max_value")?,
                    mean: row.try_get("mean")?,
                })
            })
            .collect()
    })
    .await
}

async fn insert_rows(transaction: &mut Transaction, job: &JobId, rows: &[Row]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = values(
        "INSERT INTO job_rows (job, row_no, cells) VALUES ",
        rows.len(),
        2,
    );
    let mut query = once(&sql).bind(job.as_str());
    for row in rows {
        query = query
            .bind(row.number.cast_signed())
            .bind(row.cells.as_str());
    }
    query.execute(&mut **transaction).await?;
    Ok(())
}

async fn insert_errors(
    transaction: &mut Transaction,
    job: &JobId,
    errors: &[CsvError],
    before: usize,
) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let into = "INSERT INTO job_errors (job, place, row_no, line_no, column_no, kind, message) \
                VALUES ";
    let sql = values(into, errors.len(), 6);
    let mut query = once(&sql).bind(job.as_str());
    for (place, error) in (before..).zip(errors) {
        query = query
            .bind(number(place))
            .bind(error.at.row.cast_signed())
            .bind(error.at.line.cast_signed())
            .bind(error.at.column.cast_signed())
            .bind(text(error.kind))
            .bind(storable(&error.message));
    }
    query.execute(&mut **transaction).await?;
    Ok(())
}

async fn insert_columns(
    transaction: &mut Transaction,
    job: &JobId,
    columns: &[ColumnStats],
) -> Result<()> {
    let mut places = 0_i64..;
    for columns in columns.chunks(COLUMNS_AT_ONCE) {
        let into = "INSERT INTO job_columns (job, place, name, kind, filled, nulls, \
                    distinct_values, distinct_is_exact, min_value, max_value, mean) VALUES ";
        let sql = values(into, columns.len(), 10);
        let mut query = once(&sql).bind(job.as_str());
        for (column, place) in columns.iter().zip(&mut places) {
            query = query
                .bind(place)
                .bind(storable(&column.name))
                .bind(column.kind.as_str())
                .bind(column.count)
                .bind(column.nulls)
                .bind(column.distinct)
                .bind(i64::from(column.distinct_is_exact))
                .bind(column.min.as_deref().map(storable))
                .bind(column.max.as_deref().map(storable))
                .bind(column.mean);
        }
        query.execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Writes `rows` times `($1, $2, ..)`: `$1` is the same in all, and `own` follow that are not.
fn values(into: &str, rows: usize, own: usize) -> String {
    let mut sql = into.to_owned();
    for row in 0..rows {
        sql.push_str(if row == 0 { "($1" } else { ", ($1" });
        for parameter in 0..own {
            // Writing to a string cannot fail.
            write!(sql, ", ${}", 2 + row * own + parameter).ok();
        }
        sql.push(')');
    }
    sql
}

/// A statement whose text seldom comes again.
fn once(sql: &str) -> Query<'_, Any, AnyArguments<'_>> {
    sqlx::query(sql).persistent(false)
}

/// A text that every database takes: `PostgreSQL` knows no NUL.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn held(row: Option<&AnyRow>) -> Result<Held> {
    Ok(match row {
        None => Held::No,
        Some(row) if row.try_get::<i64, _>("cancel")? == 1 => Held::Cancelled,
        Some(_) => Held::Yes,
    })
}

/// As databases know it; nothing that is counted here gets near its end.
pub(super) fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads an id, which only this program wrote.
pub(super) fn id(row: &AnyRow, column: &str) -> Result<JobId> {
    let text: String = row.try_get(column)?;
    let parsed: Result<JobId, _> = text.parse();
    parsed.map_err(|error| StorageError::Database(sqlx::Error::Decode(Box::new(error))))
}

fn source(row: &AnyRow) -> Result<Source> {
    let name: String = row.try_get("source")?;
    Ok(Source::from_name(&name).unwrap_or(Source::Upload))
}

fn read_job(row: &AnyRow) -> Result<Job> {
    let status: String = row.try_get("status")?;
    let kind: Option<String> = row.try_get("failure_kind")?;
    let failure = match kind {
        None => None,
        Some(kind) => Some(Failure {
            kind,
            message: row
                .try_get::<Option<String>, _>("failure")?
                .unwrap_or_default(),
            row: row.try_get("failure_row")?,
            column: row.try_get("failure_column")?,
        }),
    };
    Ok(Job {
        job_id: id(row, "id")?,
        status: JobStatus::from_name(&status).unwrap_or(JobStatus::Failed),
        source: source(row)?,
        name: row.try_get("name")?,
        attempts: row.try_get("attempts")?,
        rows_ok: row.try_get("rows_ok")?,
        rows_rejected: row.try_get("rows_rejected")?,
        bytes_read: row.try_get("bytes_read")?,
        bytes_total: row.try_get("bytes_total")?,
        failure,
        created_at: rfc3339(row.try_get("created_at")?),
        started_at: row.try_get::<Option<i64>, _>("started_at")?.map(rfc3339),
        ended_at: row.try_get::<Option<i64>, _>("ended_at")?.map(rfc3339),
    })
}
