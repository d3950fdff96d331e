//! Two hundred uploads at once through the MCP server, with a real PostgreSQL and a real Redis: no id
//! is mixed, no series is there beyond the declared ones, and every number of `/metrics` is a number
//! of rows and a number of lines.

#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "counts are whole numbers, far below 2^53, and compared exactly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use obs_tests::real::both::{Both, One, Plan};
use obs_tests::real::component::{Component, available};
use obs_tests::real::page::{Page, Series, series};
use obs_tests::real::postgres::Postgres;
use obs_tests::real::redis::Redis;
use obs_tests::real::{build, wait_for};
use serde_json::{Value, json};

const CALLS: usize = 200;
const USERS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(180);

/// What a call sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum File {
    Good,
    SomeRowsBroken,
    AllRowsBroken,
    Empty,
}

/// One of the calls, and what must come of it.
#[derive(Debug)]
struct Sent {
    number: usize,
    file: File,
    rows_ok: usize,
    rows_rejected: usize,
    content: String,
    correlation_id: String,
    token: String,
    job: Option<String>,
}

impl Sent {
    fn new(number: usize) -> Self {
        let (file, rows_ok, rows_rejected) = match number % 10 {
            0..=3 => (File::Good, number % 7 + 1, 0),
            4..=6 => (File::SomeRowsBroken, number % 7 + 1, number % 3 + 1),
            7 | 8 => (File::AllRowsBroken, 0, number % 3 + 1),
            _ => (File::Empty, 0, 0),
        };
        let mut content = String::new();
        if file != File::Empty {
            content.push_str("call,row\n");
        }
        for row in 0..rows_ok {
            writeln!(content, "{number},{row}").expect("a text takes everything");
        }
        content.push_str(&format!("{number}\n").repeat(rows_rejected));
        Self {
            number,
            file,
            rows_ok,
            rows_rejected,
            content,
            correlation_id: format!("load-{number:03}"),
            // Each sends files of every kind.
            token: format!("token-{}", number / (CALLS / USERS)),
            job: None,
        }
    }

    fn status(&self) -> &'static str {
        if self.file == File::AllRowsBroken {
            "failed"
        } else {
            "completed"
        }
    }
}

#[test]
fn of_two_hundred_uploads_at_once_none_is_mixed_up_and_every_number_is_rows_and_lines() {
    if !available(&[Component::Postgres, Component::Redis]) {
        return;
    }
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let plan = Plan::default()
        .with("OBS_ENV", "dev")
        .with("LOG_FORMAT", "json")
        .with("OBS_LOG_SUCCESS_SAMPLE", "1")
        .with("DATABASE_URL", postgres.url())
        .with("REDIS_URL", redis.url());
    let services = Both::start(&plan);
    let first = [services.engine.page(), services.mcp.page()];
    let sent = send_all(&services);
    let accepted = sent.iter().filter(|sent| sent.job.is_some()).count();
    assert_eq!(accepted, CALLS / 10 * 9);

    wait_for("the end of all jobs", PATIENCE, || {
        let ended = |page: &Page, family: &str| -> f64 {
            let of = |status| page.get(&series(family, &[("status", status)]));
            of("completed").unwrap_or(0.0) + of("failed").unwrap_or(0.0)
        };
        let (engine, mcp) = (services.engine.page(), services.mcp.page());
        let is_over = ended(&engine, "traceo_engine_jobs") == accepted as f64
            && ended(&mcp, "traceo_mcp_known_imports") == accepted as f64
            && engine.get(&series("traceo_engine_webhook_backlog", &[])) == Some(0.0)
            && mcp.get(&series("traceo_mcp_webhook_backlog", &[])) == Some(0.0);
        is_over.then_some(())
    });
    let users = rows_are_those_of_their_calls(&postgres, &sent);
    for service in [&services.engine, &services.mcp] {
        lines_are_all_there(service);
        lines_are_those_of_their_calls(&service.lines(), &sent, &users);
    }
    engine_counts_its_rows_and_lines(&services.engine, &postgres);
    mcp_counts_its_rows_and_lines(&services.mcp, &postgres);
    let last = [services.engine.page(), services.mcp.page()];
    for (first, last) in first.iter().zip(&last) {
        no_series_was_added(first, last);
    }
}

