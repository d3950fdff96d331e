//! What a server receives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use ::sentry::protocol::{
    Attachment, Event, Exception, Frame, Request, Stacktrace, Thread, User, Value,
};
use ::sentry::{Client, ClientOptions, Envelope, Hub, Level, Transport};
use tracing::Dispatch;
use tracing::instrument::{Instrument, WithSubscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::counts::{Counts, Kind, Outcome};
use super::deliver::{Answer, Deliver, Http};
use super::{Sentry, SentryError, SentryOptions, SentryTransport, queue};
use crate::context::{Ctx, CtxParts, HttpRequest, Id, InCtx, RequestLabels, TraceContext};
use crate::http::{DEFAULT_BUCKETS, Traffic, TrafficOptions};
use crate::redact::Redactor;

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
    Ctx::from_parts(CtxParts {
        correlation_id: Id::generate(),
        request_id: Some(Id::generate()),
        trace: TraceContext::root(true),
        parent: Some(TraceContext::root(true)),
        link: None,
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
            })),
        }),
        kept: true,
    })
}

/// As the panic hook does it.
fn panic_in(sentry: &Sentry, ctx: &Ctx) {
    ctx.scope(|| sentry.panicked("the till is open", "src/till.rs:7:9"));
}

#[test]
fn t5_the_share_of_each_environment_arrives_and_no_kind_is_missing() {
    for (rate, expected) in [(1.0, 10_000 + 100), (0.05, 500 + 100), (0.001, 10 + 100)] {
        let (sentry, server) = start(rate, 0.0);
        logged(&sentry, || {
            for i in 0..10_000 {
                tracing::error!(attempt = i, "the supplier does not answer");
                if i % 100 == 0 {
                    tracing::error!("error of kind {}", i / 100);
                }
            }
        });
        let events = server.events();
        assert_eq!(events.len(), expected, "at {rate}");
        let kinds: BTreeSet<String> = events
            .iter()
            .map(|event| event["message"].to_string())
            .collect();
        assert_eq!(kinds.len(), 101, "at {rate}");
        let counts = counts_of(&sentry);
        assert_eq!(counts.get(Kind::Error, Outcome::Sent), expected as u64);
        assert_eq!(
            counts.get(Kind::Error, Outcome::SampledOut),
            10_100 - expected as u64
        );
    }
}

#[test]
fn t1_an_event_has_the_ids_of_its_request_and_its_trace() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = http_ctx("GET", "/jobs/{id}");
    logged(&sentry, || {
        ctx.scope(|| {
            tracing::debug!("not seen");
            tracing::info!(step = 1, "looked up");
            tracing::error!(job = 7, "not found");
        });
    });
    let events = server.events();
    let [event] = &events[..] else {
        panic!("{events:#?}");
    };
    assert_eq!(event["tags"]["correlation_id"], ctx.correlation_id());
    assert_eq!(event["tags"]["request_id"], ctx.request_id().unwrap());
    assert_eq!(event["tags"]["method"], "GET");
    assert_eq!(event["tags"]["route"], "/jobs/{id}");
    assert_eq!(event["tags"]["service"], "shop");
    let trace = &event["contexts"]["trace"];
    assert_eq!(trace["trace_id"], ctx.trace().trace_id.to_string());
    assert_eq!(trace["span_id"], ctx.trace().span_id.to_string());
    assert_eq!(
        trace["parent_span_id"],
        ctx.parent().unwrap().span_id.to_string()
    );
    assert_eq!(event["transaction"], "GET /jobs/{id}");
    assert_eq!(event["environment"], "staging");
    assert_eq!(event["release"], "shop@1.2.3");
    // "error" is what an event is that does not say its level.
    assert_eq!(event["level"], Value::Null);
    assert_eq!(event["message"], "not found");
    assert_eq!(event["contexts"]["Rust Tracing Fields"]["job"], 7);
    let breadcrumbs = event["breadcrumbs"]["values"].as_array().unwrap();
    assert_eq!(breadcrumbs.len(), 1);
    assert_eq!(breadcrumbs[0]["message"], "looked up");
    assert!(!server.text().contains("obs.first_of_kind"));
}

