//! Jobs from their upload to their webhook, on a real database in a temporary directory.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use sqlx::Row as _;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Engine;
use super::store::{self, End, Held};
use crate::api::{JobId, JobStatus};
use crate::cli;
use crate::csv::{Batch, Row};
use crate::database::{now, purge_audit_rows};
use crate::settings::Settings;
use crate::telemetry::{Telemetry, TestObs};

/// How long what must happen may take; no test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a receiver of webhooks got, and what it answers.
#[derive(Clone, Default)]
struct Receiver {
    status: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Receiver {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = self.clone();
        let routes = Router::new().route(
            "/webhooks/jobs",
            post(async move |headers: HeaderMap, body: Bytes| {
                let body = serde_json::from_slice(&body).unwrap();
                // Before it is seen: who sees it may change the answer, to the next one.
                let status = receiver.status.load(Ordering::SeqCst);
                let mut got = receiver.got.lock().unwrap_or_else(PoisonError::into_inner);
                got.push((headers, body));
                (
                    StatusCode::from_u16(status).unwrap(),
                    [(LOCATION, "/login")],
                )
            }),
        );
        let routes = routes.route("/login", get(async || "who are you?"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn got(&self) -> Vec<(HeaderMap, Value)> {
        self.got
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A running engine, its routes, and who is told.
struct Bench {
    t: TestObs,
    engine: Engine,
    tasks: JoinSet<()>,
    receiver: Receiver,
}

impl Bench {
    async fn begin(t: &TestObs, directory: &TempDir) -> Self {
        Self::begin_with(t, directory, |_| {}).await
    }

    async fn begin_with(
        t: &TestObs,
        directory: &TempDir,
        change: impl FnOnce(&mut cli::Engine),
    ) -> Self {
        let receiver = Receiver::default();
        receiver.answer(202);
        let mut options = cli::Engine {
            data: directory.path().to_owned(),
            lease_ms: 500,
            ..cli::Engine::default()
        };
        change(&mut options);
        let settings = Settings {
            database: None,
            redis: None,
            engine: String::new(),
            mcp: receiver.start().await,
            external_data: None,
        };
        let telemetry = Telemetry {
            obs: t.obs().clone(),
        };
        let engine = Engine::open(&telemetry, &options, &settings).await.unwrap();
        let tasks = engine.start(&telemetry, &options, &settings).unwrap();
        Self {
            t: t.clone(),
            engine,
            tasks,
            receiver,
        }
    }

    async fn ask(&self, request: Request<Body>) -> (u16, Value) {
        let app = self.t.obs().wrap(self.engine.own_routes());
        let response = self.t.request(app, request).await;
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), body)
    }

    async fn upload(&self, query: &str, content: impl Into<Body>) -> (u16, Value) {
        let request = Request::post(format!("/uploads{query}"));
        self.ask(request.body(content.into()).unwrap()).await
    }

    /// Uploads what is accepted.
    async fn submit(&self, content: impl Into<Body>) -> JobId {
        let (status, job) = self.upload("", content).await;
        assert_eq!(status, 202, "{job}");
        job["job_id"].as_str().unwrap().parse().unwrap()
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    async fn cancel(&self, id: &JobId) -> (u16, Value) {
        let request = Request::post(format!("/jobs/{id}/cancel"));
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    /// Waits until the job is what is asked for.
    async fn wait(&self, id: &JobId, is_so: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            loop {
                let (_, job) = self.get(&format!("/jobs/{id}")).await;
                if is_so(&job) {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.expect("the job gets there within a minute")
    }

    async fn ended(&self, id: &JobId) -> Value {
        self.wait(id, |job| job["ended_at"].is_string()).await
    }

    async fn number(&self, query: &str) -> i64 {
        let row = sqlx::query(query).fetch_one(self.engine.database().unobserved());
        row.await.unwrap().get(0)
    }

    async fn execute(&self, statement: &str) {
        let done = sqlx::query(statement).execute(self.engine.database().unobserved());
        done.await.unwrap();
    }

    /// Waits until a query gives a number.
    async fn wait_for(&self, query: &str, expected: i64) {
        let there = async {
            while self.number(query).await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, there).await;
        waited.unwrap_or_else(|_| panic!("never {expected}: {query}"));
    }

    /// What was written about an entity, in order.
    async fn actions(&self, entity: &str) -> Vec<String> {
        let rows = sqlx::query("SELECT action FROM audit_logs WHERE entity = $1 ORDER BY id")
            .bind(entity)
            .fetch_all(self.engine.database().unobserved());
        rows.await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    async fn stop(self) {
        self.engine.stop(self.tasks).await;
    }
}

fn files(directory: &TempDir) -> usize {
    let uploads = directory.path().join("engine").join("uploads");
    std::fs::read_dir(uploads).unwrap().count()
}

/// A file that takes a while to import.
fn long_file() -> String {
    let mut content = "n,text\n".to_owned();
    for n in 0..LONG {
        writeln!(content, "{n},some text that takes room").unwrap();
    }
    content
}

const LONG: i64 = 300_000;

#[obs::test]
async fn an_import_completes_with_its_rows_its_mistakes_its_statistics_and_one_webhook(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let request = Request::post("/uploads?name=mine&source=inline")
        .header("x-correlation-id", "the-one")
        .body("a,b\n1,x\n2\n3,\"y\n".into())
        .unwrap();
    let (status, job) = bench.ask(request).await;
    assert_eq!((status, &job["status"]), (202, &json!("pending")), "{job}");
    let id: JobId = job["job_id"].as_str().unwrap().parse().unwrap();
    let job = bench.ended(&id).await;
    assert_eq!(job["status"], "completed");
    assert_eq!(
        (&job["name"], &job["source"]),
        (&json!("mine"), &json!("inline"))
    );
    assert_eq!(
        (&job["rows_ok"], &job["rows_rejected"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(job["bytes_read"], job["bytes_total"]);
    assert_eq!(job["attempts"], 1);
    let places: Vec<_> = job["errors"].as_array().unwrap().iter().collect();
    assert_eq!(places[0]["kind"], "wrong_column_count");
    assert_eq!(
        (&places[0]["row"], &places[0]["column"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(places[1]["kind"], "unterminated_quote");
    assert_eq!(bench.number("SELECT count(*) FROM job_rows").await, 1);

    let (status, table) = bench.get(&format!("/jobs/{id}/columns")).await;
    assert_eq!(status, 200);
    assert_eq!(table["columns"][0]["mean"], 1.0);
    assert_eq!(table["columns"][1]["max"], "x");

    bench
        .wait_for(
            "SELECT count(*) FROM webhooks WHERE status = 'delivered'",
            1,
        )
        .await;
    let got = bench.receiver.got();
    assert_eq!(got.len(), 1);
    let (headers, body) = &got[0];
    assert_eq!(headers["x-correlation-id"], "the-one");
    assert!(headers["webhook-id"].to_str().unwrap().starts_with("whk_"));
    assert_eq!(body["job_id"], json!(id));
    assert_eq!(
        (&body["status"], &body["rows_ok"]),
        (&json!("completed"), &json!(1))
    );
    assert_eq!(
        bench.actions(id.as_str()).await,
        ["job_accepted", "job_started", "job_ended"]
    );
    let webhook = headers["webhook-id"].to_str().unwrap();
    assert_eq!(
        bench.actions(webhook).await,
        ["webhook_queued", "webhook_delivered"]
    );
    let others = "SELECT count(*) FROM audit_logs WHERE correlation_id <> 'the-one'";
    assert_eq!(bench.number(others).await, 0);
    assert_eq!(
        files(&directory),
        0,
        "the file of a job that has ended is gone"
    );
    bench.stop().await;
}

#[obs::test]
async fn a_hundred_mistakes_are_kept_and_all_are_counted(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let id = bench
        .submit("a,b\n1,2\n".to_owned() + &"3\n".repeat(2500))
        .await;
    let job = bench.ended(&id).await;
    assert_eq!(
        (&job["rows_ok"], &job["rows_rejected"]),
        (&json!(1), &json!(2500))
    );
    assert_eq!(job["errors"].as_array().unwrap().len(), 100);
    bench.stop().await;
}

#[obs::test]
async fn an_empty_file_fails_its_job_with_the_kind_and_the_place(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let id = bench.submit("\n\n").await;
    let job = bench.ended(&id).await;
    assert_eq!(
        (&job["status"], &job["attempts"]),
        (&json!("failed"), &json!(1))
    );
    let failure = &job["failure"];
    assert_eq!(failure["kind"], "empty_file");
    assert_eq!(
        (&failure["row"], &failure["column"]),
        (&json!(1), &json!(1))
    );
    let (status, problem) = bench.get(&format!("/jobs/{id}/columns")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_statistics")));
    bench.stop().await;
}

#[obs::test]
async fn what_is_refused_leaves_neither_a_file_nor_a_job(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin_with(&t, &directory, |options| options.max_file_bytes = 10).await;
    let broken = Body::from_stream(futures([Ok("a\n1"), Err("gone")]));
    let long = Body::from_stream(futures([Ok("a\n1234"), Ok("56789\n")]));
    let announced = "a\n123456789\n";
    for (query, body, code) in [
        ("", Body::empty(), (400, "empty_upload")),
        ("", long, (413, "upload_too_large")),
        ("", announced.into(), (413, "upload_too_large")),
        ("", broken, (400, "upload_broken")),
        ("?delimiter=%22", "a\n".into(), (400, "bad_delimiter")),
        ("?columns=%7B", "a\n".into(), (400, "bad_columns")),
        ("?nonsense=1", "a\n".into(), (400, "invalid_query")),
    ] {
        let (status, problem) = bench.upload(query, body).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (code.0, Some(code.1)),
            "{problem}"
        );
    }
    let name = "x".repeat(256);
    let (status, problem) = bench.upload(&format!("?name={name}"), "a\n").await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_parameter")));
    assert_eq!(files(&directory), 0);
    assert_eq!(bench.number("SELECT count(*) FROM jobs").await, 0);
    // Even those lines name a job.
    let lines = t.logs().with_message("request_completed");
    assert_eq!(lines.len(), 8);
    for line in &lines {
        let id = line.get("job_id").and_then(Value::as_str).unwrap();
        assert!(id.starts_with("job_"), "{id}");
    }
    bench.stop().await;
}

/// A body of chunks, with an end that may be an error.
fn futures<const N: usize>(
    chunks: [Result<&'static str, &'static str>; N],
) -> impl futures_core::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    Chunks(Vec::from(chunks).into_iter())
}

struct Chunks(std::vec::IntoIter<Result<&'static str, &'static str>>);

impl futures_core::Stream for Chunks {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let next = self.0.next();
        std::task::Poll::Ready(next.map(|chunk| {
            chunk
                .map(|text| Bytes::from_static(text.as_bytes()))
                .map_err(std::io::Error::other)
        }))
    }
}

#[obs::test]
async fn a_cancelled_job_keeps_the_rows_it_has(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let id = bench.submit(long_file()).await;
    bench.wait(&id, |job| job["rows_ok"] != json!(0)).await;
    let (status, job) = bench.cancel(&id).await;
    assert_eq!(
        (status, &job["status"]),
        (200, &json!("cancelled")),
        "{job}"
    );
    let rows = job["rows_ok"].as_i64().unwrap();
    assert!((1..LONG).contains(&rows), "{job}");
    assert_eq!(bench.number("SELECT count(*) FROM job_rows").await, rows);
    let (_, table) = bench.get(&format!("/jobs/{id}/columns")).await;
    assert_eq!(table["columns"][0]["count"], rows);
    let (status, problem) = bench.cancel(&id).await;
    assert_eq!((status, &problem["code"]), (409, &json!("job_ended")));
    assert_eq!(
        bench.actions(id.as_str()).await,
        ["job_accepted", "job_started", "job_cancelled", "job_ended"]
    );
    bench.stop().await;
}

#[obs::test]
async fn a_job_that_waits_can_be_cancelled_and_a_full_table_is_refused(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin_with(&t, &directory, |options| {
        options.workers = 1;
        options.max_jobs = 2;
    })
    .await;
    let running = bench.submit(long_file()).await;
    bench.wait(&running, |job| job["status"] == "running").await;
    let waiting = bench.submit("a\n1\n").await;
    let (status, problem) = bench.upload("", "a\n1\n").await;
    assert_eq!((status, &problem["code"]), (503, &json!("too_many_jobs")));

    let (status, job) = bench.cancel(&waiting).await;
    assert_eq!((status, &job["status"]), (200, &json!("cancelled")));
    assert_eq!(
        (&job["started_at"], &job["attempts"]),
        (&Value::Null, &json!(0))
    );
    bench.submit("a\n1\n").await;
    assert_eq!(
        files(&directory),
        2,
        "those of the jobs that have not ended"
    );
    bench.cancel(&running).await;
    bench.stop().await;
}

#[obs::test]
async fn stopping_interrupts_what_runs_and_the_next_engine_ends_it_once(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let id = bench.submit(long_file()).await;
    bench.wait(&id, |job| job["rows_ok"] != json!(0)).await;
    bench.stop().await;

    let bench = Bench::begin(&t, &directory).await;
    let job = bench.ended(&id).await;
    assert_eq!(
        (&job["status"], &job["attempts"]),
        (&json!("completed"), &json!(2)),
        "{job}"
    );
    assert_eq!(job["rows_ok"], LONG);
    assert_eq!(bench.number("SELECT count(*) FROM job_rows").await, LONG);
    assert_eq!(bench.number("SELECT failures FROM jobs").await, 0);
    assert_eq!(bench.number("SELECT count(*) FROM webhooks").await, 1);
    assert_eq!(
        bench.actions(id.as_str()).await,
        [
            "job_accepted",
            "job_started",
            "job_requeued",
            "job_started",
            "job_ended"
        ]
    );
    bench.stop().await;
}

#[obs::test]
async fn the_job_of_a_dead_engine_is_taken_over_and_the_dead_cannot_change_it_any_more(t: TestObs) {
    let directory = TempDir::new().unwrap();
    // Without workers nobody else takes it up.
    let bench = Bench::begin_with(&t, &directory, |options| options.workers = 0).await;
    let id = bench.submit("a\n1\n2\n").await;
    let dead = store::Hold {
        owner: "dead".into(),
        lease: 1,
        ..bench.engine.hold(&id, 1)
    };
    assert!(store::claim(bench.engine.database(), &dead).await.unwrap());
    bench.wait(&id, |job| job["status"] == "pending").await;
    bench.stop().await;

    let bench = Bench::begin(&t, &directory).await;
    let job = bench.ended(&id).await;
    assert_eq!(
        (&job["status"], &job["attempts"]),
        (&json!("completed"), &json!(2)),
        "{job}"
    );
    let mut batch = Batch::default();
    batch.rows.push(Row {
        number: 9,
        cells: "[]".into(),
    });
    let database = bench.engine.database();
    let added = store::add(database, &dead, &batch, &[], 0).await.unwrap();
    let end = End {
        status: JobStatus::Failed,
        failure: None,
        columns: Vec::new(),
    };
    let finished = store::finish(database, &dead, &end).await.unwrap();
    let released = store::release(database, &dead, true, 0).await.unwrap();
    assert_eq!([added, finished, released], [Held::No; 3]);
    assert_eq!(bench.number("SELECT count(*) FROM job_rows").await, 2);
    assert_eq!(bench.number("SELECT count(*) FROM webhooks").await, 1);
    bench.stop().await;
}

#[obs::test]
async fn a_running_job_of_a_dead_engine_can_be_cancelled(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin_with(&t, &directory, |options| options.workers = 0).await;
    let id = bench.submit("a\n1\n2\n").await;
    let dead = store::Hold {
        owner: "dead".into(),
        lease: 1000,
        ..bench.engine.hold(&id, 1)
    };
    assert!(store::claim(bench.engine.database(), &dead).await.unwrap());
    let (status, job) = bench.cancel(&id).await;
    assert_eq!(
        (status, &job["status"]),
        (200, &json!("cancelled")),
        "{job}"
    );
    assert_eq!(bench.number("SELECT count(*) FROM webhooks").await, 1);
    bench.stop().await;
}

#[obs::test]
async fn a_job_that_the_queue_lost_or_repeats_is_done_once(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin_with(&t, &directory, |options| options.workers = 0).await;
    let id = bench.submit("a\n1\n").await;
    let lost = bench.engine.queue().take().await.unwrap();
    assert_eq!(lost.as_ref(), Some(&id));
    bench.stop().await;

    let bench = Bench::begin(&t, &directory).await;
    bench.ended(&id).await;
    for _ in 0..20 {
        bench.engine.enqueue(std::slice::from_ref(&id)).await;
    }
    let next = bench.submit("a\n1\n").await;
    bench.ended(&next).await;
    assert_eq!(bench.number("SELECT max(attempts) FROM jobs").await, 1);
    assert_eq!(bench.number("SELECT count(*) FROM webhooks").await, 2);
    bench.stop().await;
}

#[obs::test]
async fn an_interruption_is_no_failure_however_often_it_happens(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin_with(&t, &directory, |options| options.workers = 0).await;
    let id = bench.submit("a\n1\n").await;
    bench.execute("UPDATE jobs SET attempts = 100").await;
    bench.stop().await;
    let bench = Bench::begin(&t, &directory).await;
    let job = bench.ended(&id).await;
    assert_eq!(
        (&job["status"], &job["attempts"]),
        (&json!("completed"), &json!(101)),
        "{job}"
    );
    bench.stop().await;
}

#[obs::test]
async fn a_database_that_refuses_rows_fails_the_job_at_the_fifth_time(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    bench
        .execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON job_rows \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .await;
    let id = bench.submit("a\n1\n").await;
    let job = loop {
        // Nobody waits for the pauses.
        bench
            .execute("UPDATE jobs SET not_before = 0 WHERE status = 'pending'")
            .await;
        let (_, job) = bench.get(&format!("/jobs/{id}")).await;
        if job["ended_at"].is_string() {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(
        (&job["status"], &job["attempts"]),
        (&json!("failed"), &json!(5)),
        "{job}"
    );
    assert_eq!(job["failure"]["kind"], "storage");
    assert_eq!(bench.number("SELECT rows_ok FROM jobs").await, 0);
    bench.stop().await;
}

#[obs::test]
async fn a_webhook_is_sent_again_under_its_id_until_it_is_taken(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    bench.receiver.answer(500);
    let id = bench.submit("a\n1\n").await;
    bench.ended(&id).await;
    super::trial::until("a second delivery", || bench.receiver.got().len() == 2).await;
    bench.receiver.answer(202);
    bench
        .wait_for(
            "SELECT count(*) FROM webhooks WHERE status = 'delivered'",
            1,
        )
        .await;
    let got = bench.receiver.got();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|(headers, body)| {
        headers["webhook-id"] == got[0].0["webhook-id"]
            && headers["x-correlation-id"] == got[0].0["x-correlation-id"]
            && *body == got[0].1
    }));
    bench.stop().await;
}

#[obs::test]
async fn a_redirect_is_no_receipt_of_a_webhook(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    bench.receiver.answer(302);
    let id = bench.submit("a\n1\n").await;
    bench.ended(&id).await;
    super::trial::until("a second delivery", || bench.receiver.got().len() == 2).await;
    bench.receiver.answer(202);
    let delivered = "SELECT count(*) FROM webhooks WHERE status = 'delivered'";
    bench.wait_for(delivered, 1).await;
    assert_eq!(bench.receiver.got().len(), 3);
    bench.stop().await;
}

#[obs::test]
async fn a_webhook_that_is_refused_is_given_up_and_said_to_be(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    bench.receiver.answer(410);
    let id = bench.submit("a\n1\n").await;
    bench.ended(&id).await;
    bench
        .wait_for("SELECT count(*) FROM webhooks WHERE status = 'given_up'", 1)
        .await;
    assert_eq!(bench.number("SELECT attempts FROM webhooks").await, 1);
    let given_up = "SELECT count(*) FROM audit_logs WHERE action = 'webhook_given_up'";
    assert_eq!(bench.number(given_up).await, 1);
    bench.stop().await;
}

#[obs::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_uploads_at_once_are_all_done_once(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Arc::new(Bench::begin(&t, &directory).await);
    let mut uploads = JoinSet::new();
    for n in 0..200 {
        let bench = Arc::clone(&bench);
        uploads.spawn(t.run(async move {
            let mut content = "n\n".to_owned();
            for row in 0..=n {
                writeln!(content, "{row}").unwrap();
            }
            (bench.submit(content).await, n + 1)
        }));
    }
    for (id, rows) in uploads.join_all().await {
        let job = bench.ended(&id).await;
        assert_eq!(
            (&job["status"], &job["rows_ok"]),
            (&json!("completed"), &json!(rows))
        );
    }
    let rows = (1..=200).sum::<i64>();
    assert_eq!(bench.number("SELECT count(*) FROM job_rows").await, rows);
    bench
        .wait_for(
            "SELECT count(*) FROM webhooks WHERE status = 'delivered'",
            200,
        )
        .await;
    for (action, times) in [
        ("job_accepted", 200),
        ("job_started", 200),
        ("job_ended", 200),
    ] {
        let query = format!("SELECT count(*) FROM audit_logs WHERE action = '{action}'");
        assert_eq!(bench.number(&query).await, times, "{action}");
    }
    let ids = "SELECT count(DISTINCT correlation_id) FROM audit_logs";
    assert_eq!(bench.number(ids).await, 200);
    assert_eq!(files(&directory), 0);
    Arc::into_inner(bench).unwrap().stop().await;
}

#[obs::test]
async fn jobs_are_listed_newest_first_and_nonsense_is_refused(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let ids = [
        bench.submit("a\n1\n").await,
        bench.submit("\n").await,
        bench.submit("a\n1\n").await,
    ];
    for id in &ids {
        bench.ended(id).await;
    }
    let listed = async |query: &str| {
        let (_, list) = bench.get(&format!("/jobs{query}")).await;
        let jobs = list["jobs"].as_array().unwrap().clone();
        jobs.iter()
            .map(|job| job["job_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let [first, second, third] = ids.each_ref().map(JobId::as_str);
    assert_eq!(listed("").await, [third, second, first]);
    assert_eq!(listed("?status=failed").await, [second]);
    assert_eq!(listed("?limit=1").await, [third]);
    for (path, refusal) in [
        ("/jobs?limit=0", (400, "bad_parameter")),
        ("/jobs?limit=101", (400, "bad_parameter")),
        ("/jobs?status=nonsense", (400, "invalid_query")),
        ("/jobs/nonsense", (404, "job_not_found")),
        (
            "/jobs/job_00000000000000000000000000000000",
            (404, "job_not_found"),
        ),
    ] {
        let (status, problem) = bench.get(path).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (refusal.0, Some(refusal.1)),
            "{path}"
        );
    }
    bench.stop().await;
}

#[obs::test]
async fn old_audit_rows_go_and_their_number_stays(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let id = bench.submit("a\n1\n").await;
    bench.ended(&id).await;
    let of_the_job = bench.actions(id.as_str()).await.len();
    bench
        .execute(&format!(
            "UPDATE audit_logs SET at = {} WHERE entity = '{id}'",
            now() - 86_400_001
        ))
        .await;
    let purged = purge_audit_rows(bench.engine.database(), 1).await.unwrap();
    assert_eq!(usize::try_from(purged).unwrap(), of_the_job);
    assert!(bench.actions(id.as_str()).await.is_empty());
    assert_eq!(
        bench.actions(&format!("{purged} rows")).await,
        ["audit_purged"]
    );
    bench.stop().await;
}

#[obs::test]
async fn texts_that_postgres_would_not_take_are_stored(t: TestObs) {
    let directory = TempDir::new().unwrap();
    let bench = Bench::begin(&t, &directory).await;
    let (_, job) = bench.upload("?name=a%00b", "a\0b\nc\0d\n").await;
    assert_eq!(job["name"], "a\u{fffd}b");
    let id: JobId = job["job_id"].as_str().unwrap().parse().unwrap();
    let job = bench.ended(&id).await;
    assert_eq!(job["rows_ok"], 1, "{job}");
    let (_, table) = bench.get(&format!("/jobs/{id}/columns")).await;
    assert_eq!(table["columns"][0]["max"], "c\u{fffd}d");
    bench.stop().await;
}
