//! Reading logs of any size: one pass, line by line, in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use memchr::memmem::{Finder, rfind};

use super::line::{Line, Read};

/// The most bytes of a line: what is longer was not written by one of us.
const MAX_LINE: usize = 1024 * 1024;

/// How every line begins.
const BEGINNING: &[u8] = b"{\"timestamp\":\"";

/// The most bytes of a timestamp that is shown.
const MAX_TIMESTAMP: usize = 40;

/// The files that were asked for.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Each once; of rotated ones the older first.
    pub(super) paths: Vec<PathBuf>,
    /// What could not be taken, and why.
    pub(super) refused: Vec<String>,
}

/// What reading a file came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) path: PathBuf,
    pub(super) lines: u64,
    /// Lines that are no JSON: of panics, of a process that was killed while it wrote.
    pub(super) not_json: u64,
    /// Lines that hold what was searched, and are no lines of ours.
    pub(super) foreign: u64,
    pub(super) too_long: u64,
    /// The times of the earliest and the latest line.
    pub(super) times: Option<(String, String)>,
    /// Why it was not read to its end.
    pub(super) failed: Option<io::Error>,
}

impl Files {
    /// Finds the logs in directories, and takes files as they are.
    pub(super) fn of(places: &[PathBuf]) -> Self {
        let mut files = Self::default();
        for place in places {
            if !place.is_dir() {
                if place.exists() {
                    files.take(place.clone());
                } else {
                    let place = place.display();
                    files.refused.push(format!("`{place}` does not exist"));
                }
                continue;
            }
            match logs_in(place) {
                Ok((logs, compressed)) => {
                    for log in logs {
                        files.take(log);
                    }
                    if compressed > 0 {
                        let place = place.display();
                        files.refused.push(format!(
                            "{compressed} compressed logs in `{place}` are not read: unpack them"
                        ));
                    }
                }
                Err(error) => files
                    .refused
                    .push(format!("cannot read `{}`: {error}", place.display())),
            }
        }
        files
    }

    fn take(&mut self, path: PathBuf) {
        if !self.paths.contains(&path) {
            self.paths.push(path);
        }
    }
}

/// Returns the logs of a directory, and how many there are that are compressed.
fn logs_in(directory: &Path) -> io::Result<(Vec<PathBuf>, usize)> {
    let (mut logs, mut compressed) = (Vec::new(), 0);
    for entry in directory.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        // Opening a pipe would wait for whoever writes into it.
        let Some(name) = name.filter(|_| path.is_file()) else {
            continue;
        };
        if let Some((stem, age)) = log_name(name) {
            logs.push((stem.to_owned(), age, path));
        } else if is_compressed(name) {
            compressed += 1;
        }
    }
    logs.sort_by(|(a, age_a, _), (b, age_b, _)| a.cmp(b).then(age_b.cmp(age_a)));
    Ok((
        logs.into_iter().map(|(.., path)| path).collect(),
        compressed,
    ))
}

/// Takes `mcp.log` and `mcp.log.1` apart: what it is the log of, and how old it is.
fn log_name(name: &str) -> Option<(&str, u32)> {
    if let Some(stem) = name.strip_suffix(".log") {
        return Some((stem, 0));
    }
    let (log, age) = name.rsplit_once('.')?;
    Some((log.strip_suffix(".log")?, age.parse().ok()?))
}

fn is_compressed(name: &str) -> bool {
    let by = Path::new(name).extension();
    name.contains(".log")
        && by.is_some_and(|by| ["gz", "zst", "xz", "bz2"].iter().any(|it| by == *it))
}

/// Hands on every line of ours that holds the bytes that are searched.
pub(super) fn search(path: &Path, needle: &[u8], mut found: impl FnMut(Line)) -> Report {
    let mut report = Report {
        path: path.to_owned(),
        lines: 0,
        not_json: 0,
        foreign: 0,
        too_long: 0,
        times: None,
        failed: None,
    };
    let finder = Finder::new(needle);
    let read = File::open(path).and_then(|file| {
        each_line(file, |line| {
            let Some(line) = line else {
                report.lines += 1;
                report.too_long += 1;
                return;
            };
            let line = line.trim_ascii();
            if line.is_empty() {
                return;
            }
            report.lines += 1;
            report.note_time(line);
            if finder.find(line).is_none() {
                // Whether it really is JSON is not worth the time.
                if !(line.starts_with(b"{") && line.ends_with(b"}")) {
                    report.not_json += 1;
                }
                return;
            }
            match Line::read(line) {
                Read::Line(line) => found(line),
                Read::Foreign => report.foreign += 1,
                Read::NotJson => {
                    report.not_json += 1;
                    if let Some(line) = after_half_a_line(line) {
                        found(line);
                    }
                }
            }
        })
    });
    report.failed = read.err();
    report
}

/// Reads the line that follows on half a one: a process that is killed while it writes leaves no end
/// of a line, and the next one goes on there.
fn after_half_a_line(bytes: &[u8]) -> Option<Line> {
    let start = rfind(bytes, BEGINNING).filter(|start| *start > 0)?;
    match Line::read(bytes.get(start..)?) {
        Read::Line(line) => Some(line),
        Read::Foreign | Read::NotJson => None,
    }
}

/// Hands on each line, its end included; `None` is one that is too long.
fn each_line(input: impl io::Read, mut each: impl FnMut(Option<&[u8]>)) -> io::Result<()> {
    let mut input = BufReader::with_capacity(256 * 1024, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = MAX_LINE as u64;
        if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() == MAX_LINE && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
            each(None);
        } else {
            each(Some(&line));
        }
    }
}

impl Report {
    fn note_time(&mut self, line: &[u8]) {
        let Some(rest) = line.strip_prefix(BEGINNING) else {
            return;
        };
        let end = rest
            .iter()
            .take(MAX_TIMESTAMP)
            .position(|&byte| byte == b'"');
        let time = end.and_then(|end| str::from_utf8(rest.get(..end)?).ok());
        let Some(time) = time else {
            return;
        };
        let Some((first, last)) = &mut self.times else {
            self.times = Some((time.to_owned(), time.to_owned()));
            return;
        };
        // All are in UTC and of one length: they are ordered as texts.
        if time < first.as_str() {
            time.clone_into(first);
        } else if time > last.as_str() {
            time.clone_into(last);
        }
    }

    /// Returns the name of the file alone.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }
}