#[test]
fn a_failure_is_one_issue_whatever_way_it_ends() {
    for rate in [1.0, 0.0] {
        let (sentry, server) = start(rate, 0.0);
        // Twice: what sampling leaves out the second time has been reported as well.
        for round in 1..=2 {
            let expected = if rate == 0.0 { 1 } else { round };
            let failure = |route, fail: &dyn Fn(&Ctx)| {
                let ctx = http_ctx("POST", route);
                let request = sentry.request(&ctx);
                logged(&sentry, || fail(&ctx));
                request.finish(500, "server_error");
                assert!(sentry.flush(PATIENCE));
                let events = server.events();
                let of = |event: &&Value| event["tags"]["route"] == route;
                assert_eq!(events.iter().filter(of).count(), expected, "{route}");
            };
            failure("/logged", &|ctx| {
                ctx.scope(|| {
                    tracing::error!("could not be stored");
                    tracing::error!(target: "obs::request", status = 500, "request_completed");
                });
            });
            failure("/bare", &|_| {});
            failure("/warned", &|ctx| ctx.scope(|| tracing::warn!("nearly")));
            failure("/panicked", &|ctx| {
                panic_in(&sentry, ctx);
                ctx.scope(|| tracing::error!(target: "obs::panic", "the till is open"));
            });
            failure("/tool", &|ctx| {
                panic_in(&sentry, ctx);
                ctx.scope(|| tracing::error!(target: "obs::mcp", tool = "add", "tool panicked"));
            });
            failure("/by-hand", &|ctx| {
                let request = sentry.request(ctx);
                let _entered = request.enter();
                ::sentry::capture_message("by hand", Level::Error);
            });
        }
        let titles: Vec<Value> = server
            .events()
            .into_iter()
            .filter(|event| event["logger"] == "obs::request")
            .map(|event| event["message"].clone())
            .collect();
        assert!(
            titles.contains(&Value::from("HTTP 500 POST /bare")),
            "{titles:?}"
        );
        assert!(
            titles.contains(&Value::from("HTTP 500 POST /warned")),
            "{titles:?}"
        );
    }
}

#[test]
fn what_the_hook_did_not_see_of_a_tool_that_panicked_is_reported_by_its_line() {
    let (sentry, server) = start(1.0, 0.0);
    logged(&sentry, || {
        tracing::error!(target: "obs::mcp", tool = "add", "tool panicked");
    });
    assert_eq!(server.events().len(), 1);
}

#[test]
fn a_success_reports_nothing() {
    let (sentry, server) = start(1.0, 0.0);
    for status in [200, 304, 404, 499] {
        sentry.request(&http_ctx("GET", "/")).finish(status, "ok");
    }
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.text(), "");
}

#[test]
fn a_panic_is_not_handled_and_says_where_it_was() {
    let (sentry, server) = start(1.0, 0.0);
    panic_in(&sentry, &http_ctx("GET", "/"));
    assert!(sentry.flush(PATIENCE));
    let event = &server.events()[0];
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "panic");
    assert_eq!(exception["value"], "the till is open");
    assert_eq!(exception["mechanism"]["handled"], false);
    assert!(exception["stacktrace"]["frames"].as_array().unwrap().len() > 3);
    assert_eq!(event["culprit"], "src/till.rs:7:9");
    assert_eq!(event["level"], "fatal");
}

