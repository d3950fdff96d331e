//! Good files, through the MCP server and straight to the engine.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::super::files::good;
use super::super::stage::{Broken, Stage, Who};

const ROWS_INLINE: usize = 200;

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "1. Good files",
        "Tool calls and uploads become jobs; workers import them; webhooks tell how they ended.",
        &[
            "sum by (outcome) (rate(traceo_engine_csv_rows_total[1m]))".to_owned(),
            "traceo_engine_jobs, traceo_mcp_webhooks_received_total".to_owned(),
            stage.curl("/jobs?limit=5"),
        ],
    );
    let rows = stage.timing.size(5_000, 1_000);
    let end = Instant::now() + stage.timing.percent(10);
    let (mut sent, mut round) = (0, 0_u32);
    let mut followed = None;
    while Instant::now() < end {
        round += 1;
        let arguments = json!({"content": good(ROWS_INLINE)});
        let called = stage.client.call("ingest_csv", &arguments).await?;
        sent += ROWS_INLINE;
        if round % 3 == 1 {
            stage.client.upload("weather.csv", good(rows)).await?;
            sent += rows;
        }
        if let Some(id) = called.text("job_id") {
            stage
                .client
                .call("job_status", &json!({"job_id": id}))
                .await?;
        }
        stage.client.call("list_jobs", &json!({"limit": 5})).await?;
        followed.get_or_insert(called.correlation);
        sleep(Duration::from_millis(150)).await;
    }
    stage.settle().await;
    let name = "traceo_engine_csv_rows_total";
    let sent = as_number(sent);
    let found = stage
        .counted(Who::Engine, name, &[("outcome", "ok")], sent)
        .await;
    stage.must_equal("rows sent, and rows imported", sent, found);
    if let Some(id) = followed {
        stage.trail("a tool call, its job and its webhook", &id);
    }
    Ok(())
}

pub(in super::super) fn as_number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
