//! How an error answers a tool call: as the text of a result that says `isError`.

use rmcp::model::{ContentBlock, IntoContents};

use super::error::TraceoError;

impl IntoContents for TraceoError {
    fn into_contents(self) -> Vec<ContentBlock> {
        vec![ContentBlock::text(self.to_string())]
    }
}
