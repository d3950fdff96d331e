//! `traceo trace`: everything that the services logged about one id, as a tree with times.
//!
//! It reads the files that the services write, and nothing of this process: a log line is the only
//! thing that a request which was killed leaves behind.

mod find;
mod line;
mod print;
mod read;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use find::{Candidate, Found, MIN_PREFIX, find};
use print::shown;
use read::{Files, Report};
use tree::Tree;

pub(crate) const HELP: &str = "\
usage: traceo trace ID [options]
       traceo trace --job JOB-ID [options]

Prints everything that the services logged about a correlation id: requests, tool calls and
attempts of jobs as a tree, with times. ID may also be the beginning of one (8 characters or
more), a trace id or a request id.

options:
  --job JOB-ID   find the correlation id by a job's id
  --logs PATH    a log file, or a directory of *.log and *.log.1, …; may be given more than once
                 (default DIR/logs)
  --data DIR     where the services keep their data (default .obs in the current directory)
  --json         print the lines as they are, by time: for `jq`

exit codes: 0 found, 1 not found or not one id, 2 wrong arguments
";

/// The longest id that a service takes.
const MAX_ID: usize = 128;

/// Ids that are listed where there is more than one.
const MAX_LISTED: usize = 20;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A correlation id, the beginning of one, or the id of a trace or a request.
    Id(String),
    Job(String),
}

/// What to look for, where, and how to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceOptions {
    pub(crate) wanted: Wanted,
    /// Files and directories; if there are none, the logs of `data`.
    pub(crate) logs: Vec<PathBuf>,
    pub(crate) data: PathBuf,
    pub(crate) json: bool,
}

/// What the arguments after `trace` ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Help,
    Trace(TraceOptions),
}

/// Reads the arguments after `trace`.
pub(crate) fn parse(parser: &mut Parser, data: PathBuf) -> Result<Asked, lexopt::Error> {
    let mut wanted = None;
    let mut options = TraceOptions {
        wanted: Wanted::Id(String::new()),
        logs: Vec::new(),
        data,
        json: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Asked::Help),
            Arg::Value(id) if wanted.is_none() => wanted = Some(Wanted::Id(checked(id.string()?)?)),
            Arg::Long("job") if wanted.is_none() => {
                wanted = Some(Wanted::Job(parser.value()?.string()?));
            }
            Arg::Long("logs") => options.logs.push(parser.value()?.into()),
            Arg::Long("data") => options.data = parser.value()?.into(),
            Arg::Long("json") => options.json = true,
            _ => return Err(argument.unexpected()),
        }
    }
    options.wanted = wanted.filter(|wanted| !wanted.text().is_empty()).ok_or(
        "`traceo trace` needs an id: that of an answer's header `X-Correlation-ID`, of a log line \
         (`correlation_id`) or of an event in Sentry; or `--job` and a job's id",
    )?;
    Ok(Asked::Trace(options))
}

/// Refuses what no id of ours can be, before gigabytes are read for it.
fn checked(id: String) -> Result<String, lexopt::Error> {
    let of_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    if id.len() <= MAX_ID && id.bytes().all(of_id) {
        return Ok(id);
    }
    let refusal = format!(
        "`{}` is no id: one has 1 to {MAX_ID} of the characters A-Z a-z 0-9 . _ ~ -",
        shown(&id, MAX_ID)
    );
    Err(refusal.as_str().into())
}

impl Wanted {
    fn text(&self) -> &str {
        match self {
            Self::Id(id) | Self::Job(id) => id,
        }
    }

    /// Returns what stands in the bytes of a line that has it.
    fn needle(&self) -> String {
        let text = self.text();
        // Nothing of an id is escaped in JSON; a service may call its jobs anything.
        let quoted = serde_json::to_string(text).unwrap_or_default();
        let inner = quoted
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        inner.unwrap_or(text).to_owned()
    }
}

/// Does it, and prints to standard output; what is wrong goes to standard error.
pub(crate) fn run(options: &TraceOptions) -> ExitCode {
    let stdout = io::stdout();
    let terminal = Terminal {
        colour: print::wants_colour(),
        is_one: stdout.is_terminal(),
    };
    let mut out = io::BufWriter::new(stdout.lock());
    let mut notes = String::new();
    let answer = answer(options, terminal, &mut out, &mut notes);
    // Whoever reads may have seen enough (`| head`), which is no failure.
    out.flush().ok();
    io::stderr().write_all(notes.as_bytes()).ok();
    match answer {
        Answer::Found => ExitCode::SUCCESS,
        Answer::NotFound => ExitCode::FAILURE,
    }
}

/// What standard output is.
#[derive(Clone, Copy, Debug, Default)]
struct Terminal {
    colour: bool,
    is_one: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Found,
    NotFound,
}

