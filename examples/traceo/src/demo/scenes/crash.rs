//! A crash: the engine is killed while jobs run, and started again.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::files::good;
use super::super::stage::{Broken, Stage};
use super::files::as_number;

/// How long a job may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

pub(super) async fn play(stage: &mut Stage) -> Result<(), Broken> {
    let id = stage.engine.id();
    stage.scene(
        "6. A crash",
        &format!("The engine (process {id}) is killed while jobs run, and started again."),
        &[
            "traceo_engine_jobs, increase(traceo_engine_job_retries_total[5m])".to_owned(),
            "up{job=\"traceo-engine\"}, traceo_engine_uptime_seconds".to_owned(),
        ],
    );
    let rows = stage.timing.size(150_000, 60_000);
    let mut jobs = Vec::new();
    for _ in 0..stage.timing.size(8, 4) {
        let answer = stage.client.upload("crash.csv", good(rows)).await?;
        if let Some(id) = answer.body["job_id"].as_str() {
            jobs.push((id.to_owned(), answer.correlation));
        }
    }
    let before = jobs_in_all(stage).await?;
    until_one_runs(stage, &jobs).await?;
    stage.engine.kill(&stage.client).await?;
    stage.say(&format!("   killed; {before} jobs were accepted so far"));
    sleep(stage.timing.percent(2)).await;
    stage.engine.start_again().await?;
    let settled = stage.settle().await;
    let after = jobs_in_all(stage).await?;
    stage.must_equal("jobs before the crash, and after it", before, after);
    let yes = |is_so: bool| if is_so { "yes" } else { "no" };
    stage.check("all of them have ended", "yes", yes(settled), settled);

    let (mut retried, mut whole) = (None, 0);
    for (job, correlation) in &jobs {
        let report = stage.job(job).await?;
        let is_whole = report["status"] == "completed"
            && report["rows_ok"].as_u64() == u64::try_from(rows).ok();
        whole += usize::from(is_whole);
        if report["attempts"].as_i64() > Some(1) {
            retried.get_or_insert_with(|| correlation.clone());
        }
    }
    stage.must_equal(
        "jobs sent, and jobs that imported every row once",
        as_number(jobs.len()),
        as_number(whole),
    );
    stage.check(
        "an attempt was begun again",
        "yes",
        yes(retried.is_some()),
        retried.is_some(),
    );
    if let Some(id) = retried {
        stage.trail("a job that was begun twice", &id);
    }
    Ok(())
}

/// Returns how many jobs there are in the database, in any state.
async fn jobs_in_all(stage: &Stage) -> Result<f64, Broken> {
    // The gauges are looked at now and then; the jobs that were accepted are known at once.
    let known = as_number(stage.ledger.jobs().len());
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let found = stage
            .engine
            .page(&stage.client)
            .await?
            .sum("traceo_engine_jobs", &[]);
        if super::super::stage::same(found, known) || Instant::now() > end {
            return Ok(found);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn until_one_runs(stage: &Stage, jobs: &[(String, String)]) -> Result<(), Broken> {
    let end = Instant::now() + BEGIN;
    while Instant::now() < end {
        for (job, _) in jobs {
            if stage.job(job).await?["status"] == "running" {
                return Ok(());
            }
        }
    }
    Ok(())
}