/// Sends all calls at the same moment.
fn send_all(services: &Both) -> Vec<Sent> {
    let start = Barrier::new(CALLS);
    thread::scope(|scope| {
        let sending = (0..CALLS).map(|number| {
            let start = &start;
            scope.spawn(move || {
                let mut sent = Sent::new(number);
                start.wait();
                let called = services.call(
                    "ingest_csv",
                    &json!({ "content": sent.content }),
                    &[
                        ("X-Correlation-ID", &*sent.correlation_id),
                        ("Authorization", &format!("Bearer {}", sent.token)),
                    ],
                );
                assert_eq!(called.correlation_id(), sent.correlation_id);
                sent.job = called.accepted();
                let answer = called.answer;
                let is_refused = answer["result"]["isError"] == true;
                assert_eq!(is_refused, sent.file == File::Empty, "{answer}");
                assert_eq!(sent.job.is_none(), is_refused, "{answer}");
                sent
            })
        });
        let sending: Vec<_> = sending.collect();
        let sent = sending.into_iter();
        sent.map(|sent| sent.join().expect("an answer")).collect()
    })
}

/// Compares every row of the database with the call that made it; returns the user of each token.
fn rows_are_those_of_their_calls(postgres: &Postgres, sent: &[Sent]) -> BTreeMap<String, String> {
    let mut users = BTreeMap::new();
    let by_id: BTreeMap<_, _> = sent
        .iter()
        .filter_map(|sent| Some((sent.job.clone()?, sent)))
        .collect();
    let call_of = |job: &Value| {
        let sent = job.as_str().and_then(|job| by_id.get(job));
        *sent.unwrap_or_else(|| panic!("nobody asked for {job}"))
    };
    let jobs = postgres.rows("SELECT * FROM traceo_engine.jobs");
    assert_eq!(jobs.len(), by_id.len());
    for job in &jobs {
        let sent = call_of(&job["id"]);
        let (token, user) = (&sent.token, text(&job["actor"]));
        assert!(user.starts_with("usr_") && user.len() == 20, "{job}");
        let known = users.entry(token.clone()).or_insert_with(|| user.clone());
        assert_eq!(known, &user, "{token} is two users: {job}");
        assert_eq!(job["correlation_id"], sent.correlation_id, "{job}");
        assert_eq!(job["status"], sent.status(), "{job}");
        assert_eq!(job["attempts"], 1, "{job}");
        assert_eq!(job["rows_ok"], sent.rows_ok, "{job}");
        assert_eq!(job["rows_rejected"], sent.rows_rejected, "{job}");
    }
    let different: BTreeSet<_> = users.values().collect();
    assert_eq!(different.len(), users.len(), "users share an id");

    let is_of = |row: &Value, sent: &Sent| {
        assert_eq!(row["correlation_id"], sent.correlation_id, "{row}");
        assert_eq!(row["actor"], users[&sent.token], "{row}");
    };
    for row in postgres.rows("SELECT job, cells FROM traceo_engine.job_rows") {
        let cells: Vec<String> = serde_json::from_str(&text(&row["cells"])).expect("cells");
        assert_eq!(cells[0], call_of(&row["job"]).number.to_string(), "{row}");
    }
    let mut deliveries = BTreeMap::new();
    for row in postgres.rows("SELECT * FROM traceo_engine.webhooks") {
        is_of(&row, call_of(&row["job"]));
        assert_eq!(row["status"], "delivered", "{row}");
        deliveries.insert(text(&row["id"]), text(&row["job"]));
    }
    assert_eq!(deliveries.len(), by_id.len());
    for row in postgres.rows("SELECT * FROM traceo_mcp.inbox") {
        is_of(&row, call_of(&row["job_id"]));
        assert_eq!(deliveries[&text(&row["id"])], text(&row["job_id"]), "{row}");
        assert!(!row["processed_at"].is_null(), "{row}");
    }
    let imports = postgres.rows("SELECT * FROM traceo_mcp.imports");
    assert_eq!(imports.len(), by_id.len());
    for row in &imports {
        let sent = call_of(&row["job_id"]);
        is_of(row, sent);
        assert_eq!(row["status"], sent.status(), "{row}");
        assert_eq!(row["rows_ok"], sent.rows_ok, "{row}");
        assert_eq!(row["rows_rejected"], sent.rows_rejected, "{row}");
    }

    let of_engine = [
        "job_accepted",
        "job_ended",
        "job_started",
        "webhook_delivered",
    ];
    let of_engine = of_engine.iter().chain(&["webhook_queued"]).copied();
    let of_mcp = ["import_recorded", "import_updated", "webhook_received"];
    audits_tell_each_story_once(
        postgres,
        "traceo_engine",
        &of_engine.collect::<Vec<_>>(),
        |row| {
            let entity = text(&row["entity"]);
            let job = deliveries.get(&entity).unwrap_or(&entity);
            is_of(row, call_of(&job.as_str().into()));
        },
    );
    audits_tell_each_story_once(postgres, "traceo_mcp", &of_mcp, |row| {
        is_of(row, call_of(&row["entity"]));
    });
    users
}

