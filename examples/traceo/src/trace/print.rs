//! The tree for a person: offset, duration, service, and what happened.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use super::line::Line;
use super::tree::{Ending, Kind, Node, Operation, Tree};

/// Characters of a message that are shown; `--json` has all of it.
const MAX_MESSAGE: usize = 2_000;

/// Characters of a value that are shown.
const MAX_VALUE: usize = 200;

/// Characters of a service's name that are shown.
const MAX_SERVICE: usize = 24;

/// Traces that are named.
const MAX_TRACES: usize = 4;

/// What every line has, or what is shown in a column of its own.
const COLUMNS: [&str; 19] = [
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "environment",
    "correlation_id",
    "request_id",
    "trace_id",
    "span_id",
    "parent_span_id",
    "linked_span_id",
    "method",
    "route",
    "tool",
    "job",
    "attempt",
    "ttfb_ms",
    "sample_rate",
];

/// What the row of an operation shows by itself.
const OF_OPERATIONS: [&str; 4] = ["status", "outcome", "duration_ms", "job_id"];

const RED: &str = "31";
const YELLOW: &str = "33";
const GREEN: &str = "32";
const DIM: &str = "2";
const BOLD: &str = "1";

/// Whether colours are wanted: only by a person at a terminal, who may forbid it by `NO_COLOR`.
pub(super) fn wants_colour() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !forbidden && !dumb
}

/// Writes the lines as they stand in the files. On a terminal, what it would obey is escaped, which
/// is the same JSON.
pub(super) fn json(lines: &[Line], to_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    for line in lines {
        if !to_terminal {
            writeln!(out, "{}", line.raw)?;
            continue;
        }
        let mut text = String::with_capacity(line.raw.len());
        for c in line.raw.chars() {
            if is_obeyed(c) {
                // All of them have four digits at most.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            } else {
                text.push(c);
            }
        }
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// Writes the tree.
pub(super) fn tree(
    tree: &Tree,
    correlation_id: &str,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rows = Vec::new();
    // A stack, not a recursion: how deep it goes is up to the logs.
    let mut waiting = Vec::new();
    for node in tree.roots.iter().rev() {
        waiting.push(Waiting {
            node: *node,
            branch: String::new(),
            below: String::new(),
            job_id: None,
        });
    }
    while let Some(next) = waiting.pop() {
        let row = Row::of(tree, next.node, next.branch, next.job_id, colour);
        rows.push(row);
        let Node::Operation(index) = next.node else {
            continue;
        };
        let operation = &tree.operations[index];
        for (at, node) in operation.children.iter().rev().enumerate() {
            let (branch, below) = if at == 0 {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            waiting.push(Waiting {
                node: *node,
                branch: format!("{}{branch}", next.below),
                below: format!("{}{below}", next.below),
                job_id: operation.job_id.as_deref(),
            });
        }
    }
    head(tree, correlation_id, colour, out)?;
    let width = |of: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| of(row).chars().count());
        widths.max().unwrap_or_default()
    };
    let (offset, duration) = (width(|row| &row.offset), width(|row| &row.duration));
    let service = width(|row| &row.service);
    for row in &rows {
        let columns = format!(
            "{:>offset$}  {:>duration$}  {:<service$}  {}",
            row.offset, row.duration, row.service, row.branch
        );
        writeln!(out, "{}{}", paint(colour, DIM, &columns), row.what)?;
    }
    Ok(())
}

/// What has yet to be written, and what stands before it and before what is below of it.
struct Waiting<'a> {
    node: Node,
    branch: String,
    below: String,
    /// That of the operation around it.
    job_id: Option<&'a str>,
}

fn head(tree: &Tree, correlation_id: &str, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let of = |key: &str| -> BTreeSet<&str> {
        let texts = tree.lines.iter().map(|line| line.text(key));
        texts.filter(|text| !text.is_empty()).collect()
    };
    let (services, traces) = (of("service"), of("trace_id"));
    let named: Vec<String> = services.into_iter().map(|name| shown(name, 64)).collect();
    let id = paint(colour, BOLD, &shown(correlation_id, 128));
    writeln!(out, "correlation id {id}")?;
    let first = tree.lines.first().map(|line| line.text("timestamp"));
    writeln!(
        out,
        "{}, {}, {} of {}",
        shown(first.unwrap_or_default(), 40),
        time(tree.end - tree.start),
        super::count(tree.lines.len() as u64, "line"),
        named.join(" and "),
    )?;
    if !traces.is_empty() {
        let more = traces.len().saturating_sub(MAX_TRACES);
        let named: Vec<String> = traces
            .into_iter()
            .take(MAX_TRACES)
            .map(|trace| shown(trace, 32))
            .collect();
        let (named, word) = (
            named.join(" "),
            if named.len() == 1 { "trace" } else { "traces" },
        );
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        writeln!(out, "{word} {named}{more}")?;
    }
    writeln!(out)
}

/// One row, not yet padded.
struct Row {
    offset: String,
    duration: String,
    service: String,
    branch: String,
    what: String,
}

