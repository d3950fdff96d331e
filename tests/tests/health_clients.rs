//! The checks of pools and clients: a database in memory, and a server that speaks just enough
//! RESP. Frozen real ones are tested elsewhere.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use obs::{Check, Obs};
use sqlx::sqlite::SqlitePoolOptions;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use tower::ServiceExt;

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

async fn state(obs: &Obs, name: &str) -> String {
    let request = Request::get("/ready").body(Body::empty()).unwrap();
    let answer = obs.wrap(Router::new()).oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    body["checks"][name]["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pool_is_up_while_it_has_a_connection_that_answers() {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    let obs = detached();
    // SQLite answers on a thread of its own, which no paused clock waits for.
    obs.ready("database", Check::sqlx(&pool).cache(Duration::ZERO));
    assert_eq!(state(&obs, "database").await, "ok");
    let taken = pool.acquire().await.unwrap();
    assert_eq!(state(&obs, "database").await, "failed");
    drop(taken);
    // The pool takes its connection back in a task.
    while state(&obs, "database").await != "ok" {}
    pool.close().await;
    assert_eq!(state(&obs, "database").await, "failed");
}

/// Answers each command, PING with PONG, while it is not frozen.
async fn resp(stream: TcpStream, is_frozen: Arc<AtomicBool>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let parts: usize = line.trim().strip_prefix('*')?.parse().ok()?;
        let mut command = String::new();
        for _ in 0..parts * 2 {
            stream.read_line(&mut command).await.ok()?;
        }
        if is_frozen.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let answer: &[u8] = if command.contains("PING") {
            b"+PONG\r\n"
        } else {
            b"+OK\r\n"
        };
        stream.write_all(answer).await.ok()?;
    }
}

async fn redis_server() -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let is_frozen = Arc::new(AtomicBool::new(false));
    let frozen = Arc::clone(&is_frozen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(resp(stream, Arc::clone(&frozen)));
        }
    });
    (address, is_frozen)
}

#[tokio::test(start_paused = true)]
async fn a_redis_that_freezes_is_down_and_comes_back_on_a_new_connection() {
    let (address, is_frozen) = redis_server().await;
    let client = redis::Client::open(format!("redis://{address}/")).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let obs = detached();
    let limit = Duration::from_millis(50);
    obs.ready(
        "redis",
        Check::redis(&client).cache(Duration::ZERO).timeout(limit),
    );
    let shared = Check::redis_connection(&connection);
    obs.ready("connection", shared.cache(Duration::ZERO).timeout(limit));
    for name in ["redis", "connection"] {
        assert_eq!(state(&obs, name).await, "ok");
    }
    is_frozen.store(true, Ordering::Relaxed);
    for name in ["redis", "connection"] {
        assert_eq!(state(&obs, name).await, "failed");
    }
    is_frozen.store(false, Ordering::Relaxed);
    assert_eq!(state(&obs, "redis").await, "ok");
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_down() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = redis::Client::open(format!("redis://{address}/")).unwrap();
    let obs = detached();
    obs.ready("redis", Check::redis(&client));
    assert_eq!(state(&obs, "redis").await, "failed");
}
