//! What the engine counts.

use crate::api::{JobStatus, Source};
use crate::csv::CsvErrorKind;
use crate::engine::{Decision, Delivery, FailureKind, JobKind, Quote, RowOutcome, StorageOutcome};

obs::metrics! {
    pub(crate) registry ENGINE;
    prefix = "traceo_engine";
    max_series = 200;

    /// Uploads, by where the text came from and what became of it.
    counter traceo_engine_uploads_total(source: Source, outcome: StorageOutcome);

    /// CSV rows read, by where the text came from and what became of the row.
    counter traceo_engine_csv_rows_total(source: Source, outcome: RowOutcome);

    /// Mistakes found in CSV files; one about the header rejects no row.
    counter traceo_engine_csv_errors_total(kind: CsvErrorKind);

    /// Jobs in the database, by state, those of earlier processes included.
    gauge traceo_engine_jobs(status: JobStatus);

    /// Jobs that ended in this process, by how.
    counter traceo_engine_jobs_ended_total(status: JobStatus);

    /// Jobs that failed, by reason.
    counter traceo_engine_job_failures_total(reason: FailureKind);

    /// Attempts that failed and are followed by another, by reason.
    counter traceo_engine_job_retries_total(reason: FailureKind);

    /// Seconds from the acceptance of a job to its end.
    histogram traceo_engine_job_duration_seconds(kind: JobKind) {
        buckets = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0],
        slo = { at: 1.0, target: 99.0 },
    }

    /// Seconds that workers were busy.
    counter<f64> traceo_engine_worker_busy_seconds_total(source: Source);

    /// Jobs in the queue.
    gauge traceo_engine_queue_depth();

    /// Seconds that the oldest waiting job has waited.
    gauge<f64> traceo_engine_queue_oldest_seconds();

    /// Jobs put into the queue.
    counter traceo_engine_queue_enqueued_total();

    /// Jobs taken out of the queue.
    counter traceo_engine_queue_drained_total();

    /// Webhook deliveries tried, by result.
    counter traceo_engine_webhook_deliveries_total(result: Delivery);

    /// Webhooks that have not been delivered yet.
    gauge traceo_engine_webhook_backlog();

    /// WebSockets that are open.
    gauge traceo_engine_websockets_open();

    /// Decisions of the rate limiter.
    counter traceo_engine_rate_limit_decisions_total(decision: Decision);

    /// Quotes asked of the third party, by result.
    counter traceo_engine_quotes_total(result: Quote);

    /// Audit rows removed because they were older than the retention.
    counter traceo_engine_audit_purged_total();

    /// Seconds since the engine started.
    gauge traceo_engine_uptime_seconds();

    /// Which build runs.
    info traceo_engine_build_info { version: env!("CARGO_PKG_VERSION") };
}
