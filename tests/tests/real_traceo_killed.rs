//! The engine is killed while jobs run, again and again, and started where it was: no job is lost,
//! none is done twice, and what is counted is right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use obs_tests::collector::{Collector, Protocol, Received, hex};
use obs_tests::real::both::{Both, Plan};
use obs_tests::real::component::{Component, available};
use obs_tests::real::database::Database;
use obs_tests::real::page::{Page, series};
use obs_tests::real::postgres::Postgres;
use obs_tests::real::process::{Signal, tell};
use obs_tests::real::redis::Redis;
use obs_tests::real::wait_for;
use serde_json::{Value, json};

/// A debug build on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

const JOBS: i64 = 12;

const ROWS: i64 = 30_000;

#[test]
fn no_job_is_lost_and_none_is_done_twice_when_the_engine_is_killed_with_postgres_and_redis() {
    if !available(&[Component::Postgres, Component::Redis]) {
        return;
    }
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let plan = Plan::default()
        .with("DATABASE_URL", postgres.url())
        .with("REDIS_URL", redis.url());
    killed(plan);
}

#[test]
fn no_job_is_lost_and_none_is_done_twice_when_the_engine_is_killed_with_files_and_memory() {
    killed(Plan::default());
}

fn killed(plan: Plan) {
    let collector = Collector::start(Protocol::Grpc);
    let mut plan = plan
        .with("OBS_ENV", "dev")
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .with("OTEL_BSP_SCHEDULE_DELAY", "50");
    plan.engine = vec!["--workers", "2", "--lease-ms", "1000"];
    let mut both = Both::start(&plan);
    let mut jobs = Jobs {
        of_engine: both.database(&both.engine),
        of_mcp: both.database(&both.mcp),
        asked: ask(&both),
    };

    kill_when(
        &mut both,
        &mut jobs,
        "some run, some wait and some have ended",
        |now| {
            // Both workers are at it, so that two jobs are begun again whatever comes later.
            now.ended() >= 2
                && now.waiting() >= 2
                && now.running().count() >= 2
                && now.running().any(|job| job.rows_ok > 0)
        },
    );
    kill_when(
        &mut both,
        &mut jobs,
        "a job runs that has been killed before",
        |now| now.running().any(|job| job.attempts > 1 && job.rows_ok > 0),
    );
    // Whoever is told how jobs end hears nothing: webhooks are on their way when the engine dies.
    both.mcp.process().freeze();
    kill_when(
        &mut both,
        &mut jobs,
        "a webhook is being delivered",
        |now| now.webhooks_begun > 0 && now.running().count() > 0,
    );
    both.mcp.process().thaw();

    jobs.once_all_is_done();
    jobs.assert_each_was_done_once();
    jobs.assert_audited();
    jobs.assert_counted(&both);
    jobs.assert_lines_and_links(&both, &collector);
}

/// Has all files imported through the tool, at the same time; returns the correlation id of each
/// job.
fn ask(both: &Both) -> BTreeMap<String, String> {
    let mut text = "n,station,rain\n".to_owned();
    for row in 0..ROWS {
        writeln!(text, "{row},station {},{}.5", row % 7, row % 31).expect("a string");
    }
    let file = both.folder.path().join("weather.csv");
    fs::write(&file, text).expect("a file");
    let (both, file) = (&both, &file);
    let ask = move |number| {
        let id = format!("import-{number}");
        let headers = [("X-Correlation-ID", &*id)];
        let called = both.call("ingest_csv", &json!({"path": file}), &headers);
        (called.job(), id)
    };
    thread::scope(|scope| {
        let asking: Vec<_> = (0..JOBS)
            .map(|number| scope.spawn(move || ask(number)))
            .collect();
        let asked = asking.into_iter().map(ScopedJoinHandle::join);
        asked.map(|asked| asked.expect("an answer")).collect()
    })
}

/// The jobs, and the databases of both services.
struct Jobs {
    of_engine: Database,
    of_mcp: Database,
    /// The correlation id of each.
    asked: BTreeMap<String, String>,
}

/// A job as its row has it.
struct Job {
    id: String,
    status: String,
    attempts: i64,
    rows_ok: i64,
}

