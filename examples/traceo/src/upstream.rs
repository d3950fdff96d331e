//! A third party that sells quotes, for whoever has none: it can be made slow, broken or silent.
//!
//! It is somebody else's service: nothing in here is observed. What it does wrong is spread evenly
//! over the requests, so that of 100 requests at 2 % two are hit, in every run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// What the third party calls itself.
const SOURCE: &str = "stand-in";

/// How long an answer takes that nothing is wrong with.
const USUAL: Duration = Duration::from_millis(5);
/// How long a slow one takes: long, but shorter than callers wait.
const SLOW: Duration = Duration::from_millis(700);
/// How long nothing is said where the third party "times out": longer than anybody waits.
const SILENT: Duration = Duration::from_secs(30);

/// Prices in US dollars, about those of a day in 2025.
const PRICES: [(&str, &str, f64); 20] = [
    ("AUD", "A$", 0.65),
    ("BRL", "R$", 0.18),
    ("CAD", "C$", 0.73),
    ("CHF", "Fr", 1.23),
    ("CNY", "CN¥", 0.14),
    ("CZK", "Kč", 0.047),
    ("DKK", "kr", 0.16),
    ("EUR", "€", 1.17),
    ("GBP", "£", 1.36),
    ("HUF", "Ft", 0.0029),
    ("INR", "₹", 0.0117),
    ("JPY", "¥", 0.0068),
    ("KRW", "₩", 0.00073),
    ("MXN", "MX$", 0.053),
    ("NOK", "kr", 0.099),
    ("NZD", "NZ$", 0.6),
    ("PLN", "zł", 0.275),
    ("SEK", "kr", 0.105),
    ("SGD", "S$", 0.78),
    ("USD", "$", 1.0),
];

/// The shares of requests that something is wrong with, each between 0 and 1, together at most 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Faults {
    /// Never answered.
    pub(crate) timeout: f64,
    /// Answered 503.
    pub(crate) error: f64,
    /// Answered late.
    pub(crate) slow: f64,
    /// Answered with something that is no quote.
    pub(crate) malformed: f64,
}

impl Faults {
    fn are_shares(self) -> bool {
        let all = [self.timeout, self.error, self.slow, self.malformed];
        // A sum of shares such as 0.7 and 0.3 may be a trifle more than 1.
        all.iter().all(|share| (0.0..=1.0).contains(share)) && all.iter().sum::<f64>() < 1.000_001
    }

    /// Returns what becomes of the request whose place among all requests is `place` (0 to 1).
    fn at(self, place: f64) -> Fate {
        let mut bound = 0.0;
        for (share, fate) in [
            (self.timeout, Fate::Silence),
            (self.error, Fate::Error),
            (self.slow, Fate::Delay),
            (self.malformed, Fate::Nonsense),
        ] {
            bound += share;
            if place < bound {
                return fate;
            }
        }
        Fate::Answer
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Silence,
    Error,
    Delay,
    Nonsense,
    Answer,
}

/// The faults of a stand-in, which may be changed while it runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dial(Arc<Mutex<Faults>>);

impl Dial {
    fn get(&self) -> Faults {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, faults: Faults) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }
}

#[derive(Debug)]
struct StandIn {
    dial: Dial,
    requests: AtomicU64,
}

/// Answers `GET /quote?currency=EUR` until it is dropped; `PUT /faults` changes what goes wrong.
pub(crate) async fn serve_stand_in(listener: TcpListener, dial: Dial) -> std::io::Result<()> {
    axum::serve(listener, router(dial)).await
}

fn router(dial: Dial) -> Router {
    let requests = AtomicU64::new(0);
    Router::new()
        .route("/quote", get(quote))
        .route("/faults", get(faults).put(dial_faults))
        .with_state(Arc::new(StandIn { dial, requests }))
}

#[derive(Debug, Deserialize)]
struct Asked {
    currency: String,
}

#[derive(Debug, Serialize)]
struct Quote {
    symbol: &'static str,
    currency: &'static str,
    value: f64,
    source: &'static str,
}

async fn quote(State(stand_in): State<Arc<StandIn>>, Query(asked): Query<Asked>) -> Response {
    let Some((currency, symbol, price)) = PRICES
        .into_iter()
        .find(|(currency, ..)| *currency == asked.currency)
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let number = stand_in.requests.fetch_add(1, Ordering::Relaxed);
    match stand_in.dial.get().at(place(number)) {
        Fate::Silence => {
            sleep(SILENT).await;
            return StatusCode::GATEWAY_TIMEOUT.into_response();
        }
        Fate::Error => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fate::Nonsense => return "<html>Our site is being improved".into_response(),
        Fate::Delay => sleep(SLOW).await,
        Fate::Answer => sleep(USUAL).await,
    }
    let quote = Quote {
        symbol,
        currency,
        value: price * walk(number),
        source: SOURCE,
    };
    Json(quote).into_response()
}

