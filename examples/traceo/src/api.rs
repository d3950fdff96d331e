//! What the two services say to each other, and to their clients.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use crate::csv::{ColumnStats, DeclaredColumn};
pub(crate) use crate::telemetry::text;

/// The name of a job: made before the job is, so that whatever is said about it can name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct JobId(String);

impl JobId {
    /// Makes a new one; later ones sort behind earlier ones.
    pub(crate) fn new() -> Self {
        Self(format!("job_{}", Uuid::now_v7().simple()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text names no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job id is `job_` and 32 hexadecimal digits")]
pub(crate) struct NoJobId;

impl FromStr for JobId {
    type Err = NoJobId;

    fn from_str(text: &str) -> Result<Self, NoJobId> {
        let digits = text.strip_prefix("job_").ok_or(NoJobId)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = digits.len() == 32 && digits.bytes().all(is_digit);
        is_id.then(|| Self(text.to_owned())).ok_or(NoJobId)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the CSV text of a job comes from.
#[derive(
    obs::Label, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A file, sent by a client.
    Upload,
    /// A file on the machine of the MCP server.
    File,
    /// Text in the arguments of a tool.
    Inline,
}

impl Source {
    const ALL: [Self; 3] = [Self::Upload, Self::File, Self::Inline];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| text(*source) == name)
    }
}

/// Where a job is in its life.
#[derive(
    obs::Label, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobStatus {
    Pending,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl JobStatus {
    pub(crate) const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| text(*status) == name)
    }

    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A job and how far it is.
#[expect(clippy::struct_field_names, reason = "`job_id` is what the tools take")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Job {
    /// What the other tools want to hear.
    pub(crate) job_id: JobId,
    pub(crate) status: JobStatus,
    /// Whether the text came from a file or from the call itself.
    pub(crate) source: Source,
    /// The path, or the name given to the text.
    pub(crate) name: String,
    /// How often the job has been begun.
    pub(crate) attempts: i64,
    /// Rows imported so far.
    pub(crate) rows_ok: i64,
    /// Rows rejected so far.
    pub(crate) rows_rejected: i64,
    pub(crate) bytes_read: i64,
    pub(crate) bytes_total: i64,
    /// Why the job failed.
    pub(crate) failure: Option<Failure>,
    pub(crate) created_at: String,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Failure {
    /// One of a closed list, such as `empty_file` or `interrupted`.
    pub(crate) kind: String,
    pub(crate) message: String,
    /// The row of the file, the header being row 1.
    pub(crate) row: Option<i64>,
    /// The column of the file, from 1.
    pub(crate) column: Option<i64>,
}

/// A mistake in the file, as it is kept with the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RowError {
    /// One of a closed list, such as `wrong_column_count`.
    pub(crate) kind: String,
    pub(crate) message: String,
    /// The row of the file, the header being row 1.
    pub(crate) row: i64,
    /// The line of the file, which is more than the row behind quoted line breaks and blank lines.
    pub(crate) line: i64,
    /// The column of the file, from 1.
    pub(crate) column: i64,
}

/// A job and the mistakes found in its file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct JobReport {
    #[serde(flatten)]
    pub(crate) job: Job,
    /// The first 100 mistakes.
    pub(crate) errors: Vec<RowError>,
}

/// Jobs, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct JobList {
    pub(crate) jobs: Vec<Job>,
}

/// The statistics of the columns of a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ColumnTable {
    pub(crate) job_id: JobId,
    pub(crate) columns: Vec<ColumnStats>,
}

/// What the engine accepts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Accepted {
    /// The largest file, in bytes.
    pub(crate) file_bytes: u64,
    /// Jobs that run at a time.
    pub(crate) running_jobs: u64,
    /// Jobs that run or wait.
    pub(crate) jobs: u64,
}

/// The longest name of a job, in characters.
pub(crate) const MAX_NAME: usize = 255;

/// The most jobs that are listed at once.
pub(crate) const MAX_LISTED: u16 = 100;

/// How `POST /uploads` is to read its body, as the query of its URL.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadParameters {
    /// What to call the text.
    pub(crate) name: Option<String>,
    pub(crate) source: Option<Source>,
    /// What separates the columns, a comma if absent.
    pub(crate) delimiter: Option<char>,
    /// Whether the first row names the columns, which it does unless said otherwise.
    pub(crate) has_header: Option<bool>,
    /// A list of `DeclaredColumn` as JSON.
    pub(crate) columns: Option<String>,
}

/// What a webhook tells: how a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobEnded {
    pub(crate) job_id: JobId,
    pub(crate) status: JobStatus,
    pub(crate) rows_ok: i64,
    pub(crate) rows_rejected: i64,
    pub(crate) failure: Option<Failure>,
}

/// The header that names a delivery, the same at each attempt, so that the receiver takes it once.
pub(crate) const DELIVERY: &str = "webhook-id";

/// Where the MCP server takes what the engine tells.
pub(crate) const WEBHOOKS: &str = "/webhooks/jobs";