/// What the engine's database says at one moment.
struct Now {
    jobs: Vec<Job>,
    /// Webhooks of which a delivery was begun and did not end.
    webhooks_begun: i64,
}

impl Now {
    fn with<'a>(&'a self, status: &'a str) -> impl Iterator<Item = &'a Job> {
        self.jobs.iter().filter(move |job| job.status == status)
    }

    fn running(&self) -> impl Iterator<Item = &Job> {
        self.with("running")
    }

    fn waiting(&self) -> usize {
        self.with("pending").count()
    }

    fn ended(&self) -> usize {
        self.with("completed").count()
    }
}

/// Kills the engine at a moment of which `is_it` holds, for certain, and starts it again.
fn kill_when(both: &mut Both, jobs: &mut Jobs, what: &str, is_it: impl Fn(&Now) -> bool) {
    let engine = both.engine.process().child.id();
    wait_for(what, PATIENCE, || {
        if !is_it(&jobs.now()) {
            return None;
        }
        // It stands still while this is looked at again.
        tell(Signal::Stop, [engine]);
        let now = jobs.now();
        let lines = both.engine.lines();
        // A line that it had no time to write is no fault: the rows are the truth.
        let has_said = |message: &str, job: &Job| {
            lines.iter().any(|line| {
                line["message"] == *message
                    && line["job"] == "import_csv"
                    && line["job_id"] == *job.id
                    && line["attempt"] == job.attempts
            })
        };
        let all_said = now.running().all(|job| has_said("job_started", job))
            && now
                .with("completed")
                .all(|job| has_said("job_completed", job));
        if is_it(&now) && all_said {
            return Some(());
        }
        tell(Signal::Cont, [engine]);
        None
    });
    both.engine.process().kill();
    both.engine.start();
}

impl Jobs {
    fn now(&mut self) -> Now {
        let sql = "SELECT id, status, CAST(attempts AS TEXT), CAST(rows_ok AS TEXT) FROM jobs";
        let jobs = self.of_engine.texts::<4>(sql);
        let jobs = jobs.into_iter().map(|[id, status, attempts, rows_ok]| Job {
            id,
            status,
            attempts: attempts.parse().expect("a number"),
            rows_ok: rows_ok.parse().expect("a number"),
        });
        let sql =
            "SELECT 'begun', count(*) FROM webhooks WHERE status = 'pending' AND attempts > 0";
        let jobs = jobs.collect();
        let begun = self.of_engine.numbers::<1>(sql);
        Now {
            jobs,
            webhooks_begun: begun[0].1[0],
        }
    }

    /// Waits until both know that every job has ended.
    fn once_all_is_done(&mut self) {
        wait_for("the end of all jobs at both services", PATIENCE, || {
            let open = "SELECT 'open', count(*) FROM jobs WHERE ended_at IS NULL";
            let told = "SELECT 'told', count(*) FROM webhooks WHERE status = 'delivered'";
            let known = "SELECT 'known', count(*) FROM imports WHERE status = 'completed'";
            let worked_off = "SELECT 'open', count(*) FROM inbox WHERE processed_at IS NULL";
            let is_done = self.of_engine.numbers::<1>(open)[0].1 == [0]
                && self.of_engine.numbers::<1>(told)[0].1 == [JOBS]
                && self.of_mcp.numbers::<1>(known)[0].1 == [JOBS]
                && self.of_mcp.numbers::<1>(worked_off)[0].1 == [0];
            is_done.then_some(())
        });
    }

    fn assert_each_was_done_once(&mut self) {
        let asked: BTreeSet<_> = self.asked.keys().cloned().collect();
        let now = self.now();
        let ids: BTreeSet<_> = now.jobs.iter().map(|job| job.id.clone()).collect();
        assert_eq!(ids, asked);
        for job in &now.jobs {
            assert_eq!(
                (&*job.status, job.rows_ok),
                ("completed", ROWS),
                "{}",
                job.id
            );
        }
        let killed = now.jobs.iter().filter(|job| job.attempts > 1).count();
        assert!(killed >= 2, "{killed} jobs were begun more than once");
        let twice = now.jobs.iter().filter(|job| job.attempts > 2).count();
        assert!(twice >= 1, "none was killed twice");
        let sql = "SELECT job, count(*), count(DISTINCT row_no) FROM job_rows GROUP BY job";
        self.assert_each(Of::Engine, sql, [ROWS, ROWS]);
        let sql = "SELECT job_id, rows_ok, rows_rejected FROM imports";
        self.assert_each(Of::Mcp, sql, [ROWS, 0]);
        let sql = "SELECT job, count(*) FROM webhooks GROUP BY job";
        self.assert_each(Of::Engine, sql, [1]);
        let sql = "SELECT job_id, count(*) FROM inbox GROUP BY job_id";
        self.assert_each(Of::Mcp, sql, [1]);
    }

