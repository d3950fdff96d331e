//! Jobs as clients see them.

use obs::Label;
use serde::{Deserialize, Serialize};

use super::csv::{CsvErrorKind, Position};

/// Where the CSV text of a job comes from.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    File,
    Inline,
}

impl Source {
    pub(super) fn from_name(name: &str) -> Self {
        if name == text(Self::Inline) {
            Self::Inline
        } else {
            Self::File
        }
    }
}

/// What became of a row.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowOutcome {
    Ok,
    Rejected,
}

/// What a job does.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    CsvImport,
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

    pub(super) fn from_name(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        // Only this program writes the column, and the schema checks it too.
        all.find(|status| text(*status) == name)
            .unwrap_or(Self::Failed)
    }

    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Why a job failed.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The file holds no good row; the mistake is the first one.
    #[label(nested)]
    Csv(CsvErrorKind),
    /// The process ended before the job did.
    Interrupted,
    /// The file could not be read to its end.
    Io,
    /// The database failed.
    Storage,
    /// A bug.
    Internal,
}

/// The text of a label, which is also what the database and the clients get.
pub(crate) fn text<L: Label>(label: L) -> &'static str {
    L::VALUES[label.index()]
}

/// A job and how far it is.
#[expect(clippy::struct_field_names, reason = "`job_id` is what the tools take")]
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct Job {
    /// What the other tools want to hear.
    pub(crate) job_id: i64,
    pub(crate) status: JobStatus,
    /// Whether the text came from a file or from the call itself.
    pub(crate) source: Source,
    /// The path, or the name given to inline text.
    pub(crate) name: String,
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
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
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

impl Failure {
    pub(super) fn new(kind: FailureKind, message: String, at: Option<Position>) -> Self {
        Self {
            kind: text(kind).to_owned(),
            message,
            row: at.map(|at| at.row.cast_signed()),
            column: at.map(|at| at.column.cast_signed()),
        }
    }
}
