//! The engine: takes CSV files, imports them as background jobs, and tells when they have ended.

mod error;
mod gauges;
mod insights;
mod job;
mod jobs;
mod limit;
mod parameters;
mod progress;
mod queue;
mod quotes;
mod readiness;
mod schema;
mod store;
mod sweep;
mod uploads;
mod webhooks;
mod welcome;
mod worker;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;

pub(crate) use job::{Decision, Delivery, FailureKind, JobKind, Quote, RowOutcome, StorageOutcome};

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::{Job, JobId};
use crate::cli;
use crate::database::{Database, Location};
use crate::listen::{known_names_only, listen};
use crate::settings::Settings;
use crate::telemetry::{self, BoxError, Telemetry, upstream_client, webhook_client};
use crate::upstream::{Dial, serve_stand_in};
use error::{EngineError, JobError, QueueError};
use limit::RateLimit;
use queue::Queue;
use quotes::Quotes;
use store::{Abandoned, Hold};
use uploads::Uploads;
use worker::Run;

/// Connections to the database: workers, webhooks, gauges and requests share them.
const CONNECTIONS: u32 = 16;

/// Changes of jobs that a slow listener may be behind; beyond, it must look for itself.
const CHANGES_BEHIND: usize = 1024;

/// What the engine refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) file_bytes: u64,
    /// Jobs that run at a time.
    pub(crate) workers: u32,
    /// Jobs that run or wait.
    pub(crate) jobs: i64,
}

/// Jobs, and all that is needed to do them; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    queue: Queue,
    queue_is_gone: AtomicBool,
    uploads: Uploads,
    limits: Limits,
    lease: Duration,
    /// This process's mark on the jobs it works on.
    owner: String,
    /// The attempts of this process.
    runs: Mutex<HashMap<JobId, Run>>,
    /// Jobs that workers of this process have taken out of the queue and not put aside yet.
    taken: Mutex<HashSet<JobId>>,
    changes: broadcast::Sender<JobId>,
    changes_to_count: Notify,
    webhooks_due: Notify,
    /// Cancelled when the engine stops.
    stopping: CancellationToken,
}

/// Runs the engine until the process is told to stop.
pub(crate) async fn run(
    telemetry: Telemetry,
    options: cli::Engine,
    settings: Settings,
) -> Result<(), BoxError> {
    let listener = listen(options.listen, "engine").await?;
    let engine = Engine::open(&telemetry, &options, &settings).await?;
    let mut tasks = engine.start(&telemetry, &options, &settings)?;
    let quotes = engine
        .quotes(&telemetry, &options, &settings, &mut tasks)
        .await?;
    let routes = known_names_only(engine.routes(&telemetry, quotes), &options.remote);
    let routes = RateLimit::new(options.rate_limit).around(routes);
    welcome::say(listener.local_addr()?, &options.data, &settings.mcp);
    let served = telemetry.serve(listener, routes).await;
    engine.stop(tasks).await;
    served
}

