//! Whatever ends a request, it is recorded exactly once and the gauges return to zero.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use obs::{Format, Obs};
use obs_tests::scrape::Scrape;
use tower::{Layer, Service, ServiceExt};

const REQUESTS: &str = "http_requests_total";
const ABORTS: &str = "http_response_aborts_total";
const IN_FLIGHT: &str = "http_requests_in_flight";

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

fn scrape(obs: &Obs) -> Scrape {
    Scrape::text(&obs.scrape(Format::Text))
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap()
}

/// Requests, aborts by phase, durations observed, and what is still in flight.
fn numbers(obs: &Obs) -> (f64, Vec<(String, f64)>, f64, f64) {
    let scrape = scrape(obs);
    let aborts = ["unsent", "in_body", "body_error", "body_panic"]
        .into_iter()
        .map(|phase| (phase.to_owned(), scrape.sum(ABORTS, &[("phase", phase)])))
        .filter(|(_, count)| *count > 0.0)
        .collect();
    (
        scrape.sum(REQUESTS, &[]),
        aborts,
        scrape.sum("http_request_duration_seconds_count", &[]),
        scrape.value(IN_FLIGHT, &[]).unwrap(),
    )
}

fn of(phase: &str, count: f64) -> Vec<(String, f64)> {
    vec![(phase.to_owned(), count)]
}

/// A body of ten frames of one byte that does not know its length.
struct Frames {
    left: usize,
    end: Ending,
    length: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    None,
    Error,
    Panic,
    Trailers,
}

