//! One call of a tool, through two services and a job: the exact chain, as collectors saw it.
//!
//! The client is the Python SDK with OpenTelemetry switched on and no code added. Its span is the
//! parent of the tool's. The tool leaves a job with another service. The first attempt fails; the
//! second one begins a trace, linked to the first, and calls back.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use obs_tests::collector::{Collector, Protocol, Received, Shown, hex};
use obs_tests::real::client::{Era, Kind, Target};
use obs_tests::real::component::{Component, available};
use obs_tests::real::http::free_address;
use obs_tests::real::python::{Python, Telemetry};
use obs_tests::real::rotel::Rotel;
use obs_tests::real::service::{Service, read_lines};
use obs_tests::real::wait_for;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_trace_chain");

const PATIENCE: Duration = Duration::from_secs(20);

/// What the services are called.
const CLIENT: &str = "python-client";
const TOOLS: &str = "tools";
const JOBS: &str = "jobs";

/// How the client and the tools talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Http(Era),
    Pipes(Era),
    /// Over HTTP, and the client's requests are traced as well.
    TracedHttp(Era),
    /// Over HTTP without a client library, with these flags in `_meta` and whatever else can be said.
    ByHand(&'static str),
}

/// What a call by hand says: in `_meta`, and in the headers of its request.
const META: [&str; 2] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
const META_STATE: &str = "of=meta";
const HEADER: &str = "00-22222222222222222222222222222222-2222222222222222-01";
const HEADER_STATE: &str = "of=header";

impl Way {
    const fn protocol(self) -> &'static str {
        match self {
            Self::Http(era) | Self::Pipes(era) | Self::TracedHttp(era) => match era {
                Era::Legacy => "2025-11-25",
                Era::Modern => "2026-07-28",
            },
            Self::ByHand(_) => "2026-07-28",
        }
    }
}

/// Where spans go.
#[derive(Clone, Copy, Debug)]
struct Collectors<'a> {
    /// As `host:port` or as a URL.
    services: &'a str,
    protocol: &'a str,
    /// Over HTTP.
    client: SocketAddr,
}

impl Collectors<'_> {
    fn variables<'a>(&'a self, service: &'a str, other: &'a str) -> [(&'a str, &'a str); 6] {
        [
            ("OBS_ENV", "dev"),
            ("OTEL_SERVICE_NAME", service),
            ("OTLP_ENDPOINT", self.services),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", self.protocol),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("OTHER", other),
        ]
    }
}

/// The lines of both services after one call, all their spans exported.
#[derive(Debug)]
struct Logs {
    tools: Vec<Value>,
    jobs: Vec<Value>,
}

impl Logs {
    /// The spans that lines were written in.
    fn spans(&self) -> impl Iterator<Item = &str> {
        let lines = self.tools.iter().chain(&self.jobs);
        lines.filter_map(|line| line["span_id"].as_str())
    }
}

/// Calls the tool once and waits until everything has come of it.
fn call(way: Way, collectors: Collectors<'_>) -> Logs {
    let folder = TempDir::new().expect("a temporary folder");
    let (tools_at, jobs_at) = (free_address(), free_address());
    let (tools_url, jobs_url) = (format!("http://{tools_at}"), format!("http://{jobs_at}"));
    let program = Path::new(PROGRAM);
    let variables = collectors.variables(JOBS, &tools_url);
    let mut jobs = Service::start_at(jobs_at, program, &["jobs"], &variables);
    let variables = collectors.variables(TOOLS, &jobs_url);
    let piped = folder.path().join("piped.ndjson");
    let (mut tools, client) = match way {
        Way::ByHand(flags) => {
            let tools = Service::start_at(tools_at, program, &["tools"], &variables);
            call_by_hand(tools_at, flags);
            (Some(tools), None)
        }
        Way::Http(era) | Way::TracedHttp(era) => {
            let tools = Service::start_at(tools_at, program, &["tools"], &variables);
            let target = Target::Http(tools_at);
            let client = call_from_python(way, era, collectors, &target, folder.path());
            (Some(tools), Some(client))
        }
        Way::Pipes(era) => {
            // What switches OpenTelemetry on for the client is not for the server that it starts.
            let mut command = vec!["env".to_owned(), "-i".to_owned()];
            command.push(format!("LISTEN={tools_at}"));
            let own = variables.iter();
            command.extend(own.map(|(name, value)| format!("{name}={value}")));
            command.extend([PROGRAM, "tools", "--stdio"].map(str::to_owned));
            let target = Target::Stdio {
                command,
                environment: Vec::new(),
                stderr: piped.clone(),
            };
            let client = call_from_python(way, era, collectors, &target, folder.path());
            (None, Some(client))
        }
    };
    wait_for("the second attempt", PATIENCE, || {
        let lines = jobs.lines();
        let ended = lines
            .iter()
            .filter(|line| line["message"] == "job_completed");
        (ended.count() == 2).then_some(())
    });
    // Their ends export what is still waiting.
    if let Some(client) = client {
        client.close();
    }
    assert!(jobs.terminate().success());
    let tools = match &mut tools {
        Some(tools) => {
            assert!(tools.terminate().success());
            tools.lines()
        }
        None => read_lines(&piped),
    };
    Logs {
        tools,
        jobs: jobs.lines(),
    }
}

