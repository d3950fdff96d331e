//! What clients send takes no memory that stays: alone in its process, because it measures it.

#![cfg(target_os = "linux")]
#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use obs::{Format, Obs};
use obs_tests::scrape::Scrape;
use tower::ServiceExt;

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn token(&mut self, len: u64) -> String {
        const BYTES: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..=self.next() % len)
            .map(|_| {
                let at = usize::try_from(self.next()).unwrap_or(0) % BYTES.len();
                char::from(BYTES[at])
            })
            .collect()
    }
}

fn random_request(random: &mut Random) -> Request<Body> {
    let path = match random.next() % 5 {
        0 => format!("/jobs/{}", random.token(30)),
        1 => format!("/.env/{}", random.token(30)),
        2 => format!("/%00{}?q={}", random.token(10), random.token(1_000)),
        3 => format!("/{}", random.token(4_000)),
        _ => format!("/wp-admin/{}/{}", random.token(20), random.token(20)),
    };
    let method = match random.next() % 3 {
        0 => Method::GET,
        1 => Method::from_bytes(b"get").unwrap_or_default(),
        _ => Method::from_bytes(random.token(63).as_bytes()).unwrap_or_default(),
    };
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().unwrap_or_default();
    *request.method_mut() = method;
    for name in [
        "host",
        "user-agent",
        "x-forwarded-for",
        "x-correlation-id",
        "x-request-id",
        "traceparent",
    ] {
        let value = HeaderValue::from_str(&random.token(200)).expect("letters and digits");
        request
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    let name = HeaderName::from_bytes(format!("x-{}", random.token(20)).as_bytes());
    request.headers_mut().insert(
        name.expect("letters and digits"),
        HeaderValue::from_static("x"),
    );
    request
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("linux has it");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|kib| kib.parse().ok()).expect("in KiB")
}

#[tokio::test]
async fn b1_b2_b3_ten_thousand_random_requests_add_no_series_and_less_than_a_mebibyte() {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap();
    let app = obs.wrap(Router::new().route("/jobs/{id}", get(async |_: Path<String>| "job")));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut send = async |requests: usize| {
        for _ in 0..requests {
            let request = random_request(&mut random);
            let response = app.clone().oneshot(request).await.unwrap();
            drop(response.into_body().collect().await.unwrap());
        }
    };
    let page = || Scrape::text(&obs.scrape(Format::Text));
    // The first of each kind, and whatever the allocator keeps for itself.
    send(10_000).await;
    let (series, kib) = (page().samples.len(), resident_kib());
    send(10_000).await;
    let after = page();
    assert_eq!(after.samples.len(), series);
    assert_eq!(after.sum("http_requests_total", &[]), 20_000.0);
    let grown = resident_kib().saturating_sub(kib);
    assert!(grown < 1_024, "{grown} KiB more");
}