impl Frames {
    fn body(end: Ending) -> Body {
        Body::new(Self {
            left: 10,
            end,
            length: None,
        })
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left > 0 {
            self.left -= 1;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))));
        }
        Poll::Ready(match std::mem::replace(&mut self.end, Ending::None) {
            Ending::None => None,
            Ending::Error => Some(Err(std::io::Error::other("the disk is gone"))),
            Ending::Panic => panic!("on purpose"),
            Ending::Trailers => Some(Ok(Frame::trailers(HeaderMap::new()))),
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

async fn answer(app: &Router, method: &str, path: &str) -> Response {
    app.clone().oneshot(request(method, path)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a1_a_request_that_is_dropped_after_a_poll_counts_once_and_leaves_the_gauge_at_zero() {
    let obs = detached();
    let sleep = async || tokio::time::sleep(Duration::from_secs(60)).await;
    let app = obs.wrap(Router::new().route("/", get(sleep)));
    let mut futures: Vec<_> = (0..1_000)
        .map(|_| Box::pin(app.clone().oneshot(request("GET", "/"))))
        .collect();
    let mut cx = Context::from_waker(Waker::noop());
    for future in &mut futures {
        assert!(future.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(numbers(&obs).3, 1_000.0);
    drop(futures);
    assert_eq!(numbers(&obs), (1_000.0, vec![], 1_000.0, 0.0));
    assert_eq!(scrape(&obs).sum(REQUESTS, &[("status", "499")]), 1_000.0);
}

#[test]
fn a2_a_request_that_is_never_polled_counts_once_and_leaves_the_gauge_at_zero() {
    let obs = detached();
    let mut service = obs.layer().layer(tower::service_fn(|_: Request<Body>| {
        ready(Ok::<_, Infallible>(Response::<Body>::default()))
    }));
    for _ in 0..1_000 {
        drop(service.call(request("GET", "/")));
    }
    assert_eq!(numbers(&obs), (1_000.0, vec![], 1_000.0, 0.0));
    assert_eq!(scrape(&obs).sum(REQUESTS, &[("status", "499")]), 1_000.0);
}

#[test]
fn a3_asking_for_readiness_counts_nothing() {
    let obs = detached();
    let mut service = obs.layer().layer(tower::service_fn(|_: Request<Body>| {
        ready(Ok::<_, Infallible>(Response::<Body>::default()))
    }));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..1_000 {
        let ready = Service::<Request<Body>>::poll_ready(&mut service, &mut cx);
        assert!(ready.is_ready());
        drop(service.clone());
    }
    assert_eq!(numbers(&obs), (0.0, vec![], 0.0, 0.0));
}

#[tokio::test]
async fn a4_a_body_counts_once_wherever_it_is_dropped() {
    for frames in 0..=11 {
        let obs = detached();
        let app = obs.wrap(Router::new().route("/", get(async || Frames::body(Ending::None))));
        for _ in 0..1_000 {
            let mut body = answer(&app, "GET", "/").await.into_body();
            for _ in 0..frames {
                drop(body.frame().await);
            }
            assert_eq!(numbers(&obs).3, f64::from(u8::from(frames < 11)));
        }
        let aborts = match frames {
            0 => of("unsent", 1_000.0),
            // All ten bytes were taken, but who stops there does not know that it was all.
            1..=10 => of("in_body", 1_000.0),
            _ => vec![],
        };
        assert_eq!(
            numbers(&obs),
            (1_000.0, aborts, 1_000.0, 0.0),
            "{frames} frames"
        );
        assert_eq!(scrape(&obs).sum(REQUESTS, &[("status", "200")]), 1_000.0);
    }
}

#[tokio::test]
async fn a4_a_body_of_known_length_is_complete_with_its_last_byte() {
    let obs = detached();
    let ten = async || {
        Body::new(Frames {
            left: 10,
            end: Ending::None,
            length: Some(10),
        })
    };
    let app = obs.wrap(Router::new().route("/", get(ten)));
    let mut body = answer(&app, "GET", "/").await.into_body();
    for _ in 0..10 {
        assert_eq!(numbers(&obs).3, 1.0);
        drop(body.frame().await);
    }
    assert_eq!(numbers(&obs), (1.0, vec![], 1.0, 0.0));
    drop(body);
    assert_eq!(numbers(&obs), (1.0, vec![], 1.0, 0.0));
}

#[tokio::test]
async fn a4_j2_an_error_and_a_panic_of_the_body_are_phases_of_their_own() {
    for (end, phase) in [(Ending::Error, "body_error"), (Ending::Panic, "body_panic")] {
        let obs = detached();
        let app = obs.wrap(Router::new().route("/", get(async move || Frames::body(end))));
        for _ in 0..100 {
            let body = answer(&app, "GET", "/").await.into_body();
            assert!(body.collect().await.is_err());
        }
        assert_eq!(numbers(&obs), (100.0, of(phase, 100.0), 100.0, 0.0));
    }
}

#[tokio::test]
async fn a5_a_response_without_a_body_to_send_is_complete_at_its_head() {
    let obs = detached();
    let app = obs.wrap(
        Router::new()
            .route("/text", get(async || "text"))
            .route("/frames", get(async || Frames::body(Ending::None)))
            .route("/204", get(async || StatusCode::NO_CONTENT))
            .route("/304", get(async || StatusCode::NOT_MODIFIED))
            .route("/empty", get(async || ""))
            .route("/trailers", get(async || Frames::body(Ending::Trailers))),
    );
    for (method, path) in [
        ("HEAD", "/text"),
        ("HEAD", "/frames"),
        ("GET", "/204"),
        ("GET", "/304"),
        ("GET", "/empty"),
        ("HEAD", "/nowhere"),
    ] {
        // No server polls these bodies.
        drop(answer(&app, method, path).await);
    }
    assert_eq!(numbers(&obs).1, vec![], "none is an abort");
    // Trailers are the end, and polling again after it changes nothing.
    let mut body = answer(&app, "GET", "/trailers").await.into_body();
    while let Some(frame) = body.frame().await {
        drop(frame.unwrap());
    }
    assert!(body.frame().await.is_none());
    drop(body);
    assert_eq!(numbers(&obs), (7.0, vec![], 7.0, 0.0));
}

#[tokio::test]
async fn a6_errors_and_panics_count_once_each() {
    struct PanicsInDrop;
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "in drop, on purpose");
        }
    }
    async fn panics_later() -> &'static str {
        tokio::task::yield_now().await;
        panic!("on purpose")
    }
    let obs = detached();
    let fails = tower::service_fn(|_: Request<Body>| ready(Err::<Response, _>("no answer")));
    let mut fails = obs.layer().layer(fails);
    let mut panics = obs.layer().layer(tower::service_fn(
        |_: Request<Body>| -> std::future::Ready<Result<Response, Infallible>> {
            panic!("on purpose")
        },
    ));
    let app = obs.wrap(Router::new().route("/later", get(panics_later)).route(
        "/drop",
        get(async || {
            let guard = PanicsInDrop;
            pending::<()>().await;
            drop(guard);
        }),
    ));
    for _ in 0..200 {
        assert_eq!(
            fails.call(request("GET", "/")).await.unwrap_err(),
            "no answer"
        );
        let response = panics.call(request("GET", "/")).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        drop(response.into_body().collect().await.unwrap());
        let response = answer(&app, "GET", "/later").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("on purpose"));
        let mut future = Box::pin(app.clone().oneshot(request("GET", "/drop")));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_pending());
        drop(future);
    }
    assert_eq!(numbers(&obs), (800.0, vec![], 800.0, 0.0));
    let scrape = scrape(&obs);
    assert_eq!(scrape.sum(REQUESTS, &[("status", "500")]), 600.0);
    assert_eq!(scrape.sum(REQUESTS, &[("status", "499")]), 200.0);
}

