//! Which events and transactions arrive, of many.

use std::collections::BTreeSet;

use super::{PATIENCE, Server, counts_of, http_ctx, logged, options, start, subscriber};
use crate::sentry::Sentry;
use crate::sentry::counts::{Kind, Outcome};
use crate::sentry::deliver::Answer;

#[test]
fn t5_the_share_of_each_environment_arrives_and_no_kind_is_missing() {
    for (rate, expected) in [(1.0, 10_000 + 100), (0.05, 500 + 100), (0.001, 10 + 100)] {
        let (sentry, server) = start(rate, 0.0);
        logged(&sentry, || {
            for i in 0..10_000 {
                tracing::error!(attempt = i, "the supplier does not answer");
                if i % 100 == 0 {
                    tracing::error!("error of kind {}", i / 100);
                }
            }
        });
        let events = server.events();
        assert_eq!(events.len(), expected, "at {rate}");
        let kinds: BTreeSet<String> = events
            .iter()
            .map(|event| event["message"].to_string())
            .collect();
        assert_eq!(kinds.len(), 101, "at {rate}");
        let counts = counts_of(&sentry);
        assert_eq!(counts.get(Kind::Error, Outcome::Sent), expected as u64);
        assert_eq!(
            counts.get(Kind::Error, Outcome::SampledOut),
            10_100 - expected as u64
        );
    }
}

#[test]
fn t5_transactions_are_sampled_by_their_trace_also_the_services_own() {
    let (sentry, server) = start(1.0, 0.05);
    let mut expected = BTreeSet::new();
    for _ in 0..2_000 {
        let ctx = http_ctx("GET", "/");
        let trace = ctx.trace().trace_id;
        if crate::sentry::sample::trace(trace.to_u128(), 0.05) {
            expected.insert(trace.to_string());
        }
        // How it ends plays no part.
        sentry.request(&ctx).finish(200, "ok");
    }
    assert!(sentry.flush(PATIENCE));
    let sent = server.items("transaction");
    let sent: BTreeSet<String> = sent
        .iter()
        .map(|sent| {
            sent["contexts"]["trace"]["trace_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(sent, expected);
    assert!((50..200).contains(&sent.len()), "{}", sent.len());
    let counts = counts_of(&sentry);
    assert_eq!(
        counts.get(Kind::Transaction, Outcome::SampledOut),
        2_000 - sent.len() as u64
    );
    assert!(server.text().contains(r#""sample_rate":"0.05""#));
}

#[test]
fn firsts_of_their_kind_have_room_where_repeated_ones_have_none() {
    let server = Server::default();
    let sentry = Sentry::start_with(options(1.0, 0.0), Box::new(server.clone()), 10).unwrap();
    let hangs = server.hangs.lock().unwrap();
    tracing::dispatcher::with_default(&subscriber(&sentry), || {
        for _ in 0..1_000 {
            tracing::error!("again and again");
        }
        for i in 0..100 {
            tracing::error!("kind {i}");
        }
    });
    drop(hangs);
    assert!(sentry.flush(PATIENCE));
    let events = server.events();
    let kinds: BTreeSet<String> = events
        .iter()
        .map(|event| event["message"].to_string())
        .collect();
    assert_eq!(kinds.len(), 101);
}

#[test]
fn a_first_that_the_server_did_not_take_is_followed_by_another() {
    let (sentry, server) = start(0.0, 0.0);
    let say = || logged(&sentry, || tracing::error!("once in an hour"));
    server.answers.lock().unwrap().push(Answer {
        why: "connection refused".to_owned(),
        ..Answer::default()
    });
    say();
    say();
    say();
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Error, Outcome::Failed), 1);
    assert_eq!(counts.get(Kind::Error, Outcome::Sent), 1);
    assert_eq!(counts.get(Kind::Error, Outcome::SampledOut), 1);
}
