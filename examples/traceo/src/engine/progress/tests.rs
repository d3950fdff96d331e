//! What a client of a stream is told, and what becomes of clients that are too many or rude.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::Sender;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::super::trial::until;
use super::{MAX_STREAMS, named, routes};
use crate::api::{Job, JobId, JobStatus, Source};
use crate::telemetry::{Telemetry, TestObs};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn only_the_beginning_of_what_is_no_id_is_repeated() {
    let text = named(&"x".repeat(60_000)).unwrap_err().to_string();
    assert!(text.len() < 200, "{text}");
}
const OPEN: &str = "traceo_engine_websockets_open";

type Client = WebSocketStream<TcpStream>;

/// An engine that knows one job.
struct Engine {
    t: TestObs,
    address: String,
    job: Arc<Mutex<Job>>,
    changes: Sender<JobId>,
    looks: Arc<AtomicU32>,
}

impl Engine {
    async fn start(t: &TestObs) -> Self {
        let job = Arc::new(Mutex::new(Job {
            job_id: JobId::new(),
            status: JobStatus::Pending,
            source: Source::Upload,
            name: "orders.csv".into(),
            attempts: 0,
            rows_ok: 0,
            rows_rejected: 0,
            bytes_read: 0,
            bytes_total: 100,
            failure: None,
            created_at: "2026-11-21T19:00:00.000Z".into(),
            started_at: None,
            ended_at: None,
        }));
        let known = Arc::clone(&job);
        let looks = Arc::new(AtomicU32::new(0));
        let looked = Arc::clone(&looks);
        let find = move |id: JobId| {
            looked.fetch_add(1, Ordering::Relaxed);
            let job = known.lock().unwrap().clone();
            async move { Ok(Some(job).filter(|job| job.job_id == id)) }
        };
        let changes = Sender::new(16);
        let routes = routes(find, changes.clone(), t.obs().shutdown());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let telemetry = Telemetry {
            obs: t.obs().clone(),
        };
        tokio::spawn(t.run(async move { telemetry.serve(listener, routes).await.ok() }));
        let t = t.clone();
        Self {
            t,
            address,
            job,
            changes,
            looks,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Job)) -> Job {
        let mut job = self.job.lock().unwrap();
        change(&mut job);
        self.changes.send(job.job_id.clone()).ok();
        job.clone()
    }

    async fn connect(&self) -> Result<Client, Error> {
        let id = self.job.lock().unwrap().job_id.clone();
        self.connect_to(id.as_str()).await
    }

    async fn connect_to(&self, id: &str) -> Result<Client, Error> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let url = format!("ws://{}/jobs/{id}/progress", self.address);
        let connected = timeout(PATIENCE, client_async(url, stream)).await.unwrap();
        connected.map(|(client, _)| client)
    }

    fn open(&self) -> f64 {
        self.t.metric(OPEN, &[])
    }
}

async fn next(client: &mut Client) -> Option<Message> {
    let next = timeout(PATIENCE, client.next()).await;
    next.expect("nothing was said for too long")?.ok()
}

async fn told(client: &mut Client) -> Job {
    match next(client).await {
        Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
        other => panic!("no job: {other:?}"),
    }
}

async fn goodbye(client: &mut Client) -> (CloseCode, String) {
    match next(client).await {
        Some(Message::Close(Some(frame))) => (frame.code, frame.reason.to_string()),
        other => panic!("no goodbye: {other:?}"),
    }
}

#[obs::test]
async fn a_client_is_told_each_change_until_the_job_has_ended(t: TestObs) {
    let engine = Engine::start(&t).await;
    let mut client = engine.connect().await.unwrap();
    assert_eq!(told(&mut client).await.status, JobStatus::Pending);
    assert_eq!(engine.open(), 1.0);
    for rows in [10, 20] {
        let changed = engine.change(|job| {
            job.status = JobStatus::Running;
            job.rows_ok = rows;
        });
        assert_eq!(told(&mut client).await, changed);
    }
    let ended = engine.change(|job| job.status = JobStatus::Completed);
    assert_eq!(told(&mut client).await, ended);
    assert_eq!(goodbye(&mut client).await.0, CloseCode::Normal);
    assert!(next(&mut client).await.is_none());
    until("the stream is closed", || engine.open() == 0.0).await;
    // Of a job that has ended there is its end, and nothing to wait for.
    let mut client = engine.connect().await.unwrap();
    assert_eq!(told(&mut client).await, ended);
    assert_eq!(goodbye(&mut client).await.0, CloseCode::Normal);
}

