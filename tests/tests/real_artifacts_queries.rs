//! Every query of panels, alerts and recording rules, asked of a real Prometheus that scrapes the
//! demonstration with the generated configuration.
//!
//! The demonstration is scraped as dev and as prod, and beside it, as staging, a pair of services
//! for which nothing goes well: what the demonstration counts must be what it did, so nobody else may
//! send it anything.
//!
//! A query of a panel or a recording rule has data if it has a value, and not only `NaN`, at some
//! moment, in one of the environments. An alert is quiet where all is well, so its query as a whole has
//! none: what it compares has, which is to say each of its selectors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use obs_tests::collector::{Collector, Protocol};
use obs_tests::real::artifacts::Artifacts;
use obs_tests::real::both::{Both, Plan};
use obs_tests::real::component::{Component, available};
use obs_tests::real::demonstration::Demonstration;
use obs_tests::real::http;
use obs_tests::real::prometheus::Prometheus;
use obs_tests::real::promql::{Selector, selectors};
use obs_tests::real::wait_for;
use obs_tests::sentry::SentryServer;
use serde_json::{Value, json};

/// What has no data although all is well, by a part of the query, and why. One that has data, or
/// that is nowhere, fails the test.
const EMPTY: [(&str, &str); 4] = [
    (
        "service:http_request_duration_seconds:avg7d_p99_rate5m{",
        "a baseline of seven days, which is not there before two days have passed",
    ),
    (
        "avg_over_time(service:http_request_duration_seconds:p99_rate5m{",
        "the rule that records it",
    ),
    (
        "sum by (method, route, status) (rate(traceo_http_requests_total{service=\"traceo-mcp\"",
        "the MCP server answers a failed tool with 200",
    ),
    (
        "traceo_db_client_operations_total{service=\"traceo-mcp\",environment=\"$environment\",outcome!=\"ok\"",
        "its database is a file that is there",
    ),
];

/// What has data by chance alone, by a part of the query, and why. One that is nowhere fails the
/// test.
const BY_CHANCE: [(&str, &str); 1] = [(
    "traceo_http_response_aborts_total{",
    "the answers are so small that a client cannot leave in the middle of one on purpose",
)];

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Services that answer, and whose third party does not.
fn in_trouble(collector: &Collector, sentry: &SentryServer) -> Both {
    let plan = Plan::default()
        .with("OBS_ENV", "staging")
        .with("OBS_METRICS_TOKEN", TOKEN)
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .with("SENTRY_DSN", sentry.dsn())
        // Nobody listens there.
        .with("EXTERNAL_DATA_URL", "http://127.0.0.1:1");
    Both::start(&plan)
}

