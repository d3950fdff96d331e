//! An upload that fails in the worker, found by its correlation id alone with the sampling of
//! production: in the logs, in Sentry, in the audit, among the spans and in the webhook.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use obs_tests::collector::Shown;
use obs_tests::real::both::{Both, Plan};
use obs_tests::real::bugsink::{Bugsink, faults};
use obs_tests::real::component::{Component, available};
use obs_tests::real::rotel::Rotel;
use obs_tests::real::{build, wait_for, workspace};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// What nobody but the MCP server may ever see.
const TOKEN: &str = "c4n4ry-0f-ada-7f3b9d2e61";

/// No row of it has as many cells as its header.
const BAD: &str = "station,day,rain\nberlin,1\noslo,2\nlima,3\n";

/// The id of the call, where the client gives one.
const GIVEN: &str = "support-case-4711";

/// A trace that the caller has sampled.
const SAMPLED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The line of the README.
const JQ: &str =
    r"[inputs | fromjson? | objects | select(.correlation_id == $id)] | sort_by(.timestamp)[]";

/// The share of traces that is exported in production where nobody says otherwise.
const RATIO: f64 = 0.01;

#[test]
fn t15_an_upload_that_fails_in_the_worker_is_found_by_its_correlation_id_alone_with_the_sampling_of_prod()
 {
    found(&[("X-Correlation-ID", GIVEN)]);
}

#[test]
fn t15_and_so_is_one_whose_id_the_service_made_and_named_in_its_answer() {
    found(&[]);
}

#[test]
fn t15_and_so_is_one_whose_trace_the_caller_has_sampled_with_all_spans_of_both_services() {
    let traceparent = format!("00-{SAMPLED}-00f067aa0ba902b7-01");
    found(&[("X-Correlation-ID", GIVEN), ("traceparent", &traceparent)]);
}

/// Services in production, which has no variables but those that say where things are.
fn in_production() -> Plan {
    Plan::default()
        .with("OBS_ENV", "prod")
        .with("OBS_METRICS_TOKEN", "0123456789abcdef")
}

fn found(headers: &[(&str, &str)]) {
    if !available(&[Component::Bugsink, Component::Rotel, Component::Python]) {
        return;
    }
    let (bugsink, rotel) = (Bugsink::start(), Rotel::start());
    let plan = in_production()
        .with("SENTRY_DSN", bugsink.dsn())
        .with(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://{}", rotel.http),
        )
        .with("OTEL_BSP_SCHEDULE_DELAY", "50");
    let both = Both::start(&plan);
    let id = upload(&both, headers);
    let lines = Lines::once_recorded(&both, &id);

    lines.assert_ids();
    lines.assert_course();
    assert_tree(&both, &id, &lines);
    assert_jq(&both, &id, &lines);
    assert_duckdb(&both, &id, &lines);
    assert_audited(&both, &id, &lines);
    assert_event(&bugsink, &id, &lines);
    assert_spans(&rotel, &lines);
    assert_nobody_has_the_token(&both, &bugsink);
}

/// Calls the tool with a file that no row can be imported of, and returns the correlation id.
fn upload(both: &Both, headers: &[(&str, &str)]) -> String {
    let file = both.folder.path().join("bad.csv");
    fs::write(&file, BAD).expect("a file");
    let token = format!("Bearer {TOKEN}");
    let mut all = vec![("Authorization", &*token)];
    all.extend(headers);
    let called = both.call("ingest_csv", &json!({"path": file}), &all);
    // The call itself has succeeded: the file fails later, in the worker.
    assert_eq!(
        called.answer["result"]["isError"], false,
        "{}",
        called.answer
    );
    let id = called.correlation_id();
    if let Some((_, given)) = headers.iter().find(|(name, _)| *name == "X-Correlation-ID") {
        assert_eq!(id, *given);
    }
    id
}

