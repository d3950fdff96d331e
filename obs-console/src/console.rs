//! The console as `obs` knows it: it takes lines and spans, looks at the numbers, and answers.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::future::{Future, poll_fn, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant, UNIX_EPOCH};

use obs::http::{AdminPage, EndedSpan, PageAnswer, PageFuture, PageRequest};
use obs::{CheckState, Obs};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tracing::Level;

use super::overview::overview;
use super::page;
use super::peers::Peer;
use super::records::{Records, array, of};
use super::samples::Samples;
use super::timeline::{Told, timeline};

const JSON: &str = "application/json";

const MAX_LINES: usize = 5_000;
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;
const MAX_SPANS: usize = 5_000;
const MAX_SPAN_BYTES: usize = 4 * 1024 * 1024;

/// Lines, or spans, of one answer.
const RECENT: usize = 200;

/// What one service says of one correlation id, of lines and of spans each.
const MAX_TOLD: usize = 1024 * 1024;

/// Services that are asked about a correlation id.
const MAX_PEERS: usize = 16;

/// How often the numbers are looked at; a look may take a hundredth of the time at most.
const PAUSE: Duration = Duration::from_secs(1);

/// How often dependencies are asked while somebody watches, and how long that may hold up an answer.
const CHECKS_PAUSE: Duration = Duration::from_secs(5);
const CHECKS_PATIENCE: Duration = Duration::from_millis(200);

/// One page that shows what the service does; see the [crate](crate).
///
/// # Memory
/// The last 5,000 lines and the last 5,000 spans, of at most 4 MiB each; what they push out is counted,
/// and the page says so. Of the numbers, what changed within five minutes, at most 2 MiB: a service in
/// which more changes shows less of its past. And the names and present values of at most 32,768
/// numbers, which the catalogue of the service bounds already.
///
/// # Example
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_console::Console;
///
/// let obs = obs::Obs::from_env(obs::service!())?
///     .admin_page(Console::new().peer("engine", "http://127.0.0.1:8788"))
///     .install()?;
/// # drop(obs);
/// # Ok(())
/// # }
/// ```
#[must_use = "give it to `.admin_page(..)`"]
pub struct Console {
    path: Cow<'static, str>,
    peers: Vec<Given>,
    kept: Arc<Kept>,
}

/// A peer as it was given: its address is read when the path is known.
struct Given {
    name: Cow<'static, str>,
    url: String,
    token: Option<String>,
}

/// What it keeps.
struct Kept {
    began: Instant,
    lines: Mutex<Records>,
    spans: Mutex<Records>,
    samples: Mutex<Samples>,
    checks: Mutex<Checks>,
    looks: AtomicBool,
}

#[derive(Default)]
struct Checks {
    states: Vec<CheckState>,
    asked: Option<Instant>,
}

impl Console {
    /// Makes a console at `/console`.
    pub fn new() -> Self {
        Self {
            path: Cow::Borrowed("/console"),
            peers: Vec::new(),
            kept: Arc::new(Kept {
                began: Instant::now(),
                lines: Mutex::new(Records::new(MAX_LINES, MAX_LINE_BYTES)),
                spans: Mutex::new(Records::new(MAX_SPANS, MAX_SPAN_BYTES)),
                samples: Mutex::default(),
                checks: Mutex::default(),
                looks: AtomicBool::new(false),
            }),
        }
    }

    /// Puts it at another path. Peers are looked for at the same path.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// Names another service with a console, so that a request is followed into it:
    /// `.peer("engine", "http://127.0.0.1:8788")`. At most 16 are asked.
    ///
    /// It is told the correlation id that somebody looks for, and nothing else.
    pub fn peer(self, name: impl Into<Cow<'static, str>>, url: impl Into<String>) -> Self {
        self.add(name.into(), url.into(), None)
    }

    /// As [`peer`](Self::peer), for one that asks for a token: that of its `OBS_METRICS_TOKEN`.
    pub fn peer_with_token(
        self,
        name: impl Into<Cow<'static, str>>,
        url: impl Into<String>,
        token: impl Into<String>,
    ) -> Self {
        self.add(name.into(), url.into(), Some(token.into()))
    }

