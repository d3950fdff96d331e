//! Pools of sqlx: every statement is counted once, whatever ends it.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use obs::db::{Operation, Pool};
use obs::{Check, Format, Obs};
use obs_tests::scrape::Scrape;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Error, Executor, QueryBuilder, Sqlite, Statement};
use tower::ServiceExt;

#[derive(obs::Label, Clone, Copy)]
enum Db {
    Main,
    Reports,
}

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

/// A database with the numbers 1 to 3 in a table.
async fn pool_of(obs: &Obs, name: Db) -> Pool<Sqlite> {
    // A database in memory is that of one connection.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(3600))
        .connect("sqlite::memory:")
        .await
        .unwrap();
    pool.execute(
        "CREATE TABLE numbers (n INTEGER PRIMARY KEY); INSERT INTO numbers VALUES (1), (2), (3)",
    )
    .await
    .unwrap();
    obs.sqlx_pool(name, pool)
}

fn scrape(obs: &Obs) -> Scrape {
    Scrape::text(&obs.scrape(Format::Text))
}

fn count(obs: &Obs, operation: &str, outcome: &str) -> f64 {
    scrape(obs).sum(
        "db_client_operations_total",
        &[
            ("pool", "main"),
            ("operation", operation),
            ("outcome", outcome),
        ],
    )
}

/// All operations, and those that the histogram has.
fn all(obs: &Obs) -> (f64, f64) {
    let scrape = scrape(obs);
    (
        scrape.sum("db_client_operations_total", &[]),
        scrape.sum("db_client_operation_duration_seconds_count", &[]),
    )
}

fn connections(obs: &Obs, state: &str) -> f64 {
    let labels = [("pool", "main"), ("state", state)];
    scrape(obs).value("db_client_connections", &labels).unwrap()
}

/// Polls a future once, and expects it to wait.
fn waits<F: Future>(future: std::pin::Pin<&mut F>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.poll(&mut cx).is_pending());
}

/// Takes all rows of a stream, or the first few.
async fn take<T>(
    stream: &mut (impl futures_core::Stream<Item = Result<T, Error>> + Unpin),
    most: usize,
) -> usize {
    let mut taken = 0;
    while taken < most {
        let next = poll_fn(|cx| std::pin::Pin::new(&mut *stream).poll_next(cx)).await;
        match next {
            Some(row) => drop(row.unwrap()),
            None => break,
        }
        taken += 1;
    }
    taken
}

#[tokio::test]
async fn every_way_to_ask_a_pool_is_one_operation() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let sql = "SELECT n FROM numbers";

    assert_eq!(sqlx::query(sql).fetch_all(&pool).await.unwrap().len(), 3);
    assert!(
        sqlx::query(sql)
            .fetch_optional(&pool)
            .await
            .unwrap()
            .is_some()
    );
    sqlx::query(sql).fetch_one(&pool).await.unwrap();
    sqlx::query(sql).execute(&pool).await.unwrap();
    let numbers: Vec<(i64,)> = sqlx::query_as(sql).fetch_all(&pool).await.unwrap();
    assert_eq!(numbers, [(1,), (2,), (3,)]);
    let sum: i64 = sqlx::query_scalar("SELECT sum(n) FROM numbers WHERE n > ?")
        .bind(1)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(sum, 5);
    assert_eq!(take(&mut sqlx::query(sql).fetch(&pool), 9).await, 3);
    // The rows, and what the statement did.
    assert_eq!(take(&mut (&pool).fetch_many(sql), 9).await, 4);
    pool.fetch_all(sql).await.unwrap();
    sqlx::raw_sql(sql).fetch_all(&pool).await.unwrap();
    let mut builder = QueryBuilder::<Sqlite>::new("SELECT n FROM numbers WHERE n = ");
    builder.push_bind(2).build().fetch_one(&pool).await.unwrap();
    assert_eq!(count(&obs, "select", "ok"), 11.0);

    let prepared = pool.prepare(sql).await.unwrap();
    assert_eq!(count(&obs, "prepare", "ok"), 1.0);
    assert_eq!(prepared.query().fetch_all(&pool).await.unwrap().len(), 3);
    assert_eq!(count(&obs, "select", "ok"), 12.0);
    assert_eq!(all(&obs), (13.0, 13.0));
}

