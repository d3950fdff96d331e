//! What the two services need stands still, dies or is full: it shows in readiness, metrics and
//! lines, nothing that was accepted is lost or done twice, and all is as before when it is over.

#![cfg(unix)]
#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "counts are whole numbers, far below 2^53, and compared exactly"
)]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::thread;
use std::time::Duration;

use obs_tests::real::both::{Both, One, Plan};
use obs_tests::real::component::{Component, available};
use obs_tests::real::page::{Page, series};
use obs_tests::real::postgres::Postgres;
use obs_tests::real::redis::Redis;
use obs_tests::real::{http, wait_for};
use serde_json::{Value, json};

/// For what a service notices at once, or after the timeout of a check.
const SOON: Duration = Duration::from_secs(30);

/// For jobs and deliveries that were held up, which wait longer from failure to failure.
const IN_THE_END: Duration = Duration::from_secs(120);

/// Enough for several batches, so that a job can be caught in the middle.
const MANY_ROWS: usize = 20_000;

const FEW_ROWS: usize = 3;

#[test]
fn while_postgres_stands_still_nothing_new_is_accepted_and_afterwards_all_is_done_once() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let services = Both::start(&plan(&postgres));
    let both = [&services.engine, &services.mcp];
    let accepted = upload_through_mcp(&services, 6, MANY_ROWS);
    assert_eq!(accepted.len(), 6);
    wait_for("a job that runs", SOON, || {
        let running = [("status", "running")];
        (number(&services.engine.page(), "traceo_engine_jobs", &running) > 0.0).then_some(())
    });
    postgres.process.freeze();
    for service in both {
        comes_to(service, "database", 503, "failed");
        let up = number(
            &service.page(),
            "obs_check_up",
            &[("check", "database"), ("critical", "true")],
        );
        assert_eq!(up, 0.0);
        assert_eq!(status_of(service, "/health"), 200);
    }
    // Neither a job nor the promise of one.
    assert_eq!(upload_through_mcp(&services, 3, FEW_ROWS), [""; 0]);
    let failed = [("source", "inline"), ("outcome", "failed")];
    let failed = number(
        &services.engine.page(),
        "traceo_engine_uploads_total",
        &failed,
    );
    assert_eq!(failed, 3.0);
    postgres.process.thaw();

    for service in both {
        comes_to(service, "database", 200, "ok");
        wait_for("the line of it", SOON, || {
            (said(service, "a dependency is down", "database") >= 1).then_some(())
        });
    }
    all_is_done_once(&services, &postgres, &accepted);
    // As before.
    let later = upload_through_mcp(&services, 3, FEW_ROWS);
    assert_eq!(later.len(), 3);
    all_is_done_once(&services, &postgres, &[accepted, later].concat());
}

#[test]
fn each_check_that_failed_with_postgres_says_once_that_it_is_up_again() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let services = Both::start(&plan(&postgres));
    let engine = &services.engine;
    let accepted = upload_through_mcp(&services, 6, MANY_ROWS);
    postgres.process.freeze();
    comes_to(engine, "database", 503, "failed");
    assert_eq!(upload_through_mcp(&services, 3, FEW_ROWS), [""; 0]);
    postgres.process.thaw();
    comes_to(engine, "database", 200, "ok");
    for check in ["database", "schema", "queue_age"] {
        wait_for(check, SOON, || {
            let down = said(engine, "a dependency is down", check);
            let up = said(engine, "a dependency is up again", check);
            (down >= 1 && up == down).then_some(())
        });
    }
    all_is_done_once(&services, &postgres, &accepted);
}

