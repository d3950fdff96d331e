//! A request through an axum router, in process: the call, the response, its body to the end.

use std::future::Future;
use std::hint::black_box;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;
use http::Request;
use obs::Obs;
use sentry_tower::{NewSentryLayer, SentryHttpLayer};
use tower::{Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Dispatch, Level};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::harness::{Role, Row};
use crate::inputs::Inputs;
use crate::options::Options;
use crate::report::Table;

const TITLE: &str = "A request through axum, in process";
const ALONE: &str = "axum alone";
const OBS: &str = "**obs**: ids, metrics, panics, problem details, a JSON line per request (two for every other one)";
const ALL: &str = "all four of them and `catch_panic`";

/// The share of what the peers' stack adds that obs may add.
const SHARE: f64 = 1.0 / 3.0;

/// Times the stacks. Each has its subscriber for itself, made current for the time of the request.
pub(crate) fn table(options: &Options) -> Table {
    let rows = [
        // A request that is logged has two lines, so of half of them there is one for each.
        row(Role::Obs, OBS, observed("0.5")),
        row(
            Role::Mark,
            "**obs**, `OBS_LOG_SUCCESS_SAMPLE=1`: two lines per request, the default in dev",
            observed("1"),
        ),
        row(
            Role::Mark,
            "**obs**, `OBS_LOG_SUCCESS_SAMPLE=0.1`, the default in prod",
            observed("0.1"),
        ),
        row(Role::Mark, ALONE, plain(router())),
        row(
            Role::Mark,
            "axum-prometheus 0.10",
            plain(router().layer(prometheus())),
        ),
        row(
            Role::Mark,
            "tower-http request id, set and propagated",
            plain(with_request_id(router())),
        ),
        row(
            Role::Mark,
            "tower-http trace, one JSON line",
            Stack {
                router: router().layer(trace()),
                dispatch: Some(json_lines()),
            },
        ),
        row(
            Role::Mark,
            "sentry-tower hub and http, no DSN",
            plain(with_sentry(router())),
        ),
        row(
            Role::Peer,
            ALL,
            Stack {
                router: with_request_id(
                    with_sentry(router().layer(CatchPanicLayer::new()))
                        .layer(trace())
                        .layer(prometheus()),
                ),
                dispatch: Some(json_lines()),
            },
        ),
    ];
    Table::of_rows(TITLE, options, &rows).adding_at_most(SHARE, ALONE)
}

/// A router and the subscriber that it logs to.
#[derive(Clone)]
struct Stack {
    router: Router,
    dispatch: Option<Dispatch>,
}

fn plain(router: Router) -> Stack {
    Stack {
        router,
        dispatch: None,
    }
}

fn router() -> Router {
    Router::new().route("/jobs/{id}", get(async || "ok"))
}

fn observed(success_sample: &str) -> Stack {
    let variables = [
        ("OBS_ENV", "dev"),
        ("OBS_LOG_SUCCESS_SAMPLE", success_sample),
    ];
    let obs = Obs::from_vars(obs::service!(), variables)
        .expect("the variables are right")
        .log_writer(io::sink())
        .detached()
        .expect("nothing is declared twice");
    let layer = obs.log_layer().with_filter(obs.log_filter());
    Stack {
        router: obs.wrap(router()),
        dispatch: Some(Dispatch::new(tracing_subscriber::registry().with(layer))),
    }
}

fn prometheus() -> PrometheusMetricLayer<'static> {
    PrometheusMetricLayer::new()
}

fn with_request_id(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id()),
    )
}

fn with_sentry(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(NewSentryLayer::<Request<Body>>::new_from_top())
            .layer(SentryHttpLayer::new()),
    )
}

fn trace() -> TraceLayer<
    tower_http::classify::SharedClassifier<tower_http::classify::ServerErrorsAsFailures>,
    tower_http::trace::DefaultMakeSpan,
    tower_http::trace::DefaultOnRequest,
    DefaultOnResponse,
> {
    TraceLayer::new_for_http()
        .make_span_with(tower_http::trace::DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO))
}

fn json_lines() -> Dispatch {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(io::sink)
        .with_filter(LevelFilter::INFO);
    Dispatch::new(tracing_subscriber::registry().with(lines))
}

fn row(role: Role, name: &'static str, stack: Stack) -> Row {
    Row::new(role, name, inputs(), move |path| match &stack.dispatch {
        Some(dispatch) => tracing::dispatcher::with_default(dispatch, || send(&stack.router, path)),
        None => send(&stack.router, path),
    })
    .at_most(100_000)
}

fn inputs() -> &'static Inputs<&'static str> {
    const PATHS: [&str; 4] = ["/jobs/1", "/jobs/22", "/jobs/333", "/jobs/4444"];
    Inputs::draw(|random| random.pick(&PATHS))
}

/// Sends a request and reads the response to its end.
fn send(router: &Router, path: &'static str) {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(path);
    let mut cx = Context::from_waker(Waker::noop());
    let response = match pin!(router.clone().call(request)).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("the handler awaits nothing"),
    };
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut cx) {
        drop(black_box(frame));
    }
}