#[tokio::test]
async fn every_way_to_ask_a_connection_or_a_transaction_is_one_operation() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let sql = "SELECT n FROM numbers";
    {
        let mut connection = pool.acquire().await.unwrap();
        assert!(pool.try_acquire().is_none());
        sqlx::query(sql).fetch_all(&mut *connection).await.unwrap();
        sqlx::query(sql).fetch_one(&mut *connection).await.unwrap();
        assert_eq!(
            take(&mut sqlx::query(sql).fetch(&mut *connection), 9).await,
            3
        );
        connection.execute(sql).await.unwrap();
        connection.prepare(sql).await.unwrap();
    }
    assert_eq!(count(&obs, "select", "ok"), 4.0);
    assert_eq!(count(&obs, "prepare", "ok"), 1.0);

    let mut tx = pool.begin().await.unwrap();
    let insert = "INSERT INTO numbers VALUES (?)";
    sqlx::query(insert).bind(4).execute(&mut *tx).await.unwrap();
    tx.execute("DELETE FROM numbers WHERE n < 3").await.unwrap();
    tx.commit().await.unwrap();
    for operation in ["begin", "insert", "delete", "commit"] {
        assert_eq!(count(&obs, operation, "ok"), 1.0, "{operation}");
    }
    assert_eq!(all(&obs), (9.0, 9.0));
    assert_eq!(
        sqlx::query(sql).fetch_all(&pool).await.unwrap().len(),
        2,
        "committed"
    );
}

#[tokio::test]
async fn a_transaction_ends_once_however_it_ends() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let delete = "DELETE FROM numbers";

    let mut tx = pool.begin().await.unwrap();
    tx.execute(delete).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(count(&obs, "rollback", "ok"), 1.0);

    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    tx.execute(delete).await.unwrap();
    drop(tx);
    assert_eq!(count(&obs, "rollback", "cancelled"), 1.0);

    // A commit that nobody waited for.
    let tx = pool.begin().await.unwrap();
    drop(tx.commit());
    assert_eq!(count(&obs, "rollback", "cancelled"), 2.0);
    assert_eq!(count(&obs, "commit", "ok"), 0.0);

    let mut tx = pool.begin().await.unwrap();
    let mut kept = tx.begin().await.unwrap();
    kept.execute("INSERT INTO numbers VALUES (4)")
        .await
        .unwrap();
    kept.commit().await.unwrap();
    let mut lost = tx.begin().await.unwrap();
    lost.execute(delete).await.unwrap();
    lost.rollback().await.unwrap();
    drop(tx.begin().await.unwrap());
    tx.commit().await.unwrap();
    for (operation, outcome, times) in [
        ("begin", "ok", 4.0),
        ("savepoint", "ok", 3.0),
        ("release", "ok", 1.0),
        ("rollback", "ok", 2.0),
        ("rollback", "cancelled", 3.0),
        ("commit", "ok", 1.0),
    ] {
        assert_eq!(count(&obs, operation, outcome), times, "{operation}");
    }
    let left = sqlx::query("SELECT n FROM numbers").fetch_all(&pool).await;
    assert_eq!(left.unwrap().len(), 4);
    let (operations, durations) = all(&obs);
    assert_eq!(operations, durations);
}

#[tokio::test]
async fn a_row_that_is_not_there_is_no_error_of_the_database() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let none = sqlx::query("SELECT n FROM numbers WHERE n = 9");
    assert!(matches!(
        none.fetch_one(&pool).await,
        Err(Error::RowNotFound)
    ));
    assert_eq!(count(&obs, "select", "ok"), 1.0);
    let wrong = sqlx::query("SELECT nothing FROM nowhere");
    assert!(wrong.fetch_one(&pool).await.is_err());
    assert!(pool.fetch_all("SELECT nothing FROM nowhere").await.is_err());
    assert!(pool.prepare("SELECT nothing FROM nowhere").await.is_err());
    assert_eq!(count(&obs, "select", "error"), 2.0);
    assert_eq!(count(&obs, "prepare", "error"), 1.0);
    assert_eq!(all(&obs), (4.0, 4.0));
}

#[tokio::test]
async fn a4_a_stream_that_is_dropped_early_is_cancelled_once_and_gives_its_connection_back() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    // Never asked for anything, it never began.
    drop(sqlx::query("SELECT n FROM numbers").fetch(&pool));
    assert_eq!(all(&obs), (0.0, 0.0));
    for (rows, times) in [(1, 1.0), (2, 2.0), (3, 3.0)] {
        let mut stream = sqlx::query("SELECT n FROM numbers").fetch(&pool);
        assert_eq!(take(&mut stream, rows).await, rows);
        drop(stream);
        assert_eq!(count(&obs, "select", "cancelled"), times);
    }
    let mut stream = sqlx::query("SELECT n FROM numbers").fetch(&pool);
    assert_eq!(take(&mut stream, 9).await, 3);
    // Asked again after its end, it has ended still.
    assert_eq!(take(&mut stream, 9).await, 0);
    drop(stream);
    assert_eq!(count(&obs, "select", "ok"), 1.0);
    assert_eq!(count(&obs, "select", "cancelled"), 3.0);
    assert_eq!(all(&obs), (4.0, 4.0));
}