fn call_from_python(
    way: Way,
    era: Era,
    collectors: Collectors<'_>,
    target: &Target,
    folder: &Path,
) -> Python {
    let telemetry = Telemetry {
        service: CLIENT,
        collector: collectors.client,
        http: matches!(way, Way::TracedHttp(_)),
    };
    let mut client = Python::traced(telemetry, era, target, folder);
    assert_eq!(client.protocol, way.protocol());
    let answer = client.call("send_parcel", &json!({}), None);
    assert_eq!(answer.kind, Kind::Ok, "{answer:?}");
    assert_eq!(answer.text, "sent");
    client
}

fn call_by_hand(tools: SocketAddr, flags: &str) {
    let [trace, span] = META;
    let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "send_parcel", "arguments": {}, "_meta": {
            "traceparent": format!("00-{trace}-{span}-{flags}"),
            "tracestate": META_STATE,
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    }});
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client
            .post(Target::url(tools))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "send_parcel")
            .header("traceparent", HEADER)
            .header("tracestate", HEADER_STATE);
        request.body(body.to_string()).send().await?.text().await
    });
    let answer = answer.expect("an answer");
    assert!(answer.contains("\"sent\""), "{answer}");
}

/// The span that a call by hand claims to be in.
fn claimed() -> Shown {
    let [trace, span] = META.map(str::to_owned);
    Shown {
        service: CLIENT.to_owned(),
        trace_id: trace,
        span_id: span,
        name: "MCP send tools/call send_parcel".to_owned(),
        kind: "SPAN_KIND_CLIENT".to_owned(),
        status: "STATUS_CODE_UNSET".to_owned(),
        attributes: [("jsonrpc.request.id".to_owned(), "7".to_owned())].into(),
        ..Shown::default()
    }
}

/// The spans of one call.
#[derive(Clone, Debug)]
struct Chain {
    /// The client's.
    call: Shown,
    tool: Shown,
    sends: Shown,
    stores: Shown,
    attempts: [Shown; 2],
    tells: Shown,
    told: Shown,
    /// The request that brought the call, and the client's side of it, where they are of the call's
    /// trace.
    brought: Option<[Shown; 2]>,
}

impl Chain {
    /// Finds the spans by who exported them, their kind and their name: each is there once.
    fn find(spans: &[Shown]) -> Option<Self> {
        let all = |service: &str, kind: &str, name: &str| {
            let kind = format!("SPAN_KIND_{kind}");
            let found = spans
                .iter()
                .filter(|span| span.service == service && span.kind == kind && span.name == name);
            found.cloned().collect::<Vec<_>>()
        };
        let one = |service: &str, kind: &str, name: &str| {
            let mut found = all(service, kind, name);
            assert!(found.len() <= 1, "{found:#?}");
            found.pop()
        };
        let mut attempts = all(JOBS, "CONSUMER", "parcel.deliver");
        attempts.sort_by_key(|span| span.attributes["obs.job.attempt"].clone());
        let call = one(CLIENT, "CLIENT", "MCP send tools/call send_parcel")?;
        let of_call = |service: &str, kind: &str, name: &str| {
            let mut found = all(service, kind, name);
            found.retain(|span| span.trace_id == call.trace_id);
            assert!(found.len() <= 1, "{found:#?}");
            found.pop()
        };
        let posts = of_call(CLIENT, "CLIENT", "POST");
        let posted = of_call(TOOLS, "SERVER", "POST /mcp");
        Some(Self {
            brought: posts.zip(posted).map(<[Shown; 2]>::from),
            call,
            tool: one(TOOLS, "SERVER", "tools/call send_parcel")?,
            sends: one(TOOLS, "CLIENT", "POST /jobs")?,
            stores: one(JOBS, "SERVER", "POST /jobs")?,
            attempts: attempts.try_into().ok()?,
            tells: one(JOBS, "CLIENT", "POST /webhook")?,
            told: one(TOOLS, "SERVER", "POST /webhook")?,
        })
    }