#[test]
fn k2_of_a_thousand_contexts_at_once_no_event_has_anothers_id() {
    const CONTEXTS: usize = 1_000;
    let (sentry, server) = start(1.0, 0.0);
    let dispatch = subscriber(&sentry);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(8)
        .build()
        .unwrap();
    let work = async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CONTEXTS {
            let ctx = http_ctx("GET", "/");
            let request = sentry.request(&ctx);
            let id = ctx.correlation_id().to_owned();
            let inner = async move {
                for _ in 0..50 {
                    tokio::task::yield_now().await;
                }
                tracing::info!(mine = id, "breadcrumb");
                let (child, from_span) = (id.clone(), id.clone());
                // Below a span that was made in the context, which the task itself is not in.
                let span = tracing::info_span!("deeper");
                let task = tokio::spawn(
                    async move {
                        tokio::task::yield_now().await;
                        tracing::error!(mine = from_span, "in a span");
                    }
                    .instrument(span)
                    .with_current_subscriber(),
                );
                let spawned = crate::spawn(
                    async move {
                        for _ in 0..50 {
                            tokio::task::yield_now().await;
                        }
                        tracing::error!(mine = child, "in a task");
                    }
                    .with_current_subscriber(),
                );
                tracing::error!(mine = id, "in the request");
                task.await.unwrap();
                spawned.await.unwrap();
                drop(request);
            };
            tasks.spawn(inner.with_ctx(ctx).with_subscriber(dispatch.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    };
    runtime.block_on(work);
    assert!(sentry.flush(PATIENCE));
    let events = server.events();
    assert_eq!(events.len(), 3 * CONTEXTS);
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        let id = event["tags"]["correlation_id"].as_str().unwrap();
        assert_eq!(event["contexts"]["Rust Tracing Fields"]["mine"], id);
        for breadcrumb in event["breadcrumbs"]["values"].as_array().unwrap() {
            assert_eq!(breadcrumb["data"]["mine"], id);
        }
        *of.entry(id).or_default() += 1;
    }
    assert_eq!(of.len(), CONTEXTS);
    assert!(of.values().all(|events| *events == 3));
}

#[test]
fn a_context_that_is_no_request_reports_under_its_own_id() {
    let (sentry, server) = start(1.0, 0.0);
    let ctx = Ctx::new();
    logged(&sentry, || {
        ctx.scope(|| tracing::error!("the job failed"));
        tracing::info!("nobody's");
        tracing::error!("outside of everything");
    });
    let events = server.events();
    assert_eq!(events[0]["tags"]["correlation_id"], ctx.correlation_id());
    assert_eq!(events[0]["tags"]["route"], Value::Null);
    assert_eq!(events[1]["tags"], Value::Null);
    assert_eq!(events[1]["breadcrumbs"], Value::Null);
}

#[test]
fn what_a_thread_was_left_with_by_another_client_plays_no_part() {
    let (other, others_server) = start(1.0, 0.0);
    let (sentry, server) = start(1.0, 0.0);
    let left = Hub::new_from_top(&other.inner.root);
    left.configure_scope(|scope| scope.set_tag("left", "over"));
    Hub::run(Arc::new(left), || {
        logged(&sentry, || {
            Ctx::new().scope(|| tracing::error!("in a context"));
            tracing::error!("in none");
        });
        sentry
            .request(&http_ctx("GET", "/"))
            .finish(500, "server_error");
    });
    assert!(sentry.flush(PATIENCE) && other.flush(PATIENCE));
    assert_eq!(server.events().len(), 3);
    assert!(!server.text().contains("left"));
    assert_eq!(others_server.text(), "");
}

#[test]
fn a_transaction_has_the_ids_and_the_status_of_its_request() {
    let (sentry, server) = start(1.0, 1.0);
    let ctx = http_ctx("GET", "/jobs/{id}");
    let request = sentry.request(&ctx);
    {
        let _entered = request.enter();
        ::sentry::configure_scope(|scope| scope.set_tag("plan", "free"));
    }
    request.finish(404, "client_error");
    assert!(sentry.flush(PATIENCE));
    let transactions = server.items("transaction");
    let [transaction] = &transactions[..] else {
        panic!("{transactions:#?}");
    };
    assert_eq!(transaction["transaction"], "GET /jobs/{id}");
    let trace = &transaction["contexts"]["trace"];
    assert_eq!(trace["trace_id"], ctx.trace().trace_id.to_string());
    assert_eq!(trace["span_id"], ctx.trace().span_id.to_string());
    assert_eq!(trace["op"], "http.server");
    assert_eq!(trace["status"], "not_found");
    assert_eq!(trace["data"]["http.response.status_code"], 404);
    assert_eq!(transaction["tags"]["correlation_id"], ctx.correlation_id());
    assert_eq!(transaction["tags"]["plan"], "free");
    assert_eq!(transaction["release"], "shop@1.2.3");
    assert_eq!(transaction["environment"], "staging");
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Transaction, Outcome::Sent), 1);
}

