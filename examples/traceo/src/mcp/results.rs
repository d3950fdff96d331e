//! What the tools return that is not the engine's own words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::INLINE_BYTES;
use crate::api::Accepted;

/// What is accepted here.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Limits {
    /// The largest file, in bytes.
    file_bytes: u64,
    /// The longest inline text, in bytes.
    inline_bytes: u64,
    /// Jobs that run at a time.
    running_jobs: u64,
    /// Jobs that run or wait.
    jobs: u64,
}

impl Limits {
    pub(super) const fn of(engine: &Accepted) -> Self {
        Self {
            file_bytes: engine.file_bytes,
            inline_bytes: INLINE_BYTES as u64,
            running_jobs: engine.running_jobs,
            jobs: engine.jobs,
        }
    }
}

/// What a third party says about a currency.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ExternalData {
    symbol: String,
    currency: String,
    value: f64,
    timestamp: String,
    /// Who said so.
    source: String,
}
