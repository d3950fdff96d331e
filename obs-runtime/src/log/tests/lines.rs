//! What stands on a line.

use std::error::Error;
use std::fmt;

use serde_json::{Value, json};
use tracing::field::{Empty, display};
use tracing_log::AsTrace;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;

use super::joined::request;
use super::strict::Object;
use super::{Memory, PATIENCE, line_of, lines_of, options, start, subscriber};
use crate::context::{Ctx, Entered};
use crate::job::Carrier;
use crate::log::line::MAX_LINE;
use crate::log::{LogFilter, LogFormat, LogOutput, Logs};

const ROOT: [&str; 6] = [
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "environment",
];

#[test]
fn a_line_has_its_keys_in_their_order() {
    let line = line_of(|| tracing::info!(target: "shop::till", items = 3, paid = true, "sold"));
    assert_eq!(line.keys(), [&ROOT[..], &["items", "paid"]].concat());
    let stamp = line.text("timestamp");
    assert_eq!((stamp.len(), &stamp[10..11], &stamp[26..]), (27, "T", "Z"));
    for (key, expected) in [
        ("level", json!("INFO")),
        ("target", json!("shop::till")),
        ("message", json!("sold")),
        ("service", json!("shop")),
        ("environment", json!("test")),
        ("items", json!(3)),
        ("paid", json!(true)),
    ] {
        assert_eq!(line[key], expected, "{key}");
    }
}

#[test]
fn a_line_of_a_request_has_the_ids_the_method_and_the_route() {
    let ctx = request("GET", "/jobs/{id}");
    let line = line_of(|| ctx.scope(|| tracing::info!(items = 3, "sold")));
    let ids = [
        "correlation_id",
        "request_id",
        "trace_id",
        "span_id",
        "method",
        "route",
    ];
    assert_eq!(line.keys(), [&ROOT[..], &ids, &["items"]].concat());
    assert_eq!(line["correlation_id"], json!(ctx.correlation_id()));
    assert_eq!(line["request_id"], json!(ctx.request_id()));
    assert_eq!(line["trace_id"], json!(ctx.trace().trace_id.to_string()));
    assert_eq!(line["span_id"], json!(ctx.trace().span_id.to_string()));
    assert_eq!(line["method"], json!("GET"));
    assert_eq!(line["route"], json!("/jobs/{id}"));

    // What no request caused has no method and no route.
    let line = line_of(|| Ctx::new().scope(|| tracing::info!("ticked")));
    let ids = ["correlation_id", "trace_id", "span_id"];
    assert_eq!(line.keys(), [&ROOT[..], &ids].concat());
}

#[test]
fn the_lines_about_an_operation_say_below_of_which_span_it_is() {
    let carrier = request("POST", "/orders").scope(Carrier::current);
    let made_by = json!(carrier.trace().expect("a trace").span_id.to_string());
    for (attempt, key, other) in [
        (1, "parent_span_id", "linked_span_id"),
        (2, "linked_span_id", "parent_span_id"),
    ] {
        let job = carrier.job("ship", attempt);
        let lines = lines_of(|| {
            job.ctx().scope(|| {
                tracing::info!(parent_span_id = "mine", "shipping");
                tracing::info!(target: "obs::job", outcome = "ok", "job_completed");
                tracing::warn!(target: "obs::mcp", outcome = "error", "tool call failed");
            });
        });
        assert_eq!(lines[0].get(key), None);
        assert_eq!(lines[0]["field_parent_span_id"], json!("mine"));
        for line in &lines[1..] {
            assert_eq!((&line[key], line.get(other)), (&made_by, None), "{attempt}");
        }
    }
    // What nothing brought has neither.
    let ctx = Ctx::new();
    let line =
        line_of(|| ctx.scope(|| tracing::info!(target: "obs::request", "request_completed")));
    assert_eq!(line.get("parent_span_id"), None);
    assert_eq!(line.get("linked_span_id"), None);
}

#[test]
fn the_innermost_value_of_a_field_is_written() {
    let line = line_of(|| {
        let outer = tracing::info_span!("outer", a = 1, b = 1, c = 1).entered();
        let inner = tracing::info_span!("inner", b = 2, c = 2, d = Empty).entered();
        inner.record("d", 2);
        tracing::info!(c = 3, "deep");
        drop((inner, outer));
    });
    for (key, expected) in [("a", 1), ("b", 2), ("c", 3), ("d", 2)] {
        assert_eq!(line[key], json!(expected), "{key}");
    }
}

