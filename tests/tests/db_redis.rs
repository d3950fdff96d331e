//! Connections of redis: every command and every pipeline is counted once, whatever ends it.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use obs::db::{Operation, RedisConnection};
use obs::{Check, Format, Obs};
use obs_tests::scrape::Scrape;
use redis::aio::ConnectionLike;
use redis::{AsyncCommands, Cmd, ErrorKind, Pipeline, RedisFuture, RedisResult, Value};
use tower::ServiceExt;

#[derive(obs::Label, Clone, Copy)]
enum Cache {
    Sessions,
}

/// Answers a command by its name, in the server's own notation.
#[derive(Clone, Default)]
struct Server {
    asked: Arc<AtomicUsize>,
}

fn parsed(answer: &str) -> RedisResult<Value> {
    redis::parse_redis_value(answer.as_bytes())
}

impl ConnectionLike for Server {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let packed = cmd.get_packed_command();
            let text = String::from_utf8_lossy(&packed);
            let name = text.lines().nth(2).unwrap_or_default().to_ascii_uppercase();
            match name.as_str() {
                "GET" => parsed("$-1\r\n"),
                "INCR" | "INCRBY" => parsed(":1\r\n"),
                "LPUSH" => parsed("-WRONGTYPE no list at customer:4711\r\n"),
                "EVALSHA" => parsed("-customer:4711 has no credit\r\n"),
                "BLPOP" => std::future::pending().await,
                "MGET" => Err((ErrorKind::Io, "the connection broke").into()),
                _ => parsed("+OK\r\n"),
            }
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        _: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let packed = pipeline.get_packed_pipeline();
            let fails = String::from_utf8_lossy(&packed).contains("LPUSH");
            if pipeline.is_transaction() {
                let last = if fails { "-WRONGTYPE no\r\n" } else { ":1\r\n" };
                return Ok(vec![parsed(&format!("*2\r\n+OK\r\n{last}"))?]);
            }
            let mut answers: Vec<Value> = (0..count).map(|_| Value::Okay).collect();
            if fails && let Some(last) = answers.last_mut() {
                *last = parsed("-WRONGTYPE no\r\n")?;
            }
            Ok(answers)
        })
    }

    fn get_db(&self) -> i64 {
        3
    }
}

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

fn observed(obs: &Obs) -> RedisConnection<Server> {
    obs.redis(Cache::Sessions, Server::default())
}

fn scrape(obs: &Obs) -> Scrape {
    Scrape::text(&obs.scrape(Format::Text))
}

fn count(obs: &Obs, operation: &str, outcome: &str) -> f64 {
    scrape(obs).sum(
        "db_client_operations_total",
        &[
            ("pool", "sessions"),
            ("operation", operation),
            ("outcome", outcome),
        ],
    )
}

fn all(obs: &Obs) -> (f64, f64) {
    let scrape = scrape(obs);
    (
        scrape.sum("db_client_operations_total", &[]),
        scrape.sum("db_client_operation_duration_seconds_count", &[]),
    )
}

#[tokio::test]
async fn every_command_is_one_operation_and_a_missing_key_is_no_error() {
    let obs = detached();
    let mut connection = observed(&obs);
    let missing: Option<String> = connection.get("customer:4711").await.unwrap();
    assert_eq!(missing, None);
    let () = connection.set("customer:4711", "x").await.unwrap();
    let one: i64 = connection.incr("visits", 1).await.unwrap();
    assert_eq!(one, 1);
    let () = redis::cmd("hgetall")
        .arg("k")
        .query_async(&mut connection)
        .await
        .unwrap();
    let () = redis::cmd("customer:4711")
        .query_async(&mut connection)
        .await
        .unwrap();
    for operation in ["get", "set", "hgetall", "other"] {
        assert_eq!(count(&obs, operation, "ok"), 1.0, "{operation}");
    }
    assert_eq!(count(&obs, "incr", "ok") + count(&obs, "incrby", "ok"), 1.0);
    assert_eq!(all(&obs), (5.0, 5.0));
    assert_eq!(connection.get_db(), 3);
    // There is no pool whose connections could be counted.
    assert_eq!(scrape(&obs).count("db_client_connections"), 0);
}