    fn spans(&self) -> impl Iterator<Item = &Shown> {
        let [first, second] = &self.attempts;
        let own = [
            &self.call,
            &self.tool,
            &self.sends,
            &self.stores,
            first,
            second,
            &self.tells,
            &self.told,
        ];
        own.into_iter().chain(self.brought.iter().flatten())
    }

    /// Who is below whom, and that nobody else is in these traces.
    fn assert_parents(&self, way: Way, all: &[Shown]) {
        let [first, second] = &self.attempts;
        assert_eq!(self.call.parent_id, "", "{:#?}", self.call);
        let brought = self.brought.as_ref();
        assert_eq!(brought.is_some(), matches!(way, Way::TracedHttp(_)));
        let brought = brought.map(|[posts, posted]| [(&self.call, posts), (posts, posted)]);
        let own = [
            (&self.call, &self.tool),
            (&self.tool, &self.sends),
            (&self.sends, &self.stores),
            (&self.stores, first),
            (second, &self.tells),
            (&self.tells, &self.told),
        ];
        for (parent, child) in own.into_iter().chain(brought.into_iter().flatten()) {
            assert_eq!(child.parent_id, parent.span_id, "{parent:#?} {child:#?}");
            assert_eq!(child.trace_id, parent.trace_id, "{parent:#?} {child:#?}");
        }
        assert_eq!(second.parent_id, "", "{second:#?}");
        assert_ne!(second.trace_id, first.trace_id);
        let traces = [&first.trace_id, &second.trace_id];
        let others: Vec<_> = all
            .iter()
            .filter(|span| traces.contains(&&span.trace_id))
            .filter(|span| self.spans().all(|own| own != *span))
            .collect();
        assert!(others.is_empty(), "{others:#?}");
    }

    fn assert_attributes(&self, way: Way) {
        let tool = &self.tool;
        let mut expected = vec![
            ("mcp.method.name", "tools/call"),
            ("mcp.protocol.version", way.protocol()),
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", "send_parcel"),
            // The client's own idea of it.
            (
                "jsonrpc.request.id",
                &*self.call.attributes["jsonrpc.request.id"],
            ),
        ];
        match way {
            Way::Http(_) | Way::TracedHttp(_) | Way::ByHand(_) => expected.extend([
                ("network.transport", "tcp"),
                ("network.protocol.name", "http"),
                ("network.protocol.version", "1.1"),
            ]),
            Way::Pipes(_) => expected.push(("network.transport", "pipe")),
        }
        assert_says(tool, &expected);
        let has_session = matches!(way, Way::Http(Era::Legacy) | Way::TracedHttp(Era::Legacy));
        let session = tool.attributes.contains_key("mcp.session.id");
        assert_eq!(session, has_session, "{tool:#?}");
        for (client, server, path, status) in [
            (&self.sends, &self.stores, "/jobs", "202"),
            (&self.tells, &self.told, "/webhook", "204"),
        ] {
            let both = [
                ("http.request.method", "POST"),
                ("http.response.status_code", status),
            ];
            assert_says(client, &both);
            assert_says(
                client,
                &[("server.address", "127.0.0.1"), ("url.template", path)],
            );
            assert_says(server, &both);
            assert_says(server, &[("http.route", path), ("url.scheme", "http")]);
            // Paths may hold secrets, wherever they are.
            for key in ["url.path", "url.query", "url.full"] {
                assert!(!server.attributes.contains_key(key), "{server:#?}");
                assert!(!client.attributes.contains_key(key), "{client:#?}");
            }
        }
        for (attempt, number) in self.attempts.iter().zip(["1", "2"]) {
            let expected = [
                ("messaging.operation.type", "process"),
                ("obs.job.name", "parcel.deliver"),
                ("obs.job.attempt", number),
            ];
            assert_says(attempt, &expected);
        }
        let [first, _] = &self.attempts;
        for span in self.spans() {
            let failed = span == first;
            let status = if failed { "ERROR" } else { "UNSET" };
            assert_eq!(span.status, format!("STATUS_CODE_{status}"), "{span:#?}");
            let error = span.attributes.get("error.type");
            assert_eq!(error.is_some(), failed, "{span:#?}");
        }
    }