    fn add(mut self, name: Cow<'static, str>, url: String, token: Option<String>) -> Self {
        self.peers.push(Given { name, url, token });
        self
    }

    /// Returns those that are asked.
    fn peers(&self) -> Vec<Peer> {
        let peers = self.peers.iter().take(MAX_PEERS);
        peers
            .map(|peer| {
                Peer::new(
                    peer.name.clone(),
                    &peer.url,
                    &self.path,
                    peer.token.as_deref(),
                )
            })
            .collect()
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl AdminPage for Console {
    fn path(&self) -> &str {
        &self.path
    }

    fn serving(&self, obs: &Obs) {
        self.kept.look_always(obs);
    }

    fn answer(&self, obs: &Obs, asked: PageRequest) -> PageFuture {
        // A service that serves by other means than `obs.serve` has not said that it does.
        self.kept.look_always(obs);
        let value = |name: &str| value(&asked.query, name).map(str::to_owned);
        let at_once = match asked.path.as_str() {
            "" | "/" => PageAnswer::ok(page::HTML, page::page(obs, &self.path, &self.peers())),
            "/console.css" => PageAnswer::ok(page::CSS, page::STYLE),
            "/console.js" => PageAnswer::ok(page::JS, page::SCRIPT),
            "/icon.svg" => PageAnswer::ok(page::SVG, page::ICON),
            "/api/recent" => match self.kept.recent(&value) {
                Some(recent) => PageAnswer::ok(JSON, recent),
                None => PageAnswer::bad_request(),
            },
            "/api/trace" => match value("id").filter(|id| is_id(id)) {
                Some(id) => PageAnswer::ok(JSON, self.kept.told(obs, &id).answer.to_string()),
                None => PageAnswer::bad_request(),
            },
            "/api/overview" => {
                let (kept, obs, range) = (Arc::clone(&self.kept), obs.clone(), value("range"));
                return Box::pin(async move { kept.overview(&obs, range.as_deref()).await });
            }
            "/api/timeline" => {
                let Some(id) = value("id").filter(|id| is_id(id)) else {
                    return Box::pin(ready(PageAnswer::bad_request()));
                };
                let own = self.kept.told(obs, &id);
                let peers = self.peers();
                return Box::pin(async move { across(&id, own, &peers).await });
            }
            _ => PageAnswer::not_found(),
        };
        Box::pin(ready(at_once))
    }

    fn line(&self, level: Level, json: &str) {
        // Copied first: other threads wait for the lock.
        let json = json.into();
        lock(&self.kept.lines).push(level, json);
    }

    fn span(&self, span: &EndedSpan<'_>) {
        let level = if span.failed {
            Level::ERROR
        } else {
            Level::INFO
        };
        let json = span_json(span).into();
        lock(&self.kept.spans).push(level, json);
    }
}

impl Kept {
    /// Looks at the numbers from now on, until the service stops.
    fn look_always(self: &Arc<Self>, obs: &Obs) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.looks.swap(true, Ordering::AcqRel) {
            return;
        }
        let looking = Looking(Arc::clone(self));
        self.look(obs);
        let obs = obs.clone();
        drop(runtime.spawn(async move {
            let Looking(kept) = &looking;
            let shutdown = obs.shutdown();
            loop {
                let begun = Instant::now();
                kept.look(&obs);
                let pause = PAUSE.max(begun.elapsed() * 100);
                tokio::select! {
                    () = sleep(pause) => {}
                    () = shutdown.begun() => break,
                }
            }
        }));
    }

    fn look(&self, obs: &Obs) {
        let asked = self.began.elapsed();
        // Numbers that are older than those of the look before would be counters that began anew.
        let mut samples = lock(&self.samples);
        // Somebody else has looked while this one waited.
        if samples.at() >= asked {
            return;
        }
        let at = self.began.elapsed();
        samples.look(at, obs.families());
    }

    async fn overview(&self, obs: &Obs, range: Option<&str>) -> PageAnswer {
        let range = match range {
            None => Some(super::samples::WINDOW),
            Some("all") => None,
            Some(seconds) => match seconds.parse() {
                Ok(seconds @ 1..=300) => Some(Duration::from_secs(seconds)),
                _ => return PageAnswer::bad_request(),
            },
        };
        let checks = self.checks(obs).await;
        // What was counted a moment ago is to be seen now.
        self.look(obs);
        let mut all = overview(&lock(&self.samples), obs, &checks, range);
        all["kept"] = self.kept();
        PageAnswer::ok(JSON, all.to_string())
    }

    /// Asks the dependencies now and then; one that is slow holds up no answer.
    async fn checks(&self, obs: &Obs) -> Vec<CheckState> {
        let is_due = {
            let mut checks = lock(&self.checks);
            let is_due = checks.asked.is_none_or(|at| at.elapsed() >= CHECKS_PAUSE);
            if is_due {
                checks.asked = Some(Instant::now());
            }
            is_due
        };
        if is_due {
            match timeout(CHECKS_PATIENCE, obs.check_states()).await {
                Ok(states) => lock(&self.checks).states = states,
                // It goes on without us, and its answer is there when we ask again.
                Err(_) => lock(&self.checks).asked = None,
            }
        }
        lock(&self.checks).states.clone()
    }

    /// Says what is kept, and what was pushed out.
    fn kept(&self) -> Value {
        let of = |records: &Mutex<Records>| {
            let records = lock(records);
            json!({
                "count": records.len(),
                "bytes": records.bytes(),
                "pushed_out": records.pushed_out(),
            })
        };
        let samples = lock(&self.samples);
        json!({
            "lines": of(&self.lines),
            "spans": of(&self.spans),
            "numbers": { "bytes": samples.bytes(), "unfollowed": samples.unfollowed() },
        })
    }

    /// Answers with the lines and spans behind the numbers that the page knows.
    fn recent(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let after = |name| -> Option<u64> { value(name).map_or(Some(0), |it| it.parse().ok()) };
        let level = value("level").map_or(Some(Level::TRACE), |level| level.parse().ok())?;
        let mut json = String::from("{");
        for (name, records, level) in [
            ("lines", &self.lines, level),
            ("spans", &self.spans, Level::TRACE),
        ] {
            let after = after(name)?;
            let (last, records) = {
                let records = lock(records);
                (records.last(), records.after(after, level, RECENT))
            };
            let between = if json.len() > 1 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(
                json,
                r#"{between}"{name}":{{"last":{last},"records":{}}}"#,
                array(&records)
            );
        }
        json.push('}');
        Some(json)
    }

    /// Returns what this service says of a correlation id.
    fn told(&self, obs: &Obs, correlation_id: &str) -> Told {
        let (spans, lines) = (lock(&self.spans).all(), lock(&self.lines).all());
        let (spans, has_all_spans) = of(&spans, correlation_id, MAX_TOLD);
        let (lines, has_all_lines) = of(&lines, correlation_id, MAX_TOLD);
        let parse = |json: &str| serde_json::from_str(json).unwrap_or(Value::Null);
        let service = obs.service().name().to_owned();
        Told {
            answer: json!({
                "service": service,
                "spans": parse(&spans),
                "lines": parse(&lines),
                "whole": has_all_spans && has_all_lines,
            }),
            service,
        }
    }
}

/// The right to look always. It ends with the runtime that looks, and another may have the next.
struct Looking(Arc<Kept>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.looks.store(false, Ordering::Release);
    }
}

