//! The listener for servers that speak over standard input and output.

use std::net::{Ipv4Addr, SocketAddr};

use obs::Obs;
use obs::http::AdminError;
use obs_tests::scrape::Scrape;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn obs(address: &str) -> Obs {
    Obs::from_vars(
        obs::service!(),
        [("OBS_ENV", "dev"), ("OBS_ADMIN_ADDR", address)],
    )
    .unwrap()
    .detached()
    .unwrap()
}

/// Sends raw bytes and returns everything that comes back.
async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is an end as well.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn metrics_and_nothing_else_are_served() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let address = admin.address();
    assert!(address.ip().is_loopback() && address.port() != 0);

    let answer = send(address, &request("GET", "/metrics?x=1")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    assert_eq!(Scrape::text(body).count("obs_build_info"), 1);

    let head = send(address, &request("HEAD", "/metrics")).await;
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    for (method, path, status) in [
        ("GET", "/", "404"),
        ("GET", "//metrics", "404"),
        ("GET", "/metrics/../x", "404"),
        ("POST", "/metrics", "405"),
        ("TRACE", "/metrics", "405"),
    ] {
        let answer = send(address, &request(method, path)).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method} {path}: {answer}"
        );
    }
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused_and_the_listener_lives_on() {
    let obs = obs("127.0.0.1:0");
    let admin = obs.serve_admin().await.unwrap();
    let mut wide = b"GET /metrics HTTP/1.1\r\n".to_vec();
    wide.extend(format!("x: {}\r\n\r\n", "y".repeat(100_000)).into_bytes());
    let mut many = b"GET /metrics HTTP/1.1\r\n".to_vec();
    many.extend("a: b\r\n".repeat(200).into_bytes());
    many.extend(b"\r\n");
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET /metrics\r\n\r\n".to_vec(),
        b"\0\0\0\0\r\n\r\n".to_vec(),
        wide,
        many,
    ] {
        let answer = send(admin.address(), &bytes).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    let answer = send(admin.address(), &request("GET", "/metrics")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
        let error = obs(address).serve_admin().await.unwrap_err();
        assert!(matches!(error, AdminError::NotLoopback(_)), "{error}");
        assert!(error.to_string().contains("OBS_ADMIN_ADDR"), "{error}");
    }
}

#[tokio::test]
async fn a_busy_port_is_an_error_that_says_so() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = obs(&address.to_string()).serve_admin().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&address.to_string()) && text.contains("in use"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_or_too_slowly_is_closed() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    for bytes in [&b""[..], b"GET /metrics HTTP/1.1\r\nx"] {
        // The paused clock jumps to the deadline as soon as nothing else can happen.
        let answer = send(admin.address(), bytes).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
}

#[tokio::test]
async fn connections_past_the_cap_are_closed_and_the_place_comes_back() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let mut open = Vec::new();
    for _ in 0..32 {
        open.push(TcpStream::connect(admin.address()).await.unwrap());
    }
    let mut refused = TcpStream::connect(admin.address()).await.unwrap();
    let mut byte = [0];
    assert!(!matches!(refused.read(&mut byte).await, Ok(1..)));
    drop(open);
    let mut answer = String::new();
    while !answer.starts_with("HTTP/1.1 200 ") {
        answer = send(admin.address(), &request("GET", "/metrics")).await;
    }
}

#[tokio::test]
async fn dropping_the_server_stops_it() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let address = admin.address();
    drop(admin);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