    /// Everything of the call has one correlation id; every line names a span that was exported.
    fn assert_lines(&self, logs: &Logs, all: &[Shown]) {
        let sending = logs
            .tools
            .iter()
            .find(|line| line["message"] == "sending a parcel");
        let id = sending.expect("the tool's line")["correlation_id"].clone();
        assert!(id.is_string(), "{logs:#?}");
        for span in self.spans() {
            if span.kind != "SPAN_KIND_CLIENT" {
                let said = &span.attributes["correlation_id"];
                assert_eq!(said, id.as_str().unwrap_or_default(), "{span:#?}");
            }
        }
        let [first, second] = &self.attempts;
        let mut expected = vec![
            (TOOLS, "sending a parcel", &self.tool),
            (TOOLS, "the parcel has been delivered", &self.told),
            (JOBS, "storing a job", &self.stores),
            (JOBS, "delivering", first),
            (JOBS, "delivering", second),
            (JOBS, "job_started", first),
            (JOBS, "job_started", second),
            (JOBS, "job_completed", first),
            (JOBS, "job_completed", second),
            (JOBS, "request_completed", &self.stores),
        ];
        for (service, lines) in [(TOOLS, &logs.tools), (JOBS, &logs.jobs)] {
            for line in lines.iter().filter(|line| line["correlation_id"] == id) {
                let span = all
                    .iter()
                    .find(|span| line["span_id"] == *span.span_id)
                    .unwrap_or_else(|| panic!("of no span: {line}"));
                assert_eq!(line["trace_id"], *span.trace_id, "{line}");
                assert_eq!(span.service, service, "{line}");
                expected.retain(|(of, message, expected)| {
                    *of != service || line["message"] != *message || *expected != span
                });
            }
        }
        assert!(expected.is_empty(), "{expected:#?} {logs:#?}");
        for id in logs.spans() {
            assert!(all.iter().any(|span| span.span_id == id), "no span {id}");
        }
        // Nobody who works for the call is without its id.
        for line in logs.jobs.iter().filter(|line| !line["trace_id"].is_null()) {
            assert_eq!(line["correlation_id"], id, "{line}");
        }
        let told = logs.tools.iter().find(|line| !line["came_with"].is_null());
        assert_eq!(told.expect("a call back")["came_with"], id);
    }
}

fn assert_says(span: &Shown, expected: &[(&str, &str)]) {
    for (key, value) in expected {
        let said = span.attributes.get(*key).map(String::as_str);
        assert_eq!(said, Some(*value), "{key} of {span:#?}");
    }
}

fn components(rotel: bool) -> bool {
    let mut components = vec![Component::Python, Component::PythonOpenTelemetry];
    components.extend(rotel.then_some(Component::Rotel));
    available(&components)
}

// ---- what rotel understood

fn through_rotel(way: Way, protocol: &str) {
    if !components(true) {
        return;
    }
    let rotel = Rotel::start();
    let services = match protocol {
        "grpc" => rotel.grpc.to_string(),
        _ => format!("http://{}", rotel.http),
    };
    let collectors = Collectors {
        services: &services,
        protocol,
        client: rotel.http,
    };
    let logs = call(way, collectors);
    // It may show later what it has taken already.
    let (chain, all) = wait_for("the chain", PATIENCE, || {
        let all = rotel.spans();
        let shown = |id: &str| all.iter().any(|span| span.span_id == id);
        let chain = logs.spans().all(shown).then(|| Chain::find(&all))??;
        Some((chain, all))
    });
    chain.assert_parents(way, &all);
    chain.assert_attributes(way);
    chain.assert_lines(&logs, &all);
}

#[test]
fn x9_rotel_shows_the_chain_of_a_call_without_a_session_over_grpc() {
    through_rotel(Way::Http(Era::Modern), "grpc");
}