/// Each accepted upload has each of `actions` once, all in the trace of its call.
fn audits_tell_each_story_once(
    postgres: &Postgres,
    schema: &str,
    actions: &[&str],
    is_right: impl Fn(&Value),
) {
    let mut stories: BTreeMap<String, (Vec<String>, BTreeSet<String>)> = BTreeMap::new();
    for row in postgres.rows(&format!("SELECT * FROM {schema}.audit_logs")) {
        is_right(&row);
        let (told, traces) = stories.entry(text(&row["correlation_id"])).or_default();
        told.push(text(&row["action"]));
        traces.insert(text(&row["trace_id"]));
    }
    assert_eq!(stories.len(), CALLS / 10 * 9);
    let mut all_traces = BTreeSet::new();
    for (id, (mut told, traces)) in stories {
        told.sort();
        assert_eq!(told, actions, "{schema}: {id}");
        assert_eq!(traces.len(), 1, "{schema}: {id}: {traces:?}");
        let is_new = traces.into_iter().all(|trace| all_traces.insert(trace));
        assert!(is_new, "{id} is in the trace of another call");
    }
}

/// Waits until what was given to the log is in the file: each line once, and none was dropped.
fn lines_are_all_there(service: &One) {
    wait_for("the last line", Duration::from_secs(20), || {
        let page = service.page();
        let lines = service.lines();
        let mut levels: BTreeMap<String, f64> = BTreeMap::new();
        for line in &lines {
            let level = text(&line["level"]).to_lowercase();
            *levels.entry(level).or_default() += 1.0;
        }
        let counted = page
            .iter()
            .filter(|(series, count)| series.name == "obs_log_lines_total" && *count > 0.0)
            .map(|(series, count)| (series.labels["level"].clone(), count));
        (counted.collect::<BTreeMap<_, _>>() == levels).then_some(())
    });
    for (series, count) in service.page().iter() {
        if series.name == "obs_log_lines_dropped_total" || series.name == "obs_dropped_total" {
            assert_eq!(count, 0.0, "{series}");
        }
    }
}

fn lines_are_those_of_their_calls(
    lines: &[Value],
    sent: &[Sent],
    users: &BTreeMap<String, String>,
) {
    let by_id: BTreeMap<_, _> = sent
        .iter()
        .map(|sent| (sent.correlation_id.as_str(), sent))
        .collect();
    let mut traces: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in lines {
        let id = line["correlation_id"].as_str().unwrap_or_default();
        let Some(sent) = by_id.get(id) else {
            let is_nobodys = line.get("job_id").is_none() && line.get("user_id").is_none();
            assert!(is_nobodys, "whose line is this? {line}");
            continue;
        };
        seen.insert(id);
        let trace = line["trace_id"].as_str().expect("a trace");
        traces.entry(trace).or_default().insert(id);
        if let Some(user) = line.get("user_id") {
            // Nothing of an empty file is in the database, where the users are from.
            assert_eq!(*user, users[&sent.token], "{line}");
        } else {
            assert_eq!(line["message"], "request_started", "nobody's: {line}");
        }
        match (line.get("job_id"), &sent.job) {
            (Some(found), Some(job)) => assert_eq!(found, job, "{line}"),
            // A request is refused under the id that its job would have had.
            (Some(_), None) => assert_eq!(line["error_code"], "empty_upload", "{line}"),
            (None, _) => {}
        }
    }
    assert_eq!(seen.len(), CALLS, "some calls have no line");
    let shared: Vec<_> = traces.values().filter(|ids| ids.len() > 1).collect();
    assert!(shared.is_empty(), "calls share a trace: {shared:?}");
}

