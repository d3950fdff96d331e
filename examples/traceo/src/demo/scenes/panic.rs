//! A bug: a tool panics.

use serde_json::json;

use super::super::ledger::Deed;
use super::super::stage::{Broken, Stage, Who};
use super::files::as_number;

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "5. A panic in a tool",
        "The caller gets -32603, the panic is counted, logged and reported; the service goes on.",
        &["mcp_tool_calls_total{outcome=\"panic\"}".to_owned()],
    );
    let called = stage.client.call("panic", &json!({})).await?;
    let answer = called.said.unwrap_or_else(Into::into);
    stage.say(&format!("   answer: {answer}"));
    stage.trail("a panic", &called.correlation);
    let panics = as_number(usize::try_from(stage.ledger.number(Deed::Panicked)).unwrap_or(0));
    let labels = [("outcome", "panic")];
    let found = stage
        .counted(Who::Mcp, "mcp_tool_calls_total", &labels, panics)
        .await;
    stage.must_equal("panics answered, and panics counted", panics, found);
    Ok(())
}