#[test]
fn x9_rotel_shows_the_chain_of_a_call_in_a_session_over_http() {
    through_rotel(Way::Http(Era::Legacy), "http/protobuf");
}

#[test]
fn x9_rotel_shows_the_chain_of_a_call_over_pipes() {
    through_rotel(Way::Pipes(Era::Modern), "grpc");
}

// ---- what rotel does not show

// The flags of the protocol: those of W3C, whether it is known where the parent is, and whether that
// is in another process.
const SAMPLED: u32 = 0x01;
const RANDOM: u32 = 0x02;
const REMOTE_IS_KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

fn through_our_own(way: Way) {
    if !components(false) {
        return;
    }
    let (received, logs) = received_of(way);
    let all: Vec<Shown> = received.iter().map(Received::shown).collect();
    let chain = Chain::find(&all).unwrap_or_else(|| panic!("{all:#?}"));
    assert_all(&chain, way, &received, &logs, &all);
}

fn received_of(way: Way) -> (Vec<Received>, Logs) {
    let services = Collector::start(Protocol::Grpc);
    let clients = Collector::start(Protocol::Http);
    let endpoint = services.address().to_string();
    let collectors = Collectors {
        services: &endpoint,
        protocol: "grpc",
        client: clients.address(),
    };
    let logs = call(way, collectors);
    ([services.spans(), clients.spans()].concat(), logs)
}

fn assert_all(chain: &Chain, way: Way, received: &[Received], logs: &Logs, all: &[Shown]) {
    chain.assert_parents(way, all);
    chain.assert_attributes(way);
    chain.assert_lines(logs, all);
    assert_links(chain, way, received);
    assert_flags(chain, received);
    assert_states(chain, way, received);
}

fn received<'a>(span: &Shown, received: &'a [Received]) -> &'a Received {
    let found = received.iter().find(|one| one.shown() == *span);
    found.expect("it was received")
}

/// The ids that a span links to.
fn links(span: &Shown, all: &[Received]) -> Vec<(String, String)> {
    let links = received(span, all).span.links.iter();
    links
        .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
        .collect()
}

fn assert_links(chain: &Chain, way: Way, all: &[Received]) {
    let [first, second] = &chain.attempts;
    let made_by = (chain.stores.trace_id.clone(), chain.stores.span_id.clone());
    assert_eq!(links(second, all), [made_by]);
    for span in [
        first,
        &chain.sends,
        &chain.stores,
        &chain.tells,
        &chain.told,
    ] {
        assert_eq!(links(span, all), [], "{span:#?}");
    }
    match &links(&chain.tool, all)[..] {
        [] => assert!(matches!(way, Way::Pipes(_)), "{:#?}", chain.tool),
        [(trace, span)] => {
            let request = all
                .iter()
                .map(Received::shown)
                .find(|one| one.span_id == *span)
                .expect("the request is exported");
            assert_eq!(request.trace_id, *trace);
            assert_eq!(request.service, TOOLS);
            assert_eq!(request.kind, "SPAN_KIND_SERVER");
            assert_eq!(request.name, "POST /mcp");
            let (parent, state) = match (way, &chain.brought) {
                (Way::ByHand(_), _) => ("2222222222222222", HEADER_STATE),
                (_, Some([posts, _])) => (&*posts.span_id, ""),
                // The client's HTTP library was not told of the trace.
                (_, None) => ("", ""),
            };
            assert_eq!(request.parent_id, parent);
            assert_eq!(received(&request, all).span.trace_state, state);
            let same = request.trace_id == chain.tool.trace_id;
            assert_eq!(same, chain.brought.is_some());
            let id = &chain.tool.attributes["correlation_id"];
            assert_says(&request, &[("correlation_id", id)]);
        }
        more => panic!("{more:?}"),
    }
}

fn assert_flags(chain: &Chain, all: &[Received]) {
    let [first, second] = &chain.attempts;
    let remote = REMOTE_IS_KNOWN | REMOTE;
    // The client says that its trace's id is random, and so does everybody after it. Of a trace that
    // begins here OpenTelemetry's spans do not say it, but the header does.
    for (span, place, says_random) in [
        (&chain.tool, remote, true),
        (&chain.sends, REMOTE_IS_KNOWN, true),
        (&chain.stores, remote, true),
        (first, remote, true),
        (second, REMOTE_IS_KNOWN, false),
        (&chain.tells, REMOTE_IS_KNOWN, false),
        (&chain.told, remote, true),
    ] {
        let mut flags = received(span, all).span.flags;
        if !says_random {
            flags |= RANDOM;
        }
        assert_eq!(flags, place | SAMPLED | RANDOM, "{flags:x} of {span:#?}");
    }
}