#[test]
fn t5_transactions_are_sampled_by_their_trace_also_the_services_own() {
    let (sentry, server) = start(1.0, 0.05);
    let mut expected = BTreeSet::new();
    for _ in 0..2_000 {
        let ctx = http_ctx("GET", "/");
        let trace = ctx.trace().trace_id;
        if super::sample::trace(trace.to_u128(), 0.05) {
            expected.insert(trace.to_string());
        }
        // How it ends plays no part.
        sentry.request(&ctx).finish(200, "ok");
    }
    assert!(sentry.flush(PATIENCE));
    let sent = server.items("transaction");
    let sent: BTreeSet<String> = sent
        .iter()
        .map(|sent| {
            sent["contexts"]["trace"]["trace_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(sent, expected);
    assert!((50..200).contains(&sent.len()), "{}", sent.len());
    let counts = counts_of(&sentry);
    assert_eq!(
        counts.get(Kind::Transaction, Outcome::SampledOut),
        2_000 - sent.len() as u64
    );
    assert!(server.text().contains(r#""sample_rate":"0.05""#));
}

fn canary(n: u64) -> String {
    let random = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n << 32) ^ 0xa5a5_5a5a_1234_cdef;
    format!("{:016x}{:016x}", random(n + 1), random(n + 1_001))
}

/// An event with a secret in every place that a client or an author may put one.
fn indiscreet(canaries: &[String]) -> Event<'static> {
    let c = |n: usize| canaries[n].clone();
    let mut event = Event {
        message: Some(format!(
            "failed for {}@example.com with Bearer {}",
            c(0),
            c(1)
        )),
        level: Level::Error,
        server_name: Some(c(2).into()),
        user: Some(User {
            id: Some("u-17".to_owned()),
            email: Some(c(3)),
            username: Some(c(4)),
            ..User::default()
        }),
        request: Some(Request {
            url: format!("https://h/{}?token={}", c(5), c(5)).parse().ok(),
            method: Some("GET".to_owned()),
            data: Some(c(6)),
            query_string: Some(c(7)),
            cookies: Some(c(8)),
            headers: [("X-Forwarded-For".to_owned(), c(9))].into(),
            env: [("HOME".to_owned(), c(10))].into(),
        }),
        ..Event::default()
    };
    event.extra.insert("api_key".to_owned(), c(11).into());
    event.extra.insert(
        "nested".to_owned(),
        serde_json::json!({"a": [{"password": c(12)}, {"mcp-session-id": c(13)}]}),
    );
    event.extra.insert(
        "dump".to_owned(),
        format!("{{\"authorization\":\"Basic {}\"}}", c(14)).into(),
    );
    event.tags.insert("set-cookie".to_owned(), c(15));
    event
        .tags
        .insert("url".to_owned(), format!("postgres://u:{}@db/x", c(16)));
    event.exception.values.push(Exception {
        ty: "Error".to_owned(),
        value: Some(format!("refused: password={}", c(17))),
        stacktrace: Some(Stacktrace {
            frames: vec![Frame {
                function: Some("shop::till".to_owned()),
                vars: [("x".to_owned(), c(18).into())].into(),
                ..Frame::default()
            }],
            ..Stacktrace::default()
        }),
        ..Exception::default()
    });
    event.threads.values.push(Thread {
        name: Some(c(19)),
        ..Thread::default()
    });
    event.contexts.insert(
        "app state".to_owned(),
        ::sentry::protocol::Context::Other(
            [("secret".to_owned(), Value::from(c(20)))]
                .into_iter()
                .collect(),
        ),
    );
    event
}

#[test]
fn q1_of_21_planted_secrets_none_is_in_anything_that_is_sent() {
    let canaries: Vec<String> = (0..21).map(canary).collect();
    let (sentry, server) = start(1.0, 1.0);
    let ctx = http_ctx("GET", "/");
    let request = sentry.request(&ctx);
    logged(&sentry, || {
        let _entered = request.enter();
        ctx.scope(|| {
            tracing::info!(
                token = canaries[0],
                cookie = canaries[1],
                "Cookie: sid={}",
                canaries[2]
            );
            let error = std::io::Error::other(format!("user:{}@example.com", canaries[3]));
            tracing::error!(
                error = &error as &(dyn std::error::Error + 'static),
                password = canaries[4],
                "went wrong with api_key={}",
                canaries[5]
            );
        });
        let hub = Hub::current();
        hub.configure_scope(|scope| {
            scope.add_attachment(Attachment {
                buffer: canaries[6].clone().into_bytes(),
                filename: "dump.txt".to_owned(),
                ..Attachment::default()
            });
            scope.set_extra("session_id", canaries[7].clone().into());
        });
        hub.capture_event(indiscreet(&canaries));
        ctx.scope(|| {
            sentry.panicked(
                &format!("Authorization: Bearer {}", canaries[8]),
                "src/a.rs:1:1",
            );
        });
    });
    request.finish(500, "panic");
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.events().len(), 3);
    assert_eq!(server.items("transaction").len(), 1);
    let text = server.text();
    for (n, canary) in canaries.iter().enumerate() {
        assert!(!text.contains(canary), "canary {n} in {text}");
    }
    let hostname = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let hostname = hostname.trim();
    assert!(hostname.is_empty() || !text.contains(hostname));
    // What the service itself said about the user, and what is nobody's secret, is there.
    assert!(text.contains("u-17"));
    assert!(text.contains("went wrong with api_key=[redacted]"));
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Other, Outcome::Withheld), 2);
}

#[test]
fn h4_a_server_that_hangs_holds_up_nobody_and_what_is_dropped_is_counted() {
    const OFFERED: u64 = 2_000;
    let server = Server::default();
    let sentry = Sentry::start_with(options(1.0, 0.0), Box::new(server.clone()), queue::CAPACITY);
    let sentry = sentry.unwrap();
    let hangs = server.hangs.lock().unwrap();
    tracing::dispatcher::with_default(&subscriber(&sentry), || {
        for _ in 0..OFFERED {
            tracing::error!("again and again");
        }
    });
    assert!(!sentry.flush(Duration::ZERO));
    drop(hangs);
    assert!(sentry.flush(PATIENCE));
    let counts = counts_of(&sentry);
    let sent = counts.get(Kind::Error, Outcome::Sent);
    assert_eq!(sent, server.events().len() as u64);
    assert_eq!(sent + counts.get(Kind::Error, Outcome::QueueFull), OFFERED);
    // One may have left the queue before the others came.
    let capacity = queue::CAPACITY as u64;
    assert!((capacity..=capacity + 1).contains(&sent), "{sent}");
}

#[test]
fn firsts_of_their_kind_have_room_where_repeated_ones_have_none() {
    let server = Server::default();
    let sentry = Sentry::start_with(options(1.0, 0.0), Box::new(server.clone()), 10).unwrap();
    let hangs = server.hangs.lock().unwrap();
    tracing::dispatcher::with_default(&subscriber(&sentry), || {
        for _ in 0..1_000 {
            tracing::error!("again and again");
        }
        for i in 0..100 {
            tracing::error!("kind {i}");
        }
    });
    drop(hangs);
    assert!(sentry.flush(PATIENCE));
    let events = server.events();
    let kinds: BTreeSet<String> = events
        .iter()
        .map(|event| event["message"].to_string())
        .collect();
    assert_eq!(kinds.len(), 101);
}

#[test]
fn a_first_that_the_server_did_not_take_is_followed_by_another() {
    let (sentry, server) = start(0.0, 0.0);
    let say = || logged(&sentry, || tracing::error!("once in an hour"));
    server.answers.lock().unwrap().push(Answer {
        why: "connection refused".to_owned(),
        ..Answer::default()
    });
    say();
    say();
    say();
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Error, Outcome::Failed), 1);
    assert_eq!(counts.get(Kind::Error, Outcome::Sent), 1);
    assert_eq!(counts.get(Kind::Error, Outcome::SampledOut), 1);
}