/// What both services wrote about one id.
struct Lines {
    mcp: Vec<Value>,
    engine: Vec<Value>,
}

impl Lines {
    /// Waits until the MCP server has recorded how the job ended.
    fn once_recorded(both: &Both, id: &str) -> Self {
        wait_for("the end of the job", PATIENCE, || {
            let of = |lines: Vec<Value>| {
                let own = lines
                    .into_iter()
                    .filter(|line| line["correlation_id"] == *id);
                own.collect::<Vec<_>>()
            };
            let lines = Self {
                mcp: of(both.mcp.lines()),
                engine: of(both.engine.lines()),
            };
            let has_ended = |lines: &[Value], job: &str| {
                lines
                    .iter()
                    .any(|line| line["message"] == "job_completed" && line["job"] == *job)
            };
            let all = has_ended(&lines.mcp, "record_job_end")
                && has_ended(&lines.engine, "deliver_webhook")
                && has_ended(&lines.engine, "import_csv");
            all.then_some(lines)
        })
    }

    fn all(&self) -> impl Iterator<Item = &Value> {
        self.mcp.iter().chain(&self.engine)
    }

    /// The one line of a service, with these fields.
    fn one<'a>(lines: &'a [Value], fields: &[(&str, &str)]) -> &'a Value {
        let is_it = |line: &&Value| fields.iter().all(|(name, value)| line[*name] == **value);
        let found: Vec<_> = lines.iter().filter(is_it).collect();
        let [line] = found[..] else {
            panic!("{fields:?}: {found:#?} of {lines:#?}");
        };
        line
    }

    fn job(&self) -> &str {
        let accepted = Self::one(&self.mcp, &[("message", "import accepted")]);
        accepted["job_id"].as_str().expect("the id of the job")
    }

    /// The opaque id of who called, and the job's from the moment there is one.
    fn assert_ids(&self) {
        let job = self.job();
        let user = self.user();
        assert!(user.starts_with("usr_") && user.len() == 20, "{user}");
        for (service, lines) in [("traceo-mcp", &self.mcp), ("traceo-engine", &self.engine)] {
            for line in lines.iter().filter(|line| !may_be_left_out(line)) {
                assert_eq!(line["service"], service);
                assert_eq!(line["environment"], "prod");
                for id in ["trace_id", "span_id"] {
                    assert!(line[id].is_string(), "no {id}: {line:#}");
                }
                // Nothing of the request has been read yet, and there is no job.
                let (user, job) = if line["message"] == "request_started" {
                    (Value::Null, Value::Null)
                } else {
                    (user.into(), job.into())
                };
                assert_eq!(line["user_id"], user, "{line:#}");
                assert_eq!(line["job_id"], job, "{line:#}");
            }
        }
    }

    fn user(&self) -> &str {
        let accepted = Self::one(&self.mcp, &[("message", "import accepted")]);
        accepted["user_id"].as_str().expect("the id of the user")
    }

    /// Each step left its line, those before the job included.
    fn assert_course(&self) {
        let steps = |lines: &[Value], expected: &[&str]| {
            let told = lines.iter().filter(|line| !may_be_left_out(line));
            let told = told.map(|line| {
                let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                let what = match text("message").as_str() {
                    "request_started" | "request_completed" => format!(
                        "{} {} {}",
                        text("message"),
                        line["method"].as_str().unwrap_or_default(),
                        text("route")
                    ),
                    message @ ("job_started" | "job_completed") => {
                        format!("{message} {}", text("job"))
                    }
                    message => message.to_owned(),
                };
                let outcome = text("outcome");
                if outcome.is_empty() {
                    what
                } else {
                    format!("{what}: {outcome}")
                }
            });
            // The webhook may overtake the answer to the call.
            let (mut told, mut expected) = (told.collect::<Vec<_>>(), expected.to_vec());
            assert_eq!(told[0], expected[0]);
            told.sort();
            expected.sort_unstable();
            assert_eq!(told, expected, "{lines:#?}");
        };
        steps(&self.mcp, &OF_MCP);
        steps(&self.engine, &OF_ENGINE);
    }
}