async fn faults(State(stand_in): State<Arc<StandIn>>) -> Json<Faults> {
    Json(stand_in.dial.get())
}

async fn dial_faults(
    State(stand_in): State<Arc<StandIn>>,
    Json(faults): Json<Faults>,
) -> Result<StatusCode, (StatusCode, &'static str)> {
    if faults.are_shares() {
        stand_in.dial.set(faults);
        Ok(StatusCode::NO_CONTENT)
    } else {
        let why = "each share is between 0 and 1, and all together are at most 1\n";
        Err((StatusCode::BAD_REQUEST, why))
    }
}

/// Returns a place between 0 and 1; those of any requests in a row are spread evenly, which the
/// multiples of the golden ratio are.
fn place(number: u64) -> f64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let bits = number.wrapping_add(1).wrapping_mul(GOLDEN) >> 32;
    f64::from(u32::try_from(bits).unwrap_or(u32::MAX)) / 4_294_967_296.0
}

/// Returns by what a price has moved: up to 1 % up and down again, within 400 requests.
fn walk(number: u64) -> f64 {
    let step = u32::try_from(number % 400).unwrap_or(0);
    1.0 + f64::from(step.min(400 - step)) / 20_000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use serde_json::Value;
    use tokio::time::Instant;
    use tower::ServiceExt as _;

    use super::{Dial, Fate, Faults, PRICES, place, router};

    async fn send(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask(router: &Router, currency: &str) -> (StatusCode, Value) {
        let url = format!("/quote?currency={currency}");
        send(router, Request::get(url).body(Body::empty()).unwrap()).await
    }

    async fn dial(router: &Router, faults: &str) -> StatusCode {
        let request = Request::put("/faults").header("content-type", "application/json");
        let request = request.body(Body::from(faults.to_owned())).unwrap();
        send(router, request).await.0
    }

    #[tokio::test(start_paused = true)]
    async fn every_currency_has_a_price_that_moves_a_little() {
        let router = router(Dial::default());
        for (currency, symbol, price) in PRICES {
            let (status, quote) = ask(&router, currency).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(
                (&quote["currency"], &quote["symbol"]),
                (&currency.into(), &symbol.into())
            );
            let value = quote["value"].as_f64().unwrap();
            assert!((price..=price * 1.01).contains(&value), "{value}");
        }
        assert_ne!(ask(&router, "EUR").await.1, ask(&router, "EUR").await.1);
        assert_eq!(ask(&router, "XXX").await.0, StatusCode::NOT_FOUND);
    }

    #[test]
    fn faults_hit_the_share_that_was_dialled() {
        let faults = Faults {
            timeout: 0.02,
            error: 0.1,
            slow: 0.2,
            malformed: 0.05,
        };
        let fates: Vec<_> = (0..1000).map(|number| faults.at(place(number))).collect();
        for (fate, expected) in [
            (Fate::Silence, 20_usize),
            (Fate::Error, 100),
            (Fate::Delay, 200),
            (Fate::Nonsense, 50),
        ] {
            let hit = fates.iter().filter(|hit| **hit == fate).count();
            assert!(hit.abs_diff(expected) <= 2, "{fate:?}: {hit}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn faults_are_dialled_while_it_runs() {
        let router = router(Dial::default());
        assert_eq!(
            dial(&router, r#"{"error":1}"#).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(ask(&router, "EUR").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            dial(&router, r#"{"malformed":1}"#).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(ask(&router, "EUR").await, (StatusCode::OK, Value::Null));
        assert_eq!(
            dial(&router, r#"{"timeout":1}"#).await,
            StatusCode::NO_CONTENT
        );
        let before = Instant::now();
        assert_eq!(ask(&router, "EUR").await.0, StatusCode::GATEWAY_TIMEOUT);
        assert!(before.elapsed() >= Duration::from_secs(30));
        for refused in [
            r#"{"error":1.1}"#,
            r#"{"error":-0.1}"#,
            r#"{"error":0.6,"slow":0.6}"#,
        ] {
            assert_eq!(
                dial(&router, refused).await,
                StatusCode::BAD_REQUEST,
                "{refused}"
            );
        }
        assert_eq!(dial(&router, "{}").await, StatusCode::NO_CONTENT);
        assert_eq!(ask(&router, "EUR").await.0, StatusCode::OK);
    }
}
