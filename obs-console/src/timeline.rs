//! One request as a timeline: the spans and lines of all services that had to do with it, as a tree in
//! the order of time.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// Rows of a timeline.
const MAX_ROWS: usize = 2_000;

/// Spans, and lines, of one service that are looked at: as many as a console keeps.
const MAX_TOLD: usize = 5_000;

/// The last microsecond of the year 9999: no browser shows times that are much later.
const MAX_TIME: u64 = 253_402_300_799_999_999;

/// How far in a row can stand.
const MAX_DEPTH: usize = 40;

/// What one service says about a correlation id. What a peer says is not to be trusted.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) service: String,
    pub(crate) answer: Value,
}

/// A span or a line, before it has its place.
#[derive(Debug)]
struct Node<'a> {
    service: usize,
    at: u64,
    span: Option<Span>,
    json: &'a Map<String, Value>,
    parent: Option<usize>,
    children: Vec<usize>,
}

#[derive(Debug)]
struct Span {
    key: u64,
    parent: Option<u64>,
    /// Microseconds.
    duration: u64,
}

/// Puts together what the services said, and names those that said nothing.
pub(crate) fn timeline(correlation_id: &str, told: &[Told], silent: &[(String, String)]) -> Value {
    let mut nodes = Vec::new();
    let mut is_whole = true;
    for (service, told) in told.iter().enumerate() {
        is_whole &= told.answer["whole"] != json!(false);
        nodes.extend(each(&told.answer["spans"]).filter_map(|json| span(service, json)));
        nodes.extend(each(&told.answer["lines"]).filter_map(|json| line(service, json)));
    }
    is_whole &= nodes.len() <= MAX_ROWS;
    if !is_whole {
        // Those that ended last: what others are within is among them.
        nodes.sort_by_key(|node: &Node<'_>| Reverse(node.end()));
        nodes.truncate(MAX_ROWS);
    }
    give_places(&mut nodes);
    let start = nodes.iter().map(|node| node.at).min().unwrap_or_default();
    let end = nodes.iter().map(Node::end).max().unwrap_or_default();
    let rows: Vec<Value> = in_order(&nodes)
        .into_iter()
        .filter_map(|(at, depth)| Some(row(nodes.get(at)?, depth, start)))
        .collect();
    let services: Vec<&str> = told.iter().map(|told| &*told.service).collect();
    let silent: Vec<Value> = silent
        .iter()
        .map(|(name, why)| json!({ "name": name, "why": why }))
        .collect();
    json!({
        "id": correlation_id,
        "start": start,
        "duration": end.saturating_sub(start),
        "services": services,
        "silent": silent,
        "whole": is_whole,
        "rows": rows,
    })
}

fn each(list: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().take(MAX_TOLD).filter_map(Value::as_object)
}

fn span(service: usize, json: &Map<String, Value>) -> Option<Node<'_>> {
    let number = |name: &str| json.get(name).and_then(Value::as_u64);
    Some(Node {
        service,
        at: number("start")?.min(MAX_TIME),
        span: Some(Span {
            key: number("key")?,
            parent: number("parent"),
            duration: number("duration")?.min(MAX_TIME),
        }),
        json,
        parent: None,
        children: Vec::new(),
    })
}

fn line(service: usize, json: &Map<String, Value>) -> Option<Node<'_>> {
    Some(Node {
        service,
        at: micros(json.get("timestamp")?.as_str()?)?,
        span: None,
        json,
        parent: None,
        children: Vec::new(),
    })
}

impl Node<'_> {
    fn end(&self) -> u64 {
        let duration = self.span.as_ref().map_or(0, |span| span.duration);
        self.at.saturating_add(duration)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.json.get(name).and_then(Value::as_str)
    }
}

