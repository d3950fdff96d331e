//! What a tool can fail with, and a webhook.

use std::path::PathBuf;

use crate::database::StorageError;

/// Why a tool failed.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
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
    #[error("`{}` has {bytes} bytes, the limit is {limit} (`--max-file-mb` raises it)", path.display())]
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

/// Why a call to the engine failed.
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
    /// The engine's own words, which are meant for whoever asked.
    #[error("{detail}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    EngineRefused { code: EngineCode, detail: String },
    #[error("the engine failed ({})", crate::api::text(*code))]
    #[label(ignore)]
    #[problem(status = 502, detail)]
    EngineFailed { code: EngineCode },
    #[error("the engine answered something that was not understood")]
    #[label(ignore)]
    #[problem(status = 502, detail)]
    EngineMalformed(#[source] reqwest::Error),
}

/// The codes of the engine's problem documents that are told apart here.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineCode {
    EmptyUpload,
    UploadTooLarge,
    TooManyJobs,
    Stopping,
    JobNotFound,
    JobEnded,
    StatisticsNotReady,
    NoStatistics,
    BadParameter,
    BadColumns,
    RateLimited,
    PoolExhausted,
    Database,
    #[label(other)]
    Other,
}

/// Why a webhook was not taken.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error("a webhook needs the header `webhook-id`: 1 to 64 of A-Z, a-z, 0-9, - and _")]
    #[problem(status = 400, detail)]
    NoDeliveryId,
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
