//! How far a job is, over a `WebSocket`: told at each change, until it has ended.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::error::{EngineError, JobError, LimitError};
use super::jobs::named;
use crate::api::{Job, JobId};
use crate::metrics::engine::traceo_engine_websockets_open;
use crate::telemetry::{Shutdown, in_websocket};

/// How many may be open at once.
const MAX_STREAMS: usize = 100;

/// The least time between two looks at a job, so that many changes cost one.
const LEAST: Duration = Duration::from_millis(200);

/// How often the job is looked at without being told of a change: another engine may have made one.
const MOST: Duration = Duration::from_secs(1);

/// Looks in a row that may fail before the stream is given up.
const MAX_FAILURES: u32 = 10;

/// How long a client may take to receive a message, or to say goodbye.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a client that has nothing to say is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);

/// How long a client that says nothing at all keeps its place: three pings.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest message of a client that is received; none has a meaning.
const MAX_MESSAGE: usize = 1024;

/// `GET /jobs/{id}/progress`; `find` looks a job up, and `changes` tells which are worth a look.
pub(super) fn routes<F, Fut>(
    find: F,
    changes: broadcast::Sender<JobId>,
    shutdown: Shutdown,
) -> Router
where
    F: Fn(JobId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Job>, EngineError>> + Send + 'static,
{
    let progress = Progress {
        find,
        changes,
        shutdown,
        places: Arc::new(Semaphore::new(MAX_STREAMS)),
    };
    Router::new()
        .route("/jobs/{id}/progress", get(open::<F, Fut>))
        .with_state(Arc::new(progress))
}

struct Progress<F> {
    find: F,
    changes: broadcast::Sender<JobId>,
    shutdown: Shutdown,
    places: Arc<Semaphore>,
}

async fn open<F, Fut>(
    State(progress): State<Arc<Progress<F>>>,
    Path(id): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, EngineError>
where
    F: Fn(JobId) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Option<Job>, EngineError>> + Send + 'static,
{
    let known = named(&id)?;
    // Before the first look, so that no change is missed.
    let changes = progress.changes.subscribe();
    let job = (progress.find)(known).await?;
    let job = job.ok_or(JobError::JobNotFound { id })?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let place = Arc::clone(&progress.places).try_acquire_owned();
    let place = place.map_err(|_| LimitError::TooManyStreams)?;
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(4 * MAX_MESSAGE);
    Ok(
        upgrade.on_upgrade(in_websocket(async move |socket: WebSocket| {
            let _place = place;
            let _open = traceo_engine_websockets_open().guard();
            let stream = Stream {
                socket,
                job,
                changes,
                looked: Instant::now(),
                is_told: false,
            };
            stream.run(&progress).await;
        })),
    )
}

/// An open stream, and the job as the client knows it.
struct Stream {
    socket: WebSocket,
    job: Job,
    changes: Receiver<JobId>,
    /// When the job was last looked at.
    looked: Instant,
    /// Whether there was a change since.
    is_told: bool,
}

impl Stream {
    async fn run<F, Fut>(mut self, progress: &Progress<F>)
    where
        F: Fn(JobId) -> Fut,
        Fut: Future<Output = Result<Option<Job>, EngineError>>,
    {
        if let Some(why) = self.tell_all(progress).await {
            self.close(why).await;
        }
    }

    /// Returns why the stream is to be closed, or nothing if the client is gone.
    async fn tell_all<F, Fut>(&mut self, progress: &Progress<F>) -> Option<CloseFrame>
    where
        F: Fn(JobId) -> Fut,
        Fut: Future<Output = Result<Option<Job>, EngineError>>,
    {
        let (mut heard, mut pinged) = (Instant::now(), Instant::now());
        let mut failures = 0;
        self.tell().await?;
        while !self.job.status.has_ended() {
            tokio::select! {
                () = progress.shutdown.closing() => {
                    return Some(because(close_code::AWAY, "the engine is stopping"));
                }
                () = changed(&mut self.changes, &self.job.job_id, self.looked, &mut self.is_told) => {}
                message = self.socket.recv() => {
                    // What a client says means nothing; that it says something does.
                    message?.ok()?;
                    heard = Instant::now();
                    continue;
                }
            }
            (self.looked, self.is_told) = (Instant::now(), false);
            match (progress.find)(self.job.job_id.clone()).await {
                Ok(Some(job)) if job == self.job => failures = 0,
                Ok(Some(job)) => {
                    failures = 0;
                    self.job = job;
                    self.tell().await?;
                }
                Ok(None) => return Some(because(close_code::NORMAL, "the job was removed")),
                Err(_) if failures < MAX_FAILURES => failures += 1,
                Err(_) => return Some(because(close_code::ERROR, "the job cannot be read")),
            }
            if heard.elapsed() > SILENCE {
                return None;
            }
            if pinged.elapsed() > PING {
                pinged = Instant::now();
                self.send(Message::Ping(bytes::Bytes::new())).await?;
            }
        }
        Some(because(close_code::NORMAL, "the job has ended"))
    }

    async fn tell(&mut self) -> Option<()> {
        let text = serde_json::to_string(&self.job).ok()?;
        self.send(Message::Text(text.into())).await
    }

    /// Returns nothing if the client is gone, or does not receive.
    async fn send(&mut self, message: Message) -> Option<()> {
        timeout(PATIENCE, self.socket.send(message))
            .await
            .ok()?
            .ok()
    }

    /// Says goodbye, and waits for the client to do so too: whoever hangs up first may take away
    /// what the other has not read yet.
    async fn close(mut self, why: CloseFrame) {
        if self.send(Message::Close(Some(why))).await.is_none() {
            return;
        }
        let goodbye = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        timeout(PATIENCE, goodbye).await.ok();
    }
}

/// Waits until the job is to be looked at again.
///
/// Dropped and begun again it forgets nothing: a change is noted in `is_told` as soon as it is known.
async fn changed(changes: &mut Receiver<JobId>, id: &JobId, looked: Instant, is_told: &mut bool) {
    let told = async {
        while !*is_told {
            match changes.recv().await {
                Ok(job) => *is_told = job == *id,
                // What was missed may have been about this job.
                Err(RecvError::Lagged(_)) => *is_told = true,
                Err(RecvError::Closed) => pending().await,
            }
        }
    };
    timeout_at(looked + MOST, told).await.ok();
    sleep_until(looked + LEAST).await;
}

fn because(code: u16, reason: &'static str) -> CloseFrame {
    let reason = reason.into();
    CloseFrame { code, reason }
}

#[cfg(test)]
mod tests;
