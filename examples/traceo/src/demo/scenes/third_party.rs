//! "Why is this slow?": a third party that times out 2 % of the time, until retries saturate the
//! pool; followed from the alert to the metric, the trace and the log line.

use std::time::Duration;

use tokio::time::sleep;

use super::super::stage::{Broken, Stage};
use super::super::traffic::quotes;

/// Requests a second: far less than the engine can do while the third party is well.
const RATE: u32 = 120;

/// The share of requests that the third party never answers.
const TIMES_OUT: f64 = 0.02;

const SERVED: &str = "traceo_http_request_duration_seconds";
const ROUTE: (&str, &str) = ("route", "/external-data");
const CALLED: &str = "traceo_http_client_request_duration_seconds";
const THIRD_PARTY: (&str, &str) = ("peer", "upstream");

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    stage.scene(
        "4. A third party that times out 2 % of the time",
        "The engine asks a third party for quotes, three times if need be, and holds a database\n   \
         connection meanwhile, because the demonstration runs it with --careless.",
        &[
            "histogram_quantile(0.99, sum by (le) (rate(traceo_http_request_duration_seconds_bucket{route=\"/external-data\"}[1m])))".to_owned(),
            "traceo_db_client_connections{state=\"waiting\"}".to_owned(),
            stage.curl("/external-data?currency=EUR"),
        ],
    );
    let well = quotes(&stage.client, RATE, stage.timing.percent(8)).await;
    stage.say(&format!(
        "   well: {RATE} requests/s, p99 {:.3} s, {} failed",
        well.p99().as_secs_f64(),
        well.failed
    ));

    stage.say("   now 2 % of the third party's answers do not come");
    stage.third_party_times_out(TIMES_OUT).await?;
    stage.seen.forget();
    let ill = quotes(&stage.client, RATE, stage.timing.percent(22)).await;
    let peak = stage.seen.peak();
    let page = stage.engine.page(&stage.client).await?;
    let max = page.sum("traceo_db_client_connections_max", &[]);
    stage.say(&format!(
        "   ill: p99 {:.3} s, {} failed or turned away, {} not even sent",
        ill.p99().as_secs_f64(),
        ill.failed,
        ill.not_sent
    ));
    stage.check(
        "the pool is saturated: active connections",
        &max.to_string(),
        &peak.active.to_string(),
        peak.active >= max,
    );
    stage.check(
        "somebody waits for a connection",
        "more than 0",
        &peak.waiting.to_string(),
        peak.waiting > 0.0,
    );
    let after = ill.p99().as_secs_f64();
    // Two of a hundred requests wait for a time-out of a second, and others wait for them.
    stage.check(
        "p99 has risen",
        "1 s and more",
        &format!("{after:.3} s"),
        after >= 1.0,
    );
    follow(stage, peak.active, max).await?;

    stage.say("   the third party is well again");
    stage.third_party_times_out(0.0).await?;
    // What waited is worked off first.
    sleep(stage.timing.percent(2)).await;
    stage.seen.forget();
    let recovered = quotes(&stage.client, RATE, stage.timing.percent(8)).await;
    let p99 = recovered.p99().as_secs_f64();
    stage.check(
        "recovered: p99",
        &format!("less than {after:.3} s"),
        &format!("{p99:.3} s"),
        p99 < after,
    );
    Ok(())
}

/// From the alert to the log line, as somebody on call goes.
async fn follow(stage: &mut Stage, active: f64, max: f64) -> Result<(), Broken> {
    stage.say(&format!(
        "   alert:     sum(traceo_db_client_connections{{state=\"active\"}}) / \
         sum(traceo_db_client_connections_max) > 0.8   ({active} / {max})"
    ));
    // The slowest requests are those that wait for a connection, which says who suffers; the
    // slowest calls of the third party say who holds the connections meanwhile.
    for (whose, histogram, labels, what) in [
        (
            "who waits",
            SERVED,
            ROUTE,
            "a quote that waited for a connection",
        ),
        (
            "who holds",
            CALLED,
            THIRD_PARTY,
            "a quote that the third party kept waiting",
        ),
    ] {
        let page = stage.engine.page(&stage.client).await?;
        let Some((trace, bound)) = page.slowest_trace(histogram, &[labels]) else {
            let check = format!("{whose}: the slowest bucket has an exemplar");
            stage.check(&check, "a trace id", "none", false);
            continue;
        };
        let (label, value) = labels;
        stage.say(&format!(
            "   {whose}: {histogram}_bucket{{{label}=\"{value}\",le=\"{bound}\"}} … \
             # {{trace_id=\"{trace}\"}}\n   its log:   {}",
            stage.trace_command(&trace)
        ));
        // A line is written a moment after the answer.
        sleep(Duration::from_millis(200)).await;
        let found = stage.show_trace(&trace).await?;
        let shown = if found { "found" } else { "not found" };
        let check = format!("{whose}: what was logged about the exemplar's trace");
        stage.check(&check, "found", shown, found);
        stage.ledger.trail(what, &trace);
    }
    Ok(())
}