#[tokio::test]
async fn a6_a_body_that_panics_when_asked_for_its_size_is_a_panic_of_its_request() {
    struct Sizeless;
    impl http_body::Body for Sizeless {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            Poll::Ready(None)
        }

        fn size_hint(&self) -> SizeHint {
            panic!("on purpose")
        }
    }
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(async || Response::new(Body::new(Sizeless)))));
    for _ in 0..100 {
        let response = answer(&app, "GET", "/").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        drop(response.into_body().collect().await.unwrap());
    }
    assert_eq!(numbers(&obs), (100.0, vec![], 100.0, 0.0));
    assert_eq!(
        scrape(&obs).sum("http_exceptions_total", &[("exception_type", "panic")]),
        100.0
    );
}

#[tokio::test]
async fn a6_a_body_that_panics_when_asked_whether_it_ended_counts_once() {
    struct Undecided(usize);
    impl http_body::Body for Undecided {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0 += 1;
            let frame = (self.0 <= 3).then(|| Ok(Frame::data(Bytes::from_static(b"x"))));
            Poll::Ready(frame)
        }

        fn is_end_stream(&self) -> bool {
            assert!(!(1..=3).contains(&self.0), "on purpose");
            false
        }
    }
    let obs = detached();
    let body = async || Response::new(Body::new(Undecided(0)));
    let app = obs.wrap(Router::new().route("/", get(body)));
    for _ in 0..100 {
        let mut body = answer(&app, "GET", "/").await.into_body();
        let mut frames = 0;
        while let Some(frame) = body.frame().await {
            drop(frame.unwrap());
            frames += 1;
        }
        assert_eq!(frames, 3);
    }
    assert_eq!(numbers(&obs), (100.0, vec![], 100.0, 0.0));
}

#[tokio::test(start_paused = true)]
async fn a8_losers_of_races_and_aborted_tasks_leave_the_gauge_at_zero() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(pending::<()>)));
    for _ in 0..1_000 {
        let request = || app.clone().oneshot(request("GET", "/"));
        let late = tokio::time::timeout(Duration::from_millis(1), request()).await;
        assert!(late.is_err());
        tokio::select! {
            biased;
            _ = request() => unreachable!(),
            () = ready(()) => {}
        }
        let task = tokio::spawn(request());
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    assert_eq!(numbers(&obs), (3_000.0, vec![], 3_000.0, 0.0));
}

#[test]
fn a8_a_runtime_that_goes_away_leaves_the_gauge_at_zero() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(pending::<()>)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..1_000 {
            drop(tokio::spawn(app.clone().oneshot(request("GET", "/"))));
        }
        // A runtime polls a few dozen tasks at a time.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(numbers(&obs).3, 1_000.0);
    runtime.shutdown_timeout(Duration::ZERO);
    assert_eq!(numbers(&obs), (1_000.0, vec![], 1_000.0, 0.0));
}

#[tokio::test]
async fn a9_an_upgraded_request_ends_with_its_head() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(async || StatusCode::SWITCHING_PROTOCOLS)));
    for _ in 0..10 {
        let response = answer(&app, "GET", "/").await;
        assert_eq!(numbers(&obs).3, 0.0);
        drop(response);
    }
    assert_eq!(numbers(&obs), (10.0, vec![], 10.0, 0.0));
}

#[test]
fn a11_a_future_that_is_leaked_stays_on_the_gauge() {
    let obs = detached();
    let app = obs.wrap(Router::new().route("/", get(pending::<()>)));
    let mut future = Box::pin(app.oneshot(request("GET", "/")));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
    let leaked: &'static mut _ = Box::leak(Box::new(future));
    assert!(leaked.as_mut().poll(&mut cx).is_pending());
    assert_eq!(numbers(&obs), (0.0, vec![], 0.0, 1.0));
}

