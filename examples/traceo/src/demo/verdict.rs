//! What was done, held against what both services counted.

use super::ledger::Deed;
use super::scenes::as_number;
use super::stage::{Broken, Stage, Who};

/// Compares, shows the table, and says whether everything holds that must.
pub(super) async fn verdict(stage: &mut Stage) -> Result<bool, Broken> {
    stage.say("\n== What was done, and what /metrics says\n");
    stage.settle().await;
    compare(stage).await;
    let width = stage
        .checks
        .iter()
        .map(|check| check.what.chars().count())
        .max();
    let width = width.unwrap_or(0);
    let head = format!(
        "   {:width$}  {:>20}  {:>12}",
        "", "done or expected", "counted"
    );
    let rows = stage.checks.iter().map(|check| {
        let mark = if check.holds { "" } else { "  NOT SO" };
        let (what, expected, found) = (&check.what, &check.expected, &check.found);
        format!("   {what:width$}  {expected:>20}  {found:>12}{mark}")
    });
    let table: Vec<_> = std::iter::once(head).chain(rows).collect();
    stage.say(&table.join("\n"));
    Ok(stage.checks.iter().all(|check| check.holds))
}

async fn compare(stage: &mut Stage) {
    let number = |stage: &Stage, deed| {
        as_number(usize::try_from(stage.ledger.number(deed)).unwrap_or(usize::MAX))
    };
    let calls = "mcp_tool_calls_total";
    let answered = number(stage, Deed::Answered);
    let ok = stage
        .counted(Who::Mcp, calls, &[("outcome", "ok")], answered)
        .await;
    note(stage, "tool calls answered", answered, ok);

    let all = [
        Deed::Answered,
        Deed::Refused,
        Deed::Panicked,
        Deed::Abandoned,
    ];
    let all: f64 = all.into_iter().map(|deed| number(stage, deed)).sum();
    let found = stage.counted(Who::Mcp, calls, &[], all).await;
    note(stage, "tool calls in all, those left included", all, found);

    let jobs = as_number(stage.ledger.jobs().len());
    let uploads = "traceo_engine_uploads_total";
    let found = stage
        .counted(Who::Engine, uploads, &[("outcome", "accepted")], jobs)
        .await;
    note(
        stage,
        "uploads accepted, over both processes of the engine",
        jobs,
        found,
    );

    let mut ended = [("completed", 0_usize), ("failed", 0), ("cancelled", 0)];
    for job in stage.ledger.jobs() {
        let report = stage.job(&job).await.unwrap_or_default();
        for (status, number) in &mut ended {
            *number += usize::from(report["status"] == *status);
        }
    }
    for (status, number) in ended {
        let page = stage.engine.page(&stage.client).await.unwrap_or_default();
        let found = page.sum("traceo_engine_jobs", &[("status", status)]);
        note(stage, &format!("jobs {status}"), as_number(number), found);
    }

    let requests = "traceo_http_requests_total";
    let (quoted, refused) = (number(stage, Deed::Quoted), number(stage, Deed::NotQuoted));
    let route = ("route", "/external-data");
    let labels = [route, ("status", "200")];
    let found = stage.counted(Who::Engine, requests, &labels, quoted).await;
    note(stage, "quotes given", quoted, found);
    let all = stage
        .counted(Who::Engine, requests, &[route], quoted + refused)
        .await;
    note(stage, "quotes asked for", quoted + refused, all);

    for (who, what, name) in [
        (
            Who::Engine,
            "requests in flight at the engine",
            "traceo_http_requests_in_flight",
        ),
        (
            Who::Mcp,
            "requests in flight at the MCP server",
            "traceo_http_requests_in_flight",
        ),
        (
            Who::Engine,
            "WebSockets open",
            "traceo_engine_websockets_open",
        ),
        (
            Who::Engine,
            "jobs in the queue",
            "traceo_engine_queue_depth",
        ),
        (
            Who::Engine,
            "webhooks waiting",
            "traceo_engine_webhook_backlog",
        ),
    ] {
        let page = match who {
            Who::Engine => stage.engine.page(&stage.client).await,
            Who::Mcp => stage.mcp.page(&stage.client).await,
        };
        let found = page.map_or(f64::NAN, |page| page.sum(name, &[]));
        note(stage, what, 0.0, found);
    }
}

fn note(stage: &mut Stage, what: &str, done: f64, counted: f64) {
    let holds = super::stage::same(done, counted);
    stage.note(what, &done.to_string(), &counted.to_string(), holds);
}