#[test]
fn every_kind_of_value_is_written() {
    let line = line_of(|| {
        tracing::info!(
            big = u128::MAX,
            small = i128::MIN,
            most = u64::MAX,
            least = i64::MIN,
            half = 0.5,
            nan = f64::NAN,
            above = f64::INFINITY,
            below = f64::NEG_INFINITY,
            text = "t",
            shown = %"s",
            told = ?Some(1),
            absent = Option::<u8>::None,
            later = Empty,
            "all"
        );
    });
    for (key, expected) in [
        ("most", json!(u64::MAX)),
        ("least", json!(i64::MIN)),
        ("half", json!(0.5)),
        ("nan", json!("NaN")),
        ("above", json!("+Inf")),
        ("below", json!("-Inf")),
        ("text", json!("t")),
        ("shown", json!("s")),
        ("told", json!("Some(1)")),
    ] {
        assert_eq!(line[key], expected, "{key}");
    }
    assert!(line.get("big").is_some_and(Value::is_number));
    assert!(line.get("small").is_some_and(Value::is_number));
    assert_eq!((line.get("absent"), line.get("later")), (None, None));
}

#[test]
fn f6_no_field_takes_the_place_of_a_key_with_a_meaning() {
    let line = line_of(|| {
        let span = tracing::info_span!("odd", message = "of the span", name = "n").entered();
        tracing::info!(
            timestamp = 1,
            level = 2,
            target = 3,
            service = 4,
            environment = 5,
            correlation_id = 6,
            request_id = 7,
            trace_id = 8,
            span_id = 9,
            method = 10,
            route = 11,
            truncated = 12,
            span = 13,
            fields = 14,
            r#type = 15,
            "" = 16,
            "with \"quotes\"\n" = 17,
            field_level = 18,
            "of the event"
        );
        drop(span);
    });
    assert_eq!(line["message"], json!("of the event"));
    assert_eq!(line["field_message"], json!("of the span"));
    assert_eq!(line["level"], json!("INFO"));
    for (key, expected) in [
        ("field_timestamp", json!(1)),
        ("field_target", json!(3)),
        ("field_service", json!(4)),
        ("field_environment", json!(5)),
        ("field_correlation_id", json!(6)),
        ("field_request_id", json!(7)),
        ("field_trace_id", json!(8)),
        ("field_span_id", json!(9)),
        ("field_method", json!(10)),
        ("field_route", json!(11)),
        ("field_truncated", json!(12)),
        ("span", json!(13)),
        ("fields", json!(14)),
        ("type", json!(15)),
        ("field_", json!(16)),
        ("with \"quotes\"\n", json!(17)),
        // Both `level` and `field_level` are there: the last wins.
        ("field_level", json!(18)),
        ("name", json!("n")),
    ] {
        assert_eq!(line[key], expected, "{key}");
    }
    assert_eq!(line.get("correlation_id"), None);
}

#[test]
fn f6_the_last_value_of_a_field_wins() {
    let lines = lines_of(|| {
        tracing::info!(a = 1, b = 2, a = 3, "twice in an event");
        let span = tracing::info_span!("span", a = 1, b = 1, c = 1).entered();
        span.record("a", 2);
        span.record("a", "three");
        tracing::info!("twice in a span");
    });
    assert_eq!(lines[0]["a"], json!(3));
    assert_eq!(lines[0]["b"], json!(2));
    assert_eq!(lines[1]["a"], json!("three"));
    assert_eq!(lines[1]["c"], json!(1));
}

#[test]
fn f6_whatever_a_text_holds_is_one_string_on_one_line() {
    let texts = [
        "quotes \" and \\",
        "a\nb\r\n\t",
        "\u{1b}[2J\u{7f}\u{9b}",
        "\\ud800 \\u0000",
        "\0\u{1}\u{1f}",
        "\u{2028}\u{2029}\u{feff}",
        &String::from_utf8_lossy(b"\xff\xfe\xf0\x9f"),
        "\u{10ffff}🦀",
        "",
    ];
    for text in texts {
        let line = line_of(|| tracing::info!(said = text, shown = %text, told = ?text, "{text}"));
        assert_eq!(line["said"], json!(text));
        assert_eq!(line["shown"], json!(text));
        assert_eq!(line["told"], json!(format!("{text:?}")));
        assert_eq!(line["message"], json!(text));
    }
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of ")?;
        panic!("in a value");
    }
}

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::panic::panic_any(Bomb)
    }
}

