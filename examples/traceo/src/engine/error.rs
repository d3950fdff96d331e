//! What a call to the engine can fail with.

use std::io;
use std::path::PathBuf;

use super::job::{JobStatus, text};

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("there is no file `{}`; a relative path is looked up in the directory traceo was started in", path.display())]
    FileNotFound { path: PathBuf },
    #[error("`{}` is not a regular file", path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` cannot be read: {error}", path.display())]
    FileUnreadable { path: PathBuf, error: io::Error },
    #[error("`{}` has {bytes} bytes, the limit is {limit} (`--max-file-mb` raises it)", path.display())]
    FileTooLarge {
        path: PathBuf,
        bytes: u64,
        limit: u64,
    },
    #[error(
        "inline content has {bytes} bytes, the limit is {limit}; write it to a file and pass `path`"
    )]
    InlineTooLarge { bytes: usize, limit: usize },
    #[error("{limit} jobs are waiting already; try again when some have ended")]
    QueueFull { limit: usize },
    #[error("traceo is stopping")]
    Stopping,
    #[error("there is no job {id}; `list_jobs` names them")]
    JobNotFound { id: i64 },
    #[error("job {id} has ended: it is {}", text(*status))]
    JobEnded { id: i64, status: JobStatus },
    #[error(
        "job {id} belongs to another traceo process on the same data directory; cancel it there"
    )]
    JobElsewhere { id: i64 },
    #[error("job {id} is {}; its statistics are there when it has ended", text(*status))]
    StatisticsNotReady { id: i64, status: JobStatus },
    #[error("job {id} was interrupted before its statistics were complete; import the file again")]
    NoStatistics { id: i64 },
    #[error("the table of job {id} has no column `{column}`; it has: {columns}")]
    ColumnNotFound {
        id: i64,
        column: String,
        columns: String,
    },
    #[error("the database failed: {0}")]
    Storage(#[from] sqlx::Error),
}