#[obs::test]
async fn a_change_that_another_engine_made_is_told_and_many_changes_cost_few_looks(t: TestObs) {
    let engine = Engine::start(&t).await;
    let mut client = engine.connect().await.unwrap();
    told(&mut client).await;
    engine.job.lock().unwrap().rows_ok = 7;
    assert_eq!(told(&mut client).await.rows_ok, 7);

    let (begun, before) = (Instant::now(), engine.looks.load(Ordering::Relaxed));
    let mut last = None;
    for rows in 8..=1000 {
        last = Some(engine.change(|job| job.rows_ok = rows));
    }
    while Some(told(&mut client).await) != last {}
    let looks = engine.looks.load(Ordering::Relaxed) - before;
    let most = begun.elapsed().as_millis() / 200 + 1;
    assert!(
        u128::from(looks) <= most,
        "{looks} looks where {most} may be"
    );
}

fn status(refused: Result<Client, Error>) -> u16 {
    match refused {
        Err(Error::Http(response)) => {
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
            response.status().as_u16()
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[obs::test]
async fn an_unknown_job_is_answered_404_before_anything_is_upgraded(t: TestObs) {
    let engine = Engine::start(&t).await;
    assert_eq!(status(engine.connect_to(JobId::new().as_str()).await), 404);
    assert_eq!(status(engine.connect_to("orders").await), 404);
    assert_eq!(engine.open(), 0.0);
}

#[obs::test]
async fn one_client_too_many_is_turned_away_until_another_has_left(t: TestObs) {
    let engine = Engine::start(&t).await;
    let mut clients = Vec::new();
    for _ in 0..MAX_STREAMS {
        let mut client = engine.connect().await.unwrap();
        told(&mut client).await;
        clients.push(client);
    }
    assert_eq!(engine.open(), 100.0);
    assert_eq!(status(engine.connect().await), 503);
    // Without a goodbye.
    drop(clients.pop());
    until("a place is free", || engine.open() == 99.0).await;
    let mut client = engine.connect().await.unwrap();
    told(&mut client).await;
    drop((client, clients));
    until("all places are free", || engine.open() == 0.0).await;
}

#[obs::test]
async fn what_a_client_says_is_ignored_but_a_ping_is_answered_and_a_long_message_is_the_end(
    t: TestObs,
) {
    let engine = Engine::start(&t).await;
    let mut client = engine.connect().await.unwrap();
    told(&mut client).await;
    client.send(Message::text("faster, please")).await.unwrap();
    client.send(Message::Ping("here".into())).await.unwrap();
    assert_eq!(next(&mut client).await, Some(Message::Pong("here".into())));
    let changed = engine.change(|job| job.rows_ok = 1);
    assert_eq!(told(&mut client).await, changed);
    client.send(Message::text("x".repeat(2000))).await.ok();
    until("the stream is closed", || engine.open() == 0.0).await;
}

#[obs::test]
async fn the_engine_says_goodbye_when_it_stops(t: TestObs) {
    let engine = Engine::start(&t).await;
    let mut client = engine.connect().await.unwrap();
    told(&mut client).await;
    t.obs().shutdown().begin();
    assert_eq!(goodbye(&mut client).await.0, CloseCode::Away);
    drop(client);
    until("the stream is closed", || engine.open() == 0.0).await;
}

#[obs::test]
async fn the_lines_of_a_stream_name_the_job(t: TestObs) {
    let engine = Engine::start(&t).await;
    let job = engine.change(|job| job.status = JobStatus::Failed);
    let mut client = engine.connect().await.unwrap();
    told(&mut client).await;
    let line = t.logs().assert_one("request_completed");
    line.field("status", 101)
        .field("job_id", job.job_id.as_str());
}