#[test]
fn while_redis_is_gone_or_stands_still_uploads_are_accepted_and_wait_in_the_database() {
    if !available(&[Component::Postgres, Component::Redis]) {
        return;
    }
    let (postgres, mut redis) = (Postgres::start(), Redis::start());
    let services = Both::start(&plan(&postgres).with("REDIS_URL", redis.url()));
    let engine = &services.engine;
    let mut accepted = upload_through_mcp(&services, 3, FEW_ROWS);
    all_is_done_once(&services, &postgres, &accepted);
    comes_to(engine, "redis", 200, "ok");

    redis.process.kill();
    comes_to(engine, "redis", 503, "failed");
    assert_eq!(
        number(
            &engine.page(),
            "obs_check_up",
            &[("check", "redis"), ("critical", "true")]
        ),
        0.0
    );
    let waiting = upload_through_mcp(&services, 4, FEW_ROWS);
    assert_eq!(waiting.len(), 4);
    accepted.extend(waiting);
    wait_for("jobs that wait", SOON, || {
        let pending = [("status", "pending")];
        (number(&engine.page(), "traceo_engine_jobs", &pending) == 4.0).then_some(())
    });
    assert!(queue_errors(&engine.page()) > 0.0);
    wait_for("the line of it", SOON, || {
        (lines_that_say(engine, "the queue cannot be reached") >= 1).then_some(())
    });
    let redis = Redis::start_at(redis.address);
    comes_to(engine, "redis", 200, "ok");
    all_is_done_once(&services, &postgres, &accepted);

    redis.process.freeze();
    comes_to(engine, "redis", 503, "failed");
    let waiting = upload_through_mcp(&services, 4, FEW_ROWS);
    assert_eq!(waiting.len(), 4);
    accepted.extend(waiting);
    redis.process.thaw();
    comes_to(engine, "redis", 200, "ok");
    all_is_done_once(&services, &postgres, &accepted);
    wait_for("the queue to be back", SOON, || {
        let gone = lines_that_say(engine, "the queue cannot be reached");
        let back = lines_that_say(engine, "the queue can be reached again");
        (gone >= 2 && gone == back).then_some(())
    });
}

