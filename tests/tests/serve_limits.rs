//! `obs.serve`: what a connection may take, and what handlers learn about it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use obs::{Obs, Setup};
use obs_tests::wire::{read, request, send, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

fn setup(variables: &[(&str, &str)]) -> Setup {
    let dev = [("OBS_ENV", "dev")];
    Obs::from_vars(obs::service!(), dev.iter().chain(variables).copied()).unwrap()
}

async fn serve(setup: Setup, app: Router) -> (SocketAddr, JoinHandle<io::Result<()>>, Obs) {
    let obs = setup.detached().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (own, app) = (obs.clone(), obs.wrap(app));
    let server = tokio::spawn(async move { own.serve(listener, app).await });
    (address, server, obs)
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

#[tokio::test]
async fn handlers_find_the_peers_address() {
    let app = Router::new().route(
        "/",
        get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()),
    );
    let (address, _server, _obs) = serve(setup(&[]), app).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let me = stream.local_addr().unwrap();
    stream.write_all(&request("GET", "/")).await.unwrap();
    let answer = read(&mut stream).await;
    assert!(answer.ends_with(&me.to_string()), "{answer}");
}

#[tokio::test]
async fn serving_completes_the_start_unless_the_service_wants_to() {
    let (address, _server, _obs) = serve(setup(&[]), hello()).await;
    assert_eq!(
        status(&send(address, &request("GET", "/startup")).await),
        "200"
    );
    let (address, _server, obs) = serve(setup(&[]).manual_startup(true), hello()).await;
    assert_eq!(
        status(&send(address, &request("GET", "/startup")).await),
        "503"
    );
    assert_eq!(
        status(&send(address, &request("GET", "/ready")).await),
        "503"
    );
    obs.startup_complete();
    assert_eq!(
        status(&send(address, &request("GET", "/startup")).await),
        "200"
    );
}

#[tokio::test(start_paused = true)]
async fn o2_a_client_that_never_finishes_its_first_request_is_closed_after_ten_seconds() {
    let (address, _server, _obs) = serve(setup(&[]), hello()).await;
    for bytes in [
        &b""[..],
        b"G",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nx",
    ] {
        let start = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let answer = read(&mut stream).await;
        assert_ne!(status(&answer), "200", "{answer}");
        assert!(
            start.elapsed() < Duration::from_secs(11),
            "{:?}",
            start.elapsed()
        );
    }
    // One byte at a time does not move the limit.
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.split();
    let drip = async {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        () = drip => {}
        _ = from.read_to_end(&mut rest) => {}
    }
    assert!(
        start.elapsed() < Duration::from_secs(16),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_longer_than_load_balancers_keep_theirs() {
    let (address, _server, _obs) = serve(setup(&[]), hello()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let ask = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(ask).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        tokio::time::sleep(Duration::from_secs(70)).await;
    }
    let start = Instant::now();
    assert_eq!(read(&mut stream).await, "");
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn limits_can_be_chosen() {
    let second = Duration::from_secs(1);
    let setup = setup(&[])
        .header_timeout(second)
        .keep_alive_timeout(2 * second);
    let (address, _server, _obs) = serve(setup, hello()).await;
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    read(&mut stream).await;
    assert_eq!(start.elapsed().as_secs(), 1);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let start = Instant::now();
    assert!(read(&mut stream).await.ends_with("hello"));
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn connections_past_the_limit_wait_for_a_place() {
    let (address, _server, _obs) = serve(setup(&[]).max_connections(2), hello()).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"hello") {
            stream.read_buf(&mut answer).await.unwrap();
        }
        open.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    third.write_all(&request("GET", "/")).await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), third.read(&mut byte)).await;
    assert!(early.is_err());
    open.pop();
    assert!(read(&mut third).await.ends_with("hello"));
}

#[tokio::test]
async fn bytes_that_are_no_request_end_their_connection_and_no_other() {
    let (address, _server, _obs) = serve(setup(&[]), hello()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET /\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ] {
        assert_ne!(status(&send(address, bytes).await), "200");
    }
    assert_eq!(status(&send(address, &request("GET", "/")).await), "200");
}

#[tokio::test]
async fn the_admin_listener_runs_as_long_as_the_server() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let admin = free.local_addr().unwrap();
    drop(free);
    let setup = setup(&[("OBS_ADMIN_ADDR", &admin.to_string())]);
    let (address, server, obs) = serve(setup, hello()).await;
    assert_eq!(status(&send(address, &request("GET", "/")).await), "200");
    for path in ["/metrics", "/ready", "/health", "/startup"] {
        assert_eq!(
            status(&send(admin, &request("GET", path)).await),
            "200",
            "{path}"
        );
    }
    obs.shutdown().begin();
    server.await.unwrap().unwrap();
    while TcpStream::connect(admin).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_admin_listener_that_cannot_start_is_an_error_of_the_server() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (_, server, _obs) = serve(setup(&[("OBS_ADMIN_ADDR", &address)]), hello()).await;
    let error = server.await.unwrap().unwrap_err().to_string();
    assert!(
        error.contains(&address) && error.contains("in use"),
        "{error}"
    );
}