#[expect(clippy::too_many_lines, reason = "one comparison after the other")]
fn engine_counts_its_rows_and_lines(engine: &One, postgres: &Postgres) {
    let page = engine.page();
    let lines = engine.lines();
    let all = |table: &str| counted(postgres, &format!("SELECT 'all' AS key FROM {table}"))["all"];
    let jobs = all("traceo_engine.jobs");
    let rows = postgres.rows(
        "SELECT CAST(sum(rows_ok) AS BIGINT) AS ok, \
         CAST(sum(rows_rejected) AS BIGINT) AS rejected FROM traceo_engine.jobs",
    );
    let (ok, rejected) = (number(&rows[0]["ok"]), number(&rows[0]["rejected"]));
    assert_eq!(all("traceo_engine.job_rows"), ok);
    assert_eq!(all("traceo_engine.job_errors"), rejected);

    let inline = ("source", "inline");
    is(
        &page,
        "traceo_engine_uploads_total",
        &[inline, ("outcome", "accepted")],
        jobs,
    );
    is(
        &page,
        "traceo_engine_uploads_total",
        &[inline, ("outcome", "refused")],
        (CALLS / 10) as f64,
    );
    is(
        &page,
        "traceo_engine_csv_rows_total",
        &[inline, ("outcome", "ok")],
        ok,
    );
    is(
        &page,
        "traceo_engine_csv_rows_total",
        &[inline, ("outcome", "rejected")],
        rejected,
    );
    is(
        &page,
        "traceo_engine_job_duration_seconds_count",
        &[("kind", "csv_import")],
        jobs,
    );
    is(&page, "traceo_engine_queue_depth", &[], 0.0);
    is(&page, "traceo_engine_queue_oldest_seconds", &[], 0.0);
    let drained = page.get(&series("traceo_engine_queue_drained_total", &[]));
    // The sweeper may have put a job in again on its way from the queue to a worker.
    assert!(drained >= Some(jobs), "{drained:?}");
    assert_eq!(
        drained,
        page.get(&series("traceo_engine_queue_enqueued_total", &[]))
    );

    let of_jobs = |key: &str| {
        let select = format!("SELECT {key} AS key FROM traceo_engine.jobs WHERE {key} IS NOT NULL");
        counted(postgres, &select)
    };
    are(&page, "traceo_engine_jobs", "status", &of_jobs("status"));
    are(
        &page,
        "traceo_engine_jobs_ended_total",
        "status",
        &of_jobs("status"),
    );
    are(
        &page,
        "traceo_engine_job_failures_total",
        "reason",
        &of_jobs("failure_kind"),
    );
    are(
        &page,
        "traceo_engine_job_retries_total",
        "reason",
        &BTreeMap::new(),
    );
    let kinds = counted(postgres, "SELECT kind AS key FROM traceo_engine.job_errors");
    are(&page, "traceo_engine_csv_errors_total", "kind", &kinds);

    let webhooks = counted(postgres, "SELECT status AS key FROM traceo_engine.webhooks");
    let tried = lines_by(&lines, "job_completed", |line| {
        (line["job"] == "deliver_webhook").then(|| text(&line["outcome"]))
    });
    let delivered = BTreeMap::from([("delivered".to_owned(), jobs)]);
    assert_eq!(webhooks, delivered);
    assert_eq!(all("traceo_mcp.inbox"), jobs);
    assert_eq!(tried["ok"], jobs);
    let failed = tried.get("error").copied().unwrap_or(0.0);
    let result = |result| [("result", result)];
    is(
        &page,
        "traceo_engine_webhook_deliveries_total",
        &result("delivered"),
        jobs,
    );
    is(
        &page,
        "traceo_engine_webhook_deliveries_total",
        &result("failed"),
        failed,
    );
    is(&page, "traceo_engine_webhook_backlog", &[], 0.0);

    let attempts = lines_by(&lines, "job_completed", |line| {
        (line["job"] == "import_csv").then(|| text(&line["outcome"]))
    });
    assert_eq!(attempts.values().sum::<f64>(), jobs);
    assert_eq!(attempts.get("error"), of_jobs("status").get("failed"));
    let ended = lines_by(&lines, "job ended", |line| Some(text(&line["status"])));
    assert_eq!(ended, of_jobs("status"));
    for (operation, calls) in [
        ("accept_job", jobs),
        ("start_job", jobs),
        ("finish_job", jobs),
    ] {
        let labels = [("operation", operation), ("outcome", "ok")];
        is(&page, "operation_calls_total", &labels, calls);
    }
    let decisions = "traceo_engine_rate_limit_decisions_total";
    is(&page, decisions, &[("decision", "allowed")], CALLS as f64);
    is(&page, decisions, &[("decision", "limited")], 0.0);
    requests_are_their_lines(&page, &lines);
}