    /// A change leaves one row, whichever process made it, with the id of the call it comes from.
    fn assert_audited(&mut self) {
        let attempts: BTreeMap<_, _> = self
            .now()
            .jobs
            .into_iter()
            .map(|job| (job.id, job.attempts))
            .collect();
        for action in ["job_accepted", "job_ended"] {
            self.assert_each(Of::Engine, &audited(action), [1]);
        }
        for action in ["import_recorded", "webhook_received", "import_updated"] {
            self.assert_each(Of::Mcp, &audited(action), [1]);
        }
        let begun = self.of_engine.numbers::<1>(&audited("job_started"));
        let begun: BTreeMap<_, _> = begun
            .into_iter()
            .map(|(job, [count])| (job, count))
            .collect();
        assert_eq!(begun, attempts);
        let again = self.of_engine.numbers::<1>(&audited("job_requeued"));
        let again: BTreeMap<_, _> = again
            .into_iter()
            .map(|(job, [count])| (job, count))
            .collect();
        let killed = attempts.iter().filter(|(_, count)| **count > 1);
        let killed: BTreeMap<_, _> = killed
            .map(|(job, count)| (job.clone(), count - 1))
            .collect();
        assert_eq!(again, killed);
        let sql = "SELECT entity, correlation_id FROM audit_logs WHERE entity LIKE 'job_%'";
        for database in [&mut self.of_engine, &mut self.of_mcp] {
            for [job, id] in database.texts::<2>(sql) {
                assert_eq!(self.asked[&job], id, "{job}");
            }
        }
    }

    /// Each job has these numbers, and there are no others.
    fn assert_each<const NUMBERS: usize>(&mut self, of: Of, sql: &str, expected: [i64; NUMBERS]) {
        let database = match of {
            Of::Engine => &mut self.of_engine,
            Of::Mcp => &mut self.of_mcp,
        };
        let found: BTreeMap<_, _> = database.numbers(sql).into_iter().collect();
        let asked = self.asked.keys();
        let expected: BTreeMap<_, _> = asked.map(|job| (job.clone(), expected)).collect();
        assert_eq!(found, expected, "{sql}");
    }

    /// What is shown is what is there: nothing runs any more, in either service.
    fn assert_counted(&mut self, both: &Both) {
        let jobs = self
            .of_engine
            .numbers::<1>("SELECT status, count(*) FROM jobs GROUP BY status");
        let imports = "SELECT status, count(*) FROM imports GROUP BY status";
        let imports = self.of_mcp.numbers::<1>(imports);
        for (address, gauge, rows) in [
            (both.engine.address, "traceo_engine_jobs", jobs),
            (both.mcp.address, "traceo_mcp_known_imports", imports),
        ] {
            let rows: BTreeMap<_, _> = rows.into_iter().collect();
            wait_for(gauge, Duration::from_secs(20), || {
                let page = Page::now(address);
                let statuses = ["pending", "running", "completed", "failed", "cancelled"];
                let right = statuses.iter().all(|status| {
                    let shown = page.get(&series(gauge, &[("status", status)]));
                    let there = rows.get(*status).map_or(0, |[count]| *count);
                    shown == Some(number(there))
                });
                let idle = page.iter().all(|(series, value)| {
                    let about_work = series.name.ends_with("_in_flight")
                        || series.name.ends_with("_backlog")
                        || series.name == "traceo_engine_queue_depth";
                    // The scrape itself is a request.
                    let own = series
                        .labels
                        .get("route")
                        .is_some_and(|route| route == "/metrics");
                    !about_work || own || value == 0.0
                });
                (right && idle).then_some(())
            });
        }
        let page = Page::now(both.mcp.address);
        let taken = series(
            "traceo_mcp_webhooks_received_total",
            &[("receipt", "taken")],
        );
        assert_eq!(page.get(&taken), Some(number(JOBS)));
        let imports = series("traceo_mcp_imports_total", &[("source", "file")]);
        assert_eq!(page.get(&imports), Some(number(JOBS)));
    }