#[tokio::test]
async fn a1_a_thousand_dropped_waits_for_a_connection_leave_nothing_behind() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let taken = pool.acquire().await.unwrap();
    let before = scrape(&obs).sum("db_client_connection_wait_seconds_count", &[]);
    assert_eq!(connections(&obs, "waiting"), 0.0);
    assert_eq!(connections(&obs, "active"), 1.0);

    let mut acquires: Vec<_> = (0..1_000).map(|_| Box::pin(pool.acquire())).collect();
    // Not polled, none waits.
    assert_eq!(connections(&obs, "waiting"), 0.0);
    for acquire in &mut acquires {
        waits(acquire.as_mut());
    }
    assert_eq!(connections(&obs, "waiting"), 1_000.0);
    drop(acquires);
    assert_eq!(connections(&obs, "waiting"), 0.0);
    let waited = scrape(&obs).sum("db_client_connection_wait_seconds_count", &[]);
    assert_eq!(waited - before, 1_000.0);
    // A wait is no operation.
    assert_eq!(all(&obs), (0.0, 0.0));

    for _ in 0..1_000 {
        let mut query = pin!(sqlx::query("SELECT 1").fetch_all(&pool));
        waits(query.as_mut());
    }
    assert_eq!(count(&obs, "select", "cancelled"), 1_000.0);
    for _ in 0..1_000 {
        let mut begun = pin!(pool.begin());
        waits(begun.as_mut());
    }
    assert_eq!(count(&obs, "begin", "cancelled"), 1_000.0);
    assert_eq!(connections(&obs, "waiting"), 0.0);
    assert_eq!(all(&obs), (2_000.0, 2_000.0));
    drop(taken);
    sqlx::query("SELECT 1").fetch_all(&pool).await.unwrap();
    assert_eq!(count(&obs, "select", "ok"), 1.0);
}

#[tokio::test]
async fn a2_what_is_dropped_before_it_is_polled_counts_nothing() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    for _ in 0..1_000 {
        drop(sqlx::query("SELECT 1").fetch_all(&pool));
        drop(pool.acquire());
        drop(pool.begin());
        drop(
            pool.observer()
                .observe(Operation::Copy, async { Ok::<_, Error>(()) }),
        );
    }
    assert_eq!(all(&obs), (0.0, 0.0));
    let scrape = scrape(&obs);
    assert_eq!(
        scrape.sum("db_client_connection_wait_seconds_count", &[]),
        0.0
    );
}

#[tokio::test]
async fn a8_aborted_tasks_leave_no_connection_and_no_wait() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let taken = pool.acquire().await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { sqlx::query("SELECT 1").fetch_all(&pool).await })
        })
        .collect();
    // The runtime looks after other things between every 61 tasks.
    while connections(&obs, "waiting") < 100.0 {
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.abort();
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
    }
    assert_eq!(connections(&obs, "waiting"), 0.0);
    assert_eq!(count(&obs, "select", "cancelled"), 100.0);
    drop(taken);
}

#[tokio::test]
async fn a_pool_that_has_no_connection_in_time_is_an_error() {
    let obs = detached();
    let raw = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(1))
        .connect("sqlite::memory:")
        .await
        .unwrap();
    let pool = obs.sqlx_pool(Db::Main, raw);
    let taken = pool.acquire().await.unwrap();
    let late = sqlx::query("SELECT 1").fetch_all(&pool).await;
    assert!(matches!(late, Err(Error::PoolTimedOut)));
    assert_eq!(count(&obs, "select", "error"), 1.0);
    assert_eq!(connections(&obs, "waiting"), 0.0);
    drop(taken);
    pool.close().await;
    assert!(pool.is_closed());
    assert!(matches!(pool.begin().await, Err(Error::PoolClosed)));
    assert_eq!(count(&obs, "begin", "error"), 1.0);
}

#[tokio::test]
async fn the_gauges_are_those_of_all_pools_of_a_name_and_keep_none_alive() {
    let obs = detached();
    assert_eq!(scrape(&obs).count("db_client_connections"), 0);
    let pool = pool_of(&obs, Db::Main).await;
    let other = pool_of(&obs, Db::Main).await;
    let reports = pool_of(&obs, Db::Reports).await;
    let max = |name| {
        let scrape = scrape(&obs);
        scrape.value("db_client_connections_max", &[("pool", name)])
    };
    assert_eq!(connections(&obs, "idle"), 2.0);
    assert_eq!(connections(&obs, "active"), 0.0);
    assert_eq!((max("main"), max("reports")), (Some(2.0), Some(1.0)));
    let taken = pool.acquire().await.unwrap();
    assert_eq!(connections(&obs, "idle"), 1.0);
    assert_eq!(connections(&obs, "active"), 1.0);
    drop(taken);
    drop((pool, other));
    assert_eq!(max("main"), Some(0.0));
    assert_eq!(max("reports"), Some(1.0));
    drop(reports);
}