fn mcp_counts_its_rows_and_lines(mcp: &One, postgres: &Postgres) {
    let page = mcp.page();
    let lines = mcp.lines();
    let imports = counted(postgres, "SELECT status AS key FROM traceo_mcp.imports");
    let jobs: f64 = imports.values().sum();
    is(
        &page,
        "traceo_mcp_imports_total",
        &[("source", "inline")],
        jobs,
    );
    are(&page, "traceo_mcp_known_imports", "status", &imports);
    is(
        &page,
        "traceo_mcp_webhooks_received_total",
        &[("receipt", "taken")],
        jobs,
    );
    is(
        &page,
        "traceo_mcp_webhooks_received_total",
        &[("receipt", "refused")],
        0.0,
    );
    is(&page, "traceo_mcp_webhook_lag_seconds_count", &[], jobs);
    is(&page, "traceo_mcp_webhook_backlog", &[], 0.0);
    let taken = lines_by(&lines, "webhook taken", |line| Some(text(&line["status"])));
    assert_eq!(taken, imports);
    let recorded = lines_by(&lines, "job end recorded", |line| {
        Some(text(&line["status"]))
    });
    assert_eq!(recorded, imports);

    // A call that went well has said what it did, one that did not is told of.
    let accepted = lines_by(&lines, "import accepted", |line| Some(text(&line["tool"])));
    let failed = lines_by(&lines, "tool call failed", |line| {
        Some(text(&line["outcome"]))
    });
    let outcomes = BTreeMap::from([
        ("ok".to_owned(), accepted["ingest_csv"]),
        ("tool_error".to_owned(), failed["tool_error"]),
    ]);
    assert_eq!(outcomes.values().sum::<f64>(), CALLS as f64);
    let calls = page
        .iter()
        .filter(|(series, count)| series.name == "mcp_tool_calls_total" && *count > 0.0)
        .map(|(series, count)| {
            assert_eq!(series.labels["tool"], "ingest_csv", "{series}");
            (series.labels["outcome"].clone(), count)
        });
    assert_eq!(calls.collect::<BTreeMap<_, _>>(), outcomes);
    requests_are_their_lines(&page, &lines);
}

/// Every request has one line, and is counted once under what its line says.
fn requests_are_their_lines(page: &Page, lines: &[Value]) {
    let lines = lines.iter();
    let completed = lines.filter(|line| line["message"] == "request_completed");
    let mut said: BTreeMap<Series, f64> = BTreeMap::new();
    for line in completed {
        let status = line["status"].to_string();
        let (method, route) = (text(&line["method"]), text(&line["route"]));
        let labels = [
            ("method", &*method),
            ("route", &*route),
            ("status", &*status),
        ];
        let counted = series("traceo_http_requests_total", &labels);
        *said.entry(counted).or_default() += 1.0;
    }
    let counted = page
        .iter()
        .filter(|(series, _)| series.name == "traceo_http_requests_total")
        .map(|(series, count)| (series.clone(), count));
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), said);
    assert!(!said.is_empty());
}