/// What a panic carries may panic when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

#[test]
fn f6_a_value_that_panics_is_contained_and_marked() {
    let lines = lines_of(|| {
        tracing::info!(before = 1, shown = %Panics, told = ?Panics, after = 2, "went on");
        tracing::info!("in the message: {Panics}");
        let span = tracing::info_span!("span", of_span = %Panics).entered();
        span.record("of_span", display(Panics));
        tracing::info!(of_record = debug(Panics), "after it");
    });
    assert_eq!(lines[0]["before"], json!(1));
    assert_eq!(lines[0]["shown"], json!("[panicked]"));
    assert_eq!(lines[0]["told"], json!("[panicked]"));
    assert_eq!(lines[0]["after"], json!(2));
    assert_eq!(lines[1]["message"], json!("[panicked]"));
    assert_eq!(lines[2]["of_span"], json!("[panicked]"));
    assert_eq!(lines[2]["of_record"], json!("[panicked]"));
}

#[test]
fn f4_a_line_of_a_mebibyte_is_cut_and_says_so() {
    for text in ["x", "\"", "\u{1}", "é", "🦀", "word and word "] {
        let text = text.repeat((1 << 20) / text.len());
        let lines = lines_of(|| {
            tracing::info!(small = 1, big = %text, after = 2, "short");
            tracing::info!(small = 1, "{text}");
            let span = tracing::info_span!("span", small = 1, big = text).entered();
            tracing::info!("in a span");
            drop(span);
        });
        for line in lines {
            assert_eq!(line["truncated"], json!(true));
            assert_eq!(line["small"], json!(1));
            assert_eq!(line["service"], json!("shop"));
        }
    }
}

#[test]
fn f4_ten_thousand_fields_of_a_hundred_spans_are_cut() {
    macro_rules! span_of_a_hundred {
        ($($name:ident)*) => {
            tracing::info_span!("span", $(
                { concat!(stringify!($name), "_0") } = 0,
                { concat!(stringify!($name), "_1") } = 1,
                { concat!(stringify!($name), "_2") } = 2,
                { concat!(stringify!($name), "_3") } = 3,
                { concat!(stringify!($name), "_4") } = 4
            ),*)
        };
    }
    macro_rules! spans {
        ($entered:ident: $($outer:ident)*) => {
            $($entered.push(span_of_a_hundred!($outer).entered());)*
        };
    }
    let line = line_of(|| {
        let mut entered = Vec::new();
        for _ in 0..25 {
            spans!(entered: a b c d);
        }
        assert_eq!(entered.len(), 100);
        tracing::info!(first = 1, "deep");
        while entered.pop().is_some() {}
    });
    // The same twenty keys on each of the hundred: each once, none of them cut.
    assert_eq!(line.keys().len(), ROOT.len() + 1 + 20);
    assert_eq!(line.get("truncated"), None);

    let mut fields = crate::log::fields::Fields::new(crate::log::notation::Notation::Json, 60_000);
    for n in 0..10_000 {
        let name = format!("field{n}");
        let key = crate::log::notation::Key::of(&name);
        fields.scalar(key, 1_u64, crate::log::fields::Clash::Replaces);
    }
    assert!(fields.is_cut);
    assert!(fields.text.len() <= 60_000);
    let text = String::from_utf8(fields.text).unwrap();
    let object: Object = super::strict::parse(&format!("{{\"a\":0{text}}}"));
    assert_eq!(object["field0"], json!(1));
}

#[test]
fn a_cut_text_does_not_end_in_half_a_secret() {
    let address = "someone@example.com";
    for offset in 0..=address.len() {
        let filler = "word ".repeat(7_000);
        let text = format!("{}{address} tail", &filler[..32 * 1024 - offset]);
        let line = line_of(|| tracing::info!(text = %text, "cut"));
        let shown = line.text("text");
        assert_eq!(line["truncated"], json!(true));
        assert!(!shown.contains("someone"), "{}", &shown[shown.len() - 40..]);
    }
}