/// Asks all peers at the same time, and puts together what they say.
async fn across(id: &str, own: Told, peers: &[Peer]) -> PageAnswer {
    let answers = all(peers.iter().map(|peer| peer.ask(id)).collect()).await;
    let mut told = vec![own];
    let mut silent = Vec::new();
    for (peer, answer) in peers.iter().zip(answers) {
        let service = peer.name.to_string();
        match answer {
            Ok(answer) => told.push(Told { service, answer }),
            Err(why) => silent.push((service, why)),
        }
    }
    PageAnswer::ok(JSON, timeline(id, &told, &silent).to_string())
}

/// Waits for several futures at once. They are no tasks: they end when nobody waits any more, and belong
/// to the answer, of which the console is told nothing.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(cx)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Whether a text is a correlation id as `obs` accepts them.
fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}

/// Returns a value of a query. Nothing that is asked for needs to be encoded.
fn value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}

/// Writes a span as JSON, whose fields are JSON already. Made on the thread of the request, so by hand.
fn span_json(span: &EndedSpan<'_>) -> String {
    let start = span.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut json = String::with_capacity(384 + span.fields.len());
    // Writing to a string cannot fail. Ids are letters and digits, and need no escaping.
    let mut put = |text: fmt::Arguments<'_>| {
        let _ = json.write_fmt(text);
    };
    match span.ctx {
        Some(ctx) => put(format_args!(
            r#"{{"correlation_id":"{}","trace_id":"{}""#,
            ctx.correlation_id(),
            ctx.trace().trace_id
        )),
        None => put(format_args!(r#"{{"correlation_id":null"#)),
    }
    put(format_args!(
        r#","key":{},"name":{},"target":{},"start":{},"duration":{},"failed":{}"#,
        span.key,
        quoted(span.name),
        quoted(span.target),
        start.as_micros(),
        span.duration.as_micros(),
        span.failed,
    ));
    if let Some(parent) = span.parent {
        put(format_args!(r#","parent":{parent}"#));
    }
    if let Some(id) = span.span_id {
        put(format_args!(r#","span_id":"{id}""#));
    }
    if let Some(cause) = span.remote_parent {
        put(format_args!(r#","caused_by":"{}""#, cause.span_id));
    }
    put(format_args!(r#","fields":{}}}"#, span.fields));
    json
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "null".to_owned())
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("path", &self.path)
            .field("peers", &self.peers())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use axum::Router;
    use axum::body::Body;
    use http::Request;
    use obs::Obs;
    use tokio::runtime::{Builder, Runtime};
    use tower::ServiceExt;

    use super::super::samples::WINDOW;
    use super::{Console, is_id, lock, value};

    fn start() -> Obs {
        let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
        setup.detached().unwrap()
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn however_many_look_at_once_no_request_is_counted_twice() {
        const REQUESTS: u32 = 2_000;
        let (obs, kept) = (start(), Console::new().kept);
        kept.look(&obs);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        kept.look(&obs);
                    }
                });
            }
            let app = obs.wrap(Router::new());
            runtime().block_on(async {
                for _ in 0..REQUESTS {
                    let request = Request::get("/").body(Body::empty()).unwrap();
                    app.clone().oneshot(request).await.unwrap();
                }
            });
            is_over.store(true, Ordering::Relaxed);
        });
        kept.look(&obs);
        let samples = lock(&kept.samples);
        let grown = samples.grown(Some(WINDOW)).grown;
        let families = samples.families().iter();
        let counted = families.filter(|family| family.name == "http_requests_total");
        let cells = counted.flat_map(|family| {
            let cells = family.samples.iter();
            cells.filter_map(|sample| samples.first(family, sample))
        });
        let requests: f64 = cells.map(|cell| grown[cell]).sum();
        assert!((requests - f64::from(REQUESTS)).abs() < 0.5, "{requests}");
    }

    #[test]
    fn the_next_runtime_looks_when_the_one_that_looked_is_gone() {
        let (obs, kept) = (start(), Console::new().kept);
        let looks = || kept.looks.load(Ordering::Relaxed);
        kept.look_always(&obs);
        assert!(!looks(), "without a runtime nothing can wait");
        for _ in 0..2 {
            let runtime = runtime();
            runtime.block_on(async { kept.look_always(&obs) });
            assert!(looks());
            drop(runtime);
            assert!(!looks());
        }
        assert_eq!(Arc::strong_count(&kept), 1);
    }

    #[test]
    fn an_id_is_what_obs_accepts_and_nothing_that_could_be_more() {
        for id in ["a", "0199-aB", "x.y~z-_", &"a".repeat(128)] {
            assert!(is_id(id), "{id}");
        }
        for id in [
            "",
            "a b",
            "a\"",
            "a%22",
            "é",
            "a/b",
            "a&b",
            &"a".repeat(129),
        ] {
            assert!(!is_id(id), "{id}");
        }
    }

    #[test]
    fn the_first_of_a_name_counts() {
        assert_eq!(value("a=1&b=2&a=3", "a"), Some("1"));
        assert_eq!(value("aa=1&a", "a"), None);
        assert_eq!(value("", "a"), None);
    }
}
