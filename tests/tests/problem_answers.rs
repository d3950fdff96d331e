//! Errors as answers: what `#[derive(ProblemError)]` and `Problem` send, byte for byte, and what is
//! counted and noted of them.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, extract::Path};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use obs::{Ctx, ErrorCode, ErrorLabel, Format, InCtx, Obs, Problem, ProblemError};
use obs_tests::scrape::Scrape;
use tower::ServiceExt;

#[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
enum EngineError {
    #[error("the queue is full")]
    #[problem(status = 503, title = "Try again later", retry_after = 5)]
    QueueFull,
    #[error("plan {0} has no such thing")]
    #[problem(status = 402, type = "https://example.org/problems/plan", detail)]
    Plan(String),
}

#[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
enum ApiError {
    #[error("no job {0}")]
    #[problem(status = 404, title = "No such job", detail)]
    NoSuchJob(u64),
    #[error("the database is away: {0}")]
    #[problem(status = StatusCode::INTERNAL_SERVER_ERROR)]
    Database(#[from] std::io::Error),
    #[error(transparent)]
    #[problem(transparent)]
    Engine(#[from] EngineError),
    #[error("busy")]
    #[label(value = "seat_taken")]
    #[problem(status = 409)]
    Busy { by: String },
}

fn detached() -> Obs {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    setup.detached().unwrap()
}

async fn body(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The status, the headers without their order, and the exact body.
async fn seen(response: Response) -> (u16, HeaderMap, String) {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, body(response).await)
}

fn away() -> ApiError {
    std::io::Error::other("connect to 10.1.2.3:5432, password=hunter2").into()
}

#[tokio::test]
async fn an_error_is_answered_with_exactly_what_its_variant_says() {
    let cases: [(ApiError, u16, &str); 6] = [
        (
            ApiError::NoSuchJob(7),
            404,
            r#"{"title":"No such job","status":404,"code":"no_such_job","detail":"no job 7"}"#,
        ),
        (
            away(),
            500,
            r#"{"title":"Internal Server Error","status":500,"code":"database"}"#,
        ),
        (
            EngineError::QueueFull.into(),
            503,
            r#"{"title":"Try again later","status":503,"code":"queue_full"}"#,
        ),
        (
            EngineError::Plan("free\"\n".into()).into(),
            402,
            r#"{"type":"https://example.org/problems/plan","title":"Payment Required","status":402,"code":"plan","detail":"plan free\"\n has no such thing"}"#,
        ),
        (
            ApiError::Busy { by: "x".into() },
            409,
            r#"{"title":"Conflict","status":409,"code":"seat_taken"}"#,
        ),
        (
            ApiError::NoSuchJob(u64::MAX),
            404,
            r#"{"title":"No such job","status":404,"code":"no_such_job","detail":"no job 18446744073709551615"}"#,
        ),
    ];
    for (error, status, json) in cases {
        let name = format!("{error:?}");
        let retries = matches!(error, ApiError::Engine(EngineError::QueueFull));
        let (sent, headers, text) = seen(error.into_response()).await;
        assert_eq!(sent, status, "{name}");
        assert_eq!(text, json, "{name}");
        assert_eq!(headers["content-type"], "application/problem+json");
        let after = headers.get("retry-after").map(http::HeaderValue::as_bytes);
        assert_eq!(after, retries.then_some(b"5".as_slice()), "{name}");
        assert_eq!(headers.len(), 1 + usize::from(retries), "{name}");
    }
}

#[test]
fn the_code_is_the_label_of_the_error_and_nested_codes_are_those_of_the_inner_enum() {
    assert_eq!(
        ApiError::VALUES,
        [
            "no_such_job",
            "database",
            "queue_full",
            "plan",
            "seat_taken"
        ]
    );
    for (error, code) in [
        (ApiError::NoSuchJob(1), "no_such_job"),
        (EngineError::QueueFull.into(), "queue_full"),
        (ApiError::Busy { by: String::new() }, "seat_taken"),
    ] {
        assert_eq!(ErrorCode::of(&error).as_str(), code);
        assert_eq!(ApiError::VALUES[ErrorLabel::index(&error)], code);
        let response = error.into_response();
        let carried = response.extensions().get::<ErrorCode>().unwrap();
        assert_eq!(carried.as_str(), code);
    }
}

#[tokio::test]
async fn within_a_request_the_answer_has_its_correlation_id_and_outside_it_has_none() {
    let ctx = Ctx::new();
    let id = ctx.correlation_id().to_owned();
    let response = ctx.scope(|| ApiError::NoSuchJob(7).into_response());
    assert_eq!(
        body(response).await,
        format!(
            r#"{{"title":"No such job","status":404,"code":"no_such_job","detail":"no job 7","correlation_id":"{id}"}}"#
        )
    );
    let response = ApiError::NoSuchJob(7).into_response();
    assert!(!body(response).await.contains("correlation_id"));
}

#[tokio::test]
async fn what_a_server_error_was_about_is_in_no_answer() {
    for _ in 0..2 {
        let text = body(away().into_response()).await;
        for secret in ["hunter2", "10.1.2.3", "connect", "away"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// Errors whose `Display` is of no use.
#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum Mute {
    #[problem(status = 400, detail)]
    Fails,
    #[problem(status = 500, detail)]
    Panics,
    #[problem(status = 422, detail)]
    Long(usize),
}

impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fails => Err(fmt::Error),
            Self::Panics => panic!("a Display that panics"),
            Self::Long(n) => f.write_str(&"ä".repeat(*n)),
        }
    }
}

impl std::error::Error for Mute {}

#[tokio::test]
async fn j3_a_display_that_panics_or_fails_costs_the_detail_and_nothing_else() {
    assert_eq!(
        body(Mute::Fails.into_response()).await,
        r#"{"title":"Bad Request","status":400,"code":"fails"}"#
    );
    assert_eq!(
        body(Mute::Panics.into_response()).await,
        r#"{"title":"Internal Server Error","status":500,"code":"panics"}"#
    );
}

#[tokio::test]
async fn a_detail_is_cut_at_a_character_and_never_longer_than_a_kibibyte() {
    for (characters, kept) in [(512, 512), (513, 512), (1_000_000, 512)] {
        let text = body(Mute::Long(characters).into_response()).await;
        let detail = format!(r#""detail":"{}""#, "ä".repeat(kept));
        assert!(text.contains(&detail), "{characters}: {}", text.len());
    }
}

#[tokio::test]
async fn a_problem_of_ones_own_has_what_was_set_and_nothing_reserved_is_overwritten() {
    let problem = Problem::new(StatusCode::CONFLICT)
        .code("seat_taken")
        .title("The seat is taken")
        .problem_type("https://example.org/problems/seat")
        .detail("seat 12A is taken")
        .with("seats_left", 3)
        .with("price", 12.5)
        .with("refundable", true)
        .with("row", "12\"")
        .with("nothing", f64::NAN)
        .with("status", 200)
        .with("correlation_id", "mine")
        .with("seats_left", -1)
        .retry_after(Duration::from_millis(1_001));
    assert_eq!(
        problem.to_string(),
        "409 The seat is taken: seat 12A is taken"
    );
    let (status, headers, text) = seen(problem.into_response()).await;
    assert_eq!(status, 409);
    assert_eq!(headers["retry-after"], "2");
    assert_eq!(
        text,
        r#"{"type":"https://example.org/problems/seat","title":"The seat is taken","status":409,"code":"seat_taken","detail":"seat 12A is taken","seats_left":-1,"price":12.5,"refundable":true,"row":"12\"","nothing":null}"#
    );
}

#[tokio::test]
async fn a_problem_that_only_has_a_status_has_a_code_of_the_closed_list() {
    for status in 100..=999 {
        let given = StatusCode::from_u16(status).unwrap();
        let response = Problem::new(given).into_response();
        let is_error = (400..=599).contains(&status);
        assert_eq!(
            response.status().as_u16(),
            if is_error { status } else { 500 }
        );
        let text = body(response).await;
        assert!(text.contains(r#""code":""#), "{text}");
        assert!(!text.contains(r#""title":"""#), "{text}");
    }
    let text = body(Problem::new(StatusCode::from_u16(499).unwrap()).into_response()).await;
    assert_eq!(
        text,
        r#"{"title":"Client Error","status":499,"code":"client_error"}"#
    );
}

#[tokio::test]
async fn the_answer_of_an_error_can_be_added_to_and_stays_counted() {
    let response = Problem::from(&ApiError::NoSuchJob(7))
        .with("known_jobs", 3)
        .into_response();
    let code = response.extensions().get::<ErrorCode>().copied();
    assert_eq!(code.unwrap().as_str(), "no_such_job");
    assert!(body(response).await.ends_with(r#""known_jobs":3}"#));
}

/// Written by hand: the status is only known at run time.
#[derive(Debug, ErrorLabel)]
enum Upstream {
    #[label(ignore)]
    Answered(u16),
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream")
    }
}

impl std::error::Error for Upstream {}

impl ProblemError for Upstream {
    fn status(&self) -> StatusCode {
        let Self::Answered(status) = self;
        StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}

#[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
enum Outer {
    #[error(transparent)]
    #[problem(transparent)]
    Upstream(Upstream),
}

#[tokio::test]
async fn an_implementation_by_hand_answers_alone_and_inside_of_a_derived_one() {
    for (status, sent) in [(404, 404), (200, 500), (0, 502)] {
        let alone = Problem::from(&Upstream::Answered(status)).into_response();
        assert_eq!(alone.status(), sent);
        let nested = Outer::Upstream(Upstream::Answered(status)).into_response();
        assert_eq!(nested.status(), sent);
        assert!(body(nested).await.contains(r#""code":"answered""#));
    }
}

fn value(obs: &Obs, family: &str, code: &str) -> Option<f64> {
    Scrape::text(&obs.scrape(Format::Text)).value(family, &[("exception_type", code)])
}

#[tokio::test]
async fn every_code_is_on_the_scrape_at_zero_and_each_answer_is_counted_once() {
    let obs = detached();
    for code in ["panic", "no_such_job", "queue_full", "seat_taken", "fails"] {
        assert_eq!(
            value(&obs, "http_exceptions_total", code),
            Some(0.0),
            "{code}"
        );
    }
    let app = obs.wrap(Router::new().route(
        "/jobs/{id}",
        get(async |Path(id): Path<u64>| match id {
            0 => Err(ApiError::from(EngineError::QueueFull)),
            1 => Ok("job"),
            id => Err(ApiError::NoSuchJob(id)),
        }),
    ));
    for path in ["/jobs/0", "/jobs/1", "/jobs/2", "/jobs/3", "/jobs/x", "/no"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap();
    }
    for (code, count) in [("no_such_job", 2.0), ("queue_full", 1.0), ("panic", 0.0)] {
        assert_eq!(
            value(&obs, "http_exceptions_total", code),
            Some(count),
            "{code}"
        );
    }
    // What has no type has no series: neither the rejection nor the 404 of the router.
    for code in ["invalid_path", "not_found"] {
        assert_eq!(value(&obs, "http_exceptions_total", code), None, "{code}");
    }
}

#[test]
fn the_family_takes_the_prefix_of_the_other_http_families() {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    let obs = setup.metric_prefix("traceo").detached().unwrap();
    assert_eq!(
        value(&obs, "traceo_http_exceptions_total", "no_such_job"),
        Some(0.0)
    );
    assert_eq!(value(&obs, "http_exceptions_total", "no_such_job"), None);
}

/// Fifteen types of errors, each inside of the one before, as a service with layers has them.
macro_rules! layers {
    ($($outer:ident($code:literal, $status:literal, $inner:ident))+) => {$(
        #[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
        enum $outer {
            #[error("{} of its own", $code)]
            #[label(value = $code)]
            #[problem(status = $status, detail)]
            Own,
            #[error(transparent)]
            #[problem(transparent)]
            Inner(#[from] $inner),
        }
    )+

        /// Every layer's own error.
        fn own_errors() -> Vec<(u16, &'static str, Response)> {
            vec![$(($status, $code, $outer::Own.into_response())),+]
        }
    };
}

layers! {
    Layer2("two", 402, EngineError)
    Layer3("three", 403, Layer2)
    Layer4("four", 404, Layer3)
    Layer5("five", 405, Layer4)
    Layer6("six", 406, Layer5)
    Layer7("seven", 407, Layer6)
    Layer8("eight", 408, Layer7)
    Layer9("nine", 409, Layer8)
    Layer10("ten", 410, Layer9)
    Layer11("eleven", 411, Layer10)
    Layer12("twelve", 412, Layer11)
    Layer13("thirteen", 413, Layer12)
    Layer14("fourteen", 414, Layer13)
    Layer15("fifteen", 415, Layer14)
}

#[tokio::test]
async fn t16_fifteen_types_of_errors_keep_status_title_and_code_through_every_layer() {
    assert_eq!(Layer15::VALUES.len(), 16);
    assert_eq!(Layer15::VALUES[0], "fifteen");
    assert_eq!(Layer15::VALUES[14..], ["queue_full", "plan"]);
    let deepest = Layer3::from(Layer2::from(EngineError::QueueFull));
    let deepest = Layer7::from(Layer6::from(Layer5::from(Layer4::from(deepest))));
    let deepest = Layer11::from(Layer10::from(Layer9::from(Layer8::from(deepest))));
    let deepest = Layer15::from(Layer14::from(Layer13::from(Layer12::from(deepest))));
    let (status, headers, text) = seen(deepest.into_response()).await;
    assert_eq!(
        (status, &headers["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert_eq!(
        text,
        r#"{"title":"Try again later","status":503,"code":"queue_full"}"#
    );
    let middle = Layer15::from(Layer14::from(Layer13::from(Layer12::Own)));
    assert_eq!(
        body(middle.into_response()).await,
        r#"{"title":"Precondition Failed","status":412,"code":"twelve","detail":"twelve of its own"}"#
    );
    for (status, code, response) in own_errors() {
        assert_eq!(response.status(), status);
        let text = body(response).await;
        assert!(text.contains(&format!(r#""code":"{code}""#)), "{text}");
    }
    // Counted under the code of the layer that it came from.
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(async || Layer15::Own)));
    let request = Request::get("/").body(Body::empty()).unwrap();
    app.oneshot(request).await.unwrap();
    assert_eq!(value(&obs, "http_exceptions_total", "fifteen"), Some(1.0));
    assert_eq!(value(&obs, "http_exceptions_total", "fourteen"), Some(0.0));
}

#[tokio::test]
async fn an_answer_is_right_wherever_the_context_comes_from() {
    let ctx = Ctx::new();
    let id = ctx.correlation_id().to_owned();
    let answer = ctx.scope(|| async { ApiError::NoSuchJob(1).into_response() }.in_ctx());
    assert!(body(answer.await).await.contains(&id));
}

/// Texts that must not leave the process, each with the part that would give it away.
const SECRETS: [(&str, &str); 8] = [
    ("Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0", "9f8e7d6c5b4a"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r",
        "dBjftJeZ4CV",
    ),
    ("password=hunter2secret", "hunter2secret"),
    (r#"{"api_key":"k-live-51f0"}"#, "k-live-51f0"),
    ("jane.doe@example.org", "jane.doe"),
    ("4111 1111 1111 1111", "4111 1111"),
    ("203.0.113.77", "203.0.113.77"),
    ("postgres://app:s3cr3tpw@db/jobs", "s3cr3tpw"),
];

#[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
enum Leaky {
    #[error("refused: {0}")]
    #[problem(status = 422, detail)]
    Shown(&'static str),
    #[error("refused: {0}")]
    #[problem(status = 422)]
    Hidden(&'static str),
    #[error("refused")]
    #[problem(status = 422, detail)]
    Sourced(#[source] std::io::Error),
}

#[tokio::test]
async fn m_no_secret_is_in_an_answer_and_a_detail_keeps_what_is_harmless() {
    for (secret, telling) in SECRETS {
        let hidden = body(Leaky::Hidden(secret).into_response()).await;
        assert_eq!(
            hidden,
            r#"{"title":"Unprocessable Entity","status":422,"code":"hidden"}"#
        );
        let sourced = Leaky::Sourced(std::io::Error::other(secret));
        let sourced = body(sourced.into_response()).await;
        assert!(sourced.ends_with(r#""detail":"refused"}"#), "{sourced}");
        let problem = Problem::new(StatusCode::BAD_REQUEST).detail(secret);
        for answer in [
            Leaky::Shown(secret).into_response(),
            problem.clone().into_response(),
            problem.with("about", secret).into_response(),
        ] {
            let text = body(answer).await;
            assert!(!text.contains(telling), "{text}");
            assert!(text.contains(r#""detail":"#), "{text}");
        }
    }
    let long = Problem::new(StatusCode::BAD_REQUEST);
    // At the edge of what is kept, and far past it.
    for padding in 990..1_030 {
        let text = format!("{} jane.doe@example.org", "x".repeat(padding));
        let text = body(long.clone().detail(text).into_response()).await;
        assert!(!text.contains("jane.doe"), "{padding}");
    }
}