impl Engine {
    /// Opens the data directory, makes it if need be, and connects to what the settings name.
    pub(crate) async fn open(
        telemetry: &Telemetry,
        options: &cli::Engine,
        settings: &Settings,
    ) -> Result<Self, BoxError> {
        let directory = options.data.join("engine");
        let uploads = Uploads::open(directory.join("uploads"))?;
        let location = Location::of(settings.database.as_deref(), &directory)?;
        let connections = CONNECTIONS.max(options.workers.saturating_add(4));
        let observe = |pool| telemetry.pool(pool);
        let database = Database::open(&location, &schema::SCHEMA, connections, observe).await?;
        let jobs = i64::from(options.max_jobs);
        let capacity = usize::try_from(options.max_jobs).unwrap_or(usize::MAX);
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                queue: Queue::open(telemetry, settings.redis.as_deref(), capacity)?,
                queue_is_gone: AtomicBool::new(false),
                uploads,
                limits: Limits {
                    file_bytes: options.max_file_bytes,
                    workers: options.workers,
                    jobs,
                },
                lease: Duration::from_millis(u64::from(options.lease_ms)),
                owner: Uuid::now_v7().simple().to_string(),
                runs: Mutex::default(),
                taken: Mutex::default(),
                changes: broadcast::Sender::new(CHANGES_BEHIND),
                changes_to_count: Notify::new(),
                webhooks_due: Notify::new(),
                stopping: CancellationToken::new(),
            }),
        })
    }

    /// Starts workers, sweeper, deliveries and gauges.
    pub(crate) fn start(
        &self,
        telemetry: &Telemetry,
        options: &cli::Engine,
        settings: &Settings,
    ) -> Result<JoinSet<()>, BoxError> {
        readiness::declare(telemetry, self, &settings.mcp)?;
        let client = webhook_client(&telemetry.obs, &settings.mcp, webhooks::TIMEOUT)?;
        let mut tasks = JoinSet::new();
        for _ in 0..options.workers {
            tasks.spawn(worker::run(self.clone()));
        }
        tasks.spawn(sweep::run(self.clone()));
        tasks.spawn(sweep::clean(self.clone(), options.audit_days));
        tasks.spawn(webhooks::run(self.clone(), client, settings.mcp.clone()));
        tasks.spawn(gauges::run(self.clone()));
        Ok(tasks)
    }

    /// Finds the third party, or starts a stand-in for it.
    async fn quotes(
        &self,
        telemetry: &Telemetry,
        options: &cli::Engine,
        settings: &Settings,
        tasks: &mut JoinSet<()>,
    ) -> Result<Quotes, BoxError> {
        let base = if let Some(base) = &settings.external_data {
            base.clone()
        } else {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let base = format!("http://{}", listener.local_addr()?);
            let stopping = self.stopping().clone();
            tasks.spawn(async move {
                let serving = serve_stand_in(listener, Dial::default());
                // Without it there are no quotes, which is what they then say.
                stopping.run_until_cancelled(serving).await;
            });
            base
        };
        Ok(Quotes {
            database: self.database().clone(),
            client: upstream_client(&telemetry.obs, &base, quotes::PATIENCE)?,
            base,
            careless: options.careless,
        })
    }

    /// What the engine answers.
    fn routes(&self, telemetry: &Telemetry, quotes: Quotes) -> Router {
        let database = self.database();
        let find = {
            let database = database.clone();
            move |id| {
                let database = database.clone();
                async move { Ok(store::job(&database, &id).await?) }
            }
        };
        self.own_routes()
            .merge(insights::routes(database.clone(), telemetry.shutdown()))
            .merge(progress::routes(
                find,
                self.inner.changes.clone(),
                telemetry.shutdown(),
            ))
            .merge(quotes::routes(quotes))
    }

    /// What is asked about jobs.
    fn own_routes(&self) -> Router {
        Router::new()
            .route("/uploads", post(uploads::upload))
            .route("/jobs", get(jobs::list))
            .route("/jobs/{id}", get(jobs::report))
            .route("/jobs/{id}/columns", get(jobs::columns))
            .route("/jobs/{id}/cancel", post(jobs::cancel))
            .route("/limits", get(jobs::limits))
            .with_state(self.clone())
    }

    /// Interrupts what runs, which is begun again at the next start, and ends when all has ended.
    pub(crate) async fn stop(&self, mut tasks: JoinSet<()>) {
        self.inner.stopping.cancel();
        while tasks.join_next().await.is_some() {}
        self.inner.database.close().await;
    }

    pub(super) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(super) fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Finds a job.
    pub(super) async fn job(&self, id: &JobId) -> Result<Job, EngineError> {
        let job = store::job(self.database(), id).await?;
        let unknown = || JobError::JobNotFound { id: id.to_string() };
        Ok(job.ok_or_else(unknown)?)
    }

    /// Tells of jobs that change, from now on.
    ///
    /// Who is too slow for it gets `Lagged` and must look for itself, as must who waits for a job of
    /// another engine.
    pub(super) fn changes(&self) -> broadcast::Receiver<JobId> {
        self.inner.changes.subscribe()
    }

    fn queue(&self) -> &Queue {
        &self.inner.queue
    }

    fn uploads(&self) -> &Uploads {
        &self.inner.uploads
    }

    fn lease(&self) -> Duration {
        self.inner.lease
    }

    fn stopping(&self) -> &CancellationToken {
        &self.inner.stopping
    }

    fn webhooks_due(&self) -> &Notify {
        &self.inner.webhooks_due
    }

    fn changes_to_count(&self) -> &Notify {
        &self.inner.changes_to_count
    }

    /// Has the gauges read again.
    fn recount(&self) {
        self.inner.changes_to_count.notify_one();
    }

    /// Tells who listens that a job is further.
    fn told(&self, id: &JobId) {
        // Nobody may listen.
        self.inner.changes.send(id.clone()).ok();
    }

    /// Tells who listens that a job is in another state.
    fn changed(&self, id: &JobId) {
        self.told(id);
        self.recount();
    }

    /// Sends a new job on its way.
    async fn accepted(&self, id: &JobId) {
        telemetry::tell::job_accepted();
        self.enqueue(std::slice::from_ref(id)).await;
        self.changed(id);
    }

    /// Puts jobs into the queue; without it they wait in the table, for the sweeper.
    async fn enqueue(&self, jobs: &[JobId]) {
        if jobs.is_empty() {
            return;
        }
        match self.queue().put(jobs).await {
            Ok(()) => self.queue_answered(),
            Err(error) => self.queue_failed(&error),
        }
    }

    /// Says once that the queue is gone.
    fn queue_failed(&self, error: &QueueError) {
        if !self.inner.queue_is_gone.swap(true, Ordering::SeqCst) {
            telemetry::tell::queue_gone(error);
        }
    }

    fn queue_answered(&self) {
        if self.inner.queue_is_gone.swap(false, Ordering::SeqCst) {
            telemetry::tell::queue_back();
        }
    }

    /// What an attempt writes with.
    fn hold(&self, job: &JobId, attempt: i64) -> Hold {
        Hold {
            job: job.clone(),
            owner: self.inner.owner.clone(),
            attempt,
            lease: i64::try_from(self.inner.lease.as_millis()).unwrap_or(i64::MAX / 2),
        }
    }

    /// Keeps a job for one worker of this process, unless another has it: the queue may repeat a job
    /// that is on its way to its claim, and there would be two first attempts in the log.
    fn keep_for_one(&self, job: &JobId) -> Option<Kept> {
        let is_first = self.taken().insert(job.clone());
        is_first.then(|| Kept {
            engine: self.clone(),
            job: job.clone(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<JobId>> {
        self.inner
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_run(&self, job: &JobId) -> Run {
        let run = Run::new(self.inner.stopping.child_token());
        self.runs().insert(job.clone(), run.clone());
        run
    }

    fn end_run(&self, job: &JobId) {
        self.runs().remove(job);
    }

    /// Has an attempt of this process stop; others notice at their next batch.
    fn stop_run(&self, job: &JobId) {
        if let Some(run) = self.runs().get(job) {
            run.stop.cancel();
        }
    }

    fn works_on(&self, job: &Abandoned) -> bool {
        let is_ours = job.owner.as_deref() == Some(self.inner.owner.as_str());
        is_ours && self.runs().contains_key(&job.id)
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<JobId, Run>> {
        self.inner
            .runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that one worker has, until this is dropped.
#[derive(Debug)]
struct Kept {
    engine: Engine,
    job: JobId,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.engine.taken().remove(&self.job);
    }
}
