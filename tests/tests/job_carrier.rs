//! Jobs that requests leave behind: joined to them through a store, each attempt by the rules.
//!
//! In a process of its own, because there is one log and one Sentry.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::post;
use http::{HeaderMap, Request, StatusCode};
use obs::{Carrier, Ctx, Obs, SpanId, TraceContext};
use obs_tests::lines::{Line, Written, show_failures};
use obs_tests::sentry::SentryServer;
use tokio::task::{JoinSet, yield_now};
use tower::ServiceExt;

const JOBS: usize = 1_000;
const ATTEMPTS: u32 = 3;

/// A job as it is stored: text alone.
#[derive(Clone, Debug)]
struct Stored {
    order: usize,
    obs: String,
    /// The request's own span.
    made_by: TraceContext,
}

/// Where an attempt was.
#[derive(Debug)]
struct Attempt {
    order: usize,
    number: u32,
    own: TraceContext,
}

async fn deliver(stored: Stored, number: u32) -> Result<Attempt, String> {
    yield_now().await;
    let ctx = Ctx::current().unwrap();
    tracing::info!(order = stored.order, "delivering");
    // What it sends on belongs to it, and so does what it starts.
    let mut headers = HeaderMap::new();
    ctx.inject(&mut headers);
    assert_eq!(
        headers["x-correlation-id"],
        format!("order-{}", stored.order)
    );
    let sent = TraceContext::parse(headers["traceparent"].to_str().unwrap()).unwrap();
    assert_eq!(sent.trace_id, ctx.trace().trace_id);
    let state = headers
        .get("tracestate")
        .map(|state| state.to_str().unwrap());
    assert_eq!(state, ctx.tracestate());
    let spawned = obs::spawn(async { Ctx::current().unwrap().trace() });
    assert_eq!(spawned.await.unwrap(), ctx.trace());
    // By the tracing span alone.
    let instrumented = tokio::spawn(tracing::Instrument::in_current_span(async {
        Ctx::current().unwrap().trace()
    }));
    assert_eq!(instrumented.await.unwrap(), ctx.trace());
    assert!(ctx.request_id().is_none() && ctx.request().is_none());
    if number == 1 {
        assert_eq!(ctx.parent(), Some(stored.made_by));
        assert_eq!(ctx.link(), None);
        assert_eq!(ctx.tracestate(), Some("vendor=1"));
    } else {
        assert_eq!(ctx.parent(), None);
        assert_eq!(ctx.link(), Some(stored.made_by));
        assert_eq!(ctx.tracestate(), None);
    }
    let attempt = Attempt {
        order: stored.order,
        number,
        own: ctx.trace(),
    };
    if number < ATTEMPTS {
        return Err("the receiver is away".to_owned());
    }
    Ok(attempt)
}

