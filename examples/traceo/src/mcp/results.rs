//! What the tools return.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::{ColumnStats, Job, RowError};

/// A job and the mistakes found in its file.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JobReport {
    #[serde(flatten)]
    pub(super) job: Job,
    /// The first 100 mistakes.
    pub(super) errors: Vec<RowError>,
}

/// Jobs, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JobList {
    pub(super) jobs: Vec<Job>,
}

/// The statistics of the columns of a job.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ColumnTable {
    pub(super) job_id: i64,
    pub(super) columns: Vec<ColumnStats>,
}

/// What this server accepts.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Accepted {
    /// The largest file, in bytes.
    pub(super) file_bytes: u64,
    /// The longest inline text, in bytes.
    pub(super) inline_bytes: u64,
    /// Jobs that run at a time.
    pub(super) running_jobs: u64,
    /// Jobs that run or wait.
    pub(super) jobs: u64,
}
