//! The listener for servers that speak over standard input and output.

use std::net::Ipv4Addr;
use std::time::Duration;

use obs::http::AdminError;
use obs::{Format, Obs, Setup};
use obs_tests::events::Events;
use obs_tests::scrape::Scrape;
use obs_tests::wire::{read, request, request_with, send, status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tracing::Level;

fn setup(address: &str) -> Setup {
    let variables = [("OBS_ENV", "prod"), ("OBS_ADMIN_ADDR", address)];
    Obs::from_vars(obs::service!(), variables).unwrap()
}

fn obs(address: &str) -> Obs {
    setup(address).detached().unwrap()
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
    for path in ["/health", "/ready", "/startup"] {
        let answer = send(address, &request("GET", path)).await;
        assert_eq!(status(&answer), "200", "{path}");
    }
}

#[tokio::test]
async fn o4_what_no_scraper_sends_is_refused_and_its_body_never_read() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let address = admin.address();
    let long = format!("/metrics?{}", "x".repeat(8 * 1024));
    for (method, path, expected) in [
        ("GET", "/", "404"),
        ("GET", "//metrics", "404"),
        ("GET", "/metrics/", "404"),
        ("GET", "/metrics/../x", "404"),
        ("GET", "/METRICS", "404"),
        ("OPTIONS", "*", "404"),
        ("POST", "/metrics", "405"),
        ("PUT", "/metrics", "405"),
        ("TRACE", "/metrics", "405"),
        ("GET", &long, "200"),
    ] {
        let answer = send(address, &request(method, path)).await;
        assert_eq!(status(&answer), expected, "{method} {path}: {answer}");
    }
    // Ten MiB are announced and none of them is waited for.
    let announced = request_with("POST", "/metrics", "content-length: 10485760\r\n");
    assert_eq!(status(&send(address, &announced).await), "405");
    let announced = request_with("GET", "/metrics", "transfer-encoding: chunked\r\n");
    assert_eq!(status(&send(address, &announced).await), "200");
    let headers = "a: b\r\n".repeat(101);
    assert_eq!(
        status(&send(address, &request_with("GET", "/metrics", &headers)).await),
        "431"
    );
    let mut pipeline = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n".repeat(999);
    pipeline.extend(request("GET", "/health"));
    let answers = send(address, &pipeline).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 1_000);
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
async fn o1_an_address_that_others_can_reach_needs_a_token_or_a_word() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
        let error = obs(address).serve_admin().await.unwrap_err();
        assert!(matches!(error, AdminError::NotLoopback(_)), "{error}");
        for fix in [
            "OBS_METRICS_TOKEN",
            "OBS_ADMIN_ADDR",
            "allow_unauthenticated_admin",
        ] {
            assert!(error.to_string().contains(fix), "{error}");
        }
    }
    // An address that no machine has: it is let through to the kernel, which knows.
    let (events, _guard) = Events::of_this_thread();
    let elsewhere = setup("192.0.2.1:9464");
    let obs = elsewhere
        .metrics_token("0123456789abcdef")
        .detached()
        .unwrap();
    let error = obs.serve_admin().await.unwrap_err();
    assert!(matches!(error, AdminError::Bind(..)), "{error}");
    assert_eq!(events.of(Level::WARN, "asks for no token").len(), 0);
    let elsewhere = setup("192.0.2.1:9464");
    let obs = elsewhere
        .allow_unauthenticated_admin(true)
        .detached()
        .unwrap();
    let error = obs.serve_admin().await.unwrap_err();
    assert!(matches!(error, AdminError::Bind(..)), "{error}");
    assert_eq!(events.of(Level::WARN, "asks for no token").len(), 1);
}

#[tokio::test]
async fn o7_the_page_says_nothing_about_the_machine() {
    let obs = obs("");
    let page = obs.scrape(Format::OpenMetrics);
    let mut secrets = vec![
        env!("CARGO_MANIFEST_DIR").to_owned(),
        ".rs".to_owned(),
        "://".to_owned(),
    ];
    // Short values, such as `1`, are in every text.
    secrets.extend(
        std::env::vars()
            .map(|(_, value)| value)
            .filter(|value| value.len() > 3 && value.contains('/')),
    );
    for secret in secrets {
        assert!(!page.contains(&secret), "{secret}");
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

#[tokio::test(start_paused = true)]
async fn o2_fifty_slow_clients_are_closed_in_time_and_keep_no_scraper_out() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let start = Instant::now();
    let mut slow = Vec::new();
    for at in 0..50 {
        let mut stream = TcpStream::connect(admin.address()).await.unwrap();
        let head = &b"GET /metrics HTTP/1.1\r\nhost: x\r\n"[..at % 32];
        stream.write_all(head).await.unwrap();
        slow.push(tokio::spawn(async move {
            let (mut from, mut to) = stream.split();
            let drip = async {
                loop {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    drop(to.write_all(b"x").await);
                }
            };
            let mut rest = Vec::new();
            tokio::select! {
                () = drip => {}
                _ = from.read_to_end(&mut rest) => {}
            }
            start.elapsed()
        }));
        let before = Instant::now();
        let answer = send(admin.address(), &request("GET", "/metrics")).await;
        assert_eq!(status(&answer), "200", "after {at} slow clients");
        assert!(before.elapsed() < Duration::from_millis(250));
    }
    for client in slow {
        let closed = client.await.unwrap();
        assert!(closed <= Duration::from_secs(10), "{closed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn o2_a_client_that_reads_slowly_is_closed_all_the_same() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let mut stream = TcpStream::connect(admin.address()).await.unwrap();
    let start = Instant::now();
    // More answers than the sockets' buffers hold, and never an end of the questions.
    let ask = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000);
    while tokio::time::timeout(Duration::from_secs(60), stream.write_all(&ask))
        .await
        .is_ok_and(|written| written.is_ok())
    {}
    assert!(
        start.elapsed() <= Duration::from_secs(31),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn past_the_cap_the_oldest_idle_connection_makes_room() {
    let obs = obs("");
    let admin = obs.serve_admin().await.unwrap();
    let mut open = Vec::new();
    for _ in 0..33 {
        open.push(TcpStream::connect(admin.address()).await.unwrap());
    }
    assert_eq!(read(&mut open[0]).await, "");
    for stream in &mut open[1..] {
        stream.write_all(&request("GET", "/metrics")).await.unwrap();
        assert_eq!(status(&read(stream).await), "200");
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