#[test]
fn secrets_are_removed_from_every_place_of_a_line() {
    let canary = "hunter2-7f3a";
    let ctx = request("GET", "/");
    let lines = lines_of(|| {
        let _entered = Entered::new(Some(ctx.clone()));
        let span = tracing::info_span!("login", password = canary, note = Empty).entered();
        span.record("note", format!("password={canary}"));
        tracing::info!(password = %canary, user.password = ?canary, pass = 1, "in");
        tracing::info!(header = %format!("Bearer {}", "abcdefgh12345678abcdefgh"), "password={canary}");
        ctx.annotate("password", canary);
        ctx.annotate("note", format!("password: {canary}"));
        tracing::info!(target: "obs::request", status = 200, "request_completed");
        drop(span);
    });
    assert_eq!(lines.len(), 3);
    for line in &lines {
        let text = format!("{:?}", line.0);
        assert!(!text.contains(canary), "{text}");
        assert!(!text.contains("abcdefgh12345678"), "{text}");
    }
    assert_eq!(lines[0]["password"], json!("[redacted]"));
    assert_eq!(lines[0]["user.password"], json!("[redacted]"));
    assert_eq!(lines[2]["password"], json!("[redacted]"));
}

#[test]
fn annotations_stand_on_the_canonical_line_alone() {
    let ctx = request("POST", "/orders");
    let lines = lines_of(|| {
        let _entered = Entered::new(Some(ctx.clone()));
        ctx.annotate("order", "o-1");
        ctx.annotate("order", "o-2");
        ctx.annotate("items", 3);
        ctx.annotate("paid", true);
        ctx.annotate("ratio", f64::NAN);
        ctx.annotate("status", 299);
        ctx.annotate("route", "/mine");
        tracing::info!(target: "obs::request", "request_started");
        tracing::info!("request_completed");
        tracing::info!(target: "obs::request", status = 200, "request_completed");
    });
    assert_eq!((lines[0].get("order"), lines[1].get("order")), (None, None));
    let line = &lines[2];
    assert_eq!(line["order"], json!("o-2"));
    assert_eq!(line["items"], json!(3));
    assert_eq!(line["paid"], json!(true));
    assert_eq!(line["ratio"], json!("NaN"));
    // What the request says about itself cannot replace what was seen of it.
    assert_eq!(line["status"], json!(200));
    assert_eq!(line["route"], json!("/orders"));
    assert_eq!(line["field_route"], json!("/mine"));
}

#[derive(Debug)]
struct Failed {
    what: &'static str,
    cause: Option<Box<Failed>>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&**self.cause.as_ref()?)
    }
}

/// The lines of an error at two targets, with debugging on as given.
#[test]
fn asking_whether_anybody_listens_costs_no_later_line() {
    let memory = Memory::default();
    let logs = start(memory.clone());
    let filter = LogFilter::new(EnvFilter::new("info,shop::quiet=off"));
    let subscriber = registry().with(logs.layer().with_filter(filter));
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..3 {
            // What `log::log_enabled!` does, by which `sqlx` asks about a slow statement.
            let asked = tracing_log::log::Metadata::builder()
                .level(tracing_log::log::Level::Warn)
                .target("shop::quiet")
                .build();
            tracing::dispatcher::get_default(|dispatch| dispatch.enabled(&asked.as_trace()));
            tracing::info!(target: "shop::till", "sold");
        }
    });
    assert!(logs.flush(PATIENCE).complete);
    assert_eq!(memory.objects().len(), 3);
}