/// Lines of successful reads are sampled by the id: one id of ten keeps them.
fn may_be_left_out(line: &Value) -> bool {
    line["route"] == "/limits"
}

const OF_MCP: [&str; 9] = [
    "request_started POST /mcp",
    "import accepted",
    "request_completed POST /mcp: ok",
    "request_started POST /webhooks/jobs",
    "webhook taken",
    "request_completed POST /webhooks/jobs: ok",
    "job_started record_job_end",
    "job end recorded",
    "job_completed record_job_end: ok",
];

const OF_ENGINE: [&str; 9] = [
    "request_started POST /uploads",
    "job accepted",
    "request_completed POST /uploads: ok",
    "job_started import_csv",
    "job ended",
    "failed for good",
    "job_completed import_csv: error",
    "job_started deliver_webhook",
    "job_completed deliver_webhook: ok",
];

/// `traceo trace` shows all of it.
fn assert_tree(both: &Both, id: &str, lines: &Lines) {
    let tree = Command::new(build::traceo())
        .args(["trace", id, "--logs"])
        .arg(both.logs())
        .output()
        .expect("it starts");
    let text = String::from_utf8(tree.stdout).expect("text");
    assert!(tree.status.success(), "{text}");
    assert!(
        text.starts_with(&format!("correlation id {id}\n")),
        "{text}"
    );
    let job = lines.job();
    // Each step stands deeper than the one that it comes from.
    let mut depth = 0;
    for step in [
        "POST /mcp 200 ok".to_owned(),
        "POST /uploads 202 ok".to_owned(),
        format!("job import_csv error job_id={job} error_code=unusable_file"),
        "ERROR failed for good error=\"the file cannot be used: row 2, column 3".to_owned(),
    ] {
        let line = text.lines().find(|line| line.contains(&step));
        let line = line.unwrap_or_else(|| panic!("no {step} in {text}"));
        let at = line.chars().count() - line[line.find(&step).unwrap_or(0)..].chars().count();
        assert!(at > depth, "{step} in {text}");
        depth = at;
    }
    for step in [
        "job deliver_webhook ok",
        "POST /webhooks/jobs 202 ok",
        "job record_job_end ok",
    ] {
        assert!(text.contains(step), "no {step} in {text}");
    }
}

/// The line of the README gives the same lines, by time.
fn assert_jq(both: &Both, id: &str, lines: &Lines) {
    let logs = fs::read_dir(both.logs()).expect("a folder");
    let logs: Vec<_> = logs.map(|log| log.expect("a file").path()).collect();
    assert_eq!(logs.len(), 2);
    let jq = Command::new("jq")
        .args(["-nRc", "--arg", "id", id, JQ])
        .args(logs)
        .output()
        .expect("jq is there");
    let text = String::from_utf8(jq.stdout).expect("text");
    assert!(jq.status.success(), "{text}");
    assert_given(&text, lines);
}

/// The other line of the README does as well.
fn assert_duckdb(both: &Both, id: &str, lines: &Lines) {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("a README");
    let mut queries = readme.lines().filter(|line| line.starts_with("duckdb "));
    let query = queries.next().and_then(|line| line.split('"').nth(1));
    let query = query.expect("a query").replace("$ID", id);
    let print = "import duckdb, sys\nfor row in duckdb.sql(sys.argv[1]).fetchall(): print(row[0])";
    let python = Command::new(Component::Python.path())
        .args(["-c", print, &query])
        .current_dir(both.logs().parent().expect("the data directory"))
        .output()
        .expect("Python is there");
    let text = String::from_utf8(python.stdout).expect("text");
    assert!(python.status.success(), "{text}");
    assert_given(&text, lines);
}

