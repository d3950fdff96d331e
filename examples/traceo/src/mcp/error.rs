//! What a tool can fail with, and a webhook.

use std::path::PathBuf;

use crate::database::StorageError;

/// Why a tool failed; as it is told to clients, with its code.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
#[problem(mcp)]
pub(crate) enum TraceoError {
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Engine(#[from] EngineCallError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Storage(#[from] StorageError),
    #[error("the table of job {id} has no column `{column}`; it has: {columns}")]
    #[label(ignore)]
    #[problem(status = 404, detail)]
    ColumnNotFound {
        id: String,
        column: String,
        columns: String,
    },
}

/// What is wrong with the arguments of `ingest_csv`.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("pass `path` or `content`: there is nothing to import")]
    #[problem(status = 400, detail)]
    NoInput,
    #[error("pass either `path` or `content`, not both")]
    #[problem(status = 400, detail)]
    TwoInputs,
    #[error(
        "`delimiter` is `{given}`; it must be one ASCII character other than a quote or a line break"
    )]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    Delimiter { given: String },
    #[error("`columns` has {bytes} bytes as JSON, the limit is {limit}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    ColumnsTooLong { bytes: usize, limit: usize },
    #[error("there is no file `{}`; a relative path is looked up in the directory the MCP server was started in", path.display())]
    #[label(ignore)]
    #[problem(status = 404, detail)]
    FileNotFound { path: PathBuf },
    #[error("`{}` is not a regular file", path.display())]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    NotAFile { path: PathBuf },
    #[error("`{}` cannot be read", path.display())]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    FileUnreadable {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
    #[error("`{}` has {bytes} bytes, the limit is {limit} (`traceo engine --max-file-mb` raises it)", path.display())]
    #[label(ignore)]
    #[problem(status = 413, detail)]
    FileTooLarge {
        path: PathBuf,
        bytes: u64,
        limit: u64,
    },
    #[error(
        "inline content has {bytes} bytes, the limit is {limit}; write it to a file and pass `path`"
    )]
    #[label(ignore)]
    #[problem(status = 413, detail)]
    InlineTooLarge { bytes: usize, limit: usize },
}

/// Why a call to the engine failed; what the engine refuses has the code that the engine gives it,
/// and its words, which are meant for whoever asked.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum EngineCallError {
    #[error(
        "the engine cannot be reached at {url}; start it with `traceo engine`, or set ENGINE_URL"
    )]
    #[label(ignore)]
    #[problem(status = 503, detail, retry_after = 5)]
    EngineUnreachable {
        url: String,
        #[source]
        error: reqwest_middleware::Error,
    },
    #[error("the engine did not answer in time")]
    #[problem(status = 504, detail)]
    EngineTimeout,
    #[error("the engine failed ({})", crate::api::text(*code))]
    #[label(ignore)]
    #[problem(status = 502, detail)]
    EngineFailed { code: EngineCode },
    #[error("the engine answered something that was not understood: {why}")]
    #[label(ignore)]
    #[problem(status = 502, detail)]
    EngineMalformed { why: String },
    /// None of those below.
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    EngineRefused(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    EmptyUpload(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 413, detail)]
    UploadTooLarge(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    UploadBroken(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 503, detail, retry_after = 5)]
    TooManyJobs(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 503, detail, retry_after = 5)]
    Stopping(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 404, detail)]
    JobNotFound(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 409, detail)]
    JobEnded(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 409, detail)]
    StatisticsNotReady(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 409, detail)]
    NoStatistics(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    BadParameter(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    BadColumns(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    BadCurrency(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 404, detail)]
    UnknownCurrency(String),
    #[error("{0}")]
    #[label(ignore)]
    #[problem(status = 429, detail, retry_after = 1)]
    RateLimited(String),
}

impl EngineCallError {
    /// Returns what the engine refused, by the code of its answer.
    pub(super) fn refused(code: &str, detail: String) -> Self {
        match code {
            "empty_upload" => Self::EmptyUpload(detail),
            "upload_too_large" => Self::UploadTooLarge(detail),
            "upload_broken" => Self::UploadBroken(detail),
            "too_many_jobs" => Self::TooManyJobs(detail),
            "stopping" => Self::Stopping(detail),
            "job_not_found" => Self::JobNotFound(detail),
            "job_ended" => Self::JobEnded(detail),
            "statistics_not_ready" => Self::StatisticsNotReady(detail),
            "no_statistics" => Self::NoStatistics(detail),
            "bad_parameter" | "bad_delimiter" => Self::BadParameter(detail),
            "bad_columns" => Self::BadColumns(detail),
            "bad_currency" => Self::BadCurrency(detail),
            "unknown_currency" => Self::UnknownCurrency(detail),
            "rate_limited" => Self::RateLimited(detail),
            _ => Self::EngineRefused(detail),
        }
    }
}

/// What the engine failed with, as far as it is told apart here.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineCode {
    PoolExhausted,
    TimedOut,
    Database,
    Schema,
    UploadNotKept,
    QueueUnreachable,
    UpstreamTimeout,
    UpstreamStatus,
    UpstreamUnreachable,
    UpstreamMalformed,
    #[label(other)]
    Other,
}

/// Why a webhook was not taken.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error("a webhook needs the header `webhook-id`: 1 to 64 of A-Z, a-z, 0-9, - and _")]
    #[problem(status = 400, detail)]
    NoDeliveryId,
    #[error("the body has more than {limit} bytes")]
    #[label(ignore)]
    #[problem(status = 413, detail)]
    WebhookTooLarge { limit: usize },
    #[error("the body did not come to its end in time")]
    #[problem(status = 400, detail)]
    WebhookBroken,
    #[error("the body is not the end of a job: {why}")]
    #[label(ignore)]
    #[problem(status = 422, detail)]
    NoJobEnded { why: String },
    #[error("{limit} webhooks are waiting already")]
    #[label(ignore)]
    #[problem(status = 503, detail, retry_after = 5)]
    InboxFull { limit: i64 },
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Storage(#[from] StorageError),
}