/// What was declared is there from the start; of the rest only what the services name is.
fn no_series_was_added(first: &Page, last: &Page) {
    let learned = [
        "traceo_http_",
        "traceo_db_client_",
        // The state of a check is known once somebody has asked.
        "obs_check_up",
    ];
    let declared = |page: &Page| -> BTreeSet<Series> {
        let is_learned = |name: &str| learned.iter().any(|prefix| name.starts_with(prefix));
        page.iter()
            .map(|(series, _)| series.clone())
            .filter(|series| {
                let family = series.labels.get("family").map_or("", String::as_str);
                !is_learned(&series.name) && !is_learned(family)
            })
            .collect()
    };
    let (before, after) = (declared(first), declared(last));
    let different: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(different.is_empty(), "{different:?}");
    for (label, known) in [
        ("route", &["/mcp", "/uploads", "/webhooks/jobs"][..]),
        ("peer", &["engine", "mcp", "upstream"]),
        ("pool", &["main", "queue"]),
        ("method", &["POST"]),
    ] {
        // What nobody named is there from the start, and nothing must be counted under it.
        for (series, count) in last.iter() {
            if let Some(value) = series.labels.get(label)
                && (value != "_other" || count > 0.0)
            {
                assert!(known.contains(&value.as_str()), "{series}");
            }
        }
    }
}

#[test]
fn each_service_declares_fewer_than_a_thousand_combinations_of_labels_and_prints_them() {
    let output = Command::new(build::traceo())
        .arg("metrics")
        .env("OBS_ENV", "dev")
        .output()
        .expect("it starts");
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).expect("text");
    let (mcp, engine) = printed.split_once("traceo-engine").expect("both services");
    for (service, report) in [("mcp", mcp), ("engine", engine)] {
        // family, kind, combinations, at most, series, budget
        let rows = report
            .lines()
            .map(str::split_whitespace)
            .map(Vec::from_iter);
        let is_family = |row: &&Vec<&str>| row.len() == 6 && row[5] == "-";
        let rows: Vec<_> = rows.filter(|row| is_family(&row)).collect();
        let number = |text: &str| -> u64 { text.parse().expect("a number") };
        // HTTP is printed besides: what it can have grows with the routes.
        let declared: u64 = rows
            .iter()
            .filter(|row| !row[0].starts_with("traceo_http_"))
            .map(|row| number(row[3]))
            .sum();
        assert!((1..1000).contains(&declared), "{service}: {declared}");
        assert!(
            rows.iter()
                .any(|row| row[0] == "traceo_http_requests_total"),
            "{report}"
        );
        let own = format!("traceo_{service}_uptime_seconds");
        assert!(rows.iter().any(|row| row[0] == own), "{report}");
        let total = report.lines().find(|line| line.starts_with("total"));
        let total = total.unwrap_or_else(|| panic!("no total: {report}"));
        let combinations = total.split_whitespace().nth(1).expect("a number");
        assert!(number(combinations) < 1000, "{total}");
    }
}

/// How many rows there are of each `key`.
fn counted(postgres: &Postgres, select: &str) -> BTreeMap<String, f64> {
    let grouped = format!("SELECT key, count(*) AS rows FROM ({select}) s GROUP BY key");
    let rows = postgres.rows(&grouped);
    let rows = rows
        .iter()
        .map(|row| (text(&row["key"]), number(&row["rows"])));
    rows.collect()
}

/// How many lines with this message there are of each key.
fn lines_by(
    lines: &[Value],
    message: &str,
    key: impl Fn(&Value) -> Option<String>,
) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for line in lines.iter().filter(|line| line["message"] == message) {
        if let Some(key) = key(line) {
            *counts.entry(key).or_default() += 1.0;
        }
    }
    counts
}

fn is(page: &Page, name: &str, labels: &[(&str, &str)], expected: f64) {
    let series = series(name, labels);
    assert_eq!(page.get(&series), Some(expected), "{series}");
}

/// The series of a family with one label are these, and all others are at zero.
fn are(page: &Page, name: &str, label: &str, expected: &BTreeMap<String, f64>) {
    let counted = page
        .iter()
        .filter(|(series, count)| series.name == name && *count != 0.0)
        .map(|(series, count)| (series.labels[label].clone(), count));
    assert_eq!(&counted.collect::<BTreeMap<_, _>>(), expected, "{name}");
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}
