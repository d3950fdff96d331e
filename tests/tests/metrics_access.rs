//! Who may read `/metrics`, and what everybody else is told.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use obs::{Format, Obs, Setup};
use obs_tests::events::Events;
use obs_tests::scrape::Scrape;
use obs_tests::wire::{request, request_with, send, status};
use tower::ServiceExt;
use tracing::Level;

const OLD: &str = "old-0123456789abcdef";
/// In no text but what holds a token.
const CANARY: &str = "canary-7f3a9c51e2d8b640";
const NEW: &str = "new-0123456789abcdef";

fn setup(environment: &str) -> Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", environment)]).unwrap()
}

/// Asks the service's own port, as somebody at `peer`.
async fn ask(obs: &Obs, authorization: &[&str], peer: Option<&str>) -> Response {
    let app = obs.wrap(Router::new().fallback(async || (StatusCode::IM_A_TEAPOT, "mine")));
    let mut request = Request::get("/metrics").body(Body::empty()).unwrap();
    for value in authorization {
        request
            .headers_mut()
            .append(AUTHORIZATION, value.parse().unwrap());
    }
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    app.oneshot(request).await.unwrap()
}

fn rejected(obs: &Obs, reason: &str) -> f64 {
    Scrape::text(&obs.scrape(Format::Text))
        .value("obs_scrape_rejected_total", &[("reason", reason)])
        .unwrap()
}

#[tokio::test]
async fn without_a_token_only_dev_answers_and_only_to_this_machine() {
    let dev = setup("dev").detached().unwrap();
    for peer in [None, Some("127.0.0.1:9"), Some("[::1]:9")] {
        assert_eq!(ask(&dev, &[], peer).await.status(), 200, "{peer:?}");
    }
    // Where there is no page, the service's own fallback answers, as for any other path.
    assert_eq!(ask(&dev, &[], Some("192.0.2.1:9")).await.status(), 418);
    for environment in ["staging", "prod", "canary-7"] {
        let obs = setup(environment).detached().unwrap();
        for peer in [None, Some("127.0.0.1:9"), Some("192.0.2.1:9")] {
            let response = ask(&obs, &["Bearer 0123456789abcdef"], peer).await;
            assert_eq!(response.status(), 418, "{environment} {peer:?}");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "mine");
        }
        assert_eq!(rejected(&obs, "wrong"), 0.0);
    }
}

#[tokio::test]
async fn p6_either_of_two_tokens_opens_the_page_to_everybody_who_has_it() {
    let obs = setup("prod")
        .metrics_token(OLD)
        .metrics_token(NEW)
        .detached()
        .unwrap();
    for token in [OLD, NEW] {
        let value = format!("Bearer {token}");
        let response = ask(&obs, &[&value], Some("192.0.2.1:9")).await;
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let page = Scrape::text(std::str::from_utf8(&body).unwrap());
        assert_eq!(page.count("obs_build_info"), 1);
    }
    let response = ask(&obs, &[], None).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
}