/// The lines of both services, by time.
fn assert_given(text: &str, lines: &Lines) {
    let given = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let given: Vec<Value> = given.collect();
    let time = |line: &Value| line["timestamp"].as_str().map(str::to_owned);
    assert!(given.is_sorted_by_key(time), "{text}");
    let set = |lines: &mut dyn Iterator<Item = &Value>| {
        lines.map(Value::to_string).collect::<BTreeSet<_>>()
    };
    assert_eq!(set(&mut given.iter()), set(&mut lines.all()));
}

/// What was changed, and in which order, with who asked for it.
fn assert_audited(both: &Both, id: &str, lines: &Lines) {
    let sql = format!(
        "SELECT action, actor, trace_id FROM audit_logs WHERE correlation_id = '{id}' \
         ORDER BY at, id"
    );
    let traces: BTreeSet<_> = lines
        .all()
        .filter_map(|line| line["trace_id"].as_str())
        .collect();
    for (service, expected) in [
        (
            &both.engine,
            &[
                "job_accepted",
                "job_started",
                "job_ended",
                "webhook_queued",
                "webhook_delivered",
            ][..],
        ),
        (
            &both.mcp,
            &["import_recorded", "webhook_received", "import_updated"],
        ),
    ] {
        let rows = both.database(service).texts::<3>(&sql);
        let actions: Vec<_> = rows.iter().map(|[action, ..]| action).collect();
        let (mut found, mut expected) = (actions.clone(), expected.to_vec());
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{actions:?}");
        for [_, actor, trace] in &rows {
            assert_eq!(actor, lines.user());
            assert!(traces.contains(&**trace), "{trace}: {traces:?}");
        }
    }
}

/// The one event of the service that failed.
fn assert_event(bugsink: &Bugsink, id: &str, lines: &Lines) {
    let events = wait_for("the event", PATIENCE, || {
        let issues = bugsink.issues();
        let events = issues.into_iter().flat_map(|issue| issue.events);
        let events: Vec<Value> = events.collect();
        (!events.is_empty()).then_some(events)
    });
    let [event] = &events[..] else {
        panic!("{events:#?}");
    };
    let tags = &event["tags"];
    assert_eq!(tags["correlation_id"], *id, "{tags:#}");
    assert_eq!(tags["job_id"], *lines.job(), "{tags:#}");
    assert_eq!(event["user"]["id"], *lines.user(), "{event:#}");
    assert_eq!(event["environment"], "prod");
    let said = &event["contexts"]["Rust Tracing Fields"];
    assert_eq!(said["error_code"], "unusable_file", "{event:#}");
    assert_eq!(event["exception"]["values"][0]["type"], "UnusableFile");
    let failed = lines.attempt();
    assert_eq!(event["contexts"]["trace"]["trace_id"], failed["trace_id"]);
    assert_eq!(faults(event), Vec::<String>::new());
}

impl Lines {
    /// The end of the attempt that failed.
    fn attempt(&self) -> &Value {
        let fields = [("message", "job_completed"), ("job", "import_csv")];
        Self::one(&self.engine, &fields)
    }
}

