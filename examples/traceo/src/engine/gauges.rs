//! Reads gauges from the database and the queue, which are right after restarts too.

use std::time::{Duration, Instant};

use super::{Engine, store, webhooks};
use crate::database::now;
use crate::metrics::engine::{
    traceo_engine_jobs, traceo_engine_queue_depth, traceo_engine_queue_oldest_seconds,
    traceo_engine_uptime_seconds, traceo_engine_webhook_backlog,
};

/// How often gauges are read if nothing changes here; other engines may change something.
const EVERY: Duration = Duration::from_secs(1);

/// The least time between two readings, so that many changes cost one.
const AT_MOST: Duration = Duration::from_millis(20);

/// Keeps the gauges up to date until the engine stops, and after its last change.
pub(super) async fn run(engine: Engine) {
    let started = Instant::now();
    loop {
        let seconds = started.elapsed().as_secs().cast_signed();
        traceo_engine_uptime_seconds().set(seconds);
        read(&engine).await;
        tokio::time::sleep(AT_MOST).await;
        tokio::select! {
            () = engine.changes_to_count().notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = engine.stopping().cancelled() => return,
        }
    }
}

/// Sets what can be read; the rest keeps its last value, and readiness says why.
async fn read(engine: &Engine) {
    let database = engine.database();
    if let Ok(counts) = store::counts(database).await {
        for (status, jobs) in counts {
            traceo_engine_jobs(status).set(jobs);
        }
    }
    if let Ok(oldest) = store::oldest_waiting(database).await {
        traceo_engine_queue_oldest_seconds().set(seconds_since(oldest));
    }
    if let Ok(backlog) = webhooks::backlog(database).await {
        traceo_engine_webhook_backlog().set(backlog);
    }
    if let Ok(depth) = engine.queue().depth().await {
        traceo_engine_queue_depth().set(depth);
    }
}

/// Returns how long something has waited; what is to wait, as behind a failure, has not yet.
fn seconds_since(moment: Option<i64>) -> f64 {
    let waited = moment.map_or(0, |moment| now().saturating_sub(moment).max(0));
    Duration::from_millis(waited.unsigned_abs()).as_secs_f64()
}