/// What vendors say goes where the trace goes.
fn assert_states(chain: &Chain, way: Way, all: &[Received]) {
    let said = match way {
        Way::ByHand(_) => META_STATE,
        Way::Http(_) | Way::TracedHttp(_) | Way::Pipes(_) => "",
    };
    let [first, second] = &chain.attempts;
    for span in [&chain.tool, &chain.sends, &chain.stores, first] {
        assert_eq!(received(span, all).span.trace_state, said, "{span:#?}");
    }
    for span in [second, &chain.tells, &chain.told] {
        assert_eq!(received(span, all).span.trace_state, "", "{span:#?}");
    }
}

#[test]
fn x9_links_flags_and_states_of_the_chain_of_a_call_by_hand() {
    let way = Way::ByHand("03");
    let (received, logs) = received_of(way);
    let mut all: Vec<Shown> = received.iter().map(Received::shown).collect();
    all.push(claimed());
    let chain = Chain::find(&all).unwrap_or_else(|| panic!("{all:#?}"));
    assert_all(&chain, way, &received, &logs, &all);
}

#[test]
fn x9_of_a_call_that_is_not_sampled_what_failed_is_exported_and_what_began_anew() {
    let (received, logs) = received_of(Way::ByHand("02"));
    let find = |service: &str, name: &str| {
        let found = received.iter().filter(|one| {
            let shown = one.shown();
            shown.service == service && shown.name == name
        });
        found.collect::<Vec<_>>()
    };
    let [trace, _] = META;
    // The tool did not fail, and nothing below it here did.
    assert!(find(TOOLS, "tools/call send_parcel").is_empty());
    assert!(find(TOOLS, "POST /jobs").is_empty());
    // An attempt failed: it is sent all the same, as sampled, or collectors would leave it out. The
    // other one is a trace of its own.
    let mut attempts = find(JOBS, "parcel.deliver");
    attempts.sort_by_key(|one| one.attribute("obs.job.attempt"));
    let [first, second] = attempts[..] else {
        panic!("{attempts:#?}");
    };
    let remote = REMOTE_IS_KNOWN | REMOTE;
    assert_eq!(first.shown().trace_id, trace);
    assert_eq!(first.shown().status, "STATUS_CODE_ERROR");
    assert_eq!(first.span.flags, remote | SAMPLED | RANDOM);
    assert_ne!(second.shown().trace_id, trace);
    assert_eq!(second.span.flags & SAMPLED, SAMPLED);
    let linked = second.span.links.iter().map(|link| hex(&link.trace_id));
    assert_eq!(linked.collect::<Vec<_>>(), [trace]);
    let told = find(TOOLS, "POST /webhook");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].span.flags, remote | SAMPLED | RANDOM);
    // What is not exported has ids all the same.
    let id = &told[0].attribute("correlation_id");
    for message in ["sending a parcel", "storing a job", "delivering"] {
        let lines = logs.tools.iter().chain(&logs.jobs);
        let line = lines.clone().find(|line| line["message"] == message);
        let line = line.expect("the line is there");
        assert_eq!(line["correlation_id"].as_str(), id.as_deref(), "{line}");
        assert_eq!(line["trace_id"], trace, "{line}");
    }
}

#[test]
fn x9_links_and_flags_of_the_chain_without_a_session() {
    through_our_own(Way::Http(Era::Modern));
}

#[test]
fn x9_links_and_flags_of_the_chain_in_a_session() {
    through_our_own(Way::Http(Era::Legacy));
}

#[test]
fn x9_links_and_flags_of_the_chain_where_the_clients_request_is_traced_as_well() {
    through_our_own(Way::TracedHttp(Era::Modern));
}

#[test]
fn x9_links_and_flags_of_the_chain_where_the_clients_request_in_a_session_is_traced_as_well() {
    through_our_own(Way::TracedHttp(Era::Legacy));
}

#[test]
fn x9_links_and_flags_of_the_chain_over_pipes() {
    through_our_own(Way::Pipes(Era::Legacy));
}
