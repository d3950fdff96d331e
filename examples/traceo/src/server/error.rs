//! What a tool can fail with.

use rmcp::model::{ContentBlock, IntoContents};

use crate::engine::EngineError;

/// Why a tool failed; clients get it as the text of an `isError` result.
#[derive(obs::ErrorLabel, Debug, thiserror::Error)]
pub(crate) enum TraceoError {
    #[error("pass `path` or `content`: there is nothing to import")]
    NoInput,
    #[error("pass either `path` or `content`, not both")]
    TwoInputs,
    #[error(
        "`delimiter` is `{given}`; it must be one ASCII character other than a quote or a line break"
    )]
    #[label(ignore)]
    Delimiter { given: String },
    #[error(transparent)]
    #[label(nested)]
    Engine(#[from] EngineError),
}

impl IntoContents for TraceoError {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(self.to_string())]
    }
}