fn lines_of_an_error(level: LevelFilter, targets: Option<Targets>) -> Vec<Object> {
    let cause = |what, cause: Option<Failed>| Failed {
        what,
        cause: cause.map(Box::new),
    };
    let refused = cause("refused", None);
    let error = cause("no order", Some(cause("no database", Some(refused))));
    let error: &(dyn Error + 'static) = &error;
    let memory = Memory::default();
    let logs = start(memory.clone());
    if let Some(targets) = targets {
        logs.debug_in(targets);
    }
    let subscriber = registry().with(logs.layer().with_filter(level));
    tracing::subscriber::with_default(subscriber, || {
        let text = format!("{error}\n\nCaused by:\n    0: no database");
        tracing::error!(target: "shop::db", error, told = %text, "failed");
        tracing::error!(target: "shop::http", error, told = %text, "failed");
    });
    assert!(logs.flush(PATIENCE).complete);
    memory.objects()
}

#[test]
fn causes_of_errors_are_written_only_where_debugging_is_on() {
    let told = json!("no order\n\nCaused by:\n    0: no database");
    let chain = json!("no database: refused");
    let only_db = || {
        let targets = Targets::new().with_default(LevelFilter::INFO);
        Some(targets.with_target("shop::db", LevelFilter::DEBUG))
    };
    for (level, targets, expected) in [
        (LevelFilter::INFO, only_db(), [true, false]),
        (LevelFilter::DEBUG, None, [true, true]),
    ] {
        let lines = lines_of_an_error(level, targets);
        for (line, expected) in lines.iter().zip(expected) {
            assert_eq!(line["error"], json!("no order"));
            assert_eq!(line.get("error_chain"), expected.then_some(&chain));
            assert_eq!(line["told"] == told, expected);
            assert!(expected || line["told"] == json!("no order"));
        }
    }
}

#[test]
fn a_record_of_the_log_crate_has_its_own_target() {
    let line = line_of(|| {
        tracing::info!(
            target: "log",
            {
                "log.target" = "sqlx::query",
                "log.module_path" = "sqlx::query",
                "log.file" = "/somewhere/query.rs",
                "log.line" = 7
            },
            "slow"
        );
    });
    assert_eq!(line.keys(), ROOT);
    assert_eq!(line["target"], json!("sqlx::query"));
}

#[test]
fn a_terminal_is_told_nothing_that_it_would_obey() {
    let memory = Memory::default();
    let output = LogOutput::Writer(Box::new(memory.clone()));
    let logs = Logs::start(options(output, LogFormat::Pretty)).unwrap();
    let ctx = request("GET", "/jobs/{id}");
    tracing::dispatcher::with_default(&subscriber(&logs), || {
        let _entered = Entered::new(Some(ctx.clone()));
        let evil = "\u{1b}[2J\r\nERROR faked: \u{202e}line\u{9b}1m\" admin=\"yes";
        tracing::warn!(target: "shop", evil, shown = %evil, items = 3, password = "hunter2", "{evil}");
    });
    assert!(logs.flush(PATIENCE).complete);
    let text = memory.text();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(!line.contains('\u{202e}'), "{line:?}");
    assert!(!line.contains("hunter2"), "{line:?}");
    assert!(
        line.contains("  WARN shop: \\u{1b}[2J\\r\\nERROR"),
        "{line:?}"
    );
    assert!(line.contains("items=3"), "{line:?}");
    assert!(line.contains("\\\" admin=\\\"yes"), "{line:?}");
    assert!(line.contains("GET /jobs/{id}"), "{line:?}");
    assert!(
        line.ends_with(&format!("correlation_id={}", ctx.correlation_id())),
        "{line:?}"
    );
}

/// Logs itself when it is shown, as far as it is let.
struct LogsItself;

impl fmt::Display for LogsItself {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!(target: "nested", value = %LogsItself, "while being shown");
        f.write_str("shown")
    }
}

/// Only with a global subscriber does `tracing` let a value log at all, so this needs a process of
/// its own.
#[test]
fn f6_a_value_that_logs_neither_recurses_nor_deadlocks() {
    const INNER: &str = "OBS_LOG_TEST_INNER";
    if std::env::var_os(INNER).is_none() {
        let name = "log::tests::lines::f6_a_value_that_logs_neither_recurses_nor_deadlocks";
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact"])
            .env(INNER, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let memory = Memory::default();
    let logs = start(memory.clone());
    tracing::dispatcher::set_global_default(subscriber(&logs)).unwrap();
    let span = tracing::info_span!("span", of_span = Empty).entered();
    tracing::info!(before = 1, value = %LogsItself, after = 2, "outer");
    span.record("of_span", display(LogsItself));
    tracing::info!("later");
    let flushed = logs.flush(PATIENCE);
    assert!(flushed.complete);
    let lines: Vec<Object> = memory
        .objects()
        .into_iter()
        .filter(|line| line["target"] != json!("obs::log"))
        .collect();
    let messages: Vec<&str> = lines.iter().map(|line| line.text("message")).collect();
    let nested = "while being shown";
    assert_eq!(messages, [nested, "outer", nested, "later"]);
    assert_eq!(lines[1].keys()[6..], ["before", "value", "after"]);
    assert_eq!(lines[1]["value"], json!("shown"));
    assert_eq!(lines[0]["value"], json!("shown"));
    assert_eq!(lines[3]["of_span"], json!("shown"));
    // Each nested line held another, which was one too many.
    assert_eq!(flushed.dropped, 2);
    assert!(lines.iter().all(|line| line.0.len() < MAX_LINE));
}