/// Does what works and what fails, once each.
fn trouble(both: &Both) {
    both.call("ingest_csv", &json!({ "content": "a,b\n1,2\n" }), &[]);
    both.call(
        "ingest_csv",
        &json!({ "content": "a", "delimiter": "--" }),
        &[],
    );
    both.call("list_jobs", &json!({}), &[]);
    let malformed = [("X-Correlation-ID", "no id, and too many words")];
    let (mcp, engine) = (both.mcp.address, both.engine.address);
    http::get_with(mcp, "/nowhere", &malformed).expect("an answer");
    let headers = [("Content-Type", "application/json")];
    http::post(mcp, "/webhooks/jobs", &headers, "{}", PATIENCE).expect("an answer");
    for path in ["/external-data?currency=EUR", "/ready"] {
        http::get(engine, path, "*/*").expect("an answer");
    }
    http::get(mcp, "/ready", "*/*").expect("an answer");
    // Somebody who leaves while events are streamed.
    let mut stream = TcpStream::connect(engine).expect("a connection");
    let request = "GET /insights?count=20&interval=100 HTTP/1.1\r\nHost: engine\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request");
    let mut head = [0; 16];
    stream.read_exact(&mut head).expect("the head");
    assert!(head.starts_with(b"HTTP/1.1 200"), "the stream begins");
}

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn every_query_has_data_when_the_demonstration_was_scraped() {
    if !available(&[Component::Prometheus]) {
        return;
    }
    let artifacts = Artifacts::of_traceo();
    artifacts.hurry();
    let collector = Collector::start(Protocol::Grpc);
    let sentry = SentryServer::start();
    let began = now();
    let mut demonstration = Demonstration::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("SENTRY_DSN", sentry.dsn()),
    ]);
    let both = in_trouble(&collector, &sentry);
    let services = [
        ("dev", "traceo-mcp:8787", demonstration.mcp),
        ("dev", "traceo-engine:8788", demonstration.engine),
        ("prod", "traceo-mcp:8787", demonstration.mcp),
        ("prod", "traceo-engine:8788", demonstration.engine),
        ("staging", "traceo-mcp:8787", both.mcp.address),
        ("staging", "traceo-engine:8788", both.engine.address),
    ];
    // Where `/metrics` is open a token does no harm.
    let prometheus = Prometheus::start_on(&artifacts.scrape(&services, TOKEN));
    let mut ended = began;
    let status = demonstration.play(|| {
        trouble(&both);
        let up = prometheus.query("min(up{job=\"traceo\"}) == 1");
        if up.is_ok_and(|it| !it.is_empty()) {
            ended = now();
        }
    });
    assert!(status.success(), "{}", demonstration.shown());
    assert!(
        ended > began + 10.0,
        "it was scraped: {:?}",
        prometheus.targets()
    );

    let asked = Asked {
        prometheus: &prometheus,
        began,
        ended,
        names: prometheus
            .label_values("__name__")
            .expect("names")
            .into_iter()
            .collect(),
    };
    let mut verdict = Verdict::default();
    for (place, query) in of_dashboards(&artifacts) {
        asked.query(&place, &query, &mut verdict);
    }
    let rules = wait_for("rules that were evaluated", Duration::from_secs(60), || {
        let rules = prometheus.rules().ok()?;
        let unknown = rules.iter().any(|it| it["health"] == "unknown");
        (!unknown).then_some(rules)
    });
    for rule in &rules {
        let name = rule["name"].as_str().unwrap_or_default();
        let query = rule["query"].as_str().unwrap_or_default();
        let place = format!("{} {name}", rule["type"].as_str().unwrap_or_default());
        if rule["health"] != "ok" {
            verdict
                .wrong
                .push(format!("{place}: {}", rule["lastError"]));
        }
        if rule["type"] == "alerting" {
            asked.selectors(&place, query, &mut verdict);
        } else {
            asked.query(&place, query, &mut verdict);
        }
    }
    println!("{} queries, {} rules", verdict.asked, rules.len());
    assert!(verdict.asked > 100, "the dashboards and rules were found");
    verdict.judge();
}

#[derive(Default)]
struct Verdict {
    asked: usize,
    /// What cannot be right.
    wrong: Vec<String>,
    /// Queries without data, by what they are, and where they stand.
    empty: BTreeMap<String, BTreeSet<String>>,
    full: BTreeSet<String>,
    /// Names that Prometheus has never heard of, and where they stand.
    unknown: BTreeMap<String, BTreeSet<String>>,
}

impl Verdict {
    fn judge(mut self) {
        for (query, places) in &self.empty {
            let mut listed = EMPTY.iter().chain(&BY_CHANCE);
            if !listed.any(|(part, _)| query.contains(part)) {
                self.wrong
                    .push(format!("no data: {query}\n    in {places:?}"));
            }
        }
        for (name, places) in &self.unknown {
            let mut listed = EMPTY.iter().chain(&BY_CHANCE);
            if !listed.any(|(part, _)| part.starts_with(&format!("{name}{{"))) {
                self.wrong
                    .push(format!("no such metric: {name}\n    in {places:?}"));
            }
        }
        for (part, _) in EMPTY {
            if !self.empty.keys().any(|it| it.contains(part)) {
                self.wrong
                    .push(format!("{part} is listed as empty, and none is"));
            }
            if let Some(query) = self.full.iter().find(|it| it.contains(part)) {
                self.wrong
                    .push(format!("{part} is listed as empty, and {query} has data"));
            }
        }
        for (part, _) in BY_CHANCE {
            if !self
                .empty
                .keys()
                .chain(&self.full)
                .any(|it| it.contains(part))
            {
                self.wrong
                    .push(format!("{part} is listed, and nobody asks it"));
            }
        }
        let many = self.wrong.len();
        assert!(self.wrong.is_empty(), "{many}:\n{}", self.wrong.join("\n"));
    }
}

/// What is asked, and of which time.
struct Asked<'a> {
    prometheus: &'a Prometheus,
    began: f64,
    ended: f64,
    names: BTreeSet<String>,
}

