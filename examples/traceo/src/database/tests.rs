//! Opening, migrating and auditing, on `SQLite`, and on PostgreSQL where `TRACEO_TEST_POSTGRES` names one.

use std::path::Path;
use std::time::Duration;

use sqlx::Row as _;
use tempfile::TempDir;

use super::{Action, Database, Location, Schema, audit, now, purge_audit_rows, rfc3339};
use crate::telemetry::{Origin, observed_for_tests};

static SCHEMA: Schema = Schema {
    name: "traceo_test",
    file: "test.db",
    migrations: &[
        super::AUDIT_TABLE,
        "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL, mean DOUBLE PRECISION, note TEXT)",
    ],
};

fn location(directory: &Path) -> Location {
    let url = std::env::var("TRACEO_TEST_POSTGRES").ok();
    Location::of(url.as_deref(), directory).unwrap()
}

async fn open(directory: &Path) -> Database {
    Database::open(&location(directory), &SCHEMA, 4, observed_for_tests)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_committed_is_there_after_another_start_and_the_rest_is_not() {
    let directory = TempDir::new().unwrap();
    // What a path may hold and a URL may not.
    let directory = directory.path().join("a ?b#c%20");
    let database = open(&directory).await;
    sqlx::query("DELETE FROM things")
        .execute(database.pool())
        .await
        .unwrap();
    for (id, kept) in [("one", true), ("two", false)] {
        let mut transaction = database.begin().await.unwrap();
        let insert = "INSERT INTO things VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
        sqlx::query(insert)
            .bind(id)
            .bind(i64::MAX)
            .bind(0.5_f64)
            .bind(None::<String>)
            .execute(&mut *transaction)
            .await
            .unwrap();
        if kept {
            transaction.commit().await.unwrap();
        }
    }
    database.close().await;
    let database = open(&directory).await;
    database.migrated().await.unwrap();
    let query = "SELECT id, n, mean, note, CAST(count(*) OVER () AS BIGINT) AS things FROM things";
    let row = sqlx::query(query).fetch_one(database.pool()).await.unwrap();
    assert_eq!(row.get::<String, _>("id"), "one");
    assert_eq!(row.get::<i64, _>("n"), i64::MAX);
    assert!((row.get::<f64, _>("mean") - 0.5).abs() < f64::EPSILON);
    assert_eq!(row.get::<Option<String>, _>("note"), None);
    assert_eq!(row.get::<i64, _>("things"), 1);
}

#[tokio::test]
async fn a_transaction_that_the_database_gave_up_by_itself_spoils_no_connection() {
    let directory = TempDir::new().unwrap();
    let location = location(directory.path());
    let opened = Database::open(&location, &SCHEMA, 1, observed_for_tests).await;
    let database = opened.unwrap();
    let delete = sqlx::query("DELETE FROM things");
    delete.execute(database.pool()).await.unwrap();
    let insert = "INSERT INTO things (id, n) VALUES ('one', 1)";
    sqlx::query(insert).execute(database.pool()).await.unwrap();
    for is_dropped in [true, false] {
        let mut transaction = database.begin().await.unwrap();
        // What `SQLite` does where the disk is full; on PostgreSQL it is a mistake in the statement.
        let insert = sqlx::query("INSERT OR ROLLBACK INTO things (id, n) VALUES ('one', 2)");
        insert.execute(&mut *transaction).await.unwrap_err();
        if is_dropped {
            drop(transaction);
        } else {
            transaction.rollback().await.ok();
        }
        let mut transaction = database.begin().await.unwrap();
        let update = sqlx::query("UPDATE things SET n = n + 1");
        update.execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let row = sqlx::query("SELECT n FROM things").fetch_one(database.pool());
    assert_eq!(row.await.unwrap().get::<i64, _>("n"), 3);
}

#[tokio::test]
async fn an_audit_row_says_who_changed_what_and_goes_when_it_is_old() {
    let directory = TempDir::new().unwrap();
    let database = open(directory.path()).await;
    sqlx::query("DELETE FROM audit_logs")
        .execute(database.pool())
        .await
        .unwrap();
    let mut transaction = database.begin().await.unwrap();
    audit(&mut transaction, Action::JobAccepted, "job_1")
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let query = "SELECT action, actor, at FROM audit_logs WHERE entity = $1";
    let row = sqlx::query(query)
        .bind("job_1")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(row.get::<String, _>("action"), "job_accepted");
    assert_eq!(row.get::<String, _>("actor"), Origin::current().actor);
    assert!(row.get::<i64, _>("at") <= now());
    assert_eq!(purge_audit_rows(&database, 1).await.unwrap(), 0);
    let two_days = 2 * 24 * 60 * 60 * 1000_i64;
    let age = "UPDATE audit_logs SET at = at - $1";
    sqlx::query(age)
        .bind(two_days)
        .execute(database.pool())
        .await
        .unwrap();
    assert_eq!(purge_audit_rows(&database, 1).await.unwrap(), 1);
}

#[test]
fn moments_are_shown_in_utc() {
    assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    assert_eq!(rfc3339(i64::MAX), "9999-12-31T23:59:59.999Z");
    assert_eq!(rfc3339(-1), "1970-01-01T00:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_up_while_a_transaction_begins_leaves_no_lock_behind() {
    let directory = TempDir::new().unwrap();
    let database = open(directory.path()).await;
    for patience in 0..400 {
        let patience = Duration::from_micros(5 * patience);
        tokio::time::timeout(patience, database.begin()).await.ok();
        if patience.as_micros().is_multiple_of(100) {
            let begun = tokio::time::timeout(Duration::from_secs(5), database.begin()).await;
            let transaction = begun.expect("no lock is held").unwrap();
            transaction.commit().await.unwrap();
        }
    }
}
