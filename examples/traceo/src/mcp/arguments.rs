//! What the tools take.

use schemars::JsonSchema;
use serde::Deserialize;

use super::error::InputError;
use super::input::Input;
use crate::api::{DeclaredColumn, JobId, JobStatus, MAX_LISTED, UploadParameters};

/// The longest `columns`, in bytes of JSON: they go into a URL, where each may take three.
const MAX_COLUMNS: usize = 16 * 1024;

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
    pub(super) fn into_parts(self) -> Result<(Input, UploadParameters), InputError> {
        let parameters = UploadParameters {
            delimiter: self.delimiter()?,
            has_header: Some(self.has_header),
            columns: self.columns_as_json()?,
            ..UploadParameters::default()
        };
        match (self.path, self.content) {
            (Some(path), None) => Ok((Input::File(path.into()), parameters)),
            (None, Some(content)) => Ok((Input::Inline(content), parameters)),
            (None, None) => Err(InputError::NoInput),
            (Some(_), Some(_)) => Err(InputError::TwoInputs),
        }
    }

    fn delimiter(&self) -> Result<Option<char>, InputError> {
        let Some(given) = &self.delimiter else {
            return Ok(None);
        };
        let mut chars = given.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) if char.is_ascii() && !"\"\r\n".contains(char) => Ok(Some(char)),
            _ => Err(InputError::Delimiter {
                given: given.chars().take(20).collect(),
            }),
        }
    }

    fn columns_as_json(&self) -> Result<Option<String>, InputError> {
        if self.columns.is_empty() {
            return Ok(None);
        }
        // Names and a closed list of types: there is nothing in them that JSON has not.
        let json = serde_json::to_string(&self.columns).unwrap_or_default();
        if json.len() > MAX_COLUMNS {
            return Err(InputError::ColumnsTooLong {
                bytes: json.len(),
                limit: MAX_COLUMNS,
            });
        }
        Ok(Some(json))
    }
}

/// The arguments of the tools that are about one job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfJob {
    /// The `job_id` that `ingest_csv` returned: `job_` and 32 hexadecimal digits.
    pub(super) job_id: JobId,
}

/// The arguments of `list_jobs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListJobs {
    /// Only jobs in this state.
    pub(super) status: Option<JobStatus>,
    /// At most so many jobs, 20 if absent.
    #[schemars(range(min = 1, max = MAX_LISTED))]
    pub(super) limit: Option<u16>,
}

/// The arguments of `column_stats`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnStatsOf {
    /// The `job_id` that `ingest_csv` returned: `job_` and 32 hexadecimal digits.
    pub(super) job_id: JobId,
    /// Only this column.
    pub(super) column: Option<String>,
}

/// The arguments of `external_data`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExternalDataOf {
    /// Three letters, such as EUR.
    #[schemars(length(min = 3, max = 3))]
    pub(super) currency: String,
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
