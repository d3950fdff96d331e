//! What the engine counts.

use crate::engine::{CsvErrorKind, FailureKind, JobKind, JobStatus, RowOutcome, Source};

obs::metrics! {
    pub(crate) registry ENGINE;
    prefix = "traceo_engine";
    max_series = 100;

    /// CSV rows read, by where the text came from and what became of the row.
    counter traceo_engine_csv_rows_total(source: Source, outcome: RowOutcome);

    /// Mistakes found in CSV files; one about the header rejects no row.
    counter traceo_engine_csv_errors_total(kind: CsvErrorKind);

    /// Jobs in the database, by state, those of earlier processes included.
    gauge traceo_engine_jobs(status: JobStatus);

    /// Jobs that failed, by reason.
    counter traceo_engine_job_failures_total(reason: FailureKind);

    /// Seconds from the acceptance of a job to its end.
    histogram traceo_engine_job_duration_seconds(kind: JobKind) {
        buckets = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0],
        slo = { at: 1.0, target: 99.0 },
    }

    /// Seconds that workers were busy.
    counter<f64> traceo_engine_worker_busy_seconds_total(source: Source);

    /// Seconds since the engine started.
    gauge traceo_engine_uptime_seconds();

    /// Which build runs.
    info traceo_engine_build_info { version: env!("CARGO_PKG_VERSION") };
}