#[test]
fn a_server_that_asks_to_wait_is_left_alone_and_that_is_counted() {
    let (sentry, server) = start(1.0, 1.0);
    server.answers.lock().unwrap().push(Answer {
        status: Some(429),
        rate_limits: Some("3600:error:project".to_owned()),
        ..Answer::default()
    });
    logged(&sentry, || {
        for _ in 0..5 {
            tracing::error!("too much");
        }
    });
    assert_eq!(server.events().len(), 1);
    sentry.request(&http_ctx("GET", "/")).finish(200, "ok");
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.items("transaction").len(), 1);
    let counts = counts_of(&sentry);
    assert_eq!(counts.get(Kind::Error, Outcome::RateLimited), 5);
    assert_eq!(counts.get(Kind::Transaction, Outcome::Sent), 1);
}

#[test]
fn g3_closing_takes_no_longer_than_it_may_and_ends_the_thread() {
    let (sentry, server) = start(1.0, 0.0);
    let hangs = server.hangs.lock().unwrap();
    tracing::dispatcher::with_default(&subscriber(&sentry), || {
        for _ in 0..3 {
            tracing::error!("never sent");
        }
    });
    assert!(!sentry.inner.client.close(Some(Duration::ZERO)));
    drop(hangs);
    // What comes now is taken by nobody, and harms nobody.
    logged(&sentry, || tracing::error!("afterwards"));
}