#[tokio::test]
async fn an_error_that_the_server_answers_is_an_error() {
    let obs = detached();
    let mut connection = observed(&obs);
    let pushed: RedisResult<i64> = connection.lpush("customer:4711", 1).await;
    assert_eq!(pushed.unwrap_err().code(), Some("WRONGTYPE"));
    let broken: RedisResult<Vec<String>> = connection.mget(&["a", "b"]).await;
    assert!(broken.is_err());
    assert_eq!(count(&obs, "lpush", "error"), 1.0);
    assert_eq!(count(&obs, "mget", "error"), 1.0);
    assert_eq!(all(&obs), (2.0, 2.0));
    assert!(!obs.scrape(Format::Text).contains("4711"));
}

#[tokio::test]
async fn a_pipeline_is_one_operation_and_failed_if_one_of_its_commands_did() {
    let obs = detached();
    let mut connection = observed(&obs);
    for (is_atomic, operation) in [(false, "pipeline"), (true, "multi")] {
        let mut pipeline = redis::pipe();
        if is_atomic {
            pipeline.atomic();
        }
        pipeline.set("a", 1).ignore().cmd("INCR").arg("a");
        pipeline.exec_async(&mut connection).await.unwrap();
        pipeline.lpush("a", 1);
        let failed: RedisResult<Value> = pipeline.query_async(&mut connection).await;
        assert!(failed.is_err());
        assert_eq!(count(&obs, operation, "ok"), 1.0, "{operation}");
        assert_eq!(count(&obs, operation, "error"), 1.0, "{operation}");
    }
    assert_eq!(all(&obs), (4.0, 4.0));
}

#[tokio::test]
async fn a1_a_thousand_dropped_commands_are_cancelled_once_each() {
    let obs = detached();
    let mut connection = observed(&obs);
    for _ in 0..1_000 {
        let mut taken = pin!(connection.blpop::<_, Value>("queue", 0.0));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(taken.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(count(&obs, "blpop", "cancelled"), 1_000.0);
    // Never polled, it never began.
    for _ in 0..1_000 {
        drop(connection.blpop::<_, Value>("queue", 0.0));
    }
    assert_eq!(all(&obs), (1_000.0, 1_000.0));
}

#[tokio::test]
async fn b1_no_command_adds_a_series() {
    let obs = detached();
    let mut connection = observed(&obs);
    let () = redis::cmd("X").query_async(&mut connection).await.unwrap();
    let before = scrape(&obs).samples.len();
    for i in 0..2_000 {
        let () = redis::cmd(&format!("X{i}"))
            .query_async(&mut connection)
            .await
            .unwrap();
    }
    assert_eq!(scrape(&obs).samples.len(), before);
    assert_eq!(count(&obs, "other", "ok"), 2_001.0);
}

#[tokio::test]
async fn a_check_asks_the_observed_connection_and_counts_nothing() {
    let obs = detached();
    let mut connection = observed(&obs);
    let asked = Arc::clone(&connection.inner().asked);
    let check = Check::redis_connection(&connection);
    obs.ready("redis", check.cache(Duration::ZERO));
    for _ in 0..3 {
        let request = Request::get("/ready").body(Body::empty()).unwrap();
        obs.wrap(Router::new()).oneshot(request).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    assert_eq!(all(&obs), (0.0, 0.0));
    // A ping of the service's own is one.
    let () = redis::cmd("PING")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(count(&obs, "ping", "ok"), 1.0);
}

#[tokio::test]
async fn clones_count_together_and_what_cannot_be_wrapped_is_one_call() {
    let obs = detached();
    let mut connection = observed(&obs);
    let mut clone = connection.clone();
    let () = connection.set("a", 1).await.unwrap();
    let () = clone.set("a", 1).await.unwrap();
    assert_eq!(count(&obs, "set", "ok"), 2.0);
    let mut raw = connection.inner_mut().clone();
    let subscribed = raw.set::<_, _, ()>("a", 1);
    connection
        .observer()
        .observe(Operation::Subscribe, subscribed)
        .await
        .unwrap();
    assert_eq!(count(&obs, "subscribe", "ok"), 1.0);
    assert_eq!(all(&obs), (3.0, 3.0));
}
