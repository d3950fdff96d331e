//! What a call to the engine can fail with.

use std::io;
use std::path::PathBuf;

use super::job::{JobStatus, text};

/// Why the engine did not do what it was asked.
#[derive(obs::ErrorLabel, Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("there is no file `{}`; a relative path is looked up in the directory traceo was started in", path.display())]
    #[label(ignore)]
    FileNotFound { path: PathBuf },
    #[error("`{}` is not a regular file", path.display())]
    #[label(ignore)]
    NotAFile { path: PathBuf },
    #[error("`{}` cannot be read: {error}", path.display())]
    #[label(ignore)]
    FileUnreadable { path: PathBuf, error: io::Error },
    #[error("`{}` has {bytes} bytes, the limit is {limit} (`--max-file-mb` raises it)", path.display())]
    #[label(ignore)]
    FileTooLarge {
        path: PathBuf,
        bytes: u64,
        limit: u64,
    },
    #[error(
        "inline content has {bytes} bytes, the limit is {limit}; write it to a file and pass `path`"
    )]
    #[label(ignore)]
    InlineTooLarge { bytes: usize, limit: usize },
    #[error("{limit} jobs are waiting already; try again when some have ended")]
    #[label(ignore)]
    QueueFull { limit: usize },
    #[error("traceo is stopping")]
    Stopping,
    #[error("there is no job {id}; `list_jobs` names them")]
    #[label(ignore)]
    JobNotFound { id: i64 },
    #[error("job {id} has ended: it is {}", text(*status))]
    #[label(ignore)]
    JobEnded { id: i64, status: JobStatus },
    #[error(
        "job {id} belongs to another traceo process on the same data directory; cancel it there"
    )]
    #[label(ignore)]
    JobElsewhere { id: i64 },
    #[error("job {id} is {}; its statistics are there when it has ended", text(*status))]
    #[label(ignore)]
    StatisticsNotReady { id: i64, status: JobStatus },
    #[error("job {id} was interrupted before its statistics were complete; import the file again")]
    #[label(ignore)]
    NoStatistics { id: i64 },
    #[error("the table of job {id} has no column `{column}`; it has: {columns}")]
    #[label(ignore)]
    ColumnNotFound {
        id: i64,
        column: String,
        columns: String,
    },
    #[error("the database failed: {0}")]
    #[label(ignore)]
    Storage(#[from] sqlx::Error),
}
