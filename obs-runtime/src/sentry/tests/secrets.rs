//! What is in nothing that is sent.

use std::sync::{Arc, Mutex};

use ::sentry::protocol::{
    Attachment, Event, Exception, Frame, Request, Stacktrace, Thread, User, Value,
};
use ::sentry::{Client, ClientOptions, Envelope, Hub, Level, Transport};

use super::{PATIENCE, counts_of, http_ctx, logged, panic_in, start};
use crate::redact::Redactor;
use crate::sentry::counts::{Kind, Outcome};
use crate::sentry::{Sentry, SentryTransport};

fn canary(n: u64) -> String {
    let random = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 32) ^ 0xa5a5_5a5a_1234_cdef;
    format!("{:016x}{:016x}", random(n + 1), random(n + 1_001))
}

/// An event with a secret in every place that a client or an author may put one.
fn indiscreet(canaries: &[String]) -> Event<'static> {
    let c = |n: usize| canaries[n].clone();
    let mut event = Event {
        message: Some(format!(
            "failed for {}@example.com with Bearer {}",
            c(0),
            c(1)
        )),
        level: Level::Error,
        server_name: Some(c(2).into()),
        user: Some(User {
            id: Some("u-17".to_owned()),
            email: Some(c(3)),
            username: Some(c(4)),
            ..User::default()
        }),
        request: Some(Request {
            url: format!("https://h/{}?token={}", c(5), c(5)).parse().ok(),
            method: Some("GET".to_owned()),
            data: Some(c(6)),
            query_string: Some(c(7)),
            cookies: Some(c(8)),
            headers: [("X-Forwarded-For".to_owned(), c(9))].into(),
            env: [("HOME".to_owned(), c(10))].into(),
        }),
        ..Event::default()
    };
    event.extra.insert("api_key".to_owned(), c(11).into());
    event.extra.insert(
        "nested".to_owned(),
        serde_json::json!({"a": [{"password": c(12)}, {"mcp-session-id": c(13)}]}),
    );
    event.extra.insert(
        "dump".to_owned(),
        format!("{{\"authorization\":\"Basic {}\"}}", c(14)).into(),
    );
    event.tags.insert("set-cookie".to_owned(), c(15));
    event
        .tags
        .insert("url".to_owned(), format!("postgres://u:{}@db/x", c(16)));
    event.exception.values.push(Exception {
        ty: "Error".to_owned(),
        value: Some(format!("refused: password={}", c(17))),
        stacktrace: Some(Stacktrace {
            frames: vec![Frame {
                function: Some("shop::till".to_owned()),
                vars: [("x".to_owned(), c(18).into())].into(),
                ..Frame::default()
            }],
            ..Stacktrace::default()
        }),
        ..Exception::default()
    });
    event.threads.values.push(Thread {
        name: Some(c(19)),
        ..Thread::default()
    });
    event.contexts.insert(
        "app state".to_owned(),
        ::sentry::protocol::Context::Other(
            [("secret".to_owned(), Value::from(c(20)))]
                .into_iter()
                .collect(),
        ),
    );
    event
}

#[test]
fn q1_of_21_planted_secrets_none_is_in_anything_that_is_sent() {
    let canaries: Vec<String> = (0..21).map(canary).collect();
    let (sentry, server) = start(1.0, 1.0);
    let ctx = http_ctx("GET", "/");
    let request = sentry.request(&ctx);
    logged(&sentry, || {
        let _entered = request.enter();
        ctx.scope(|| {
            tracing::info!(
                token = canaries[0],
                cookie = canaries[1],
                "Cookie: sid={}",
                canaries[2]
            );
            let error = std::io::Error::other(format!("user:{}@example.com", canaries[3]));
            tracing::error!(
                error = &error as &(dyn std::error::Error + 'static),
                password = canaries[4],
                "went wrong with api_key={}",
                canaries[5]
            );
        });
        let hub = Hub::current();
        hub.configure_scope(|scope| {
            scope.add_attachment(Attachment {
                buffer: canaries[6].clone().into_bytes(),
                filename: "dump.txt".to_owned(),
                ..Attachment::default()
            });
            scope.set_extra("session_id", canaries[7].clone().into());
        });
        hub.capture_event(indiscreet(&canaries));
        ctx.scope(|| {
            sentry.panicked(
                &format!("Authorization: Bearer {}", canaries[8]),
                "src/a.rs:1:1",
            );
        });
    });
    request.finish(500, "panic");
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.events().len(), 3);
    assert_eq!(server.items("transaction").len(), 1);
    let text = server.text();
    for (n, canary) in canaries.iter().enumerate() {
        assert!(!text.contains(canary), "canary {n} in {text}");
    }
    let hostname = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let hostname = hostname.trim();
    assert!(hostname.is_empty() || !text.contains(hostname));
    // What the service itself said about the user, and what is nobody's secret, is there.
    assert!(text.contains("u-17"));
    assert!(text.contains("went wrong with api_key=[redacted]"));
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Other, Outcome::Withheld), 2);
}

/// A transport of somebody else's.
#[derive(Default)]
struct Collected(Mutex<Vec<String>>);

impl Transport for Collected {
    fn send_envelope(&self, envelope: Envelope) {
        let mut text = Vec::new();
        envelope.to_writer(&mut text).unwrap();
        self.0
            .lock()
            .unwrap()
            .push(String::from_utf8(text).unwrap());
    }
}

#[test]
fn i2_a_client_that_the_service_has_already_reports_the_same_without_secrets() {
    let collected = Arc::new(Collected::default());
    let redactor = Arc::new(Redactor::new(&["tenant".to_owned()]));
    let inner = Arc::new(Arc::clone(&collected));
    let options = ClientOptions::new()
        .dsn("http://key@127.0.0.1:9/1")
        .release("theirs@9")
        .traces_sample_rate(1.0)
        .before_send(|mut event| {
            event.tags.insert("theirs".to_owned(), "kept".to_owned());
            Some(event)
        })
        .transport(SentryTransport::new(inner, redactor));
    let client = Arc::new(Client::with_options(options));
    let sentry = Sentry::adopt(client, "shop".to_owned(), Arc::default());
    let ctx = http_ctx("GET", "/jobs/{id}");
    let request = sentry.request(&ctx);
    logged(&sentry, || {
        ctx.scope(|| tracing::error!(tenant = "c4n4ry", "no Bearer c4n4ry"));
    });
    panic_in(&sentry, &ctx);
    panic_in(&sentry, &ctx);
    request.finish(500, "server_error");
    let sent = collected.0.lock().unwrap();
    // The error, both panics, because how often is up to the client, and the transaction.
    assert_eq!(sent.len(), 4, "{sent:#?}");
    for (n, text) in sent.iter().enumerate() {
        assert!(!text.contains("c4n4ry"), "{text}");
        assert!(text.contains(ctx.correlation_id()), "{text}");
        assert!(text.contains(r#""route":"/jobs/{id}""#), "{text}");
        assert!(text.contains("theirs@9"), "{text}");
        assert_eq!(text.contains(r#""theirs":"kept""#), n < 3, "{text}");
    }
    assert_eq!(sentry.lost(), 0);
}
