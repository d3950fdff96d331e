//! Which jobs are to be begun, in order: a hint, in memory or in Redis.
//!
//! The jobs' table is the truth. The queue holds their ids alone and may lose or repeat them: the
//! sweeper puts in again what waits, and a worker takes up no job twice.

mod memory;
mod redis;

use std::time::Duration;

use super::error::QueueError;
use crate::api::JobId;
use crate::metrics::engine::{
    traceo_engine_queue_drained_total, traceo_engine_queue_enqueued_total,
};
use crate::telemetry::Telemetry;

/// How long [`Queue::take`] waits for a job.
const WAIT: Duration = Duration::from_secs(1);

/// The queue of an engine; it holds no id twice.
#[derive(Debug)]
pub(super) enum Queue {
    Memory(memory::Memory),
    Redis(redis::Redis),
}

impl Queue {
    /// Makes a queue of at most `capacity` jobs, in Redis if there is a URL.
    pub(super) fn open(
        telemetry: &Telemetry,
        url: Option<&str>,
        capacity: usize,
    ) -> Result<Self, QueueError> {
        Ok(match url {
            None => Self::Memory(memory::Memory::new(capacity)),
            Some(url) => Self::Redis(redis::Redis::open(telemetry, url, capacity)?),
        })
    }

    /// Puts in what is not there and finds room; what does not waits in the table.
    #[obs::observed(name = "enqueue_jobs", level = "debug")]
    pub(super) async fn put(&self, jobs: &[JobId]) -> Result<(), QueueError> {
        let added = match self {
            Self::Memory(memory) => memory.put(jobs),
            Self::Redis(redis) => redis.put(jobs).await?,
        };
        traceo_engine_queue_enqueued_total().add(added);
        Ok(())
    }

    /// Takes out the job that is first, or none after a second.
    ///
    /// Dropped half-way, it may lose the job from the queue, where the sweeper puts it again.
    pub(super) async fn take(&self) -> Result<Option<JobId>, QueueError> {
        let taken = match self {
            Self::Memory(memory) => memory.take(WAIT).await,
            Self::Redis(redis) => redis.take(WAIT).await?,
        };
        if taken.is_some() {
            traceo_engine_queue_drained_total().inc();
        }
        Ok(taken)
    }

    /// Counts the jobs in it.
    pub(super) async fn depth(&self) -> Result<i64, QueueError> {
        match self {
            Self::Memory(memory) => Ok(memory.depth()),
            Self::Redis(redis) => redis.depth().await,
        }
    }
}
