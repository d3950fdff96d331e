//! The queue in Redis, which several engines may share.
//!
//! A sorted set: ids are in it once, however often they are put in, and come out in the order in
//! which their jobs were accepted.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManagerConfig};
use redis::{Client, cmd};
use tokio::sync::Mutex;

use crate::api::JobId;
use crate::engine::error::QueueError;
use crate::telemetry::{Queue as Connection, Telemetry};

const KEY: &str = "traceo:jobs";

/// How long Redis may take for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

pub(in crate::engine) struct Redis {
    capacity: usize,
    connection: Connection,
    /// A connection of its own, because everything behind a command that waits waits as well.
    waiting: Mutex<redis::aio::ConnectionManager>,
}

impl Redis {
    /// Connects when something is asked: an engine starts without its Redis, too.
    pub(super) fn open(
        telemetry: &Telemetry,
        url: &str,
        capacity: usize,
    ) -> Result<Self, QueueError> {
        let client = Client::open(url).map_err(|_| QueueError::QueueUrl)?;
        let open = |patience| {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(0)
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(patience));
            client
                .get_connection_manager_lazy(config)
                .map_err(QueueError::QueueUnreachable)
        };
        Ok(Self {
            capacity,
            connection: telemetry.queue(open(PATIENCE)?),
            waiting: Mutex::new(open(super::WAIT + PATIENCE)?),
        })
    }

    pub(super) async fn put(&self, jobs: &[JobId]) -> Result<u64, QueueError> {
        if jobs.is_empty() {
            return Ok(0);
        }
        let mut connection = self.connection.clone();
        let depth = cmd("ZCARD").arg(KEY).query_async(&mut connection).await;
        let depth: usize = depth.map_err(QueueError::QueueUnreachable)?;
        let room = self.capacity.saturating_sub(depth);
        let mut command = cmd("ZADD");
        command.arg(KEY).arg("NX");
        for job in jobs.iter().take(room) {
            // Ids sort as the moments at which they were made; equal scores go by id.
            command.arg(0).arg(job.as_str());
        }
        if room == 0 {
            return Ok(0);
        }
        let added = command.query_async(&mut connection).await;
        added.map_err(QueueError::QueueUnreachable)
    }

    pub(super) async fn take(&self, wait: Duration) -> Result<Option<JobId>, QueueError> {
        let mut connection = self.waiting.lock().await;
        let mut command = cmd("BZPOPMIN");
        command.arg(KEY).arg(wait.as_secs_f64());
        let taken: Option<(String, String, f64)> = command
            .query_async(&mut *connection)
            .await
            .map_err(QueueError::QueueUnreachable)?;
        // What is no id was put there by somebody else.
        Ok(taken.and_then(|(_, job, _)| job.parse().ok()))
    }

    /// Counts the jobs for the gauge, which is too often for each to be observed.
    pub(super) async fn depth(&self) -> Result<i64, QueueError> {
        let mut command = cmd("ZCARD");
        command.arg(KEY);
        let mut connection = self.connection.inner().clone();
        let answer = connection.req_packed_command(&command).await;
        let depth = answer.and_then(|value| Ok(redis::from_redis_value(value)?));
        depth.map_err(QueueError::QueueUnreachable)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}