/// Finds what each span and line is below of: in its process by number, across processes by the id
/// that was passed on.
fn give_places(nodes: &mut [Node<'_>]) {
    let mut by_key = HashMap::new();
    let mut by_id = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        if let Some(span) = &node.span {
            by_key.insert((node.service, span.key), at);
            if let Some(id) = node.text("span_id") {
                by_id.insert(id.to_owned(), at);
            }
        }
    }
    let parents: Vec<Option<usize>> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            let parent = match &node.span {
                Some(span) => {
                    let around = span.parent.map(|key| (node.service, key));
                    match around.and_then(|key| by_key.get(&key)) {
                        Some(around) => Some(*around),
                        None => by_id
                            .get(node.text("caused_by")?)
                            .map(|cause| call(nodes, node, *cause)),
                    }
                }
                None => by_id.get(node.text("span_id")?).copied(),
            };
            parent.filter(|parent| *parent != at)
        })
        .collect();
    for (at, parent) in parents.into_iter().enumerate() {
        let Some(parent) = parent else { continue };
        if let Some(parent) = nodes.get_mut(parent) {
            parent.children.push(at);
        }
        if let Some(node) = nodes.get_mut(at) {
            node.parent = Some(parent);
        }
    }
}

/// Returns the call that led into another service. Where the caller exports no spans, the other only
/// knows the operation that called, and the call is the one that lasted as long, if there was one.
fn call(nodes: &[Node<'_>], called: &Node<'_>, cause: usize) -> usize {
    let Some(service) = nodes.get(cause).map(|cause| cause.service) else {
        return cause;
    };
    let around = nodes.iter().enumerate().filter(|(_, node)| {
        node.service == service
            && node.service != called.service
            && node.text("target") == Some("obs::client")
            && node.at <= called.at
            && node.end() >= called.end()
    });
    let around: Vec<usize> = around.map(|(at, _)| at).collect();
    match around[..] {
        [only] => only,
        _ => cause,
    }
}

/// Returns the nodes from the top, each with how far in it stands.
fn in_order(nodes: &[Node<'_>]) -> Vec<(usize, usize)> {
    // The youngest first, because the last of a stack comes off first; a span before what is in it.
    let latest_first = |list: &mut Vec<usize>| {
        let key = |at: &usize| nodes.get(*at).map(|node| (node.at, node.span.is_none()));
        list.sort_by(|a, b| key(b).cmp(&key(a)).then(b.cmp(a)));
    };
    let mut ordered = Vec::with_capacity(nodes.len());
    let mut is_placed = vec![false; nodes.len()];
    let mut place = |roots: Vec<usize>, is_placed: &mut Vec<bool>| {
        let mut stack: Vec<(usize, usize)> = roots.into_iter().map(|at| (at, 0)).collect();
        while let Some((at, depth)) = stack.pop() {
            match is_placed.get_mut(at) {
                Some(placed) if !*placed => *placed = true,
                _ => continue,
            }
            ordered.push((at, depth));
            let mut children = nodes
                .get(at)
                .map(|node| node.children.clone())
                .unwrap_or_default();
            latest_first(&mut children);
            let deeper = (depth + 1).min(MAX_DEPTH);
            stack.extend(children.into_iter().map(|child| (child, deeper)));
        }
    };
    let without_parent = nodes.iter().enumerate();
    let mut roots: Vec<usize> = without_parent
        .filter(|(_, node)| node.parent.is_none())
        .map(|(at, _)| at)
        .collect();
    latest_first(&mut roots);
    place(roots, &mut is_placed);
    // Whatever says that it is below itself is at the top.
    let mut circles: Vec<usize> = (0..nodes.len())
        .filter(|at| is_placed.get(*at) == Some(&false))
        .collect();
    latest_first(&mut circles);
    place(circles, &mut is_placed);
    ordered
}

fn row(node: &Node<'_>, depth: usize, start: u64) -> Value {
    let mut row = json!({
        "service": node.service,
        "depth": depth,
        "at": node.at.saturating_sub(start),
    });
    match &node.span {
        Some(span) => {
            row["duration"] = json!(span.duration);
            row["name"] = json!(node.text("name"));
            row["target"] = json!(node.text("target"));
            row["failed"] = json!(node.json.get("failed") == Some(&Value::Bool(true)));
            row["fields"] = json!(node.json.get("fields"));
        }
        None => row["line"] = json!(node.json),
    }
    row
}

/// Reads a time of the log, `2026-11-21T14:16:49.665783Z`, as microseconds since 1970.
fn micros(timestamp: &str) -> Option<u64> {
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = timestamp.get(from..to)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let fraction = number(20, 26)?;
    if timestamp.len() != 27 || !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    // Days since 1970, by years that begin in March: <https://howardhinnant.github.io/date_algorithms.html>.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = days.checked_sub(719_468)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::{Told, micros, timeline};
    use serde_json::{Value, json};

    fn told(service: &str, spans: &Value, lines: &Value) -> Told {
        Told {
            service: service.to_owned(),
            answer: json!({ "spans": spans, "lines": lines, "whole": true }),
        }
    }

    /// What stands in the rows: how far in, and what.
    fn shown(timeline: &Value) -> Vec<(u64, String)> {
        let rows = timeline["rows"].as_array().unwrap();
        rows.iter()
            .map(|row| {
                let text = row["name"].as_str().or(row["line"]["message"].as_str());
                (row["depth"].as_u64().unwrap(), text.unwrap().to_owned())
            })
            .collect()
    }

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_time_of_the_log_is_read_to_the_microsecond() {
        assert_eq!(micros("1970-01-01T00:00:00.000000Z"), Some(0));
        assert_eq!(
            micros("2000-03-01T00:00:00.000001Z"),
            Some(951_868_800_000_001)
        );
        assert_eq!(
            micros("2024-02-29T23:59:59.999999Z"),
            Some(1_709_251_199_999_999)
        );
        assert_eq!(
            micros("2026-11-21T14:16:49.665783Z"),
            Some(1_795_270_609_665_783)
        );
        for wrong in [
            "",
            "2026-11-21",
            "2026-11-21T14:16:49Z",
            "2026-13-21T14:16:49.665783Z",
            "2026-11-00T14:16:49.665783Z",
            "20x6-11-21T14:16:49.665783Z",
            "+026-11-21T14:16:49.665783Z",
        ] {
            assert_eq!(micros(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_request_goes_from_one_service_into_the_other() {
        let at = "1970-01-01T00:00:01.000300Z";
        let front = told(
            "front",
            &json!([
                { "key": 2, "parent": 1, "name": "call", "start": SECOND + 100, "duration": 500, "span_id": "b" },
                { "key": 1, "parent": null, "name": "GET /", "start": SECOND, "duration": 900, "span_id": "a" },
            ]),
            &json!([{ "message": "done", "timestamp": "1970-01-01T00:00:01.000800Z", "span_id": "a" }]),
        );
        let back = told(
            "back",
            &json!([{ "key": 1, "parent": null, "name": "GET /b", "start": SECOND + 200, "duration": 300,
                      "span_id": "c", "caused_by": "b", "failed": true, "fields": {"n": 1} }]),
            &json!([{ "message": "boom", "timestamp": at, "span_id": "c", "level": "ERROR" },
                    { "message": "lost", "timestamp": at, "span_id": "nobody" }]),
        );
        let timeline = timeline(
            "id",
            &[front, back],
            &[("far".to_owned(), "no answer".to_owned())],
        );
        let expected = [
            (0, "GET /"),
            (1, "call"),
            (2, "GET /b"),
            (3, "boom"),
            (1, "done"),
            (0, "lost"),
        ];
        assert_eq!(
            shown(&timeline),
            expected.map(|(depth, text)| (depth, text.to_owned()))
        );
        assert_eq!(timeline["start"], SECOND);
        assert_eq!(timeline["duration"], 900);
        assert_eq!(timeline["services"], json!(["front", "back"]));
        assert_eq!(
            timeline["silent"],
            json!([{ "name": "far", "why": "no answer" }])
        );
        assert_eq!(timeline["rows"][2]["failed"], true);
        assert_eq!(timeline["rows"][2]["service"], 1);
        assert_eq!(timeline["rows"][2]["at"], 200);
        assert_eq!(timeline["whole"], true);
    }

    #[test]
    fn numbers_of_spans_are_those_of_their_own_process() {
        let spans = |name: &str| {
            json!([
                { "key": 1, "name": format!("{name} 1"), "start": 10, "duration": 9 },
                { "key": 2, "parent": 1, "name": format!("{name} 2"), "start": 11, "duration": 1 },
            ])
        };
        let timeline = timeline(
            "id",
            &[
                told("a", &spans("a"), &json!([])),
                told("b", &spans("b"), &json!([])),
            ],
            &[],
        );
        let texts: Vec<_> = shown(&timeline).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["a 1", "a 2", "b 1", "b 2"]);
    }

    #[test]
    fn where_only_the_operation_is_known_the_call_is_the_one_that_lasted_as_long() {
        let call = |key, start, duration| {
            json!({ "key": key, "parent": 1, "name": format!("call {key}"), "target": "obs::client",
                    "start": start, "duration": duration })
        };
        let front = json!([
            { "key": 1, "name": "GET /", "start": 0, "duration": 100, "span_id": "a" },
            call(2, 10, 20),
            call(3, 40, 30),
            call(4, 42, 5),
        ]);
        let back = |start| {
            json!([{ "key": 1, "name": "GET /b", "start": start, "duration": 9, "span_id": "b",
                     "caused_by": "a" }])
        };
        let none = json!([]);
        let place = |start| {
            let told = [
                told("front", &front, &none),
                told("back", &back(start), &none),
            ];
            let shown = shown(&timeline("id", &told, &[]));
            let at = shown.iter().position(|(_, name)| name == "GET /b").unwrap();
            (shown[at].0, shown[at - 1].1.clone())
        };
        assert_eq!(place(15), (2, "call 2".to_owned()));
        assert_eq!(place(50), (2, "call 3".to_owned()));
        // None lasted as long: it is known to be of the operation, and no more.
        assert_eq!(place(90).0, 1);
    }

    #[test]
    fn of_more_than_is_shown_the_outermost_spans_and_the_end_of_all_services_are_left() {
        // As they are told: what is within has ended first.
        let within = (2..4_000).map(|key| {
            json!({ "key": key, "parent": 1, "name": "row", "start": 10 * key, "duration": 5 })
        });
        let root =
            json!({ "key": 1, "name": "GET /", "start": 0, "duration": 90_000, "span_id": "a" });
        let spans: Vec<Value> = within.chain([root]).collect();
        let back = json!([{ "key": 1, "name": "GET /b", "start": 39_000, "duration": 9, "span_id": "b",
                            "caused_by": "a" }]);
        let error = json!([{ "message": "too slow", "span_id": "a", "level": "ERROR",
                             "timestamp": "1970-01-01T00:00:00.080000Z" }]);
        let timeline = timeline(
            "id",
            &[
                told("front", &json!(spans), &error),
                told("back", &back, &json!([])),
            ],
            &[],
        );
        let shown = shown(&timeline);
        assert_eq!(shown.len(), super::MAX_ROWS);
        assert_eq!(shown[0], (0, "GET /".to_owned()));
        assert_eq!(shown[super::MAX_ROWS - 1], (1, "too slow".to_owned()));
        assert!(shown.contains(&(1, "GET /b".to_owned())));
        assert_eq!(timeline["whole"], false);
    }

    #[test]
    fn times_that_no_browser_can_show_are_not_told_to_it() {
        let late = json!([{ "key": 1, "name": "x", "start": u64::MAX, "duration": u64::MAX }]);
        let timeline = timeline("id", &[told("p", &late, &json!([]))], &[]);
        assert_eq!(timeline["start"], super::MAX_TIME);
        assert_eq!(timeline["duration"], super::MAX_TIME);
    }

    #[test]
    fn nothing_that_a_peer_says_breaks_it() {
        let circle = json!([
            { "key": 1, "parent": 2, "name": "x", "start": 1, "duration": u64::MAX },
            { "key": 2, "parent": 1, "name": "y", "start": u64::MAX, "duration": u64::MAX },
            { "key": 3, "parent": 3, "name": "self", "start": 5, "duration": 1, "span_id": "s", "caused_by": "s" },
            { "key": "no", "name": [], "start": -1 },
            7, null, "text", [],
        ]);
        let lines = json!([{ "timestamp": 1 }, { "timestamp": "x" }, {}, "no"]);
        for answer in [
            json!(null),
            json!([]),
            json!({ "spans": 1, "lines": "x", "whole": [] }),
        ] {
            let told = Told {
                service: "p".to_owned(),
                answer,
            };
            assert_eq!(timeline("id", &[told], &[])["rows"], json!([]));
        }
        let shown = shown(&timeline("id", &[told("p", &circle, &lines)], &[]));
        assert_eq!(shown.len(), 3, "{shown:?}");
        let deep: Vec<Value> = (1..5_000)
            .map(|n| json!({ "key": n, "parent": n - 1, "name": "n", "start": n, "duration": 1 }))
            .collect();
        let timeline = timeline("id", &[told("p", &json!(deep), &json!([]))], &[]);
        assert_eq!(timeline["rows"].as_array().unwrap().len(), super::MAX_ROWS);
        assert_eq!(timeline["whole"], false, "it says that it is cut");
    }
}
