//! Jobs, rows, mistakes and statistics in `SQLite`.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::csv::{Batch, ColumnStats, ColumnType, CsvError, Row};
use super::error::EngineError;
use super::job::{Failure, Job, JobStatus, RowError, Source, text};

/// Mistakes that are kept of a job; all are counted.
pub(crate) const MAX_ROW_ERRORS: usize = 100;

type Result<T, E = EngineError> = std::result::Result<T, E>;

/// The database of one data directory.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pool: SqlitePool,
}

/// A job before it is stored.
#[derive(Debug)]
pub(super) struct NewJob<'a> {
    pub(super) owner: &'a str,
    pub(super) source: Source,
    pub(super) name: &'a str,
    pub(super) bytes_total: u64,
}

impl Store {
    pub(super) async fn open(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(include_str!("schema.sql"))
            .execute(&pool)
            .await?;
        Ok(Self { pool })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn insert(&self, job: &NewJob<'_>) -> Result<i64> {
        let query = "INSERT INTO jobs (owner, status, source, name, bytes_total) \
                     VALUES (?, 'pending', ?, ?, ?)";
        let inserted = sqlx::query(query)
            .bind(job.owner)
            .bind(text(job.source))
            .bind(job.name)
            .bind(job.bytes_total.cast_signed())
            .execute(&self.pool)
            .await?;
        Ok(inserted.last_insert_rowid())
    }

    pub(super) async fn start(&self, job: i64) -> Result<()> {
        let query = "UPDATE jobs SET status = 'running', \
                     started_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE id = ?";
        sqlx::query(query).bind(job).execute(&self.pool).await?;
        Ok(())
    }

    /// Adds what a batch brought, and the progress it means, or nothing of it.
    pub(super) async fn add(&self, job: i64, batch: &Batch, errors: &[CsvError]) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if !batch.rows.is_empty() {
            insert_rows(job, &batch.rows)
                .build()
                .persistent(false)
                .execute(&mut *transaction)
                .await?;
        }
        if !errors.is_empty() {
            insert_errors(job, errors)
                .build()
                .persistent(false)
                .execute(&mut *transaction)
                .await?;
        }
        let query = "UPDATE jobs SET rows_ok = rows_ok + ?, rows_rejected = rows_rejected + ?, \
                     bytes_read = ? WHERE id = ?";
        sqlx::query(query)
            .bind(number(batch.rows.len()))
            .bind(batch.rejected.cast_signed())
            .bind(batch.bytes.cast_signed())
            .bind(job)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn finish(
        &self,
        job: i64,
        status: JobStatus,
        failure: Option<&Failure>,
        columns: &[ColumnStats],
    ) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (position, column) in columns.iter().enumerate() {
            sqlx::query("INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(job)
                .bind(number(position))
                .bind(&column.name)
                .bind(column.kind.as_str())
                .bind(column.count)
                .bind(column.nulls)
                .bind(column.distinct)
                .bind(column.distinct_is_exact)
                .bind(&column.min)
                .bind(&column.max)
                .bind(column.mean)
                .execute(&mut *transaction)
                .await?;
        }
        let query = "UPDATE jobs SET status = ?, failure_kind = ?, failure = ?, failure_row = ?, \
                     failure_column = ?, ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') \
                     WHERE id = ?";
        sqlx::query(query)
            .bind(text(status))
            .bind(failure.map(|failure| &failure.kind))
            .bind(failure.map(|failure| &failure.message))
            .bind(failure.and_then(|failure| failure.row))
            .bind(failure.and_then(|failure| failure.column))
            .bind(job)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Fails the jobs of processes that are gone.
    pub(super) async fn fail_orphans(&self, living: &[String]) -> Result<u64> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "UPDATE jobs SET status = 'failed', failure_kind = 'interrupted', \
             failure = 'the process that ran the job ended before the job did', \
             ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') \
             WHERE status IN ('pending', 'running') AND owner NOT IN (",
        );
        let mut owners = query.separated(", ");
        for owner in living {
            owners.push_bind(owner);
        }
        query.push(")");
        Ok(query.build().execute(&self.pool).await?.rows_affected())
    }