/// From the engine comes the attempt that failed, whole, with what came of it in the same trace. The
/// rest of the call went well, and is there if the caller has sampled it or its trace is one of the
/// hundredth that production keeps.
fn assert_spans(rotel: &Rotel, lines: &Lines) {
    let failed = lines.attempt();
    let trace = failed["trace_id"].as_str().expect("a trace");
    let is_sampled = trace == SAMPLED || is_in_the_ratio(trace);
    let mut expected = OF_THE_FAILURE.to_vec();
    if is_sampled {
        expected.extend(OF_THE_REST);
        expected.extend(OF_THE_UPLOAD);
    }
    expected.sort_unstable();
    let shown = |span: &Shown| {
        let service = span.service.strip_prefix("traceo-").unwrap_or_default();
        let kind = span.kind.strip_prefix("SPAN_KIND_").unwrap_or_default();
        format!("{service} {kind} {}", span.name)
    };
    let is_statement = |span: &Shown| span.attributes.contains_key("db.operation.name");
    let end = Instant::now() + PATIENCE;
    let spans = loop {
        let spans = rotel.spans().into_iter();
        let spans: Vec<Shown> = spans.filter(|span| span.trace_id == trace).collect();
        let found = spans.iter().filter(|span| !is_statement(span)).map(shown);
        let mut found: Vec<_> = found.collect();
        found.sort();
        // If the upload is still being answered when the attempt fails, it is of the failed trace.
        if !is_sampled
            && OF_THE_UPLOAD
                .iter()
                .all(|name| found.iter().any(|it| it == name))
        {
            found.retain(|name| !OF_THE_UPLOAD.contains(&&**name));
        }
        if found == expected {
            break spans;
        }
        assert!(
            Instant::now() < end,
            "{found:#?}, and expected was {expected:#?}"
        );
        thread::sleep(Duration::from_millis(50));
    };
    let attempt = spans.iter().find(|span| failed["span_id"] == *span.span_id);
    let attempt = attempt.expect("the attempt");
    assert_eq!(attempt.status, "STATUS_CODE_ERROR", "{attempt:#?}");
    // Its statements are among them: each step of it has some.
    for step in ["start_job", "store_batch", "finish_job"] {
        let step = spans.iter().find(|span| span.name == step).expect("a step");
        assert_eq!(step.parent_id, attempt.span_id, "{step:#?}");
        let mut below = spans.iter().filter(|span| span.parent_id == step.span_id);
        assert!(below.any(is_statement), "{step:#?}");
    }
    // Nothing is missing between two of them, but for what is not exported at all.
    let known: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    let roots = spans.iter().filter(|span| !known.contains(&span.parent_id));
    let roots: Vec<_> = roots.map(shown).collect();
    let upload = spans.iter().any(|span| span.name == "POST /uploads");
    let expected = match (is_sampled, upload) {
        (true, _) => "mcp SERVER POST /mcp",
        (false, true) => "engine SERVER POST /uploads",
        (false, false) => "engine CONSUMER import_csv",
    };
    assert_eq!(roots, [expected], "{spans:#?}");
}

/// Service, kind and name of each span but the database's, of the attempt that failed.
const OF_THE_FAILURE: [&str; 8] = [
    "engine CONSUMER import_csv",
    "engine INTERNAL start_job",
    "engine INTERNAL read_csv",
    "engine INTERNAL store_batch",
    "engine INTERNAL finish_job",
    "engine CONSUMER deliver_webhook",
    "engine INTERNAL deliver_webhook",
    "engine CLIENT POST /webhooks/jobs",
];

/// The same of the request that brought the file.
const OF_THE_UPLOAD: [&str; 2] = ["engine SERVER POST /uploads", "engine INTERNAL accept_job"];

/// The same of everything else, which went well.
const OF_THE_REST: [&str; 8] = [
    "mcp SERVER POST /mcp",
    "mcp SERVER tools/call ingest_csv",
    "mcp CLIENT GET /limits",
    "engine SERVER GET /limits",
    "mcp CLIENT POST /uploads",
    "mcp SERVER POST /webhooks/jobs",
    "mcp INTERNAL take_webhook",
    "mcp CONSUMER record_job_end",
];

/// As OpenTelemetry decides by the id of a trace.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the bound is a whole number below 2^63"
)]
fn is_in_the_ratio(trace: &str) -> bool {
    let low = u64::from_str_radix(&trace[16..], 16).expect("hexadecimal digits");
    (low >> 1) < (RATIO * (1_u64 << 63) as f64) as u64
}

