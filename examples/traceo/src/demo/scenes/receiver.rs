//! The receiver of webhooks is away for a while.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::files::good;
use super::super::stage::{Broken, Stage, Who};
use super::files::as_number;

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "7. The receiver of webhooks is away",
        "The MCP server is stopped for a while: deliveries fail, are tried again, and none is lost.",
        &[
            "traceo_engine_webhook_backlog".to_owned(),
            "sum by (result) (rate(traceo_engine_webhook_deliveries_total[1m]))".to_owned(),
        ],
    );
    stage.settle().await;
    stage.mcp.stop(&stage.client).await?;
    stage.seen.forget();
    let end = Instant::now() + stage.timing.percent(10);
    let (mut sent, mut followed) = (0, None);
    loop {
        let answer = stage.client.upload("unheard.csv", good(50)).await?;
        sent += 1;
        followed.get_or_insert(answer.correlation);
        if Instant::now() >= end {
            break;
        }
        sleep(Duration::from_millis(400)).await;
    }
    sleep(Duration::from_millis(500)).await;
    let waiting = stage.seen.peak().backlog;
    stage.say(&format!(
        "   {sent} jobs ended unheard; {waiting} webhooks wait"
    ));
    stage.check(
        "webhooks wait",
        "more than 0",
        &waiting.to_string(),
        waiting > 0.0,
    );
    stage.mcp.start_again().await?;
    let settled = stage.settle().await;
    let yes = if settled { "yes" } else { "no" };
    stage.check("the backlog went back to 0", "yes", yes, settled);
    // It was known before that the receiver heard all: every job that ended is one webhook.
    let jobs = as_number(stage.ledger.jobs().len());
    let name = "traceo_mcp_webhooks_received_total";
    let found = stage
        .counted(Who::Mcp, name, &[("receipt", "taken")], jobs)
        .await;
    stage.must_equal("jobs that ended, and webhooks taken", jobs, found);
    if let Some(id) = followed {
        stage.trail("a webhook that was delivered late", &id);
    }
    Ok(())
}
