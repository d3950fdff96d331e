//! What is found in logs, and how it is shown.

use std::fs;
use std::path::{Path, PathBuf};

use lexopt::Parser;
use serde_json::{Value, json};

use super::line::{Line, Read};
use super::tree::{Ending, Kind, Node, Tree};
use super::{Answer, Asked, Terminal, TraceOptions, Wanted, answer, parse};

const ID: &str = "01a1fe77-8a9c-7f30-9122-6851c8fd6ba3";

/// A line at so many milliseconds, of `service`, with more fields.
fn line(at_ms: u32, service: &str, message: &str, fields: &Value) -> String {
    let (minute, second, ms) = (at_ms / 60_000, at_ms / 1_000 % 60, at_ms % 1_000);
    let mut line = json!({
        "level": "INFO",
        "target": "shop",
        "message": message,
        "service": service,
        "correlation_id": ID,
    });
    let more = fields.as_object().unwrap().clone();
    line.as_object_mut().unwrap().extend(more);
    // As in the logs, the time comes first.
    format!(
        "{{\"timestamp\":\"2026-11-21T10:{minute:02}:{second:02}.{ms:03}000Z\",{}",
        &line.to_string()[1..]
    )
}

fn read(text: &str) -> Line {
    match Line::read(text.as_bytes()) {
        Read::Line(line) => line,
        other => panic!("{other:?}: {text}"),
    }
}

fn tree(lines: &[String]) -> Tree {
    Tree::of(lines.iter().map(|line| read(line)).collect())
}

/// The tree as names, each with what is in it.
fn outline(tree: &Tree) -> Vec<String> {
    fn of(tree: &Tree, nodes: &[Node], depth: usize, all: &mut Vec<String>) {
        for node in nodes {
            let before = "  ".repeat(depth);
            match node {
                Node::Line(at) => {
                    all.push(format!("{before}{}", tree.lines[*at].text("message")));
                }
                Node::Operation(index) => {
                    let operation = &tree.operations[*index];
                    let name = match &operation.kind {
                        Kind::Request { id } => format!("request {id}"),
                        Kind::Tool { name, .. } => format!("tool {name}"),
                        Kind::Job { name, attempt } => format!("job {name} {attempt}"),
                    };
                    let never = if operation.ending == Ending::Never {
                        ", never ended"
                    } else {
                        ""
                    };
                    all.push(format!("{before}{name}{never}"));
                    of(tree, &operation.children, depth + 1, all);
                }
            }
        }
    }
    let mut all = Vec::new();
    of(tree, &tree.roots, 0, &mut all);
    all
}

/// A directory with logs, and what is asked of them.
struct Logs {
    directory: tempfile::TempDir,
    colour: bool,
    is_terminal: bool,
    json: bool,
}

struct Printed {
    answer: Answer,
    out: String,
    notes: String,
}

