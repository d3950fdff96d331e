//! Audit rows: who changed what, within which request; written in the transaction of the change.

use uuid::Uuid;

use super::error::StorageError;
use super::moment::now;
use super::{Database, PATIENCE, in_time};
use crate::api::text;
use crate::telemetry::{Origin, Transaction};

/// The table, the same in both services.
pub(crate) const TABLE: &str = "CREATE TABLE audit_logs (
    id             TEXT   PRIMARY KEY,
    at             BIGINT NOT NULL,
    action         TEXT   NOT NULL,
    entity         TEXT   NOT NULL,
    actor          TEXT   NOT NULL,
    correlation_id TEXT   NOT NULL,
    trace_id       TEXT   NOT NULL
);
CREATE INDEX audit_logs_by_correlation ON audit_logs (correlation_id);
CREATE INDEX audit_logs_by_age ON audit_logs (at);";

/// What was changed.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    JobAccepted,
    JobStarted,
    JobRequeued,
    JobEnded,
    JobCancelled,
    WebhookQueued,
    WebhookDelivered,
    WebhookGivenUp,
    WebhookReceived,
    ImportRecorded,
    ImportUpdated,
    QuoteStored,
    AuditPurged,
}

/// Writes an audit row into the transaction of the change.
pub(crate) async fn audit(
    transaction: &mut Transaction,
    action: Action,
    entity: &str,
) -> Result<(), StorageError> {
    let origin = Origin::current();
    sqlx::query("INSERT INTO audit_logs VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(Uuid::now_v7().simple().to_string())
        .bind(now())
        .bind(text(action))
        .bind(entity)
        .bind(origin.actor)
        .bind(origin.correlation_id)
        .bind(origin.trace_id)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Removes the rows that are older than the retention, says so in a row, and returns how many they
/// were.
pub(crate) async fn purge_audit_rows(database: &Database, days: u32) -> Result<u64, StorageError> {
    let oldest = now().saturating_sub(i64::from(days) * 24 * 60 * 60 * 1000);
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let purged = sqlx::query("DELETE FROM audit_logs WHERE at < $1")
            .bind(oldest)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if purged > 0 {
            let entity = format!("{purged} rows");
            audit(&mut transaction, Action::AuditPurged, &entity).await?;
        }
        transaction.commit().await?;
        Ok(purged)
    })
    .await
}
