//! The request layer behind a real socket: what no client would send, and connections that carry
//! many requests.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use obs::{Ctx, Format, Obs};
use obs_tests::scrape::Scrape;
use obs_tests::wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

async fn serve() -> (SocketAddr, JoinHandle<io::Result<()>>, Obs) {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap();
    let id = async || Ctx::current().unwrap().correlation_id().to_owned();
    let app = obs.wrap(Router::new().route("/", get(id)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn({
        let obs = obs.clone();
        async move { obs.serve(listener, app).await }
    });
    (address, server, obs)
}

fn counted(obs: &Obs) -> (f64, f64) {
    let page = Scrape::text(&obs.scrape(Format::Text));
    (
        page.sum("http_requests_total", &[]),
        page.value("http_requests_in_flight", &[]).unwrap(),
    )
}

#[tokio::test]
async fn c2_header_injection_is_refused_before_anything_is_counted() {
    let (address, server, obs) = serve().await;
    let rows: [&[u8]; 6] = [
        b"X-Correlation-ID: a\rSet-Cookie: x=1\r\n",
        b"X-Correlation-ID: a\x00b\r\n",
        b"X-Correlation-ID: a\x7fb\r\n",
        b"X-Correlation-ID : a\r\n",
        b"X-Correlation-ID: a\r\n folded\r\n",
        b"Set-Cookie\r\n",
    ];
    for row in rows {
        let mut bytes = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_vec();
        bytes.extend_from_slice(row);
        bytes.extend_from_slice(b"\r\n");
        let answer = wire::send(address, &bytes).await;
        assert_eq!(wire::status(&answer), "400", "{row:?} {answer}");
        assert!(!answer.contains("x=1") && !answer.contains("folded"));
    }
    assert_eq!(counted(&obs), (0.0, 0.0));
    // A line feed alone ends a header line, as it always did: what follows is a header of its own,
    // and the id is what stands before it.
    let two = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nX-Correlation-ID: a\nX-Other: b\r\n\r\n";
    let answer = wire::send(address, two).await;
    assert!(answer.contains("x-correlation-id: a\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\na"), "{answer}");
    server.abort();
}

#[tokio::test]
async fn k3_a_thousand_requests_of_one_connection_have_an_id_each() {
    let (address, server, obs) = serve().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut own = std::collections::HashSet::new();
    for n in 0..1_000 {
        // Every other one brings no id: it must not get that of the one before.
        let header = match n % 2 {
            0 => format!("x-correlation-id: request-{n}\r\n"),
            _ => String::new(),
        };
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("x-correlation-id: {body}\r\n")),
            "{answer}"
        );
        if n % 2 == 0 {
            assert_eq!(body, format!("request-{n}"));
        } else {
            assert!(own.insert(body.to_owned()), "{body} again");
            assert_eq!(body.len(), 36);
        }
    }
    assert_eq!(counted(&obs), (1_000.0, 0.0));
    server.abort();
}

/// Reads one answer of a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    loop {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "the connection has ended");
        seen.extend_from_slice(&bytes[..read]);
        let text = String::from_utf8(seen.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse().ok());
        if Some(body.len()) == length {
            return text;
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn q6_no_socket_is_opened_unless_one_was_configured() {
    use http::Request;
    use tower::ServiceExt;

    fn sockets() -> usize {
        std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    }
    // Other tests of this process open sockets; a process of its own shows what obs does.
    if std::env::var_os("OBS_TEST_ALONE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "q6_no_socket_is_opened_unless_one_was_configured",
            ])
            .env("OBS_TEST_ALONE", "1")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let before = sockets();
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "prod")])
        .unwrap()
        .log_writer(io::sink())
        .install()
        .unwrap();
    let app = obs.wrap(Router::new().route("/", get(async || "")));
    for path in ["/", "/nowhere", "/ready", "/metrics"] {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        drop(app.clone().oneshot(request).await.unwrap());
    }
    assert_eq!(sockets(), before);
    assert!(obs.stop(std::time::Duration::from_secs(1)).is_empty());
    assert_eq!(sockets(), before);
}
