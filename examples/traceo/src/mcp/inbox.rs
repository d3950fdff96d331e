//! Webhooks that were taken are worked off here, in order, however often that takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::store::{Kept, Store, Waiting};
use crate::api::JobEnded;
use crate::database::{StorageError, now};
use crate::metrics::mcp::traceo_mcp_webhook_lag_seconds;
use crate::telemetry::{Attempt, mcp as said};

/// Webhooks that may wait.
pub(super) const ROOM: i64 = 10_000;

const BATCH: i64 = 100;

/// How often it is looked for what another process has taken.
const LOOK: Duration = Duration::from_secs(1);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What was taken and is to be worked off; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Inbox {
    store: Store,
    arrived: Arc<Notify>,
}

impl Inbox {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            arrived: Arc::default(),
        }
    }

    /// Keeps a webhook; whoever is told so may forget it.
    pub(super) async fn keep(
        &self,
        delivery: &str,
        ended: &JobEnded,
        payload: &str,
    ) -> Result<Kept, StorageError> {
        let kept = self
            .store
            .keep_webhook(delivery, ended, payload, ROOM)
            .await?;
        self.arrived.notify_one();
        Ok(kept)
    }

    /// Works off what arrives, until it is dropped. What it was at then is begun anew by the next.
    pub(super) async fn work(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.work_off().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    tokio::time::timeout(LOOK, self.arrived.notified())
                        .await
                        .ok();
                }
                Err(error) => {
                    said::inbox_waits(&error, pause);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Works off all that waits, or up to what fails: those behind it stay in order.
    async fn work_off(&self) -> Result<(), StorageError> {
        loop {
            let waiting = self.store.waiting(BATCH).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for webhook in &waiting {
                self.record(webhook).await?;
            }
        }
    }

    async fn record(&self, webhook: &Waiting) -> Result<(), StorageError> {
        let (Some(job), Ok(ended)) = (webhook.job(), webhook.ended()) else {
            said::webhook_unreadable(&webhook.delivery);
            return self.store.put_aside(&webhook.delivery).await;
        };
        let Some(number) = self.store.begin_attempt(&webhook.delivery).await? else {
            return Ok(());
        };
        let attempt = Attempt {
            name: "record_job_end",
            number,
            carrier: &webhook.carrier,
            actor: &webhook.actor,
            job: &job,
        };
        let work = async {
            self.store.record_end(&webhook.delivery, &ended).await?;
            said::job_end_recorded(ended.status);
            Ok(())
        };
        // It is tried until it succeeds: what was taken is never lost.
        Box::pin(attempt.run(|_: &StorageError| false, work)).await?;
        let waited = now().saturating_sub(webhook.received_at);
        let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
        traceo_mcp_webhook_lag_seconds().observe(waited);
        Ok(())
    }
}