#[tokio::test]
async fn j1_a_thousand_panics_are_answered_and_the_next_request_is_fine() {
    let obs = detached();
    let polls = Arc::new(AtomicUsize::new(0));
    let panics = async || -> String { std::panic::panic_any(7_i32) };
    let app = obs.wrap(
        Router::new()
            .route("/panics", get(panics))
            .route("/fine", get(async || "fine")),
    );
    for _ in 0..1_000 {
        let response = answer(&app, "GET", "/panics").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            response
                .headers()
                .get_all("x-correlation-id")
                .iter()
                .count(),
            1
        );
        drop(response.into_body().collect().await.unwrap());
        let fine = answer(&app, "GET", "/fine").await.into_body();
        assert_eq!(fine.collect().await.unwrap().to_bytes(), "fine");
        polls.fetch_add(1, Ordering::Relaxed);
    }
    let scrape = scrape(&obs);
    assert_eq!(scrape.sum(REQUESTS, &[("status", "500")]), 1_000.0);
    assert_eq!(scrape.sum(REQUESTS, &[("status", "200")]), 1_000.0);
    assert_eq!(scrape.value(IN_FLIGHT, &[]), Some(0.0));
    assert_eq!(polls.load(Ordering::Relaxed), 1_000);
}

#[tokio::test]
async fn a_stream_has_a_gauge_of_its_own_and_is_no_latency() {
    let obs = detached();
    let events = async || {
        let body = Body::new(Frames {
            left: usize::MAX,
            end: Ending::None,
            length: None,
        });
        ([("content-type", "Text/Event-Stream; charset=utf-8")], body)
    };
    let app = obs.wrap(Router::new().route("/events", get(events)));
    let open = || scrape(&obs).value("http_streams_open", &[("kind", "sse")]);
    assert_eq!(open(), Some(0.0));
    let mut bodies = Vec::new();
    for _ in 0..10 {
        let mut body = answer(&app, "GET", "/events").await.into_body();
        drop(body.frame().await);
        bodies.push(body);
    }
    assert_eq!(open(), Some(10.0));
    // Counted already, and no request in flight any more.
    assert_eq!(numbers(&obs), (10.0, vec![], 0.0, 0.0));
    drop(bodies);
    assert_eq!(open(), Some(0.0));
    assert_eq!(numbers(&obs), (10.0, vec![], 0.0, 0.0));
}

#[tokio::test]
async fn a_websocket_is_counted_while_it_is_open_and_has_the_ids_of_its_request() {
    let obs = detached();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let handler = async move || {
        // What axum's `on_upgrade` does: the callback runs in a task of its own, later.
        let callback = obs::http::websocket(async |mut close: tokio::sync::mpsc::Receiver<()>| {
            close.recv().await;
        });
        let (close, closed) = tokio::sync::mpsc::channel(1);
        let sender = sender.lock().unwrap().take().unwrap();
        let ctx = obs::Ctx::current().unwrap().correlation_id().to_owned();
        drop(sender.send((callback, closed, close, ctx)));
        StatusCode::SWITCHING_PROTOCOLS
    };
    let app = obs.wrap(Router::new().route("/ws", get(handler)));
    drop(answer(&app, "GET", "/ws").await);
    let open = || scrape(&obs).value("http_streams_open", &[("kind", "websocket")]);
    let (callback, closed, close, _) = receiver.await.ok().unwrap();
    assert_eq!(open(), Some(0.0));
    let mut socket = pin!(callback(closed));
    let polled = poll_fn(|cx| Poll::Ready(socket.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
    assert_eq!(open(), Some(1.0));
    close.send(()).await.unwrap();
    socket.as_mut().await;
    drop(close);
    assert_eq!(numbers(&obs), (1.0, vec![], 1.0, 0.0));
}

#[tokio::test]
async fn a_mounted_service_has_one_template() {
    let obs = detached();
    let files = tower::service_fn(async |request: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from(request.uri().path().to_owned())))
    });
    let app: Router = obs.wrap(
        Router::new()
            .nest_service("/files", obs::http::mount("/files/{*path}", files))
            .nest_service("/bare", files),
    );
    for n in 0..100 {
        let body = answer(&app, "GET", &format!("/files/{n}/x"))
            .await
            .into_body();
        drop(body.collect().await.unwrap());
        drop(answer(&app, "GET", &format!("/bare/{n}")).await);
    }
    let scrape = scrape(&obs);
    assert_eq!(scrape.sum(REQUESTS, &[("route", "/files/{*path}")]), 100.0);
    assert_eq!(scrape.sum(REQUESTS, &[("route", "unmatched")]), 100.0);
    assert_eq!(scrape.value(IN_FLIGHT, &[]), Some(0.0));
}