#[test]
fn a_debug_that_panics_does_not_reach_the_code_that_logs() {
    struct Bad;
    impl std::fmt::Debug for Bad {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("injected")
        }
    }
    let (sentry, server) = start(1.0, 0.0);
    logged(&sentry, || {
        tracing::error!(bad = ?Bad, "not seen");
        tracing::error!("seen");
    });
    assert_eq!(server.events().len(), 1);
}

#[test]
fn j2_many_threads_report_at_once() {
    let (sentry, server) = start(1.0, 0.0);
    let dispatch = subscriber(&sentry);
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&dispatch, || {
                    barrier.wait();
                    for _ in 0..100 {
                        tracing::error!("at once");
                    }
                });
            });
        }
    });
    assert!(sentry.flush(PATIENCE));
    assert_eq!(server.events().len(), 800);
}

#[test]
fn a_dsn_is_refused_without_being_repeated() {
    for dsn in [
        "",
        "x",
        "http://host/1",
        "https://k3y@host/",
        "ftp://k3y@host/1",
    ] {
        let error = super::parse(dsn).unwrap_err();
        assert!(matches!(error, SentryError::Dsn(_)));
        assert!(!error.to_string().contains("k3y"), "{error}");
    }
    super::parse("http://key@127.0.0.1:8000/1").unwrap();
}

