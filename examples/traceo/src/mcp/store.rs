//! What the MCP server keeps: the imports it knows of, and the webhooks it has taken.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::api::{Job, JobEnded, JobId, JobStatus, Source, text};
use crate::database::{
    Action, Database, PATIENCE, StorageError, audit, in_time, now, purge_audit_rows,
};
use crate::telemetry::{ANONYMOUS, Origin, Ticket};

/// How long webhooks are remembered that were worked off: longer than the engine repeats them.
const REMEMBERED: i64 = 7 * 24 * 60 * 60 * 1000;

/// The data of the MCP server; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Database,
}

/// A webhook that was taken and is not worked off yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) delivery: String,
    pub(super) job: String,
    pub(super) payload: String,
    pub(super) carrier: String,
    pub(super) actor: String,
    pub(super) received_at: i64,
}

/// Whether a webhook was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    New,
    Known,
    /// There is no room for another one.
    Full,
}

/// How many webhooks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) webhooks: i64,
    /// Milliseconds that the oldest of them has waited.
    pub(super) age: i64,
}

impl Store {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Records a job that the engine accepted. Its end may be known already.
    pub(super) async fn record_import(&self, job: &Job) -> Result<(), StorageError> {
        in_time(PATIENCE, async {
            let origin = Origin::current();
            let mut transaction = self.database.begin().await?;
            let upsert = "INSERT INTO imports VALUES ($1, $2, $3, 0, 0, NULL, $4, $5, $6, $6) \
                      ON CONFLICT (job_id) DO UPDATE \
                      SET source = excluded.source, actor = excluded.actor";
            sqlx::query(upsert)
                .bind(job.job_id.as_str())
                .bind(text(job.source))
                .bind(text(job.status))
                .bind(origin.actor)
                .bind(origin.correlation_id)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
            audit(
                &mut transaction,
                Action::ImportRecorded,
                job.job_id.as_str(),
            )
            .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Keeps a webhook with the context of its request, unless it is known or `room` others wait.
    pub(super) async fn keep_webhook(
        &self,
        delivery: &str,
        ended: &JobEnded,
        payload: &str,
        room: i64,
    ) -> Result<Kept, StorageError> {
        in_time(PATIENCE, async {
            let Ticket { carrier, origin } = Ticket::current();
            let job = ended.job_id.as_str();
            let mut transaction = self.database.begin().await?;
            let mut actor = origin.actor;
            if actor == ANONYMOUS {
                // The engine did not say for whom the job was done; the tool call may have.
                let known = sqlx::query("SELECT actor FROM imports WHERE job_id = $1")
                    .bind(job)
                    .fetch_optional(&mut *transaction)
                    .await?;
                if let Some(row) = known {
                    actor = row.try_get("actor")?;
                }
            }
            let insert = "INSERT INTO inbox VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, 0) \
                      ON CONFLICT (id) DO NOTHING";
            let inserted = sqlx::query(insert)
                .bind(delivery)
                .bind(job)
                .bind(payload)
                .bind(carrier)
                .bind(actor)
                .bind(origin.correlation_id)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
            if inserted.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok(Kept::Known);
            }
            let waiting = sqlx::query(WAITING).fetch_one(&mut *transaction).await?;
            if waiting.try_get::<i64, _>("webhooks")? > room {
                transaction.rollback().await?;
                return Ok(Kept::Full);
            }
            audit(&mut transaction, Action::WebhookReceived, job).await?;
            transaction.commit().await?;
            Ok(Kept::New)
        })
        .await
    }

    /// Returns the webhooks that have waited longest.
    pub(super) async fn waiting(&self, limit: i64) -> Result<Vec<Waiting>, StorageError> {
        in_time(PATIENCE, async {
            let query = "SELECT id, job_id, payload, carrier, actor, received_at FROM inbox \
                     WHERE processed_at IS NULL ORDER BY received_at, id LIMIT $1";
            let rows = sqlx::query(query)
                .bind(limit)
                .fetch_all(self.database.unobserved())
                .await?;
            let webhooks: Result<_, sqlx::Error> = rows.iter().map(waiting).collect();
            Ok(webhooks?)
        })
        .await
    }

    /// Counts an attempt to work a webhook off, and returns which one it is; nothing if another
    /// process was faster.
    pub(super) async fn begin_attempt(&self, delivery: &str) -> Result<Option<u32>, StorageError> {
        in_time(PATIENCE, async {
            let update = "UPDATE inbox SET attempts = attempts + 1 \
                      WHERE id = $1 AND processed_at IS NULL RETURNING attempts";
            let row = sqlx::query(update)
                .bind(delivery)
                .fetch_optional(self.database.pool())
                .await?;
            let Some(row) = row else {
                return Ok(None);
            };
            let attempt: i64 = row.try_get("attempts")?;
            Ok(Some(u32::try_from(attempt).unwrap_or(u32::MAX)))
        })
        .await
    }

    /// Records how a job ended, once, however often it is told.
    pub(super) async fn record_end(
        &self,
        delivery: &str,
        ended: &JobEnded,
    ) -> Result<(), StorageError> {
        in_time(PATIENCE, async {
            let origin = Origin::current();
            let job = ended.job_id.as_str();
            let mut transaction = self.database.begin().await?;
            let update =
                "UPDATE inbox SET processed_at = $1 WHERE id = $2 AND processed_at IS NULL";
            let taken = sqlx::query(update)
                .bind(now())
                .bind(delivery)
                .execute(&mut *transaction)
                .await?;
            if taken.rows_affected() == 0 {
                // Another process was faster.
                transaction.rollback().await?;
                return Ok(());
            }
            // A job that no tool asked for was sent to the engine itself.
            let upsert = "INSERT INTO imports VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) \
                      ON CONFLICT (job_id) DO UPDATE \
                      SET status = excluded.status, rows_ok = excluded.rows_ok, \
                          rows_rejected = excluded.rows_rejected, \
                          failure_kind = excluded.failure_kind, updated_at = excluded.updated_at";
            sqlx::query(upsert)
                .bind(job)
                .bind(text(Source::Upload))
                .bind(text(ended.status))
                .bind(ended.rows_ok)
                .bind(ended.rows_rejected)
                .bind(ended.failure.as_ref().map(|failure| failure.kind.as_str()))
                .bind(origin.actor)
                .bind(origin.correlation_id)
                .bind(now())
                .execute(&mut *transaction)
                .await?;
            audit(&mut transaction, Action::ImportUpdated, job).await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }

    /// Puts a webhook aside that can never be worked off.
    pub(super) async fn put_aside(&self, delivery: &str) -> Result<(), StorageError> {
        in_time(PATIENCE, async {
            sqlx::query("UPDATE inbox SET processed_at = $1 WHERE id = $2")
                .bind(now())
                .bind(delivery)
                .execute(self.database.pool())
                .await?;
            Ok(())
        })
        .await
    }

    pub(super) async fn backlog(&self) -> Result<Backlog, StorageError> {
        in_time(PATIENCE, async {
            let now = now();
            let row = sqlx::query(WAITING)
                .fetch_one(self.database.unobserved())
                .await?;
            let oldest: Option<i64> = row.try_get("oldest")?;
            Ok(Backlog {
                webhooks: row.try_get("webhooks")?,
                age: oldest.map_or(0, |oldest| now.saturating_sub(oldest)),
            })
        })
        .await
    }

    /// Counts the known imports by state.
    pub(super) async fn imports(&self) -> Result<Vec<(JobStatus, i64)>, StorageError> {
        in_time(PATIENCE, async {
            let query = "SELECT status, CAST(count(*) AS BIGINT) AS imports FROM imports \
                     GROUP BY status";
            let rows = sqlx::query(query)
                .fetch_all(self.database.unobserved())
                .await?;
            let mut counts = JobStatus::ALL.map(|status| (status, 0));
            for row in rows {
                let status: String = row.try_get("status")?;
                for (known, count) in &mut counts {
                    if text(*known) == status {
                        *count = row.try_get("imports")?;
                    }
                }
            }
            Ok(counts.to_vec())
        })
        .await
    }

    /// Removes audit rows that are older than so many days, and webhooks that nobody repeats any
    /// more; returns how many audit rows that were.
    pub(super) async fn purge(&self, days: u32) -> Result<u64, StorageError> {
        let purged = purge_audit_rows(&self.database, days).await?;
        in_time(PATIENCE, async {
            sqlx::query("DELETE FROM inbox WHERE processed_at < $1")
                .bind(now().saturating_sub(REMEMBERED))
                .execute(self.database.pool())
                .await?;
            Ok(purged)
        })
        .await
    }

    pub(super) async fn close(&self) {
        self.database.close().await;
    }
}

const WAITING: &str = "SELECT CAST(count(*) AS BIGINT) AS webhooks, \
                       CAST(min(received_at) AS BIGINT) AS oldest \
                       FROM inbox WHERE processed_at IS NULL";

fn waiting(row: &AnyRow) -> Result<Waiting, sqlx::Error> {
    Ok(Waiting {
        delivery: row.try_get("id")?,
        job: row.try_get("job_id")?,
        payload: row.try_get("payload")?,
        carrier: row.try_get("carrier")?,
        actor: row.try_get("actor")?,
        received_at: row.try_get("received_at")?,
    })
}

impl Waiting {
    /// Reads what the webhook told, which was valid when it was taken.
    pub(super) fn ended(&self) -> Result<JobEnded, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }

    pub(super) fn job(&self) -> Option<JobId> {
        self.job.parse().ok()
    }
}
