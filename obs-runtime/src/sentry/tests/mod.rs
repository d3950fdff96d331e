//! What a server receives.

mod bound_fields;
mod bounds;
mod browsers;
mod delivery;
#[cfg(feature = "rmcp")]
mod operations;
mod reports;
mod sampling;
mod secrets;
mod values_that_log;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::sentry::protocol::Value;
use tracing::Dispatch;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use crate::context::{
    Ctx, CtxParts, HttpRequest, Id, Place, RequestLabels, SentryDecision, TraceContext, TracePolicy,
};
use crate::http::{DEFAULT_BUCKETS, Traffic, TrafficOptions};
use crate::redact::Redactor;
use crate::sentry::counts::Counts;
use crate::sentry::deliver::{Answer, Deliver};
use crate::sentry::{Sentry, SentryOptions};

const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps what it is given, and answers as it is told.
#[derive(Clone, Default)]
struct Server {
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
    /// Held while it does not answer.
    hangs: Arc<Mutex<()>>,
}

impl Deliver for Server {
    fn deliver(&mut self, envelope: &[u8]) -> Answer {
        drop(self.hangs.lock().unwrap());
        self.received.lock().unwrap().push(envelope.to_owned());
        self.answers.lock().unwrap().pop().unwrap_or(Answer {
            status: Some(200),
            ..Answer::default()
        })
    }
}

impl Server {
    fn text(&self) -> String {
        let received = self.received.lock().unwrap();
        String::from_utf8(received.concat()).unwrap()
    }

    /// The payloads of one type.
    fn items(&self, kind: &str) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        let mut items = Vec::new();
        for envelope in received.iter() {
            let lines: Vec<Value> = envelope
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect();
            let pairs = lines[1..].chunks_exact(2);
            items.extend(
                pairs
                    .filter(|pair| pair[0]["type"] == kind)
                    .map(|pair| pair[1].clone()),
            );
        }
        items
    }

    fn events(&self) -> Vec<Value> {
        self.items("event")
    }
}

fn options(error_rate: f64, traces_rate: f64) -> SentryOptions {
    SentryOptions {
        dsn: "http://key@127.0.0.1:9/1".to_owned(),
        release: "shop@1.2.3".to_owned(),
        environment: "staging".to_owned(),
        service: "shop".to_owned(),
        error_rate,
        traces_rate,
        redactor: Arc::new(Redactor::default()),
    }
}

fn start(error_rate: f64, traces_rate: f64) -> (Sentry, Server) {
    let server = Server::default();
    let deliver = Box::new(server.clone());
    let sentry = Sentry::start_with(options(error_rate, traces_rate), deliver, 1 << 20);
    (sentry.unwrap(), server)
}

fn counts_of(sentry: &Sentry) -> Counts {
    sentry.inner.own.as_ref().unwrap().counts
}

fn subscriber(sentry: &Sentry) -> Dispatch {
    Dispatch::new(Registry::default().with(sentry.layer()))
}

/// Runs with the layer as the only one, and waits until everything is sent.
fn logged(sentry: &Sentry, f: impl FnOnce()) {
    tracing::dispatcher::with_default(&subscriber(sentry), f);
    assert!(sentry.flush(PATIENCE));
}

fn http_ctx(method: &'static str, route: &str) -> Ctx {
    let place = Place {
        trace: TraceContext::root(true),
        parent: Some(TraceContext::root(true)),
        parent_is_remote: true,
        link: None,
        tracestate: None,
    };
    http_ctx_at(method, route, place, None)
}

fn http_ctx_at(
    method: &'static str,
    route: &str,
    place: Place,
    sentry: Option<SentryDecision>,
) -> Ctx {
    Ctx::from_parts(CtxParts {
        correlation_id: Id::generate(),
        request_id: Some(Id::generate()),
        place,
        baggage: None,
        propagates: true,
        request: Some(HttpRequest {
            labels: RequestLabels {
                method,
                route: Arc::from(route),
            },
            traffic: Arc::new(Traffic::new(TrafficOptions {
                prefix: None,
                max_routes: 10,
                buckets: DEFAULT_BUCKETS.to_vec(),
                trusted: Vec::new(),
                success_sample: 1.0,
                policy: Arc::new(TracePolicy::UNSET),
            })),
            trusted: true,
            sentry,
        }),
        kept: true,
    })
}

/// As the panic hook does it.
fn panic_in(sentry: &Sentry, ctx: &Ctx) {
    ctx.scope(|| sentry.panicked("the till is open", "src/till.rs:7:9"));
}
