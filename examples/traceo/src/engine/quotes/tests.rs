//! What is asked of a third party that is well, unwell and silent, and what is held meanwhile.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::super::trial::{Trial, until};
use super::{Quotes, routes, understand};
use crate::telemetry::{TestObs, upstream_client};
use crate::upstream::{Dial, Faults, serve_stand_in};

const QUOTES: &str = "traceo_engine_quotes_total";
const ASKED: &str = "http_client_requests_total";
const AUDITED: &str = "SELECT count(*) FROM audit_logs WHERE action = 'quote_stored'";

/// Long enough for a machine that has much else to do.
const UNHURRIED: Duration = Duration::from_secs(20);

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

fn quotes(trial: &Trial, base: &str, patience: Duration, careless: bool) -> Router {
    routes(Quotes {
        database: trial.database.clone(),
        client: upstream_client(trial.t.obs(), base, patience).unwrap(),
        base: base.to_owned(),
        careless,
    })
}

async fn stand_in(trial: &Trial, patience: Duration) -> (Router, Dial) {
    let (listener, base) = listener().await;
    let dial = Dial::default();
    tokio::spawn(serve_stand_in(listener, dial.clone()));
    (quotes(trial, &base, patience, false), dial)
}

#[obs::test]
async fn a_quote_is_asked_for_stored_audited_and_then_answered_from_what_is_stored(t: TestObs) {
    let trial = Trial::begin(&t, 2).await;
    let (routes, _dial) = stand_in(&trial, UNHURRIED).await;
    let (status, _, quote) = trial.get(&routes, "/external-data?currency=eur").await;
    assert_eq!(status, 200);
    let fields: Vec<_> = quote.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        ["currency", "source", "symbol", "timestamp", "value"]
    );
    assert_eq!(
        (&quote["currency"], &quote["symbol"]),
        (&"EUR".into(), &"€".into())
    );
    assert_eq!(quote["source"], "stand-in");

    // Younger than any that was stored before.
    trial.execute("UPDATE quotes SET at = at + 60000").await;
    let (_, _, again) = trial.get(&routes, "/external-data?currency=EUR").await;
    assert_eq!(again["value"], quote["value"]);
    assert_eq!(t.metric(QUOTES, &[("result", "ok")]), 1.0);
    assert_eq!(t.metric(QUOTES, &[("result", "cached")]), 1.0);
    assert_eq!(
        t.metric(ASKED, &[("peer", "upstream"), ("route", "/quote")]),
        1.0
    );
    assert_eq!(trial.number(AUDITED).await, 1);

    trial.execute("UPDATE quotes SET at = at - 120000").await;
    trial.get(&routes, "/external-data?currency=EUR").await;
    assert_eq!(t.metric(ASKED, &[("peer", "upstream")]), 2.0);
    assert_eq!(trial.number("SELECT count(*) FROM quotes").await, 1);
    assert_eq!(trial.number(AUDITED).await, 2);
}

#[obs::test]
async fn only_what_may_be_over_in_a_moment_is_tried_again_and_nothing_stale_is_passed_off(
    t: TestObs,
) {
    let trial = Trial::begin(&t, 2).await;
    let (routes, dial) = stand_in(&trial, UNHURRIED).await;
    trial.get(&routes, "/external-data?currency=EUR").await;
    trial.execute("UPDATE quotes SET at = at - 501").await;

    let asked = || t.metric(ASKED, &[("peer", "upstream")]);
    let mut before = asked();
    let mut tries = || {
        let (tries, now) = (asked() - before, asked());
        before = now;
        tries
    };
    let url = "/external-data?currency=EUR";
    dial.set(Faults {
        error: 1.0,
        ..Faults::default()
    });
    assert_eq!(
        trial.refused(&routes, url).await,
        (502, "upstream_status".into())
    );
    assert_eq!(tries(), 3.0);
    dial.set(Faults {
        malformed: 1.0,
        ..Faults::default()
    });
    assert_eq!(
        trial.refused(&routes, url).await,
        (502, "upstream_malformed".into())
    );
    assert_eq!(tries(), 1.0);
    let unknown = "/external-data?currency=XXX";
    assert_eq!(
        trial.refused(&routes, unknown).await,
        (404, "unknown_currency".into())
    );
    assert_eq!(tries(), 1.0);
    assert_eq!(t.metric(QUOTES, &[("result", "failed")]), 3.0);
}