/// Takes one request, answers it and returns it.
fn serve_once(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        });
        if body.len() >= length.unwrap_or(0) {
            write(&mut stream, answer);
            return text;
        }
    }
}

fn write(stream: &mut TcpStream, answer: &str) {
    stream.write_all(answer.as_bytes()).unwrap();
}

#[test]
fn an_envelope_is_posted_to_the_server_of_the_dsn_and_to_no_other() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let dsn = format!("http://key@{address}/7").parse().unwrap();
    let mut http = Http::new(&dsn);
    for (answer, status, rate_limits) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 200, None),
        (
            "HTTP/1.1 429 Slow\r\nx-sentry-rate-limits: 60:error:p\r\ncontent-length: 0\r\n\r\n",
            429,
            Some("60:error:p"),
        ),
        // Whoever answers cannot send the events somewhere else.
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            302,
            None,
        ),
    ] {
        let (sent, request) = std::thread::scope(|scope| {
            // A connection of its own each time, because the listener takes one.
            let mut fresh = Http::new(&dsn);
            let sending = scope.spawn(move || fresh.deliver(b"{}\n"));
            let request = serve_once(&listener, answer);
            (sending.join().unwrap(), request)
        });
        assert_eq!(sent.status, Some(status));
        assert_eq!(sent.rate_limits.as_deref(), rate_limits);
        assert!(
            request.starts_with("POST /api/7/envelope/ HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(request.contains("sentry_key=key"), "{request}");
        assert!(request.ends_with("\r\n\r\n{}\n"), "{request}");
    }
    drop(listener);
    let answer = http.deliver(b"{}\n");
    assert_eq!(answer.status, None);
    assert!(!answer.why.is_empty());
}

/// A transport of somebody else's.
#[derive(Default)]
struct Collected(Mutex<Vec<String>>);

impl Transport for Collected {
    fn send_envelope(&self, envelope: Envelope) {
        let mut text = Vec::new();
        envelope.to_writer(&mut text).unwrap();
        self.0
            .lock()
            .unwrap()
            .push(String::from_utf8(text).unwrap());
    }
}

#[test]
fn i2_a_client_that_the_service_has_already_reports_the_same_without_secrets() {
    let collected = Arc::new(Collected::default());
    let redactor = Arc::new(Redactor::new(&["tenant".to_owned()]));
    let inner = Arc::new(Arc::clone(&collected));
    let options = ClientOptions::new()
        .dsn("http://key@127.0.0.1:9/1")
        .release("theirs@9")
        .traces_sample_rate(1.0)
        .before_send(|mut event| {
            event.tags.insert("theirs".to_owned(), "kept".to_owned());
            Some(event)
        })
        .transport(SentryTransport::new(inner, redactor));
    let client = Arc::new(Client::with_options(options));
    let sentry = Sentry::adopt(client, "shop".to_owned());
    let ctx = http_ctx("GET", "/jobs/{id}");
    let request = sentry.request(&ctx);
    logged(&sentry, || {
        ctx.scope(|| tracing::error!(tenant = "c4n4ry", "no Bearer c4n4ry"));
    });
    panic_in(&sentry, &ctx);
    panic_in(&sentry, &ctx);
    request.finish(500, "server_error");
    let sent = collected.0.lock().unwrap();
    // The error, both panics, because how often is up to the client, and the transaction.
    assert_eq!(sent.len(), 4, "{sent:#?}");
    for (n, text) in sent.iter().enumerate() {
        assert!(!text.contains("c4n4ry"), "{text}");
        assert!(text.contains(ctx.correlation_id()), "{text}");
        assert!(text.contains(r#""route":"/jobs/{id}""#), "{text}");
        assert!(text.contains("theirs@9"), "{text}");
        assert_eq!(text.contains(r#""theirs":"kept""#), n < 3, "{text}");
    }
    assert_eq!(sentry.lost(), 0);
}