/// Writes what was found, and notes for a person beside it.
fn answer(
    options: &TraceOptions,
    terminal: Terminal,
    out: &mut dyn Write,
    notes: &mut String,
) -> Answer {
    let places = if options.logs.is_empty() {
        vec![options.data.join("logs")]
    } else {
        options.logs.clone()
    };
    let files = Files::of(&places);
    for refused in &files.refused {
        note(notes, refused);
    }
    if files.paths.is_empty() {
        note(notes, &no_logs(&places));
        return Answer::NotFound;
    }
    let (found, reports) = find(&files.paths, &options.wanted);
    for report in &reports {
        note_report(notes, report);
    }
    let (correlation_id, lines, left_out) = match found {
        Found::Lines {
            correlation_id,
            lines,
            left_out,
        } => (correlation_id, lines, left_out),
        Found::Several { ids, is_cut } => {
            note(notes, &several(&options.wanted, &ids, is_cut));
            return Answer::NotFound;
        }
        Found::Nothing => {
            note(notes, &nothing(&options.wanted, &reports));
            return Answer::NotFound;
        }
        Found::NeedsFiles(pipe) => {
            note(
                notes,
                &format!(
                    "only a whole correlation id can be found in one pass, and `{}` cannot be read \
                     twice: give the whole id, or write the log into a file",
                    pipe.display()
                ),
            );
            return Answer::NotFound;
        }
    };
    if left_out > 0 {
        note(
            notes,
            &format!(
                "{} more {} left out: there is room for {} of {}; \
                 `grep -h {correlation_id}` in the files gives all",
                count(left_out, "line"),
                if left_out == 1 { "is" } else { "are" },
                find::MAX_LINES / reports.len().max(1),
                if reports.len() == 1 {
                    "a file"
                } else {
                    "each file"
                },
            ),
        );
    }
    let written = if options.json {
        print::json(&lines, terminal.is_one, out)
    } else {
        print::tree(&Tree::of(lines), &correlation_id, terminal.colour, out)
    };
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        note(notes, &format!("cannot write: {error}"));
    }
    Answer::Found
}

fn note(notes: &mut String, text: &str) {
    let _ = writeln!(notes, "traceo: {text}");
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn note_report(notes: &mut String, report: &Report) {
    let name = shown(&report.name(), 128);
    if let Some(error) = &report.failed {
        note(
            notes,
            &format!("cannot read `{}`: {error}", report.path.display()),
        );
    }
    if report.lines > 1 && report.not_json == report.lines {
        note(
            notes,
            &format!(
                "no line of {name} is JSON: is it the log of a process with OBS_LOG_FORMAT=pretty?"
            ),
        );
    } else if report.not_json > 0 {
        let (lines, verb) = were(report.not_json);
        note(notes, &format!("{lines} of {name} {verb} no JSON"));
    }
    if report.foreign > 0 {
        let (lines, verb) = were(report.foreign);
        note(
            notes,
            &format!("{lines} of {name} with the id {verb} without a time or a correlation id"),
        );
    }
    if report.too_long > 0 {
        let (lines, verb) = were(report.too_long);
        note(
            notes,
            &format!("{lines} of {name} {verb} too long for a line of ours"),
        );
    }
}

fn were(lines: u64) -> (String, &'static str) {
    (
        count(lines, "line"),
        if lines == 1 { "was" } else { "were" },
    )
}

fn no_logs(places: &[PathBuf]) -> String {
    let places: Vec<String> = places
        .iter()
        .map(|place| format!("`{}`", place.display()))
        .collect();
    format!(
        "there are no logs in {}\nStart the services with `traceo`, which keeps their logs there, or \
         say where the logs are: `--data DIR` or `--logs PATH`.",
        places.join(", ")
    )
}

fn several(wanted: &Wanted, ids: &[Candidate], is_cut: bool) -> String {
    let more = if is_cut { "more than " } else { "" };
    let mut text = format!(
        "`{}` belongs to {more}{} correlation ids; give one of them:\n",
        shown(wanted.text(), MAX_ID),
        ids.len()
    );
    for candidate in ids.iter().take(MAX_LISTED) {
        let _ = writeln!(
            text,
            "  {}  {}, first at {}",
            shown(&candidate.id, MAX_ID),
            count(candidate.lines, "line"),
            shown(&candidate.first, 40)
        );
    }
    if ids.len() > MAX_LISTED {
        let _ = writeln!(text, "  … and {} more", ids.len() - MAX_LISTED);
    }
    text.truncate(text.trim_end().len());
    text
}

fn nothing(wanted: &Wanted, reports: &[Report]) -> String {
    let id = shown(wanted.text(), MAX_ID);
    let lines: u64 = reports.iter().map(|report| report.lines).sum();
    let mut text = format!(
        "nothing about `{id}`\nsearched: {} of {}\n",
        count(lines, "line"),
        count(reports.len() as u64, "file"),
    );
    for report in reports {
        let _ = write!(
            text,
            "  {}: {}",
            report.path.display(),
            count(report.lines, "line")
        );
        let _ = match &report.times {
            Some((first, last)) => {
                writeln!(text, ", {} to {}", shown(first, 40), shown(last, 40))
            }
            None => writeln!(text),
        };
    }
    text.push_str("check:\n");
    match wanted {
        Wanted::Id(id) => {
            if id.len() < MIN_PREFIX {
                let _ = writeln!(
                    text,
                    "  the whole id? The beginning of one is enough from {MIN_PREFIX} characters on"
                );
            }
            let _ = writeln!(text, "  a job's id? `traceo trace --job {id}`");
        }
        Wanted::Job(id) => {
            let _ = writeln!(text, "  a correlation id? `traceo trace {id}`");
        }
    }
    text.push_str(
        "  a GET that succeeded? With OBS_ENV=prod one of ten is in the log \
         (OBS_LOG_SUCCESS_SAMPLE)\n  other files? `--data DIR`, `--logs PATH`",
    );
    text
}