#[obs::test]
async fn a_silent_third_party_is_asked_three_times_and_is_a_time_out(t: TestObs) {
    let trial = Trial::begin(&t, 2).await;
    let (routes, dial) = stand_in(&trial, Duration::from_millis(50)).await;
    dial.set(Faults {
        timeout: 1.0,
        ..Faults::default()
    });
    let refused = trial.refused(&routes, "/external-data?currency=EUR").await;
    assert_eq!(refused, (504, "upstream_timeout".into()));
    assert_eq!(t.metric(ASKED, &[("peer", "upstream")]), 3.0);
    assert_eq!(t.metric(QUOTES, &[("result", "timeout")]), 1.0);
    assert_eq!(trial.number(AUDITED).await, 0);
}

#[obs::test]
async fn a_third_party_that_is_not_there_is_a_bad_gateway(t: TestObs) {
    let trial = Trial::begin(&t, 2).await;
    let (listener, base) = listener().await;
    drop(listener);
    let routes = quotes(&trial, &base, UNHURRIED, false);
    let refused = trial.refused(&routes, "/external-data?currency=EUR").await;
    assert_eq!(refused, (502, "upstream_unreachable".into()));
}

/// Returns whether the only connection is free while the third party is silent.
async fn is_free_meanwhile(t: &TestObs, careless: bool) -> bool {
    let trial = Trial::begin(t, 1).await;
    let (listener, base) = listener().await;
    let asked = Arc::new(Notify::new());
    let silent = {
        let asked = Arc::clone(&asked);
        async move || {
            asked.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let silent = Router::new().route("/quote", get(silent));
    tokio::spawn(async { axum::serve(listener, silent).await });
    let routes = quotes(&trial, &base, UNHURRIED, careless);
    let pool = trial.database.pool().clone();
    let request = async move { trial.get(&routes, "/external-data?currency=EUR").await };
    let request = tokio::spawn(t.run(request));
    asked.notified().await;
    // Given back in the background; what is held stays held.
    for _ in 0..200 {
        if pool.num_idle() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let is_free = pool.try_acquire().is_some();
    request.abort();
    until("the connection comes back", || pool.num_idle() == 1).await;
    is_free
}

#[obs::test]
async fn no_connection_is_held_while_waiting_unless_careless(t: TestObs) {
    assert!(is_free_meanwhile(&t, false).await);
    assert!(!is_free_meanwhile(&t, true).await);
}

#[obs::test]
async fn the_careless_way_gives_and_stores_the_same(t: TestObs) {
    let trial = Trial::begin(&t, 1).await;
    let (listener, base) = listener().await;
    tokio::spawn(serve_stand_in(listener, Dial::default()));
    let routes = quotes(&trial, &base, UNHURRIED, true);
    let (_, _, quote) = trial.get(&routes, "/external-data?currency=EUR").await;
    trial.execute("UPDATE quotes SET at = at + 60000").await;
    let (_, _, again) = trial.get(&routes, "/external-data?currency=EUR").await;
    assert_eq!(quote["value"], again["value"]);
    assert_eq!(trial.number(AUDITED).await, 1);
    assert_eq!(t.metric(QUOTES, &[("result", "cached")]), 1.0);
}

#[obs::test]
async fn what_is_no_currency_is_refused_before_anybody_is_asked(t: TestObs) {
    let trial = Trial::begin(&t, 1).await;
    let (routes, _dial) = stand_in(&trial, UNHURRIED).await;
    for query in [
        "",
        "?currency=",
        "?currency=EURO",
        "?currency=E1R",
        "?currency=%E2%82%AC",
    ] {
        let refused = trial
            .refused(&routes, &format!("/external-data{query}"))
            .await;
        assert_eq!(refused, (400, "bad_currency".into()), "{query}");
    }
    for (query, code) in [
        ("?currency=EUR&base=USD", "unknown_parameter"),
        ("?currency=EUR&currency=GBP", "bad_parameter"),
    ] {
        let refused = trial
            .refused(&routes, &format!("/external-data{query}"))
            .await;
        assert_eq!(refused, (400, code.into()), "{query}");
    }
    assert_eq!(trial.number("SELECT count(*) FROM quotes").await, 0);
}

#[test]
fn an_answer_that_cannot_be_the_quote_is_refused() {
    let answer = |currency: &str, value: &str, symbol: &str| {
        let text = format!(
            r#"{{"currency":"{currency}","value":{value},"symbol":"{symbol}","source":"s"}}"#
        );
        understand(text.as_bytes(), "EUR")
    };
    assert!(answer("EUR", "1.17", "€").is_ok());
    assert!(answer("GBP", "1.17", "€").is_err());
    assert!(answer("EUR", "0", "€").is_err());
    assert!(answer("EUR", "-1", "€").is_err());
    assert!(answer("EUR", "1e999", "€").is_err());
    assert!(answer("EUR", "1.17", &"€".repeat(100)).is_err());
    assert!(answer("EUR", "1.17", r"\u0000").is_err());
    assert!(answer("EUR", "1.17", r"\u001b[31m").is_err());
}