// One test, because there is one log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k2_of_a_thousand_stored_jobs_every_attempt_is_joined_to_its_request() {
    let sentry = SentryServer::start();
    let written = Written::default();
    let obs = Obs::from_vars(
        obs::service!(),
        [("OBS_ENV", "dev"), ("SENTRY_DSN", sentry.dsn())],
    )
    .unwrap()
    .log_writer(written.clone())
    .install()
    .unwrap();
    show_failures();

    let stored = make_jobs(&obs).await;
    assert_eq!(stored.len(), JOBS);

    // What the sampler says of a trace without a parent, whatever the request's flag was.
    let root_is_sampled = Ctx::new().trace().sampled;
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for job in stored.clone() {
        let attempts = Arc::clone(&attempts);
        tasks.spawn(async move {
            for number in 1..=ATTEMPTS {
                // Taken from the store anew each time.
                let Ok(carrier) = job.obs.parse::<Carrier>();
                let order = job.order;
                let work = carrier
                    .job("webhook.deliver", number)
                    .bind("job_id", order)
                    .try_run(deliver(job.clone(), number));
                let own = work_of(work, number).await;
                attempts
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((order, number, own));
                assert!(Ctx::current().is_none(), "the job's context is left behind");
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let attempted = attempts.lock().map_or(0, |attempts| attempts.len());
    assert_eq!(attempted, JOBS * ATTEMPTS as usize);

    let losses = obs.flush(Duration::from_secs(60));
    assert_eq!(losses.log_lines(), 0, "{losses}");
    let lines = written.by_correlation_id();
    for job in &stored {
        check_lines(
            job,
            &lines[&format!("order-{}", job.order)],
            root_is_sampled,
        );
    }
    drop(lines);
    panics_and_drops(&obs, &written, &sentry).await;
}

/// Makes jobs over HTTP, half of the requests in traces that are recorded.
async fn make_jobs(obs: &Obs) -> Vec<Stored> {
    let store = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&store);
    let app = obs.wrap(Router::new().route(
        "/orders",
        post(move || {
            let kept = Arc::clone(&kept);
            async move {
                let ctx = Ctx::current().unwrap();
                let order = ctx.correlation_id().strip_prefix("order-").unwrap();
                let stored = Stored {
                    order: order.parse().unwrap(),
                    obs: Carrier::current().to_string(),
                    made_by: ctx.trace(),
                };
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(stored);
                StatusCode::ACCEPTED
            }
        }),
    ));
    let peer: SocketAddr = ([127, 0, 0, 1], 4_000).into();
    for n in 1..=JOBS {
        let request = Request::post("/orders")
            .extension(ConnectInfo(peer))
            .header("x-correlation-id", format!("order-{n}"))
            .header("traceparent", format!("00-{n:032x}-{n:016x}-0{}", n % 2))
            .header("tracestate", "vendor=1")
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
    }
    let stored = store.lock().unwrap_or_else(PoisonError::into_inner);
    stored.clone()
}

async fn work_of(
    work: impl Future<Output = Result<Attempt, String>>,
    number: u32,
) -> Option<TraceContext> {
    let Ok(attempt) = work.await else {
        assert!(number < ATTEMPTS);
        return None;
    };
    assert_eq!((attempt.number, number), (ATTEMPTS, ATTEMPTS));
    assert!(attempt.order > 0);
    Some(attempt.own)
}

fn check_lines(job: &Stored, lines: &[Line], root_is_sampled: bool) {
    let mut traces = Vec::new();
    for number in 1..=ATTEMPTS {
        let of_attempt: Vec<&Line> = lines
            .iter()
            .filter(|line| {
                line.get("attempt")
                    .is_some_and(|attempt| *attempt == number)
            })
            .collect();
        let messages: Vec<&str> = of_attempt.iter().map(|line| line.text("message")).collect();
        let expected = ["job_started", "delivering", "job_completed"];
        assert_eq!(messages, expected, "{job:?}");
        for line in &of_attempt {
            assert_eq!(line["job"], "webhook.deliver");
            assert_eq!(line["job_id"], job.order);
            assert_eq!(line["trace_id"], of_attempt[0]["trace_id"]);
            assert_eq!(line["span_id"], of_attempt[0]["span_id"]);
        }
        let outcome = if number == ATTEMPTS { "ok" } else { "error" };
        assert_eq!(of_attempt[2]["outcome"], outcome);
        assert!(of_attempt[2]["duration_ms"].is_number());
        traces.push(of_attempt[0].text("trace_id").to_owned());
    }
    let own = job.made_by.trace_id.to_string();
    assert_eq!(
        own,
        format!("{:032x}", job.order),
        "the request's trace goes on"
    );
    assert_eq!(traces[0], own);
    assert!(traces[1] != own && traces[2] != own && traces[1] != traces[2]);
    // The flag: the request's for the first attempt, the sampler's for every other one.
    let Ok(carrier) = job.obs.parse::<Carrier>();
    assert_eq!(carrier.trace(), Some(job.made_by));
    let flag = |attempt| carrier.job("again", attempt).ctx().trace().sampled;
    assert_eq!(flag(1), job.order % 2 == 1);
    assert_eq!((flag(2), flag(7)), (root_is_sampled, root_is_sampled));
}

/// What ends a job otherwise: a panic goes on, a drop is a cancellation, and each is said once.
async fn panics_and_drops(obs: &Obs, written: &Written, sentry: &SentryServer) {
    struct OnDrop(Arc<Mutex<Vec<Option<SpanId>>>>);

    impl Drop for OnDrop {
        fn drop(&mut self) {
            let here = Ctx::current().map(|ctx| ctx.trace().span_id);
            self.0.lock().unwrap().push(here);
        }
    }

    let dropped_in = Arc::new(Mutex::new(Vec::new()));
    let made = Ctx::new();
    let carrier = Carrier::of(&made);

    let job = carrier.job("job.panics", 1);
    let panics = job.ctx().trace().span_id;
    let on_drop = OnDrop(Arc::clone(&dropped_in));
    let work = job.run(async move {
        let _on_drop = on_drop;
        yield_now().await;
        panic!("the job went wrong");
    });
    assert!(tokio::spawn(work).await.unwrap_err().is_panic());

    let job = carrier.job("job.dropped", 2);
    let dropped = job.ctx().trace().span_id;
    let on_drop = OnDrop(Arc::clone(&dropped_in));
    let mut work = Box::pin(job.run(async move {
        let _on_drop = on_drop;
        obs::annotate("reached", 7);
        std::future::pending::<()>().await;
    }));
    tokio::select! {
        biased;
        () = &mut work => unreachable!("it never ends"),
        () = yield_now() => {}
    }
    drop(work);

    drop(carrier.job("job.never", 1).run(async {}));
    assert_eq!(*dropped_in.lock().unwrap(), [Some(panics), Some(dropped)]);

    let losses = obs.flush(Duration::from_secs(60));
    assert_eq!(losses.log_lines(), 0, "{losses}");
    let lines = written.of(made.correlation_id());
    let completed: Vec<(&str, &str)> = lines
        .iter()
        .filter(|line| line.says("job_completed"))
        .map(|line| (line.text("job"), line.text("outcome")))
        .collect();
    assert_eq!(
        completed,
        [("job.panics", "panic"), ("job.dropped", "cancelled")]
    );
    let cancelled = lines
        .iter()
        .find(|line| line.text("outcome") == "cancelled");
    assert_eq!(cancelled.unwrap()["reached"], 7);

    // The panic is one event, with the ids of the job; the transactions have its name.
    let sent = sentry.text();
    let event = sent
        .lines()
        .find(|line| line.contains("the job went wrong") && line.starts_with('{'))
        .expect("the panic is reported");
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["tags"]["correlation_id"], made.correlation_id());
    assert_eq!(event["tags"]["job"], "job.panics");
    assert_eq!(event["transaction"], "job.panics");
    assert_eq!(event["contexts"]["trace"]["span_id"], panics.to_string());
    let trace = made.trace().trace_id.to_string();
    assert_eq!(event["contexts"]["trace"]["trace_id"], trace);
    let transactions: Vec<serde_json::Value> = sent
        .lines()
        .filter(|line| line.contains("queue.process") && line.contains("job.panics"))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(transactions.len(), 1, "{transactions:?}");
    assert_eq!(
        transactions[0]["contexts"]["trace"]["status"],
        "internal_error"
    );
}