    pub(super) async fn job(&self, id: i64) -> Result<Job> {
        let row = sqlx::query("SELECT * FROM jobs WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| job(&row))
            .ok_or(EngineError::JobNotFound { id })
    }

    /// The newest jobs, newest first.
    pub(super) async fn jobs(&self, status: Option<JobStatus>, limit: u32) -> Result<Vec<Job>> {
        let query = "SELECT * FROM jobs WHERE ?1 IS NULL OR status = ?1 ORDER BY id DESC LIMIT ?2";
        let rows = sqlx::query(query)
            .bind(status.map(text))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(job).collect())
    }

    pub(super) async fn counts(&self) -> Result<[(JobStatus, i64); JobStatus::ALL.len()]> {
        let rows = sqlx::query("SELECT status, count(*) AS jobs FROM jobs GROUP BY status")
            .fetch_all(&self.pool)
            .await?;
        Ok(JobStatus::ALL.map(|status| {
            let row = rows
                .iter()
                .find(|row| row.get::<&str, _>("status") == text(status));
            (status, row.map_or(0, |row| row.get("jobs")))
        }))
    }

    pub(super) async fn row_errors(&self, job: i64) -> Result<Vec<RowError>> {
        let rows = sqlx::query("SELECT * FROM row_errors WHERE job = ? ORDER BY rowid")
            .bind(job)
            .fetch_all(&self.pool)
            .await?;
        let errors = rows.iter().map(|row| RowError {
            kind: row.get("kind"),
            message: row.get("message"),
            row: row.get("row"),
            line: row.get("line"),
            column: row.get("col"),
        });
        Ok(errors.collect())
    }

    pub(super) async fn columns(&self, job: i64) -> Result<Vec<ColumnStats>> {
        let rows = sqlx::query("SELECT * FROM columns WHERE job = ? ORDER BY position")
            .bind(job)
            .fetch_all(&self.pool)
            .await?;
        let columns = rows.iter().map(|row| ColumnStats {
            name: row.get("name"),
            kind: ColumnType::from_name(row.get("type")).unwrap_or(ColumnType::Text),
            count: row.get("count"),
            nulls: row.get("nulls"),
            distinct: row.get("distinct_values"),
            distinct_is_exact: row.get("distinct_is_exact"),
            min: row.get("min"),
            max: row.get("max"),
            mean: row.get("mean"),
        });
        Ok(columns.collect())
    }
}

/// As `SQLite` knows it; nothing that is counted here gets near its end.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn insert_rows(job: i64, rows: &[Row]) -> QueryBuilder<'_, Sqlite> {
    let mut query = QueryBuilder::new("INSERT INTO rows (job, row, cells) ");
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(job)
            .push_bind(row.number.cast_signed())
            .push_bind(&row.cells);
    });
    query
}

fn insert_errors(job: i64, errors: &[CsvError]) -> QueryBuilder<'_, Sqlite> {
    let mut query =
        QueryBuilder::new("INSERT INTO row_errors (job, row, line, col, kind, message) ");
    query.push_values(errors, |mut values, error| {
        values
            .push_bind(job)
            .push_bind(error.at.row.cast_signed())
            .push_bind(error.at.line.cast_signed())
            .push_bind(error.at.column.cast_signed())
            .push_bind(text(error.kind))
            .push_bind(&error.message);
    });
    query
}

fn job(row: &SqliteRow) -> Job {
    let kind: Option<String> = row.get("failure_kind");
    Job {
        job_id: row.get("id"),
        status: JobStatus::from_name(row.get("status")),
        source: Source::from_name(row.get("source")),
        name: row.get("name"),
        rows_ok: row.get("rows_ok"),
        rows_rejected: row.get("rows_rejected"),
        bytes_read: row.get("bytes_read"),
        bytes_total: row.get("bytes_total"),
        failure: kind.map(|kind| Failure {
            kind,
            message: row.get("failure"),
            row: row.get("failure_row"),
            column: row.get("failure_column"),
        }),
        created_at: row.get("created_at"),
        started_at: row.get("started_at"),
        ended_at: row.get("ended_at"),
    }
}