    /// Each attempt says in the log that it began, those that were killed as well; each later one is
    /// a trace of its own, linked to the request, with the same correlation id.
    fn assert_lines_and_links(&mut self, both: &Both, collector: &Collector) {
        let (of_engine, of_mcp) = (both.engine.lines(), both.mcp.lines());
        for line in of_engine.iter().chain(&of_mcp) {
            if let Some(job) = line["job_id"].as_str() {
                assert_eq!(line["correlation_id"], *self.asked[job], "{line:#}");
            }
        }
        let attempts = of_engine.iter().filter(|line| line["job"] == "import_csv");
        let attempts: Vec<_> = attempts.collect();
        let started = of_engine
            .iter()
            .rposition(|line| line["message"] == "obs started");
        let of_last = &of_engine[started.expect("the line of a start")..];
        let mut linked = 0;
        for job in self.now().jobs {
            let lines = |message: &str, attempt: i64| {
                let found = attempts.iter().filter(|line| {
                    line["message"] == *message
                        && line["job_id"] == *job.id
                        && line["attempt"] == attempt
                });
                found.copied().collect::<Vec<&Value>>()
            };
            let accepted = of_engine
                .iter()
                .find(|line| line["message"] == "job accepted" && line["job_id"] == *job.id);
            let accepted = accepted.expect("the line of the request");
            for attempt in 1..=job.attempts {
                let begun = lines("job_started", attempt);
                assert!(!begun.is_empty(), "{}: attempt {attempt}", job.id);
                let ended = lines("job_completed", attempt);
                let ended = ended.iter().filter(|line| line["outcome"] == "ok");
                let is_last = attempt == job.attempts;
                assert_eq!(ended.count() > 0, is_last, "{}: attempt {attempt}", job.id);
                for line in begun {
                    let same = line["trace_id"] == accepted["trace_id"];
                    assert_eq!(same, attempt == 1, "{line:#}");
                    assert_eq!(line["linked_span_id"].is_string(), attempt > 1, "{line:#}");
                }
            }
            // What a process had not exported yet when it was killed is gone.
            let ended = lines("job_completed", job.attempts);
            if job.attempts > 1 && ended.iter().any(|line| of_last.contains(line)) {
                assert_linked(collector, &job, &ended, accepted);
                linked += 1;
            }
        }
        assert!(linked >= 1, "no job was begun again by the last process");
    }
}

/// The span of the attempt that succeeded is a root, linked into the trace of the request.
fn assert_linked(collector: &Collector, job: &Job, ended: &[&Value], accepted: &Value) {
    let own = |received: &Received| {
        let id = hex(&received.span.span_id);
        ended.iter().any(|line| line["span_id"] == *id)
    };
    let attempt = wait_for("the span of the attempt", PATIENCE, || {
        collector.spans().into_iter().find(own)
    });
    assert_eq!(attempt.shown().kind, "SPAN_KIND_CONSUMER");
    assert_eq!(attempt.shown().parent_id, "", "{}", job.id);
    let [link] = &attempt.span.links[..] else {
        panic!("{:?}", attempt.span.links);
    };
    assert_eq!(hex(&link.trace_id), accepted["trace_id"], "{}", job.id);
    let end = ended
        .iter()
        .find(|line| line["span_id"] == *attempt.shown().span_id);
    let linked = end.map(|line| &line["linked_span_id"]).expect("its line");
    assert_eq!(hex(&link.span_id), *linked, "{}", job.id);
}

/// Whose database.
#[derive(Clone, Copy, Debug)]
enum Of {
    Engine,
    Mcp,
}

fn audited(action: &str) -> String {
    format!("SELECT entity, count(*) FROM audit_logs WHERE action = '{action}' GROUP BY entity")
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn number(count: i64) -> f64 {
    count as f64
}
