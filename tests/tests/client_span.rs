//! The span of an outgoing request, as somebody's own subscriber sees it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Once;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use obs::{Ctx, Obs, Peer};
use obs_tests::upstream::Upstream;
use reqwest_middleware::ClientWithMiddleware;
use tower::{Layer as _, ServiceExt};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Subscriber, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

#[derive(obs::Label, Clone, Copy)]
enum Service {
    Engine,
}

type Fields = BTreeMap<String, String>;

/// The spans of requests that ended on this thread.
#[derive(Debug, Default)]
struct Spans {
    open: BTreeMap<u64, Fields>,
    closed: Vec<Fields>,
}

thread_local! {
    static SPANS: RefCell<Spans> = RefCell::default();
}

struct Reader<'a>(&'a mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

struct Recorder;

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target() != "obs::client" {
            return;
        }
        let mut fields = Fields::new();
        attributes.record(&mut Reader(&mut fields));
        let parent = context
            .span(id)
            .and_then(|span| Some(span.parent()?.name()));
        fields.insert("parent".to_owned(), parent.unwrap_or("none").to_owned());
        SPANS.with_borrow_mut(|spans| spans.open.insert(id.into_u64(), fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        SPANS.with_borrow_mut(|spans| {
            if let Some(fields) = spans.open.get_mut(&id.into_u64()) {
                values.record(&mut Reader(fields));
            }
        });
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        SPANS.with_borrow_mut(|spans| {
            let closed = spans.open.remove(&id.into_u64());
            spans.closed.extend(closed);
        });
    }
}

fn record() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    SPANS.take();
}

/// Returns the only span since the last time, which is closed.
fn closed() -> Fields {
    let spans = SPANS.take();
    assert!(spans.open.is_empty(), "{spans:?}");
    let [fields] = spans.closed.try_into().unwrap();
    fields
}

fn obs() -> Obs {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    setup.detached().unwrap()
}

fn client(upstream: &Upstream) -> ClientWithMiddleware {
    let routes = ["/status/{code}", "/never"];
    let engine = Peer::new(Service::Engine, upstream.url("127.0.0.1", "")).routes(routes);
    let client = obs().client(reqwest::Client::builder().no_proxy());
    client.peer(engine).build().unwrap()
}

fn assert_fields(fields: &Fields, expected: &[(&str, Option<&str>)]) {
    for (name, value) in expected {
        let found = fields.get(*name).map(String::as_str);
        assert_eq!(found, *value, "{name} of {fields:?}");
    }
}

#[tokio::test]
async fn t14_the_span_has_the_names_and_attributes_of_the_conventions() {
    record();
    let upstream = Upstream::start().await;
    let client = client(&upstream);
    let port = upstream.url("", "").rsplit(':').next().unwrap().to_owned();
    let url = upstream.url("u:hunter2@127.0.0.1", "/status/200?token=hunter2");
    let sent = client.get(url).send();
    tracing::Instrument::instrument(sent, info_span!("around"))
        .await
        .unwrap();
    let fields = closed();
    assert_fields(
        &fields,
        &[
            ("parent", Some("around")),
            ("otel.name", Some("GET /status/{code}")),
            ("otel.kind", Some("client")),
            ("http.request.method", Some("GET")),
            ("url.template", Some("/status/{code}")),
            ("server.address", Some("127.0.0.1")),
            ("server.port", Some(&port)),
            ("http.response.status_code", Some("200")),
            ("error.type", None),
            ("otel.status_code", None),
            ("url.full", None),
        ],
    );
    assert!(!format!("{fields:?}").contains("hunter2"), "{fields:?}");

    client
        .put(upstream.url("localhost", "/secret/hunter2"))
        .send()
        .await
        .unwrap();
    let fields = closed();
    assert_fields(
        &fields,
        &[
            ("parent", Some("none")),
            ("otel.name", Some("PUT")),
            ("url.template", None),
            ("server.address", Some("localhost")),
        ],
    );
    assert!(!format!("{fields:?}").contains("hunter2"), "{fields:?}");
}

#[tokio::test(start_paused = true)]
async fn t14_the_span_of_a_failure_is_an_error_and_says_of_which_kind() {
    record();
    let upstream = Upstream::start().await;
    let client = client(&upstream);
    let url = |path: &str| upstream.url("127.0.0.1", path);
    for (code, error) in [(302, None), (404, Some("404")), (503, Some("503"))] {
        client
            .get(url(&format!("/status/{code}")))
            .send()
            .await
            .unwrap();
        let status = code.to_string();
        assert_fields(
            &closed(),
            &[
                ("http.response.status_code", Some(&status)),
                ("error.type", error),
                ("otel.status_code", error.map(|_| "ERROR")),
            ],
        );
    }
    let failed = |kind| {
        let expected = [
            ("http.response.status_code", None),
            ("error.type", Some(kind)),
            ("otel.status_code", Some("ERROR")),
        ];
        assert_fields(&closed(), &expected);
    };
    let never = client.get(url("/never")).timeout(Duration::from_secs(60));
    assert!(never.send().await.is_err());
    failed("timeout");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    assert!(client.get(format!("http://{gone}/")).send().await.is_err());
    failed("connect");

    let mut sent = Box::pin(client.get(url("/never")).send());
    poll_fn(|cx| {
        assert!(Pin::new(&mut sent).poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    drop(sent);
    let expected = [
        ("error.type", Some("cancelled")),
        ("otel.status_code", None),
    ];
    assert_fields(&closed(), &expected);
}

#[tokio::test]
async fn an_error_of_a_tower_service_is_named_by_its_type() {
    record();
    let layer = obs().client_layer().build().unwrap();
    let fails = |_| async { Err::<Response<()>, _>(std::io::Error::other("hunter2")) };
    let service = layer.layer(tower::service_fn(fails));
    let request = Request::get("http://engine:8080/").body(()).unwrap();
    assert!(service.oneshot(request).await.is_err());
    assert_fields(
        &closed(),
        &[
            ("error.type", Some("std::io::error::Error")),
            ("server.address", Some("engine")),
            ("server.port", Some("8080")),
        ],
    );
}

#[tokio::test]
async fn what_sends_the_request_runs_in_the_span_and_in_the_context() {
    record();
    let layer = obs().client_layer().build().unwrap();
    let ctx = Ctx::new();
    let id = ctx.correlation_id().to_owned();
    let looks = move |_: Request<()>| {
        let id = id.clone();
        async move {
            let is_in = || {
                let span = tracing::Span::current();
                assert_eq!(span.metadata().unwrap().target(), "obs::client");
                assert_eq!(Ctx::current().unwrap().correlation_id(), id);
            };
            is_in();
            tokio::task::yield_now().await;
            is_in();
            Ok::<_, std::io::Error>(Response::new(()))
        }
    };
    let service = layer.layer(tower::service_fn(looks));
    let request = Request::get("http://engine/").body(()).unwrap();
    let sent = ctx.scope(|| tower::Service::call(&mut service.clone(), request));
    // Polled outside of the context, it is still its own.
    sent.await.unwrap();
    closed();
}
