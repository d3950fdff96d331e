//! Jobs as clients see them.

use serde::{Deserialize, Serialize};

use super::csv::Position;

/// Where the CSV text of a job comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    File,
    Inline,
}

impl Source {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Inline => "inline",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        if name == Self::Inline.as_str() {
            Self::Inline
        } else {
            Self::File
        }
    }
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    CsvImport,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
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

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        // Only this program writes the column; the schema checks it too.
        all.find(|status| status.as_str() == name)
            .unwrap_or(Self::Failed)
    }

    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
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
    pub(super) fn new(
        kind: &'static str,
        message: impl Into<String>,
        at: Option<Position>,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.into(),
            row: at.map(|at| at.row.cast_signed()),
            column: at.map(|at| at.column.cast_signed()),
        }
    }
}
