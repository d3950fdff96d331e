//! The span of a request, as somebody's own subscriber sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use obs::{Format, Obs};
use obs_tests::scrape::Scrape;
use tower::ServiceExt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

type Fields = BTreeMap<String, String>;

/// What was seen of the spans of requests on this thread.
#[derive(Debug, Default)]
struct Seen {
    fields: Fields,
    /// In the order in which it happened: `enter`, `exit`, `close`, and what was said, with the
    /// name of the span around it.
    steps: Vec<String>,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

struct Recorder;

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields
            .insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields
            .insert(field.name().to_owned(), value.to_owned());
    }
}

fn is_request<S>(id: &Id, context: &LayerContext<'_, S>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    context
        .metadata(id)
        .is_some_and(|it| it.target() == "obs::http" && it.name() == "request")
}

fn step(text: &str) {
    SEEN.with_borrow_mut(|seen| seen.steps.push(text.to_owned()));
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: LayerContext<'_, S>) {
        if is_request(id, &context) {
            SEEN.with_borrow_mut(|seen| attributes.record(seen));
            step("new");
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: LayerContext<'_, S>) {
        if is_request(id, &context) {
            SEEN.with_borrow_mut(|seen| values.record(seen));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: LayerContext<'_, S>) {
        if event.metadata().target() == "http_span" {
            let span = context.event_span(event).map_or("none", |it| it.name());
            step(&format!("event in {span}"));
        }
    }

    fn on_close(&self, id: Id, context: LayerContext<'_, S>) {
        if is_request(&id, &context) {
            step("close");
        }
    }
}

/// Two frames, each with something to say.
struct Frames(u8);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        tracing::info!("frame");
        self.0 -= 1;
        Poll::Ready((self.0 > 0).then(|| Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

fn app() -> (Obs, Router) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    let obs = setup.detached().unwrap();
    let says = async || {
        tracing::info!("handler");
        tokio::task::yield_now().await;
        tracing::info!("handler, later");
        Body::new(Frames(3))
    };
    let app = obs.wrap(
        Router::new()
            .route("/jobs/{id}", get(says))
            .route("/fails", get(async || StatusCode::BAD_GATEWAY))
            .route("/panics", get(async || -> () { panic!("on purpose") }))
            .route("/waits", get(std::future::pending::<()>)),
    );
    (obs, app)
}

async fn seen_of(app: &Router, path: &str) -> Seen {
    SEEN.take();
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    drop(response.into_body().collect().await.unwrap());
    SEEN.take()
}

fn assert_fields(seen: &Seen, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        let found = seen.fields.get(*name).map(String::as_str);
        let expected = (!value.is_empty()).then_some(*value);
        assert_eq!(found, expected, "{name} of {seen:?}");
    }
}

#[tokio::test]
async fn a_request_is_one_span_around_its_handler_and_every_frame_of_its_body() {
    let (_obs, app) = app();
    let seen = seen_of(&app, "/jobs/7?token=hunter2").await;
    assert_fields(
        &seen,
        &[
            ("otel.name", "GET /jobs/{id}"),
            ("otel.kind", "server"),
            ("http.request.method", "GET"),
            ("http.route", "/jobs/{id}"),
            ("url.scheme", "http"),
            ("network.protocol.version", "1.1"),
            ("http.response.status_code", "200"),
            ("otel.status_code", ""),
            ("error.type", ""),
        ],
    );
    let inside = ["event in request"; 5];
    assert_eq!(seen.steps[0], "new");
    assert_eq!(seen.steps[1..6], inside, "{seen:?}");
    assert_eq!(seen.steps[6..], ["close"], "{seen:?}");
    assert!(!format!("{seen:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_span_of_a_request_that_failed_says_so() {
    let (_obs, app) = app();
    for (path, route, status, error) in [
        ("/fails", "/fails", "502", "502"),
        ("/panics", "/panics", "500", "panic"),
    ] {
        let seen = seen_of(&app, path).await;
        assert_fields(
            &seen,
            &[
                ("otel.name", &format!("GET {route}")),
                ("http.route", route),
                ("http.response.status_code", status),
                ("otel.status_code", "ERROR"),
                ("error.type", error),
            ],
        );
        assert_eq!(seen.steps, ["new", "close"], "{seen:?}");
    }
    // A client's mistake is no failure of the server.
    let seen = seen_of(&app, "/nowhere").await;
    assert_fields(
        &seen,
        &[
            ("otel.name", "GET"),
            ("http.route", ""),
            ("http.response.status_code", "404"),
            ("otel.status_code", ""),
        ],
    );
}

#[tokio::test]
async fn the_span_of_a_request_that_was_cancelled_ends_with_it() {
    let (_obs, app) = app();
    SEEN.take();
    let request = Request::get("/waits").body(Body::empty()).unwrap();
    let mut future = Box::pin(app.oneshot(request));
    tokio::select! {
        biased;
        _ = &mut future => unreachable!(),
        () = std::future::ready(()) => {}
    }
    assert_eq!(SEEN.with_borrow(|seen| seen.steps.clone()), ["new"]);
    drop(future);
    let seen = SEEN.take();
    assert_eq!(seen.steps, ["new", "close"]);
    assert_fields(
        &seen,
        &[
            ("http.response.status_code", "499"),
            ("otel.status_code", "ERROR"),
            ("error.type", "cancelled"),
        ],
    );
}

#[tokio::test]
async fn our_own_pages_have_no_span() {
    let (obs, app) = app();
    for path in ["/health", "/ready", "/metrics"] {
        let seen = seen_of(&app, path).await;
        assert!(seen.steps.is_empty(), "{path}: {seen:?}");
    }
    let scrape = Scrape::text(&obs.scrape(Format::Text));
    assert!(scrape.sum("http_requests_total", &[]).abs() < 0.5);
}
