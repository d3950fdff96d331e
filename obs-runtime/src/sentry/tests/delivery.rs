//! The queue, and the server at its end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::{PATIENCE, Server, counts_of, http_ctx, logged, options, start, subscriber};
use crate::sentry::counts::{Kind, Outcome};
use crate::sentry::deliver::{Answer, Deliver, Http};
use crate::sentry::{Sentry, SentryError, queue};

#[test]
fn h4_a_server_that_hangs_holds_up_nobody_and_what_is_dropped_is_counted() {
    const OFFERED: u64 = 2_000;
    let server = Server::default();
    let sentry = Sentry::start_with(options(1.0, 0.0), Box::new(server.clone()), queue::CAPACITY);
    let sentry = sentry.unwrap();
    let hangs = server.hangs.lock().unwrap();
    tracing::dispatcher::with_default(&subscriber(&sentry), || {
        for _ in 0..OFFERED {
            tracing::error!("again and again");
        }
    });
    assert!(!sentry.flush(Duration::ZERO));
    drop(hangs);
    assert!(sentry.flush(PATIENCE));
    let counts = counts_of(&sentry);
    let sent = counts.get(Kind::Error, Outcome::Sent);
    assert_eq!(sent, server.events().len() as u64);
    assert_eq!(sent + counts.get(Kind::Error, Outcome::QueueFull), OFFERED);
    // One may have left the queue before the others came.
    let capacity = queue::CAPACITY as u64;
    assert!((capacity..=capacity + 1).contains(&sent), "{sent}");
}

#[test]
fn a_server_that_asks_to_wait_is_left_alone_and_that_is_counted() {
    let (sentry, server) = start(1.0, 1.0);
    server.answers.lock().unwrap().push(Answer {
        status: Some(429),
        rate_limits: Some("3600:error:project".to_owned()),
        ..Answer::default()
    });
    logged(&sentry, || {
        for _ in 0..5 {
            tracing::error!("too much");
        }
    });
    assert_eq!(server.events().len(), 1);
    sentry.request(&http_ctx("GET", "/")).finish(200, "ok");
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.items("transaction").len(), 1);
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Error, Outcome::RateLimited), 5);
    assert_eq!(counts.get(Kind::Transaction, Outcome::Sent), 1);
}

#[test]
fn closing_takes_no_longer_than_it_may_and_ends_the_thread() {
    let (sentry, server) = start(1.0, 0.0);
    let hangs = server.hangs.lock().unwrap();
    tracing::dispatcher::with_default(&subscriber(&sentry), || {
        for _ in 0..3 {
            tracing::error!("never sent");
        }
    });
    assert!(!sentry.inner.client.close(Some(Duration::ZERO)));
    drop(hangs);
    // What comes now is taken by nobody, and harms nobody.
    logged(&sentry, || tracing::error!("afterwards"));
}

#[test]
fn a_dsn_is_refused_without_being_repeated() {
    for dsn in [
        "",
        "x",
        "http://host/1",
        "https://k3y@host/",
        "ftp://k3y@host/1",
    ] {
        let error = crate::sentry::parse(dsn).unwrap_err();
        assert!(matches!(error, SentryError::Dsn(_)));
        assert!(!error.to_string().contains("k3y"), "{error}");
    }
    crate::sentry::parse("http://key@127.0.0.1:8000/1").unwrap();
}

/// Takes one request, answers it and returns it.
fn serve_once(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        });
        if body.len() >= length.unwrap_or(0) {
            write(&mut stream, answer);
            return text;
        }
    }
}

fn write(stream: &mut TcpStream, answer: &str) {
    stream.write_all(answer.as_bytes()).unwrap();
}

#[test]
fn an_envelope_is_posted_to_the_server_of_the_dsn_and_to_no_other() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let dsn = format!("http://key@{address}/7").parse().unwrap();
    let mut http = Http::new(&dsn);
    for (answer, status, rate_limits) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 200, None),
        (
            "HTTP/1.1 429 Slow\r\nx-sentry-rate-limits: 60:error:p\r\ncontent-length: 0\r\n\r\n",
            429,
            Some("60:error:p"),
        ),
        // Whoever answers cannot send the events somewhere else.
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            302,
            None,
        ),
    ] {
        let (sent, request) = std::thread::scope(|scope| {
            // A connection of its own each time, because the listener takes one.
            let mut fresh = Http::new(&dsn);
            let sending = scope.spawn(move || fresh.deliver(b"{}\n"));
            let request = serve_once(&listener, answer);
            (sending.join().unwrap(), request)
        });
        assert_eq!(sent.status, Some(status));
        assert_eq!(sent.rate_limits.as_deref(), rate_limits);
        assert!(
            request.starts_with("POST /api/7/envelope/ HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("sentry_key=key"), "{request}");
        assert!(request.ends_with("\r\n\r\n{}\n"), "{request}");
    }
    drop(listener);
    let answer = http.deliver(b"{}\n");
    assert_eq!(answer.status, None);
    assert!(!answer.why.is_empty());
}