fn assert_nobody_has_the_token(both: &Both, bugsink: &Bugsink) {
    let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
    let mut folders = vec![both.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).expect("a file");
                texts.push((path.display().to_string(), bytes));
            }
        }
    }
    let files: Vec<_> = texts.iter().map(|(path, _)| path.clone()).collect();
    // Both logs and both databases are among them.
    for part in ["mcp.log", "engine.log", "mcp.db", "engine.db"] {
        assert!(files.iter().any(|path| path.ends_with(part)), "{files:?}");
    }
    for issue in bugsink.issues() {
        let events = issue.events.iter().map(Value::to_string);
        texts.extend(events.map(|event| ("an event".to_owned(), event.into_bytes())));
    }
    let hidden = TOKEN.as_bytes();
    for (place, bytes) in texts {
        let shown = bytes.windows(hidden.len()).any(|window| window == hidden);
        assert!(!shown, "the token is in {place}");
    }
}

#[test]
fn t15_the_webhook_of_a_failed_upload_carries_its_correlation_id_and_the_trace_of_its_delivery() {
    let (told, requests) = receiver();
    let mut plan = in_production();
    plan.told = Some(told);
    let both = Both::start(&plan);
    let id = upload(&both, &[("X-Correlation-ID", GIVEN)]);
    let (head, body) = requests.recv_timeout(PATIENCE).expect("a webhook");
    let header = |name: &str| {
        let values: Vec<_> = head
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
            .collect();
        let [value] = values[..] else {
            panic!("{name}: {values:?} in {head:#?}");
        };
        value.to_owned()
    };
    assert_eq!(header("x-correlation-id"), id);
    assert_eq!(body["status"], "failed", "{body:#}");
    let job = body["job_id"].as_str().expect("a job");
    let delivered = wait_for("the end of the delivery", PATIENCE, || {
        let mut lines = both.engine.lines().into_iter();
        lines.find(|line| line["message"] == "job_completed" && line["job"] == "deliver_webhook")
    });
    assert_eq!(delivered["correlation_id"], *id, "{delivered:#}");
    assert_eq!(delivered["job_id"], *job, "{delivered:#}");
    let traceparent = header("traceparent");
    let parts: Vec<_> = traceparent.split('-').collect();
    let ["00", trace, span, flags] = parts[..] else {
        panic!("{traceparent}");
    };
    assert_eq!(delivered["trace_id"], *trace, "{delivered:#}");
    assert_eq!((span.len(), flags.len()), (16, 2), "{traceparent}");
    let user = header("x-traceo-user");
    assert_eq!(delivered["user_id"], *user, "{delivered:#}");
    assert!(header("webhook-id").starts_with("whk_"));
    assert!(!format!("{head:?}").contains(TOKEN), "{head:#?}");
    assert!(head.iter().all(|(name, _)| name != "authorization"));
}

type Headers = Vec<(String, String)>;

/// Takes webhooks as the MCP server would, and hands on what came.
fn receiver() -> (SocketAddr, Receiver<(Headers, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, requests) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut bytes = Vec::new();
            let request = loop {
                let mut chunk = [0; 4096];
                let Ok(count @ 1..) = stream.read(&mut chunk) else {
                    break None;
                };
                bytes.extend_from_slice(&chunk[..count]);
                if let Some(request) = parse(&String::from_utf8_lossy(&bytes)) {
                    break Some(request);
                }
            };
            // The readiness of the engine asks as well.
            let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            if stream.write_all(answer).is_err() {
                continue;
            }
            if let Some(Asked::Webhook(headers, body)) = request
                && sender.send((headers, body)).is_err()
            {
                return;
            }
        }
    });
    (address, requests)
}

/// A whole request.
enum Asked {
    Webhook(Headers, Value),
    Other,
}

fn parse(text: &str) -> Option<Asked> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    if !lines.next()?.starts_with("POST /webhooks/jobs ") {
        return Some(Asked::Other);
    }
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let headers = headers.collect();
    Some(Asked::Webhook(headers, serde_json::from_str(body).ok()?))
}
