//! A pool of any database: observed like the pool of the one that its URL names.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::time::Duration;

use obs::db::Pool;
use obs::{Check, TestObs};
use sqlx::any::AnyPoolOptions;
use sqlx::{Any, Connection, Executor, Row, Statement};

#[derive(obs::Label, Clone, Copy)]
enum Db {
    Main,
}

async fn pool(t: &TestObs) -> Pool<Any> {
    sqlx::any::install_default_drivers();
    // A database in memory is that of one connection.
    let pool = AnyPoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    pool.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
        .await
        .unwrap();
    t.obs().sqlx_pool(Db::Main, pool)
}

fn count(t: &TestObs, operation: &str, outcome: &str) -> f64 {
    let labels = [
        ("pool", "main"),
        ("operation", operation),
        ("outcome", outcome),
    ];
    t.metric("db_client_operations_total", &labels)
}

#[obs::test]
async fn every_operation_of_any_pool_is_counted_once_and_named_after_the_real_database(t: TestObs) {
    let pool = pool(&t).await;
    let sql = "SELECT n FROM numbers";

    sqlx::query("INSERT INTO numbers VALUES (?)")
        .bind(1_i64)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(count(&t, "insert", "ok"), 1.0);
    assert_eq!(sqlx::query(sql).fetch_all(&pool).await.unwrap().len(), 1);
    let row = sqlx::query(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(row.get::<i64, _>(0), 1);
    let numbers: Vec<(i64,)> = sqlx::query_as(sql).fetch_all(&pool).await.unwrap();
    assert_eq!(numbers, [(1,)]);
    assert_eq!(count(&t, "select", "ok"), 3.0);
    let prepared = pool.prepare(sql).await.unwrap();
    assert_eq!(prepared.query().fetch_all(&pool).await.unwrap().len(), 1);
    assert_eq!(count(&t, "prepare", "ok"), 1.0);

    let mut tx = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO numbers VALUES (2)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let mut savepoint = tx.begin().await.unwrap();
    sqlx::query("DELETE FROM numbers")
        .execute(&mut *savepoint)
        .await
        .unwrap();
    savepoint.rollback().await.unwrap();
    tx.commit().await.unwrap();
    drop(pool.begin().await.unwrap());
    let mut immediate = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let found = sqlx::query(sql).fetch_all(&mut *immediate).await.unwrap();
    assert_eq!(found.len(), 2, "what was rolled back is there");
    immediate.rollback().await.unwrap();
    assert_eq!(count(&t, "begin", "ok"), 3.0);
    assert_eq!(count(&t, "savepoint", "ok"), 1.0);
    assert_eq!(count(&t, "commit", "ok"), 1.0);
    assert_eq!(count(&t, "rollback", "ok"), 2.0);
    assert_eq!(count(&t, "rollback", "cancelled"), 1.0);

    let twice = sqlx::query("INSERT INTO numbers VALUES (1)");
    twice.execute(&pool).await.unwrap_err();
    assert_eq!(count(&t, "insert", "error"), 1.0);
    let mut connection = pool.acquire().await.unwrap();
    connection.inner().ping().await.unwrap();
    (&mut *connection).fetch_optional(sql).await.unwrap();
    assert_eq!(count(&t, "select", "ok"), 6.0);

    let spans = t.spans();
    let systems: Vec<_> = spans
        .iter()
        .filter_map(|span| span.get("db.system.name").cloned())
        .collect();
    assert!(!systems.is_empty());
    assert!(
        systems.iter().all(|system| system == "sqlite"),
        "{systems:?}"
    );
}

async fn ready(t: &TestObs) -> u16 {
    let request = http::Request::get("/ready");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let app = t.obs().wrap(axum::Router::new());
    t.request(app, request).await.status().as_u16()
}

#[obs::test]
async fn a_check_asks_any_pool(t: TestObs) {
    let pool = pool(&t).await;
    t.obs()
        .ready("database", Check::sqlx(&pool).cache(Duration::ZERO));
    assert_eq!(ready(&t).await, 200);
    pool.close().await;
    assert_eq!(ready(&t).await, 503);
}
