//! A connection keeps its place as long as it is open, whatever it has become.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::start::{Obs, Service};

async fn ask(address: std::net::SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn an_upgraded_connection_counts_among_those_that_may_be_open() {
    let obs = Obs::from_vars(Service::new("cap", "0"), [("OBS_ENV", "dev")])
        .unwrap()
        .max_connections(1)
        .detached()
        .unwrap();
    let said: Arc<Mutex<Vec<&str>>> = Arc::default();
    let (upgraded, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let upgrade = {
        let (upgraded, release) = (Arc::clone(&upgraded), Arc::clone(&release));
        let said = Arc::clone(&said);
        async move |request: Request<Body>| {
            tokio::spawn(async move {
                let io = hyper::upgrade::on(request).await.unwrap();
                upgraded.notify_one();
                release.notified().await;
                said.lock().unwrap().push("closed");
                drop(io);
            });
            Response::builder()
                .status(101)
                .header("connection", "upgrade")
                .header("upgrade", "echo")
                .body(Body::empty())
                .unwrap()
        }
    };
    let plain = {
        let said = Arc::clone(&said);
        async move || said.lock().unwrap().push("served")
    };
    let app = Router::new()
        .route("/up", get(upgrade))
        .route("/", get(plain));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn({
        let obs = obs.clone();
        async move { obs.serve(listener, obs.wrap(app)).await }
    });
    let first = "GET /up HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    let first = ask(address, first).await;
    upgraded.notified().await;
    let second = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut second = ask(address, second).await;
    // The chance to serve it too early.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    release.notify_one();
    let mut answer = Vec::new();
    second.read_to_end(&mut answer).await.unwrap();
    assert_eq!(*said.lock().unwrap(), ["closed", "served"]);
    drop(first);
    obs.shutdown().begin();
    server.await.unwrap().unwrap();
}