#[tokio::test]
async fn b1_no_statement_adds_a_series() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    assert!(pool.execute("FROBNICATE 0").await.is_err());
    let before = scrape(&obs).samples.len();
    for i in 0..2_000 {
        let sql = format!("FROB{i} {i}");
        assert!(sqlx::raw_sql(&sql).execute(&pool).await.is_err());
    }
    assert_eq!(scrape(&obs).samples.len(), before);
    assert_eq!(count(&obs, "other", "error"), 2_001.0);
}

#[tokio::test]
async fn a_check_takes_the_observed_pool_and_counts_nothing() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    obs.ready("database", Check::sqlx(&pool).cache(Duration::ZERO));
    obs.ready("raw", Check::sqlx(pool.inner()).cache(Duration::ZERO));
    for _ in 0..3 {
        let request = Request::get("/ready").body(Body::empty()).unwrap();
        let answer = obs.wrap(Router::new()).oneshot(request).await.unwrap();
        assert!(!format!("{answer:?}").is_empty());
    }
    assert_eq!(all(&obs), (0.0, 0.0));
    let scrape = scrape(&obs);
    assert_eq!(
        scrape.sum("db_client_connection_wait_seconds_count", &[]),
        0.0
    );
    assert_eq!(
        scrape.value(
            "obs_check_up",
            &[("check", "database"), ("critical", "true")]
        ),
        Some(1.0)
    );
}

#[tokio::test]
async fn the_families_have_the_prefix_and_others_may_not_take_their_names() {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .metric_prefix("shop")
        .detached()
        .unwrap();
    let pool = pool_of(&obs, Db::Main).await;
    sqlx::query("SELECT 1").fetch_all(&pool).await.unwrap();
    let scrape = scrape(&obs);
    for name in [
        "shop_db_client_operations_total",
        "shop_db_client_operation_duration_seconds_count",
        "shop_db_client_connections",
        "shop_db_client_connections_max",
        "shop_db_client_connection_wait_seconds_count",
    ] {
        assert!(scrape.count(name) > 0, "{name}");
    }
    let unprefixed = scrape
        .samples
        .keys()
        .any(|(name, _)| name.starts_with("db_"));
    assert!(!unprefixed);
    // What the side door brings under that name has to give way.
    let recorder = obs.recorder().unwrap();
    metrics::with_local_recorder(&recorder, || {
        metrics::counter!("shop_db_client_operations_total", "operation" => "forged").increment(1);
    });
    let forged = [("operation", "forged")];
    let page = Scrape::text(&obs.scrape(Format::Text));
    assert_eq!(page.sum("shop_db_client_operations_total", &forged), 0.0);
}

#[tokio::test]
async fn what_cannot_be_wrapped_is_one_call_each() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    let observer = pool.observer();
    let copied = observer.observe(Operation::Copy, pool.inner().execute("SELECT 1"));
    copied.await.unwrap();
    let failed = observer.observe(Operation::Copy, pool.inner().execute("SELECT nothing"));
    failed.await.unwrap_err();
    let mut pending =
        Box::pin(observer.observe(Operation::Copy, std::future::pending::<Result<(), Error>>()));
    waits(pending.as_mut());
    drop(pending);
    let blocking = obs.database(Db::Main, "sqlite");
    blocking
        .observe_blocking(Operation::Copy, || Ok::<_, Error>(()))
        .unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        blocking.observe_blocking(Operation::Copy, || -> Result<(), Error> {
            panic!("on purpose")
        })
    }));
    assert!(caught.is_err());
    assert_eq!(count(&obs, "copy", "ok"), 2.0);
    assert_eq!(count(&obs, "copy", "error"), 1.0);
    assert_eq!(count(&obs, "copy", "cancelled"), 2.0);
}

/// The observed pool goes wherever an executor is asked for, also in tasks.
async fn generic<'e, E: Executor<'e, Database = Sqlite>>(executor: E) -> i64 {
    let sql = "SELECT count(*) FROM numbers";
    sqlx::query_scalar(sql).fetch_one(executor).await.unwrap()
}

#[tokio::test]
async fn functions_over_executors_take_the_observed_pool_connection_and_transaction() {
    let obs = detached();
    let pool = pool_of(&obs, Db::Main).await;
    assert_eq!(generic(&pool).await, 3);
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(generic(&mut *tx).await, 3);
    drop(tx);
    let in_task = {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut connection = pool.acquire().await.unwrap();
            generic(&mut *connection).await
        })
    };
    assert_eq!(in_task.await.unwrap(), 3);
    assert_eq!(count(&obs, "select", "ok"), 3.0);
}