#[tokio::test]
async fn p1_every_refusal_is_the_same_bytes() {
    let obs = setup("prod").metrics_token(OLD).detached().unwrap();
    let admin = obs.serve_admin().await.unwrap();
    let mut answers = Vec::new();
    let rows = [
        String::new(),
        "authorization:\r\n".to_owned(),
        "authorization: Bearer\r\n".to_owned(),
        format!("authorization: Basic {OLD}\r\n"),
        format!("authorization: {OLD}\r\n"),
        format!("authorization: Bearer {}\r\n", &OLD[..OLD.len() - 1]),
        format!("authorization: Bearer {}\r\n", &OLD[1..]),
        format!("authorization: Bearer {OLD}0\r\n"),
        format!("authorization: Bearer {}\r\n", OLD.to_uppercase()),
        format!("authorization: Bearer {OLD} x\r\n"),
        format!("authorization: Bearer {OLD}é\r\n"),
        format!("authorization: Bearer {OLD}\r\nauthorization: Bearer {OLD}\r\n"),
        format!("authorization: Bearer {}\r\n", "x".repeat(8_000)),
    ];
    for row in &rows {
        let answer = send(admin.address(), &request_with("GET", "/metrics", row)).await;
        assert_eq!(status(&answer), "401", "{row}");
        let lines: Vec<_> = answer
            .split("\r\n")
            .filter(|line| !line.starts_with("date: "))
            .map(str::to_owned)
            .collect();
        answers.push(lines);
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
    assert_eq!(rejected(&obs, "missing"), 1.0);
    assert_eq!(rejected(&obs, "malformed"), 7.0);
    assert_eq!(rejected(&obs, "wrong"), 5.0);
    // More than fits into a header is refused before anybody looks at it.
    let wide = format!("authorization: Bearer {}\r\n", "x".repeat(65_536));
    let answer = send(admin.address(), &request_with("GET", "/metrics", &wide)).await;
    assert_ne!(status(&answer), "200");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let row = format!("authorization: {scheme} {OLD}\r\n");
        let answer = send(admin.address(), &request_with("GET", "/metrics", &row)).await;
        assert_eq!(status(&answer), "200", "{scheme}");
    }
    // The others do not tell secrets.
    let answer = send(admin.address(), &request("GET", "/health")).await;
    assert_eq!(status(&answer), "200");
    // A method is looked at only for those who may read.
    let answer = send(admin.address(), &request("POST", "/metrics")).await;
    assert_eq!(status(&answer), "401");
}

#[tokio::test(start_paused = true)]
async fn p7_failed_attempts_are_counted_and_said_once_a_minute() {
    let (events, _guard) = Events::of_this_thread();
    let obs = setup("prod").metrics_token(OLD).detached().unwrap();
    for minute in 1..=3 {
        for _ in 0..100 {
            assert_eq!(
                ask(&obs, &["Bearer 0123456789abcdef"], None).await.status(),
                401
            );
        }
        let said = events.of(Level::WARN, "without a valid token");
        assert_eq!(said.len(), minute, "{said:?}");
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert_eq!(rejected(&obs, "wrong"), 300.0);
}

#[tokio::test]
async fn p5_a_token_is_nowhere_to_be_seen() {
    let (events, _guard) = Events::of_this_thread();
    let setup = setup("prod")
        .metrics_token(CANARY)
        .metrics_token("bad token 7f3a9c51e2d8");
    let mut seen = vec![format!("{setup:?}")];
    let error = setup.detached().unwrap_err();
    seen.push(format!("{error} {error:?}"));
    assert!(seen[1].contains("visible ASCII"), "{seen:?}");

    let obs = self::setup("prod")
        .metrics_token(CANARY)
        .detached()
        .unwrap();
    let value = format!("Bearer {CANARY}");
    for header in [&*value, &value[..value.len() - 1], "Basic 7f3a9c51e2d8b640"] {
        let response = ask(&obs, &[header], None).await;
        seen.push(format!("{:?}", response.headers()));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        seen.push(String::from_utf8_lossy(&body).into_owned());
    }
    seen.extend([format!("{obs:?}"), obs.scrape(Format::Text), events.all()]);
    let seen = seen.concat();
    assert!(!seen.contains("7f3a9c51"), "{seen}");
}

#[test]
fn p2_tokens_that_cannot_work_stop_the_start() {
    for token in [
        "",
        " ",
        "\t\n",
        "short",
        "0123456789abcdef\n",
        "ü123456789abcdefg",
    ] {
        let error = setup("prod").metrics_token(token).detached().unwrap_err();
        assert_eq!(error.problems().len(), 1, "{token:?}");
    }
    let three = setup("prod")
        .metrics_token(OLD)
        .metrics_token(NEW)
        .metrics_token("third-0123456789abc");
    let error = three.detached().unwrap_err().to_string();
    assert!(error.contains("more than two"), "{error}");
}
