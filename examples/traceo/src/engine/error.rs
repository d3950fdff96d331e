//! What the engine can fail with: one enum for each kind of work, one over them all.

use super::job::FailureKind;
use crate::api::{JobId, JobStatus, text};
use crate::csv::CsvError;
use crate::database::StorageError;

/// Why a request to the engine was not done.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Upload(#[from] UploadError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Parameter(#[from] ParameterError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Quote(#[from] QuoteError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Limit(#[from] LimitError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    #[label(nested)]
    #[problem(transparent)]
    Storage(#[from] StorageError),
}

/// Why an upload was not accepted.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("the body is empty: send the CSV text as it is, not as a form")]
    #[problem(status = 400, detail)]
    EmptyUpload,
    #[error("the body has more than {limit} bytes (`--max-file-mb` raises the limit)")]
    #[label(ignore)]
    #[problem(status = 413, detail)]
    UploadTooLarge { limit: u64 },
    #[error("the body ended before its time")]
    #[problem(status = 400, detail)]
    UploadBroken,
    #[error("{limit} jobs are waiting already; try again when some have ended")]
    #[label(ignore)]
    #[problem(status = 503, detail, retry_after = 5)]
    TooManyJobs { limit: i64 },
    #[error("the engine is stopping")]
    #[problem(status = 503, detail, retry_after = 5)]
    Stopping,
    #[error("the upload could not be kept")]
    #[label(ignore)]
    #[problem(status = 507)]
    UploadNotKept(#[source] std::io::Error),
}

/// Why something could not be done with a job.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error("there is no job {id}; `list_jobs` names them")]
    #[label(ignore)]
    #[problem(status = 404, detail)]
    JobNotFound { id: String },
    #[error("job {id} has ended: it is {}", text(*status))]
    #[label(ignore)]
    #[problem(status = 409, detail)]
    JobEnded { id: JobId, status: JobStatus },
    #[error("job {id} is {}; its statistics are there when it has ended", text(*status))]
    #[label(ignore)]
    #[problem(status = 409, detail)]
    StatisticsNotReady { id: JobId, status: JobStatus },
    #[error("job {id} ended before its statistics were complete; import the file again")]
    #[label(ignore)]
    #[problem(status = 409, detail)]
    NoStatistics { id: JobId },
}

/// What is wrong with the query of a URL.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum ParameterError {
    #[error("`{name}` must be {expected}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    BadParameter {
        name: &'static str,
        expected: &'static str,
    },
    #[error("the query has a parameter that is none of `{known}`")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    UnknownParameter { known: String },
    #[error("the query of the URL cannot be read")]
    #[problem(status = 400, detail)]
    UnreadableQuery,
    #[error(
        "`delimiter` is `{given}`; it must be one ASCII character other than a quote or a line break"
    )]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    BadDelimiter { given: char },
    #[error("`columns` must be a JSON list of objects with `name` and `type`: {why}")]
    #[label(ignore)]
    #[problem(status = 400, detail)]
    BadColumns { why: String },
}

/// Why a third party gave no quote.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum QuoteError {
    #[error("`currency` must be three letters, such as EUR")]
    #[problem(status = 400, detail)]
    BadCurrency,
    #[error("there is no quote for this currency")]
    #[problem(status = 404, detail)]
    UnknownCurrency,
    #[error("the third party did not answer in time")]
    #[problem(status = 504)]
    UpstreamTimeout,
    #[error("the third party answered {status}")]
    #[label(ignore)]
    #[problem(status = 502)]
    UpstreamStatus { status: u16 },
    #[error("the third party cannot be reached")]
    #[label(ignore)]
    #[problem(status = 502)]
    UpstreamUnreachable(#[source] reqwest_middleware::Error),
    #[error("the third party answered something that is no quote")]
    #[label(ignore)]
    #[problem(status = 502)]
    UpstreamMalformed(#[source] serde_json::Error),
}

/// Why a request was turned away.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum LimitError {
    #[error("too many requests from this address")]
    #[problem(status = 429, detail, retry_after = 1)]
    RateLimited,
    #[error("too many progress streams are open")]
    #[problem(status = 503, detail, retry_after = 5)]
    TooManyStreams,
}

/// Why the queue did not take or give a job.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum QueueError {
    #[error("REDIS_URL must begin with `redis://`")]
    #[problem(status = 500)]
    QueueUrl,
    #[error("the queue cannot be reached")]
    #[label(ignore)]
    #[problem(status = 503, retry_after = 1)]
    QueueUnreachable(#[source] redis::RedisError),
}

/// Why an attempt to import a file failed.
#[derive(obs::ErrorLabel, Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The file holds no good row; the mistake is the first one.
    #[error("the file cannot be used: {0}")]
    #[label(ignore)]
    UnusableFile(CsvError),
    #[error("the file could not be read to its end")]
    #[label(ignore)]
    FileUnreadable(#[source] std::io::Error),
    #[error("the reading thread ended unexpectedly")]
    #[label(ignore)]
    ReaderDied(#[source] tokio::task::JoinError),
    /// The engine stops; the job goes on at its next start.
    #[error("the engine stopped meanwhile")]
    Interrupted,
    /// The lease ran out, and the job belongs to somebody else now.
    #[error("another engine took the job over")]
    TakenOver,
    #[error(transparent)]
    #[label(nested)]
    Storage(#[from] StorageError),
}

impl ImportError {
    /// Returns the reason under which the failure is stored and counted.
    pub(crate) const fn kind(&self) -> FailureKind {
        match self {
            Self::UnusableFile(error) => FailureKind::Csv(error.kind),
            Self::FileUnreadable(_) => FailureKind::Io,
            Self::ReaderDied(_) => FailureKind::Internal,
            Self::Interrupted | Self::TakenOver => FailureKind::Interrupted,
            Self::Storage(_) => FailureKind::Storage,
        }
    }

    /// Says whether another attempt could end otherwise.
    pub(crate) const fn is_worth_another_attempt(&self) -> bool {
        !matches!(self, Self::UnusableFile(_))
    }
}

/// Why a webhook was not delivered.
#[derive(obs::ErrorLabel, Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error("the receiver did not answer in time")]
    ReceiverTimeout,
    #[error("the receiver cannot be reached")]
    #[label(ignore)]
    ReceiverUnreachable(#[source] reqwest_middleware::Error),
    #[error("the receiver answered {status}")]
    #[label(ignore)]
    ReceiverRefused { status: u16 },
    #[error(transparent)]
    #[label(nested)]
    Storage(#[from] StorageError),
}