impl Asked<'_> {
    fn query(&self, place: &str, query: &str, verdict: &mut Verdict) {
        for selector in selectors(query) {
            self.name(place, &selector, verdict);
        }
        self.data(place, query, verdict);
    }

    fn selectors(&self, place: &str, query: &str, verdict: &mut Verdict) {
        let all = selectors(query);
        if all.is_empty() {
            verdict
                .wrong
                .push(format!("{place} selects nothing: {query}"));
        }
        for selector in all {
            self.name(place, &selector, verdict);
            self.data(place, &selector.text, verdict);
        }
    }

    fn name(&self, place: &str, selector: &Selector, verdict: &mut Verdict) {
        if !self.names.contains(&selector.name) {
            let entry = verdict.unknown.entry(selector.name.clone());
            entry.or_default().insert(place.to_owned());
        }
    }

    fn range(&self, query: &str) -> Result<Vec<Value>, String> {
        let (began, ended) = (self.began, self.ended);
        self.prometheus.query_range(query, began, ended, 1.0)
    }

    fn data(&self, place: &str, query: &str, verdict: &mut Verdict) {
        verdict.asked += 1;
        // A query without a variable is the same in all of them.
        for environment in ["staging", "dev", "prod"] {
            let here = query.replace("$environment", environment);
            match self.range(&here) {
                Err(error) => {
                    verdict.wrong.push(format!("{place}: {error}: {here}"));
                    return;
                }
                Ok(series) if series.iter().any(has_a_value) => {
                    verdict.full.insert(query.to_owned());
                    return;
                }
                Ok(_) => {}
            }
        }
        let entry = verdict.empty.entry(query.to_owned());
        entry.or_default().insert(place.to_owned());
    }
}

fn has_a_value(series: &Value) -> bool {
    let points = series["values"].as_array();
    let mut points = points.into_iter().flatten();
    points.any(|point| point[1].as_str().is_some_and(|it| it != "NaN"))
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs_f64()
}

/// Every query of the dashboards for Prometheus, and where it stands.
fn of_dashboards(artifacts: &Artifacts) -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in artifacts.files("deploy/grafana/dashboards", ".json") {
        let text = fs::read_to_string(&file).expect("a dashboard");
        let dashboard: Value = serde_json::from_str(&text).expect("JSON");
        let title = dashboard["title"].as_str().unwrap_or_default();
        let before = queries.len();
        walk(title, &dashboard, None, &mut queries);
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let prometheus = text.contains("\"prometheus\"");
        assert!(!prometheus || queries.len() > before, "{name} has no query");
    }
    queries
}

/// Looks for queries in whatever may hold some; what is inside a panel has its data source.
fn walk(place: &str, value: &Value, source: Option<&str>, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => {
            for item in items {
                walk(place, item, source, found);
            }
        }
        Value::Object(fields) => {
            let own = fields.get("datasource");
            let own = own.and_then(|it| it["type"].as_str().or_else(|| it.as_str()));
            let source = own.or(source);
            let title = fields.get("title").or_else(|| fields.get("name"));
            let place = match title.and_then(Value::as_str) {
                Some(title) if !place.ends_with(title) => &format!("{place} / {title}"),
                _ => place,
            };
            if source == Some("prometheus") {
                if let Some(query) = fields.get("expr").and_then(Value::as_str) {
                    found.push((place.to_owned(), chosen(query)));
                }
                if fields.get("type").and_then(Value::as_str) == Some("query") {
                    let asked = &value["query"];
                    let text = asked["query"].as_str().or_else(|| asked.as_str());
                    found.push((
                        place.to_owned(),
                        chosen(values_of(text.unwrap_or_default())),
                    ));
                }
            }
            for field in fields.values() {
                walk(place, field, source, found);
            }
        }
        _ => {}
    }
}

/// The selector of `label_values(selector, label)`.
fn values_of(query: &str) -> &str {
    let inner = query
        .strip_prefix("label_values(")
        .and_then(|it| it.strip_suffix(')'));
    let selector = inner.and_then(|it| it.rsplit_once(','));
    selector.map_or_else(
        || panic!("not understood: {query}"),
        |(selector, _)| selector,
    )
}

/// A query with what Grafana would put in the place of variables, except for the environment.
fn chosen(query: &str) -> String {
    let query = query
        .replace("$__rate_interval", "15s")
        .replace("$__range", "60s")
        .replace("$__interval", "1s")
        .replace("$route", ".*");
    let rest = query.replace("$environment", "");
    assert!(!rest.contains('$'), "nobody chooses this: {query}");
    query
}