impl Logs {
    fn of(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self {
            directory,
            colour: false,
            is_terminal: false,
            json: false,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn ask(&self, wanted: Wanted) -> Printed {
        self.ask_in(wanted, &[self.directory.path()])
    }

    fn ask_in(&self, wanted: Wanted, places: &[&Path]) -> Printed {
        let options = TraceOptions {
            wanted,
            logs: places.iter().map(|place| place.to_path_buf()).collect(),
            data: PathBuf::from("nowhere"),
            json: self.json,
        };
        let terminal = Terminal {
            colour: self.colour,
            is_one: self.is_terminal,
        };
        let (mut out, mut notes) = (Vec::new(), String::new());
        let answer = answer(&options, terminal, &mut out, &mut notes);
        Printed {
            answer,
            out: String::from_utf8(out).unwrap(),
            notes,
        }
    }

    fn id(&self, id: &str) -> Printed {
        self.ask(Wanted::Id(id.to_owned()))
    }
}

fn example() -> Logs {
    Logs::of(&[
        ("mcp.log", include_str!("../../tests/logs/mcp.log")),
        ("engine.log", include_str!("../../tests/logs/engine.log")),
    ])
}

#[test]
fn a_job_that_was_killed_and_tried_again_is_one_tree_over_both_services() {
    let printed = example().id(ID);
    assert_eq!(printed.answer, Answer::Found);
    assert_eq!(printed.out, include_str!("../../tests/logs/tree.txt"));
    assert_eq!(printed.notes, "traceo: 1 line of mcp.log was no JSON\n");
}

#[test]
fn every_id_that_a_person_may_have_leads_to_the_same_tree() {
    let logs = example();
    let whole = logs.id(ID).out;
    let others = [
        // The beginning of the correlation id and of a trace id, a trace, a span and a request.
        &ID[..8],
        "22222222",
        "11111111111111111111111111111111",
        "0000000000000005",
        "01a1fe77-8a9c-7f30-9122-000000000003",
    ];
    for id in others {
        let printed = logs.id(id);
        assert_eq!(
            (printed.answer, &printed.out),
            (Answer::Found, &whole),
            "{id}"
        );
    }
    assert_eq!(logs.ask(Wanted::Job("job-7".to_owned())).out, whole);
    for short in [&ID[..7], "2222222"] {
        assert_eq!(logs.id(short).answer, Answer::NotFound, "{short}");
    }
}

#[test]
fn a_job_is_found_whatever_its_service_calls_it() {
    for job_id in [json!(7), json!("7"), json!("a \"b\"\n\u{9b}")] {
        let lines = [
            line(1, "a", "one", &json!({"job_id": job_id})),
            line(2, "a", "two", &json!({})),
            line(
                3,
                "a",
                "other",
                &json!({"job_id": 77, "correlation_id": "other"}),
            ),
        ];
        let mut logs = Logs::of(&[("a.log", &lines.join("\n"))]);
        logs.json = true;
        let asked = job_id
            .as_str()
            .map_or_else(|| job_id.to_string(), str::to_owned);
        let printed = logs.ask(Wanted::Job(asked));
        assert_eq!(
            printed.out,
            format!("{}\n{}\n", lines[0], lines[1]),
            "{job_id}"
        );
    }
}

#[test]
fn the_beginning_of_several_ids_lists_them_by_time() {
    let of = |id: &str, at| line(at, "a", "said", &json!({"correlation_id": id}));
    let lines = [
        of("order-10-b", 30),
        of("order-10-a", 20),
        of("order-10-b", 10),
        of("order-1", 5),
    ];
    let logs = Logs::of(&[("a.log", &lines.join("\n"))]);
    let printed = logs.id("order-10");
    assert_eq!(
        (printed.answer, printed.out.as_str()),
        (Answer::NotFound, "")
    );
    let listed = "traceo: `order-10` belongs to 2 correlation ids; give one of them:\n  \
                  order-10-b  2 lines, first at 2026-11-21T10:00:00.010000Z\n  \
                  order-10-a  1 line, first at 2026-11-21T10:00:00.020000Z\n";
    assert_eq!(printed.notes, listed);
    // A whole id is one, whatever others begin like it.
    assert_eq!(logs.id("order-1").answer, Answer::Found);
}

#[test]
fn an_id_that_is_nowhere_is_answered_with_what_was_searched_and_what_to_check() {
    let printed = example().id("nowhere");
    assert_eq!(
        (printed.answer, printed.out.as_str()),
        (Answer::NotFound, "")
    );
    for part in [
        "nothing about `nowhere`",
        "searched: 19 lines of 2 files",
        "engine.log: 9 lines, 2026-11-21T10:00:00.001000Z to 2026-11-21T10:00:09.240000Z",
        "from 8 characters on",
        "--job nowhere",
        "OBS_LOG_SUCCESS_SAMPLE",
        "--logs PATH",
    ] {
        assert!(printed.notes.contains(part), "{part}: {}", printed.notes);
    }
}

#[test]
fn where_there_are_no_logs_it_says_where_it_looked() {
    let logs = Logs::of(&[("mcp.txt", "{}")]);
    let empty = logs.id(ID);
    assert_eq!(empty.answer, Answer::NotFound);
    assert!(
        empty.notes.contains("there are no logs in `"),
        "{}",
        empty.notes
    );
    let missing = logs.ask_in(Wanted::Id(ID.to_owned()), &[&logs.path("missing")]);
    assert!(
        missing.notes.contains("missing` does not exist"),
        "{}",
        missing.notes
    );
}

#[test]
fn lines_are_ordered_by_time_and_where_times_are_equal_each_file_keeps_its_order() {
    let file = |service: &str, times: &[u32]| {
        let said = times.iter().enumerate();
        let lines: Vec<String> = said
            .map(|(n, at)| line(*at, service, &format!("{service}{n}"), &json!({})))
            .collect();
        lines.join("\n")
    };
    let mut logs = Logs::of(&[
        ("b.log", &file("b", &[5, 5, 20])),
        ("a.log", &file("a", &[10, 5, 5])),
        // The older comes first, and what is no log of ours is not read.
        ("a.log.2", &file("old", &[5])),
        ("a.log.10", &file("older", &[5])),
        ("a.log.bak", &file("no", &[5])),
    ]);
    logs.json = true;
    let printed = logs.id(ID);
    let said: Vec<String> = printed
        .out
        .lines()
        .map(|line| read(line).text("message").to_owned())
        .collect();
    assert_eq!(said, ["older0", "old0", "a1", "a2", "b0", "b1", "a0", "b2"]);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let logs = example();
    let (file, directory) = (logs.path("mcp.log"), logs.directory.path());
    let wanted = || Wanted::Id(ID.to_owned());
    let twice = logs.ask_in(wanted(), &[directory, &file]);
    assert_eq!(twice.out, logs.id(ID).out);
    let one = logs.ask_in(wanted(), &[&file]);
    assert!(one.out.contains("6 lines of traceo-mcp\n"), "{}", one.out);
}

#[test]
fn what_is_no_line_of_ours_is_skipped_and_counted() {
    let good = line(1, "a", "good", &json!({}));
    let other = good.replace(ID, "other");
    let glued = format!(
        "{}{}",
        &good[..60],
        line(2, "a", "after a half one", &json!({}))
    );
    let long = format!(
        "{{\"correlation_id\":\"{ID}\",\"x\":\"{}\"}}",
        "x".repeat(2 << 20)
    );
    let mut bytes = [
        good.as_str(),
        "",
        "panicked!",
        &format!("{{\"half of {ID}"),
        &format!("[\"{ID}\"]"),
        &format!("{{\"correlation_id\":\"{ID}\"}}"),
        &format!("{{\"correlation_id\":\"{ID}\",\"timestamp\":\"yesterday\"}}"),
        &format!("{{\"timestamp\":\"2026-11-21T10:00:00Z\",\"said\":\"{ID}\"}}"),
        &glued,
        &other,
        &long,
        &line(3, "a", "last", &json!({})),
    ]
    .join("\r\n")
    .into_bytes();
    bytes.extend_from_slice(b"\n\xff\xfe");
    bytes.extend_from_slice(ID.as_bytes());
    bytes.extend_from_slice(b"\n{\"timestamp\":");
    let mut logs = Logs::of(&[]);
    fs::write(logs.path("a.log"), bytes).unwrap();
    logs.json = true;
    let printed = logs.id(ID);
    let said: Vec<String> = printed
        .out
        .lines()
        .map(|line| read(line).text("message").to_owned())
        .collect();
    assert_eq!(said, ["good", "after a half one", "last"]);
    assert_eq!(
        printed.notes,
        "traceo: 6 lines of a.log were no JSON\n\
         traceo: 3 lines of a.log with the id were without a time or a correlation id\n\
         traceo: 1 line of a.log was too long for a line of ours\n"
    );
}

#[test]
fn a_log_for_people_is_told_from_one_with_broken_lines() {
    let logs = Logs::of(&[("a.log", "10:00 INFO said\n10:01 INFO said\n")]);
    let printed = logs.id(ID);
    assert!(
        printed.notes.contains("OBS_LOG_FORMAT=pretty"),
        "{}",
        printed.notes
    );
}

#[test]
fn nothing_that_a_log_holds_is_obeyed_by_the_terminal() {
    let evil = "\u{1b}[2J\u{9b}31m\u{7}\u{8}\r\u{202e}\u{2028}\n\u{7f}";
    let said = line(
        1,
        evil,
        evil,
        &json!({"level": evil, evil: evil, "nested": {"evil": [evil]}}),
    );
    let job = line(
        2,
        evil,
        "job_completed",
        &json!({"target": "obs::job", "job": evil, "attempt": 1, "outcome": evil, "job_id": evil,
            "span_id": evil, "trace_id": evil, "duration_ms": 1, "environment": evil}),
    );
    let request = line(
        3,
        "a",
        "request_started",
        &json!({"target": "obs::request", "request_id": evil, "route": evil, "method": evil,
            "span_id": "s"}),
    );
    let text = [said.as_str(), &job, &request].join("\n");
    let mut logs = Logs::of(&[("a.log", &text)]);
    logs.is_terminal = true;
    for json in [false, true] {
        logs.json = json;
        let printed = logs.id(ID);
        let obeyed: Vec<char> = printed
            .out
            .chars()
            .filter(|c| (c.is_control() && *c != '\n') || "\u{202e}\u{2028}".contains(*c))
            .collect();
        assert!(obeyed.is_empty(), "{obeyed:?}: {}", printed.out);
        if json {
            let lines: Vec<Value> = text.lines().map(|line| line.parse().unwrap()).collect();
            let shown: Vec<Value> = printed.out.lines().map(|it| it.parse().unwrap()).collect();
            assert_eq!(shown, lines, "it is the same JSON");
        }
    }
    // Whoever reads it as bytes gets the bytes.
    logs.is_terminal = false;
    assert_eq!(logs.id(ID).out, format!("{text}\n"));
}

#[test]
fn colours_are_only_where_they_are_wanted_and_change_no_text() {
    let mut logs = example();
    let plain = logs.id(ID).out;
    assert!(!plain.contains('\u{1b}'));
    logs.colour = true;
    let mut coloured = logs.id(ID).out;
    for code in [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[2m",
        "\u{1b}[32m",
        "\u{1b}[33m",
    ] {
        assert!(coloured.contains(code), "{code:?}");
        coloured = coloured.replace(code, "");
    }
    assert_eq!(coloured, plain);
}

#[test]
fn spans_within_an_operation_belong_to_it_and_calls_side_by_side_are_not_nested() {
    // As with exported spans: lines name the innermost span, and parents are spans of clients.
    let of_job = |span: &str| json!({"job": "j", "attempt": 1, "trace_id": "t", "span_id": span});
    let ends = |span: &str, id: &str, ms: u32| {
        json!({"target": "obs::request", "status": 200, "outcome": "ok", "duration_ms": ms,
            "method": "GET", "route": "/", "request_id": id, "trace_id": "t", "span_id": span,
            "parent_span_id": format!("client of {id}")})
    };
    let job_ends = json!({"target": "obs::job", "job": "j", "attempt": 1, "outcome": "ok",
        "duration_ms": 100, "trace_id": "t", "span_id": "job"});
    let lines = [
        line(10, "a", "in a span", &of_job("inner")),
        line(60, "b", "request_completed", &ends("s1", "one", 30)),
        line(70, "b", "request_completed", &ends("s2", "two", 30)),
        line(75, "a", "in the job", &of_job("job")),
        line(100, "a", "job_completed", &job_ends),
    ];
    assert_eq!(
        outline(&tree(&lines)),
        [
            "job j 1",
            "  in a span",
            "  request one",
            "  request two",
            "  in the job"
        ]
    );
}

#[test]
fn all_tries_of_a_job_hang_below_what_brought_it_also_where_only_the_first_says_so_by_its_trace() {
    // The parents are spans without a line, and no try but the last one ended.
    let of = |attempt: u64, trace: &str| {
        json!({"job": "j", "attempt": attempt, "job_id": 7, "trace_id": trace,
            "span_id": format!("s{attempt}")})
    };
    let ended = json!({"target": "obs::request", "request_id": "r", "span_id": "s",
        "trace_id": "t", "duration_ms": 5, "job_id": 7});
    let mut last = of(3, "v");
    last["target"] = json!("obs::job");
    last["linked_span_id"] = json!("of no line");
    let lines = [
        line(6, "a", "request_completed", &ended),
        line(10, "a", "first", &of(1, "t")),
        line(20, "a", "second", &of(2, "u")),
        line(30, "a", "job_completed", &last),
    ];
    assert_eq!(
        outline(&tree(&lines)),
        [
            "request r",
            "  job j 1, never ended",
            "    first",
            "  job j 2, never ended",
            "    second",
            "  job j 3"
        ]
    );
}

#[test]
fn two_jobs_of_one_name_that_were_killed_stay_two() {
    let of = |id: u64, span: &str| json!({"job": "j", "attempt": 1, "job_id": id, "trace_id": "t", "span_id": span});
    let lines = [
        line(1, "a", "one", &of(1, "s1")),
        line(2, "a", "two", &of(2, "s2")),
        line(3, "a", "one again", &of(1, "in s1")),
    ];
    assert_eq!(
        outline(&tree(&lines)),
        [
            "job j 1, never ended",
            "  one",
            "  one again",
            "job j 1, never ended",
            "  two"
        ]
    );
}

#[test]
fn a_request_that_hung_is_never_ended_with_all_that_is_in_it_and_one_that_was_not_sampled_is_not() {
    let started = json!({"target": "obs::request", "request_id": "r", "span_id": "s1",
        "trace_id": "t", "method": "POST", "route": "/mcp"});
    let tool = json!({"tool": "hangs", "request_id": "r", "span_id": "s2", "trace_id": "t"});
    let within = json!({"request_id": "q", "span_id": "s3", "trace_id": "u"});
    let lines = [
        line(1, "a", "request_started", &started),
        line(2, "a", "working", &tool),
        line(3, "a", "said", &within),
    ];
    assert_eq!(
        outline(&tree(&lines)),
        [
            "request r, never ended",
            "  tool hangs, never ended",
            "    working",
            "request q",
            "  said"
        ]
    );
}

#[test]
fn the_own_lines_of_a_service_are_told_from_those_about_operations() {
    // The same words, of a target of its own, and a request that binds what jobs have.
    let lines = [
        line(
            1,
            "a",
            "request_completed",
            &json!({"request_id": "r", "span_id": "s"}),
        ),
        line(
            2,
            "a",
            "request_completed",
            &json!({"target": "obs::request", "request_id": "r", "span_id": "s", "job": "j",
                "attempt": 1, "duration_ms": 2}),
        ),
    ];
    assert_eq!(outline(&tree(&lines)), ["request r", "  request_completed"]);
}

#[test]
fn lines_without_an_operation_stand_for_themselves_and_a_second_end_is_a_line() {
    let ends = json!({"target": "obs::request", "request_id": "r", "span_id": "s",
        "trace_id": "t", "duration_ms": 10});
    let lines = [
        line(1, "a", "before", &json!({})),
        line(15, "a", "around", &json!({"trace_id": "t", "span_id": "x"})),
        line(20, "a", "request_completed", &ends),
        line(30, "a", "request_completed", &ends),
        line(40, "a", "after", &json!({"trace_id": "t", "span_id": "y"})),
    ];
    assert_eq!(
        outline(&tree(&lines)),
        [
            "before",
            "request r",
            "  around",
            "  request_completed",
            "after"
        ]
    );
}

#[test]
fn circles_and_endless_chains_of_parents_are_cut_and_lose_nothing() {
    let job = |n: u32, parent: u32| {
        line(
            n,
            "a",
            "job_completed",
            &json!({"target": "obs::job", "job": "j", "attempt": 1, "span_id": n.to_string(),
                "parent_span_id": parent.to_string(), "trace_id": n.to_string()}),
        )
    };
    let circle = [job(1, 2), job(2, 3), job(3, 1), job(4, 4)];
    assert_eq!(outline(&tree(&circle)).len(), 4);
    let chain: Vec<String> = (1..20_000).map(|n| job(n, n - 1)).collect();
    let tree = tree(&chain);
    assert_eq!(outline(&tree).len(), chain.len());
    assert!(tree.roots.len() > 1, "cut");
}

#[test]
fn numbers_that_nobody_can_mean_are_left_out_of_the_times() {
    for duration in [json!(-1), json!(1e300), json!("long"), json!(null)] {
        let ends = json!({"target": "obs::job", "job": "j", "attempt": 1, "span_id": "s",
            "duration_ms": duration});
        let tree = tree(&[line(5, "a", "job_completed", &ends)]);
        assert_eq!(tree.start, tree.end, "{duration}");
    }
}

#[test]
fn a_file_that_holds_too_much_leaves_room_for_the_others() {
    let many: Vec<String> = (0..30_000)
        .map(|n| line(n, "a", "much", &json!({})))
        .collect();
    let few: Vec<String> = (0..10)
        .map(|n| line(n, "b", "little", &json!({})))
        .collect();
    let mut logs = Logs::of(&[("a.log", &many.join("\n")), ("b.log", &few.join("\n"))]);
    logs.json = true;
    let printed = logs.id(ID);
    assert_eq!(printed.out.lines().count(), 25_000 + 10);
    assert!(
        printed.notes.contains("5000 lines more"),
        "{}",
        printed.notes
    );
}

#[test]
fn the_arguments_say_what_where_and_how() {
    let parsed =
        |arguments: &[&str]| parse(&mut Parser::from_args(arguments), PathBuf::from(".obs"));
    let expected = TraceOptions {
        wanted: Wanted::Id("abc".to_owned()),
        logs: vec!["a".into(), "b".into()],
        data: ".obs".into(),
        json: true,
    };
    let all = ["abc", "--logs", "a", "--logs=b", "--json"];
    assert_eq!(parsed(&all).unwrap(), Asked::Trace(expected));
    assert_eq!(parsed(&["--help"]).unwrap(), Asked::Help);
    match parsed(&["--job", "a b", "--data", "there"]).unwrap() {
        Asked::Trace(TraceOptions { wanted, data, .. }) => {
            assert_eq!(
                (wanted, data),
                (Wanted::Job("a b".to_owned()), "there".into())
            );
        }
        Asked::Help => panic!("help"),
    }
    let long = "x".repeat(129);
    let refused: [&[&str]; 8] = [
        &[],
        &[""],
        &["a b"],
        &["\u{1b}[2J"],
        &[long.as_str()],
        &["a", "b"],
        &["a", "--job", "b"],
        &["a", "--follow"],
    ];
    for arguments in refused {
        let error = parsed(arguments).unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{arguments:?}");
    }
}
