//! What waits and what is remembered has a bound, whatever a peer sends and whether the server
//! answers or not.

use std::time::Instant;

use ::sentry::protocol::{Event, Value};

use super::{http_ctx, logged, start};
use crate::redact::Redactor;
use crate::sentry::envelope;
use crate::sentry::kind::KindOfEvent;
use crate::sentry::sample::{Decision, Sampler};

fn kind(message: String) -> KindOfEvent {
    KindOfEvent {
        place: vec!["shop".to_owned()],
        message,
    }
}

/// Digits would be a number, and the same kind.
fn word(mut n: u32) -> String {
    let mut word = String::from("w");
    while n > 0 {
        word.push(char::from(b'a' + u8::try_from(n % 26).unwrap()));
        n /= 26;
    }
    word
}

#[test]
fn kinds_that_never_arrive_are_not_remembered() {
    let sampler = Sampler::new(0.0);
    let now = Instant::now();
    for n in 0..20_000 {
        if let Decision::First(key) = sampler.decide(&kind(word(n)), now) {
            sampler.forget(key);
        }
    }
    assert_eq!(sampler.remembered(), 0);
}

#[test]
fn t5_no_kind_is_missing_after_the_server_was_away() {
    let sampler = Sampler::new(0.0);
    let now = Instant::now();
    // It is away: whatever is decided about is lost.
    for _ in 0..1_000 {
        if let Decision::First(key) = sampler.decide(&kind("job 1 failed".to_owned()), now) {
            sampler.forget(key);
        }
    }
    // It is back.
    for n in 0..100 {
        let decision = sampler.decide(&kind(format!("job {n} failed")), now);
        assert!(matches!(decision, Decision::First(_)), "{n}");
    }
}

#[test]
fn every_text_of_an_event_is_cut_before_it_waits() {
    let long = || "long ".repeat(200_000);
    let mut event = Event {
        message: Some(long()),
        ..Event::default()
    };
    event.extra.insert("a".to_owned(), Value::from(long()));
    event
        .extra
        .insert("b".to_owned(), Value::from(vec![long()]));
    event.tags.insert("c".to_owned(), long());
    let fields = [("d".to_owned(), Value::from(long()))];
    let fields = ::sentry::protocol::Context::Other(fields.into_iter().collect());
    event.contexts.insert("fields".to_owned(), fields);
    envelope::cut(&mut event);
    let text = serde_json::to_string(&event).unwrap();
    assert!(text.len() < 100_000, "{}", text.len());
}

#[test]
fn breadcrumbs_are_cut_when_they_are_kept() {
    let (sentry, _) = start(1.0, 0.0);
    let ctx = http_ctx("GET", "/");
    let long = "long ".repeat(200_000);
    logged(&sentry, || {
        ctx.scope(|| tracing::info!(body = long, "{long}"));
    });
    let mut bytes = 0;
    sentry.bound(&ctx).hub().configure_scope(|scope| {
        let event = scope.apply_to_event(Event::default()).unwrap();
        bytes = serde_json::to_string(&event).unwrap().len();
    });
    assert!((100..100_000).contains(&bytes), "{bytes}");
}

#[test]
fn a_secret_at_the_edge_of_what_is_kept_is_not_torn() {
    for secret in [
        "https://shop:hunter2@db.internal/x",
        "jane.doe@example.org",
        "4111 1111 1111 1111",
    ] {
        let shown: Vec<String> = (0..40)
            .map(|back| {
                // No hexadecimal digits: a number behind one is no card.
                let padding = "most ".repeat(2_000);
                let padding = &padding[..8 * 1_024 - back];
                let mut event = Event {
                    message: Some(format!("{padding}{secret} {}", "more ".repeat(10_000))),
                    ..Event::default()
                };
                envelope::cut(&mut event);
                let sent = envelope::read(&event.into(), &Redactor::default(), None);
                String::from_utf8(envelope::write(&sent.header, &sent.items)).unwrap()
            })
            .collect();
        for (back, text) in shown.iter().enumerate() {
            for part in ["hunter", "jane.doe", "4111 1111 1"] {
                assert!(!text.contains(part), "{secret} {back}");
            }
        }
    }
}

#[test]
fn a_secret_at_the_edge_of_a_breadcrumb_is_not_torn() {
    let padding = "word ".repeat(1_000);
    for back in 0..40 {
        let padding = &padding[..2 * 1_024 - back];
        let text = format!("{padding}https://shop:hunter2@db.internal/x {padding}");
        let breadcrumb = ::sentry::Breadcrumb {
            message: Some(text),
            ..::sentry::Breadcrumb::default()
        };
        let kept = envelope::cut_breadcrumb(breadcrumb, &Redactor::default());
        assert!(!kept.message.unwrap().contains("hunter"), "{back}");
    }
}