impl Row {
    fn of(tree: &Tree, node: Node, branch: String, job_id: Option<&str>, colour: bool) -> Self {
        // Thousandths of a second, whatever came how much later.
        let offset = (tree.at(node) - tree.start) / 1_000;
        let offset = format!("+{}.{:03} s", offset / 1_000, offset % 1_000);
        match node {
            Node::Operation(index) => {
                let operation = &tree.operations[index];
                let ended = operation.ended.and_then(|at| tree.lines.get(at));
                let duration = ended.and_then(Line::duration);
                Self {
                    offset,
                    duration: duration.map(time).unwrap_or_default(),
                    service: shown(&operation.service, MAX_SERVICE),
                    branch,
                    what: what_was_done(tree, operation, ended, colour),
                }
            }
            Node::Line(index) => {
                let line = &tree.lines[index];
                Self {
                    offset,
                    duration: String::new(),
                    service: shown(line.service(), MAX_SERVICE),
                    branch,
                    what: what_was_said(line, job_id, colour),
                }
            }
        }
    }
}

fn what_was_done(tree: &Tree, operation: &Operation, ended: Option<&Line>, colour: bool) -> String {
    let name = match &operation.kind {
        Kind::Request { .. } => {
            let started = operation.started.and_then(|at| tree.lines.get(at));
            // Where both were left out by the sampling, what was said in it knows the route as well.
            let within = operation.children.iter().find_map(|child| match child {
                Node::Line(at) => tree.lines.get(*at),
                Node::Operation(_) => None,
            });
            let line = ended.or(started).or(within);
            let text = |key| line.map(|line| line.text(key)).unwrap_or_default();
            format!("{} {}", text("method"), text("route"))
        }
        Kind::Tool { name, .. } => format!("tool {name}"),
        Kind::Job { name, attempt } if *attempt > 1 => format!("job {name}, attempt {attempt}"),
        Kind::Job { name, .. } => format!("job {name}"),
    };
    let mut what = paint(colour, BOLD, &shown(&name, MAX_VALUE));
    if let Some(line) = ended {
        let status = line.get("status").and_then(Value::as_u64);
        let mut end = status
            .map(|status| format!(" {status}"))
            .unwrap_or_default();
        if !line.text("outcome").is_empty() {
            let _ = write!(end, " {}", shown(line.text("outcome"), 32));
        }
        what.push_str(&paint(colour, colour_of(line, status), &end));
    }
    match operation.ending {
        Ending::Said => {}
        Ending::Never => {
            let never = " started, never ended: it runs, hangs or was killed";
            what.push_str(&paint(colour, YELLOW, never));
        }
        Ending::Unsaid => {
            let unsaid = match &operation.kind {
                Kind::Tool { .. } => " (no failure logged)",
                Kind::Request { .. } | Kind::Job { .. } => " (its own lines were not sampled)",
            };
            what.push_str(&paint(colour, DIM, unsaid));
        }
    }
    if let Some(id) = &operation.job_id {
        let _ = write!(what, " job_id={}", value_of(&Value::from(id.as_str())));
    }
    if let Some(line) = ended {
        fields(&mut what, line, &OF_OPERATIONS, colour);
    }
    what
}

fn colour_of(line: &Line, status: Option<u64>) -> &'static str {
    match (line.text("level"), status) {
        ("ERROR", _) => RED,
        ("WARN", _) | (_, Some(400..=499)) => YELLOW,
        _ => GREEN,
    }
}

fn what_was_said(line: &Line, job_id: Option<&str>, colour: bool) -> String {
    let level = line.text("level");
    let code = match level {
        "ERROR" => RED,
        "WARN" => YELLOW,
        "INFO" => GREEN,
        _ => "34",
    };
    let mut what = paint(colour, code, &shown(level, 8));
    let _ = write!(what, " {}", shown(line.text("message"), MAX_MESSAGE));
    // What stands at the operation is not said again on each of its lines.
    let is_known = job_id.is_some() && line.job_id().as_deref() == job_id;
    let known: &[&str] = if is_known { &["job_id"] } else { &[] };
    fields(&mut what, line, known, colour);
    what
}

/// Writes the fields that no column shows.
fn fields(what: &mut String, line: &Line, known: &[&str], colour: bool) {
    for (key, value) in line.fields() {
        if COLUMNS.contains(&key.as_str()) || known.contains(&key.as_str()) || value.is_null() {
            continue;
        }
        let key = paint(colour, DIM, &format!("{}=", shown(key, 64)));
        let _ = write!(what, " {key}{}", value_of(value));
    }
}

/// Writes a value: quoted where it would not be seen where it ends.
fn value_of(value: &Value) -> String {
    let Value::String(text) = value else {
        return shown(&value.to_string(), MAX_VALUE);
    };
    let text_shown = shown(text, MAX_VALUE);
    let is_bare = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"');
    if is_bare {
        text_shown
    } else {
        format!("\"{}\"", text_shown.replace('"', "\\\""))
    }
}

/// Writes a text so that no terminal obeys it, and no more than so many characters of it.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == most {
            shown.push('…');
            break;
        }
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            c if is_obeyed(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether a terminal does something else with a character than to show it in its place: control
/// characters, ends of lines, and what changes the direction of the text after it.
const fn is_obeyed(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

fn paint(colour: bool, code: &str, text: &str) -> String {
    if colour && !text.is_empty() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Writes microseconds in the unit that a person would say.
fn time(micros: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with four digits")]
    let micros = micros.max(0) as f64;
    match micros {
        ..1e3 => format!("{micros} µs"),
        ..1e6 => format!("{:.1} ms", micros / 1e3),
        ..6e7 => format!("{:.2} s", micros / 1e6),
        _ => format!("{:.1} min", micros / 6e7),
    }
}
