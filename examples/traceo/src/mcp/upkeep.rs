//! What goes on beside the requests: gauges are kept right, old rows are removed.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::store::{Backlog, Store};
use crate::database::StorageError;
use crate::metrics::mcp::{
    traceo_mcp_audit_purged_total, traceo_mcp_known_imports, traceo_mcp_uptime_seconds,
    traceo_mcp_webhook_backlog,
};
use crate::telemetry::mcp as said;

const GAUGES: Duration = Duration::from_secs(1);
const PURGE: Duration = Duration::from_secs(60 * 60);

/// Webhooks that may wait while the server counts as ready.
const READY_WEBHOOKS: i64 = 1000;

/// Milliseconds that the oldest of them may have waited.
const READY_AGE: i64 = 60_000;

/// Keeps the gauges right, until it is dropped.
pub(super) async fn keep_gauges(store: Store) {
    let started = Instant::now();
    let mut ticks = interval(GAUGES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let uptime = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
        traceo_mcp_uptime_seconds().set(uptime);
        let counted = count(&store).await;
        // Once when it begins, not each second: `/ready` says how long it lasts.
        if let Err(error) = &counted
            && !failing
        {
            said::upkeep_failed("count", error);
        }
        failing = counted.is_err();
    }
}

async fn count(store: &Store) -> Result<(), StorageError> {
    for (status, imports) in store.imports().await? {
        traceo_mcp_known_imports(status).set(imports);
    }
    traceo_mcp_webhook_backlog().set(store.backlog().await?.webhooks);
    Ok(())
}

/// Removes audit rows that are too old, at once and then each hour, until it is dropped.
pub(super) async fn keep_retention(store: Store, days: u32) {
    let mut ticks = interval(PURGE);
    loop {
        ticks.tick().await;
        match purge(&store, days).await {
            Ok(rows) => traceo_mcp_audit_purged_total().add(rows),
            Err(error) => said::upkeep_failed("purge", &error),
        }
    }
}

#[obs::observed(name = "purge_audit_rows")]
async fn purge(store: &Store, days: u32) -> Result<u64, StorageError> {
    store.purge(days).await
}

/// Says whether webhooks are worked off as fast as they come.
pub(super) async fn webhook_backlog(store: Store) -> Result<(), String> {
    let backlog = store.backlog().await.map_err(|error| error.to_string())?;
    let Backlog { webhooks, age } = backlog;
    if webhooks < READY_WEBHOOKS && age < READY_AGE {
        Ok(())
    } else {
        Err(format!(
            "{webhooks} webhooks wait, the oldest for {} s",
            age / 1000
        ))
    }
}
