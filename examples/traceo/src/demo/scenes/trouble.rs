//! Broken and huge files, unknown columns, wrong arguments: what people send.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use super::super::files::{broken, broken_rows, good};
use super::super::stage::{Broken, Stage, Who};
use super::files::as_number;

const ROWS: usize = 100;

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "2. Broken and huge files, unknown columns, wrong arguments",
        "Broken rows are counted by what is wrong; a file without a good row fails;\n   \
         a mistake in the arguments is an answer.",
        &[
            "sum by (kind) (rate(traceo_engine_csv_errors_total[1m]))".to_owned(),
            "sum by (tool, outcome) (mcp_tool_calls_total{outcome!=\"ok\"})".to_owned(),
            "traceo_engine_job_failures_total".to_owned(),
        ],
    );
    let rejected = [("outcome", "rejected")];
    let rows = "traceo_engine_csv_rows_total";
    let before = stage.engine.counted(&stage.client, rows, &rejected).await?;
    let huge = good(stage.timing.size(300_000, 20_000));
    let mut huge = Some(huge);
    let mut sent = 0;
    let (mut failing, mut wrong) = (None, None);
    let end = Instant::now() + stage.timing.percent(8);
    loop {
        let client = stage.client.clone();
        client
            .call("ingest_csv", &json!({"content": broken(ROWS)}))
            .await?;
        sent += broken_rows(ROWS);
        let unusable = json!({"content": "station,day\nOslo\nTurin\n"});
        let called = client.call("ingest_csv", &unusable).await?;
        sent += 2;
        failing.get_or_insert(called.correlation);
        let unknown = json!({
            "content": good(3),
            "columns": [{"name": "humidity", "type": "money"}],
        });
        client.call("ingest_csv", &unknown).await?;
        let mistaken = client
            .call("ingest_csv", &json!({"file": "weather.csv"}))
            .await?;
        wrong.get_or_insert(mistaken.correlation);
        client
            .call("job_status", &json!({"job_id": "the last one"}))
            .await?;
        client.call("forecast", &json!({})).await?;
        client.get("/insights?count=100").await?;
        if let Some(huge) = huge.take() {
            client.upload("huge.csv", huge).await?;
            // More than `--max-file-mb` allows: an answer, or a connection that is closed on a
            // client that goes on sending.
            client
                .upload("too-huge.csv", "x".repeat(17 * 1024 * 1024))
                .await
                .ok();
        }
        if Instant::now() >= end {
            break;
        }
        sleep(Duration::from_millis(300)).await;
    }
    stage.settle().await;
    let expected = before + as_number(sent);
    let found = stage.counted(Who::Engine, rows, &rejected, expected).await;
    stage.must_equal("rows that were broken, and rows rejected", expected, found);
    for (what, id) in [
        ("a file that cannot be used", failing),
        ("wrong arguments", wrong),
    ] {
        if let Some(id) = id {
            stage.trail(what, &id);
        }
    }
    Ok(())
}
