//! What the tools take.

use schemars::JsonSchema;
use serde::Deserialize;

use super::error::TraceoError;
use crate::engine::{DeclaredColumn, Input, JobStatus, Layout};

/// The arguments of `ingest_csv`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IngestCsv {
    /// A CSV file on the machine of the server. Pass this or `content`.
    path: Option<String>,
    /// CSV text. Pass this or `path`.
    content: Option<String>,
    /// Columns whose values must have a type. The types of all others are found out.
    #[serde(default)]
    columns: Vec<DeclaredColumn>,
    /// What separates the columns, a comma if absent.
    delimiter: Option<String>,
    /// Whether the first row names the columns.
    #[serde(default = "yes")]
    has_header: bool,
}

fn yes() -> bool {
    true
}

impl IngestCsv {
    pub(super) fn into_parts(self) -> Result<(Input, Layout), TraceoError> {
        let layout = Layout {
            delimiter: self.delimiter()?,
            has_header: self.has_header,
            declared: self.columns,
        };
        match (self.path, self.content) {
            (Some(path), None) => Ok((Input::File(path.into()), layout)),
            (None, Some(content)) => Ok((Input::Inline(content), layout)),
            (None, None) => Err(TraceoError::NoInput),
            (Some(_), Some(_)) => Err(TraceoError::TwoInputs),
        }
    }

    fn delimiter(&self) -> Result<u8, TraceoError> {
        match self.delimiter.as_deref().map(str::as_bytes) {
            None => Ok(b','),
            Some(&[byte]) if byte.is_ascii() && !b"\"\r\n".contains(&byte) => Ok(byte),
            Some(given) => Err(TraceoError::Delimiter {
                given: String::from_utf8_lossy(given).into_owned(),
            }),
        }
    }
}

/// The arguments of the tools that are about one job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfJob {
    /// The `job_id` that `ingest_csv` returned.
    pub(super) job_id: i64,
}

/// The arguments of `list_jobs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListJobs {
    /// Only jobs in this state.
    pub(super) status: Option<JobStatus>,
    /// At most so many jobs, 20 if absent.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) limit: Option<u16>,
}

/// The arguments of `column_stats`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnStatsOf {
    /// The `job_id` that `ingest_csv` returned.
    pub(super) job_id: i64,
    /// Only this column.
    pub(super) column: Option<String>,
}

/// The arguments of `fail`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Fail {
    /// How to fail.
    pub(super) how: HowToFail,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum HowToFail {
    /// A result with `isError: true`.
    ToolError,
    /// The JSON-RPC error -32603, internal error.
    InternalError,
    /// The JSON-RPC error -32602, invalid params.
    InvalidParams,
}

/// The arguments of `slow`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Slow {
    /// How long to take, at most 60.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub(super) seconds: f64,
}
