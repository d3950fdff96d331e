//! `obs.serve`: the stop. Whatever is under way ends well, or is cut off in time and counted.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use obs::{Obs, Setup};
use obs_tests::events::Events;
use obs_tests::wire::{read, request, send, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Level;

/// What is left of the time limit for requests, by default: 25 s without the reserve.
const REQUESTS: Duration = Duration::from_secs(22);

fn setup(environment: &str) -> Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", environment)]).unwrap()
}

async fn serve(obs: &Obs, app: Router) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (obs, app) = (obs.clone(), obs.wrap(app));
    let server = tokio::spawn(async move { obs.serve(listener, app).await });
    (address, server)
}

/// Opens a connection, sends a request and returns once the head of the answer, or nothing more
/// than that, was read.
async fn begin(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// A router whose `/wait` says when it began and answers when it is let go.
fn waiting() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (says, waits) = (Arc::clone(&began), Arc::clone(&go));
    let handler = async move || {
        says.notify_one();
        waits.notified().await;
        "done"
    };
    (Router::new().route("/wait", get(handler)), began, go)
}

#[tokio::test]
async fn a_request_under_way_gets_its_answer_and_nobody_else_gets_in() {
    let obs = setup("dev").detached().unwrap();
    let (app, began, go) = waiting();
    let (address, server) = serve(&obs, app).await;
    let mut stream = begin(address, "/wait").await;
    began.notified().await;
    obs.shutdown().begin();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.is_finished());
    go.notify_one();
    let answer = read(&mut stream).await;
    assert_eq!(status(&answer), "200");
    assert!(
        answer.contains("connection: close") && answer.ends_with("done"),
        "{answer}"
    );
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_prod_it_is_not_ready_first_and_accepts_until_the_drain_delay_is_over() {
    let obs = setup("prod").detached().unwrap();
    let (address, server) = serve(&obs, Router::new()).await;
    assert_eq!(
        status(&send(address, &request("GET", "/ready")).await),
        "200"
    );
    let start = Instant::now();
    obs.shutdown().begin();
    tokio::time::advance(Duration::from_millis(4_900)).await;
    let answer = send(address, &request("GET", "/ready")).await;
    assert!(
        status(&answer) == "503" && answer.contains("stopping"),
        "{answer}"
    );
    assert_eq!(
        status(&send(address, &request("GET", "/health")).await),
        "200"
    );
    server.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_millis() / 100, 50);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_drain_delay_can_be_chosen_and_leaves_time_for_the_rest() {
    for (delay, expected) in [(0, 0), (2, 2), (60, 11)] {
        let delay = Duration::from_secs(delay);
        let obs = setup("prod").drain_delay(delay).detached().unwrap();
        let (_, server) = serve(&obs, Router::new()).await;
        let start = Instant::now();
        obs.shutdown().begin();
        server.await.unwrap().unwrap();
        assert_eq!(start.elapsed().as_secs(), expected, "{delay:?}");
    }
}

/// Sends one frame, and then nothing for ever.
struct Endless(bool);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Pending;
        }
        let data = Bytes::from_static(b"data: 1\n\n");
        Poll::Ready(Some(Ok(http_body::Frame::data(data))))
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_off_in_time_and_counted() {
    let (events, _guard) = Events::of_this_thread();
    let obs = setup("dev").detached().unwrap();
    let began = Arc::new(Notify::new());
    let says = Arc::clone(&began);
    let app = Router::new()
        .route(
            "/hangs",
            get(async move || {
                says.notify_one();
                pending::<()>().await;
            }),
        )
        .route("/endless", get(async || Body::new(Endless(false))));
    let (address, server) = serve(&obs, app).await;
    let mut streams = Vec::new();
    for path in ["/hangs", "/hangs", "/endless"] {
        streams.push(begin(address, path).await);
    }
    began.notified().await;
    let mut byte = [0];
    streams[2].read_exact(&mut byte).await.unwrap();
    let idle = TcpStream::connect(address).await.unwrap();
    let start = Instant::now();
    obs.shutdown().begin();
    server.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), REQUESTS.as_secs());
    assert!(Instant::now().into_std() < obs.shutdown().deadline().unwrap());
    let said = events.of(Level::WARN, "cut off");
    assert!(said.len() == 1 && said[0].contains("cut_off=3"), "{said:?}");
    // The service has ended them, not their clients.
    let page = obs.scrape(obs::Format::Text);
    let hangs = r#"http_requests_total{method="GET",route="/hangs",status="503"} 2"#;
    assert!(page.contains(hangs), "{page}");
    assert!(!page.contains(r#"status="499""#), "{page}");
    for stream in &mut streams {
        read(stream).await;
    }
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_listens_to_the_signal_ends_when_the_service_closes() {
    let (events, _guard) = Events::of_this_thread();
    let obs = setup("prod").detached().unwrap();
    let shutdown = obs.shutdown();
    let app = Router::new().route(
        "/events",
        get(async move || {
            let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
            tokio::spawn(async move {
                drop(sender.send(Bytes::from_static(b"data: 1\n\n")).await);
                shutdown.closing().await;
                drop(sender.send(Bytes::from_static(b"data: bye\n\n")).await);
            });
            Body::new(Received(receiver))
        }),
    );
    let (address, server) = serve(&obs, app).await;
    let mut stream = begin(address, "/events").await;
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap();
    let start = Instant::now();
    obs.shutdown().begin();
    let rest = read(&mut stream).await;
    assert!(
        rest.contains("data: bye") && rest.ends_with("0\r\n\r\n"),
        "{rest}"
    );
    server.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_millis() / 100, 50);
    assert_eq!(events.of(Level::WARN, "cut off").len(), 0);
}

/// What comes through a channel.
struct Received(tokio::sync::mpsc::Receiver<Bytes>);

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let data = self.0.poll_recv(cx);
        data.map(|data| data.map(|data| Ok(http_body::Frame::data(data))))
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_at_once() {
    let obs = setup("dev").detached().unwrap();
    let (address, server) = serve(&obs, Router::new().route("/", get(async || "hello"))).await;
    let mut used = begin(address, "/").await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        used.read_buf(&mut answer).await.unwrap();
    }
    let mut fresh = TcpStream::connect(address).await.unwrap();
    // It is accepted before the next one is.
    assert_eq!(status(&send(address, &request("GET", "/")).await), "200");
    let start = Instant::now();
    obs.shutdown().begin();
    for stream in [&mut used, &mut fresh] {
        assert_eq!(read(stream).await, "");
    }
    server.await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn g5_a_second_signal_and_a_hundred_change_nothing() {
    let obs = setup("dev").detached().unwrap();
    let (app, began, _go) = waiting();
    let (address, server) = serve(&obs, app).await;
    let _stream = begin(address, "/wait").await;
    began.notified().await;
    let start = Instant::now();
    obs.shutdown().begin();
    let deadline = obs.shutdown().deadline();
    for _ in 0..100 {
        tokio::time::advance(Duration::from_millis(50)).await;
        obs.shutdown().begin();
    }
    assert_eq!(obs.shutdown().deadline(), deadline);
    server.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), REQUESTS.as_secs());
    // Served again, a service that has stopped stops.
    let (_, again) = serve(&obs, Router::new()).await;
    again.await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_server_cuts_everybody_off() {
    let obs = setup("dev").detached().unwrap();
    let (app, began, _go) = waiting();
    let (address, server) = serve(&obs, app).await;
    let mut stream = begin(address, "/wait").await;
    began.notified().await;
    server.abort();
    assert_eq!(read(&mut stream).await, "");
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