#[test]
fn webhooks_wait_for_a_receiver_that_is_dead_or_stands_still_and_are_delivered_once() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let mut services = Both::start(&plan(&postgres));
    comes_to(&services.engine, "mcp", 200, "ok");
    // Some of them are under way when it dies.
    let mut accepted = upload_through_mcp(&services, 4, FEW_ROWS);
    assert_eq!(accepted.len(), 4);
    services.mcp.process().kill();
    for _ in 0..6 {
        accepted.push(upload_to_engine(&services, FEW_ROWS));
    }
    let page = wait_for("deliveries that failed", SOON, || {
        let page = services.engine.page();
        (deliveries(&page, "failed") >= 6.0).then_some(page)
    });
    assert_eq!(deliveries(&page, "given_up"), 0.0);
    // It takes work as before, and says what it misses.
    comes_to(&services.engine, "mcp", 200, "failed");
    assert_eq!(
        number(
            &services.engine.page(),
            "obs_check_up",
            &[("check", "mcp"), ("critical", "false")]
        ),
        0.0
    );
    wait_for("the backlog", SOON, || {
        let waiting = rows(&postgres, "traceo_engine.webhooks WHERE status = 'pending'");
        let backlog = number(
            &services.engine.page(),
            "traceo_engine_webhook_backlog",
            &[],
        );
        (waiting >= 6 && backlog == waiting as f64).then_some(())
    });
    wait_for("the lines of it", SOON, || {
        let failed = lines_that_say(&services.engine, "failed; it will be tried again");
        (failed >= 6).then_some(())
    });
    services.mcp.start();
    comes_to(&services.engine, "mcp", 200, "ok");
    all_is_done_once(&services, &postgres, &accepted);
    let delivered = deliveries(&services.engine.page(), "delivered");

    services.mcp.process().freeze();
    for _ in 0..3 {
        accepted.push(upload_to_engine(&services, FEW_ROWS));
    }
    let failed = deliveries(&page, "failed");
    wait_for("deliveries that got no answer", SOON, || {
        (deliveries(&services.engine.page(), "failed") >= failed + 3.0).then_some(())
    });
    services.mcp.process().thaw();
    all_is_done_once(&services, &postgres, &accepted);
    wait_for("the last answer", SOON, || {
        let page = services.engine.page();
        (deliveries(&page, "delivered") == delivered + 3.0).then_some(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn with_the_disk_of_the_logs_full_both_services_work_and_count_every_line_they_drop() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let mut services = Both::prepare(&plan(&postgres));
    let full = || -> File {
        let full = OpenOptions::new().write(true).open("/dev/full");
        full.expect("a full disk")
    };
    services.engine.start_writing_to(full().into());
    services.mcp.start_writing_to(full().into());
    let accepted = upload_through_mcp(&services, 20, FEW_ROWS);
    assert_eq!(accepted.len(), 20);
    all_is_done_once(&services, &postgres, &accepted);
    for service in [&services.engine, &services.mcp] {
        assert_eq!(service.ready("database"), (200, "ok".to_owned()));
        let page = wait_for("the last line to be dropped", SOON, || {
            let page = service.page();
            let levels = page
                .iter()
                .filter(|(series, _)| series.name == "obs_log_lines_total");
            let lines: f64 = levels.map(|(_, lines)| lines).sum();
            let reason = [("reason", "write_failed")];
            let dropped = number(&page, "obs_log_lines_dropped_total", &reason);
            (lines >= 40.0 && dropped == lines).then_some(page)
        });
        assert!(number(&page, "obs_log_errors_total", &[("kind", "no_space")]) > 0.0);
    }
    assert!(services.mcp.terminate());
    assert!(services.engine.terminate());
}

/// A read-only folder would stop nobody who runs as root; a file in its place does.
#[test]
fn without_a_place_for_uploads_none_is_accepted_and_those_before_are_not_lost() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let services = Both::start(&plan(&postgres));
    let engine = &services.engine;
    comes_to(engine, "disk", 200, "ok");
    let mut accepted = upload_through_mcp(&services, 2, FEW_ROWS);
    let place = services.folder.path().join("data/engine/uploads");
    let away = place.with_extension("away");
    all_is_done_once(&services, &postgres, &accepted);
    fs::rename(&place, &away).expect("it is there");
    File::create(&place).expect("a file");
    comes_to(engine, "disk", 503, "failed");
    assert_eq!(upload_through_mcp(&services, 3, FEW_ROWS), [""; 0]);
    let failed = [("source", "inline"), ("outcome", "failed")];
    assert_eq!(
        number(&engine.page(), "traceo_engine_uploads_total", &failed),
        3.0
    );
    wait_for("the line of it", SOON, || {
        (said(engine, "a dependency is down", "disk") >= 1).then_some(())
    });
    fs::remove_file(&place).expect("it is there");
    fs::rename(&away, &place).expect("it is there");
    comes_to(engine, "disk", 200, "ok");
    accepted.extend(upload_through_mcp(&services, 2, FEW_ROWS));
    assert_eq!(accepted.len(), 4);
    all_is_done_once(&services, &postgres, &accepted);
}

fn plan(postgres: &Postgres) -> Plan {
    Plan::default()
        .with("OBS_ENV", "dev")
        .with("LOG_FORMAT", "json")
        .with("OBS_LOG_SUCCESS_SAMPLE", "1")
        .with("DATABASE_URL", postgres.url())
}

fn status_of(service: &One, path: &str) -> u16 {
    let answer = http::get(service.address, path, "*/*");
    answer.expect("an answer").status
}

fn content(rows: usize) -> String {
    let rows = (0..rows).map(|row| format!("{row},x\n"));
    format!("row,letter\n{}", rows.collect::<String>())
}

/// Uploads at the same time, and returns the jobs that were accepted.
fn upload_through_mcp(services: &Both, uploads: usize, rows: usize) -> Vec<String> {
    let arguments = &json!({ "content": content(rows) });
    thread::scope(|scope| {
        let upload = move || services.call("ingest_csv", arguments, &[]).accepted();
        let uploading = (0..uploads).map(|_| scope.spawn(upload));
        let uploading: Vec<_> = uploading.collect();
        let jobs = uploading.into_iter();
        jobs.filter_map(|job| job.join().expect("an answer"))
            .collect()
    })
}

fn upload_to_engine(services: &Both, rows: usize) -> String {
    let path = "/uploads?source=upload";
    let headers = [("Content-Type", "text/csv")];
    let body = content(rows);
    let answer = http::post(services.engine.address, path, &headers, &body, SOON);
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let job: Value = serde_json::from_str(&answer.body).expect("JSON");
    job["job_id"].as_str().expect("an id").to_owned()
}

/// Waits for the end of all jobs and of all that is told about them, and looks at what there is.
fn all_is_done_once(services: &Both, postgres: &Postgres, accepted: &[String]) {
    let jobs = accepted.len();
    wait_for("the end of all jobs", IN_THE_END, || {
        let told = rows(postgres, "traceo_mcp.inbox WHERE processed_at IS NOT NULL");
        let delivered = rows(
            postgres,
            "traceo_engine.webhooks WHERE status = 'delivered'",
        );
        (told >= jobs && delivered >= jobs).then_some(())
    });
    let once = |select: &str| {
        let rows = postgres.rows(&format!(
            "SELECT key, count(*) AS n FROM ({select}) s GROUP BY key"
        ));
        let rows = rows.iter().map(|row| {
            let key = row["key"].as_str().expect("a text").to_owned();
            (key, row["n"].as_u64().expect("a number"))
        });
        let found: BTreeMap<_, _> = rows.collect();
        let expected = accepted.iter().map(|job| (job.clone(), 1));
        assert_eq!(found, expected.collect(), "{select}");
    };
    once("SELECT id AS key FROM traceo_engine.jobs WHERE status = 'completed'");
    once("SELECT id AS key FROM traceo_engine.jobs");
    once("SELECT entity AS key FROM traceo_engine.audit_logs WHERE action = 'job_ended'");
    once("SELECT job AS key FROM traceo_engine.webhooks");
    once(
        "SELECT w.job AS key FROM traceo_engine.audit_logs a \
         JOIN traceo_engine.webhooks w ON w.id = a.entity WHERE a.action = 'webhook_delivered'",
    );
    once("SELECT job_id AS key FROM traceo_mcp.inbox");
    once("SELECT entity AS key FROM traceo_mcp.audit_logs WHERE action = 'webhook_received'");
    once("SELECT job_id AS key FROM traceo_mcp.imports WHERE status = 'completed'");
    // The rows of a job, and what it says of them, are those of the last attempt alone.
    let different = "SELECT j.id FROM traceo_engine.jobs j WHERE j.rows_ok <> \
                     (SELECT count(*) FROM traceo_engine.job_rows r WHERE r.job = j.id)";
    assert_eq!(postgres.rows(different), [Value::Null; 0]);
    let short = format!(
        "SELECT id, rows_ok FROM traceo_engine.jobs WHERE rows_ok NOT IN ({FEW_ROWS}, {MANY_ROWS})"
    );
    assert_eq!(postgres.rows(&short), [Value::Null; 0]);
    wait_for("the gauges", SOON, || {
        let engine = services.engine.page();
        let mcp = services.mcp.page();
        let is_right = JOBS.iter().all(|status| {
            let expected = if *status == "completed" {
                jobs as f64
            } else {
                0.0
            };
            let labels = [("status", *status)];
            number(&engine, "traceo_engine_jobs", &labels) == expected
                && number(&mcp, "traceo_mcp_known_imports", &labels) == expected
        }) && number(&engine, "traceo_engine_webhook_backlog", &[]) == 0.0
            && number(&engine, "traceo_engine_queue_depth", &[]) == 0.0
            && number(&mcp, "traceo_mcp_webhook_backlog", &[]) == 0.0;
        is_right.then_some(())
    });
}

const JOBS: [&str; 5] = ["pending", "running", "completed", "failed", "cancelled"];

fn rows(postgres: &Postgres, table: &str) -> usize {
    let rows = postgres.rows(&format!("SELECT count(*) AS n FROM {table}"));
    let count = rows[0]["n"].as_u64().expect("a number");
    usize::try_from(count).expect("few")
}

/// Waits until a check says this, and the service as a whole that.
fn comes_to(service: &One, check: &str, status: u16, expected: &str) {
    wait_for(check, SOON, || {
        (service.ready(check) == (status, expected.to_owned())).then_some(())
    });
}

fn number(page: &Page, name: &str, labels: &[(&str, &str)]) -> f64 {
    let series = series(name, labels);
    let number = page.get(&series);
    number.unwrap_or_else(|| panic!("no {series}"))
}

fn deliveries(page: &Page, result: &str) -> f64 {
    number(
        page,
        "traceo_engine_webhook_deliveries_total",
        &[("result", result)],
    )
}

/// Commands that Redis did not answer, or not in time.
fn queue_errors(page: &Page) -> f64 {
    let operations = page.iter().filter(|(series, _)| {
        series.name == "traceo_db_client_operations_total"
            && series.labels["pool"] == "queue"
            && series.labels["outcome"] != "ok"
    });
    operations.map(|(_, count)| count).sum()
}

fn said(service: &One, message: &str, check: &str) -> usize {
    let lines = service.lines();
    let about = lines.iter().filter(|line| line["check"] == check);
    about.filter(|line| line["message"] == message).count()
}

fn lines_that_say(service: &One, beginning: &str) -> usize {
    let lines = service.lines();
    let messages = lines.iter().filter_map(|line| line["message"].as_str());
    messages
        .filter(|message| message.starts_with(beginning))
        .count()
}
