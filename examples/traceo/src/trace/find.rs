//! From what was asked for to the lines of one correlation id.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Wanted;
use super::line::Line;
use super::read::{Report, search};

/// Lines that are kept in memory, of all files together.
pub(super) const MAX_LINES: usize = 50_000;

/// Bytes of lines that are kept in memory, of all files together.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Ids that the beginning of one may stand for, before nobody would read the list.
const MAX_CANDIDATES: usize = 1_000;

/// The shortest beginning of an id that is taken for it.
pub(super) const MIN_PREFIX: usize = 8;

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// The lines of one correlation id, by time.
    Lines {
        correlation_id: String,
        lines: Vec<Line>,
        /// Lines that there was no room for.
        left_out: u64,
    },
    /// What was asked for belongs to more than one correlation id.
    Several {
        ids: Vec<Candidate>,
        /// Whether there are even more.
        is_cut: bool,
    },
    Nothing,
    /// A pipe was given where the files must be read twice.
    NeedsFiles(PathBuf),
}

/// A correlation id that what was asked for may belong to.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) id: String,
    pub(super) lines: u64,
    /// The time of its first line.
    pub(super) first: String,
}

/// Correlation ids, and the lines that named each.
#[derive(Debug, Default)]
struct Candidates {
    ids: BTreeMap<String, (u64, String)>,
    is_cut: bool,
}

impl Candidates {
    fn note(&mut self, line: &Line) {
        if let Some((lines, first)) = self.ids.get_mut(line.correlation_id()) {
            *lines += 1;
            if line.text("timestamp") < first.as_str() {
                line.text("timestamp").clone_into(first);
            }
        } else if self.ids.len() < MAX_CANDIDATES {
            let first = line.text("timestamp").to_owned();
            self.ids
                .insert(line.correlation_id().to_owned(), (1, first));
        } else {
            self.is_cut = true;
        }
    }

    fn into_list(self) -> Vec<Candidate> {
        let mut list: Vec<_> = self
            .ids
            .into_iter()
            .map(|(id, (lines, first))| Candidate { id, lines, first })
            .collect();
        list.sort_by(|a, b| a.first.cmp(&b.first));
        list
    }
}

/// Lines within the bounds of the memory.
#[derive(Debug, Default)]
struct Kept {
    lines: Vec<Line>,
    left_out: u64,
}

/// What one file may still add: a file that holds too much must not push the others out.
struct Room {
    lines: usize,
    bytes: usize,
}

impl Kept {
    fn take(&mut self, line: Line, room: &mut Room) {
        if room.lines == 0 || room.bytes < line.raw.len() {
            self.left_out += 1;
            return;
        }
        room.lines -= 1;
        room.bytes -= line.raw.len();
        self.lines.push(line);
    }

    fn into_found(mut self, correlation_id: &str) -> Found {
        // Stable: where times are equal, each file keeps its order.
        self.lines.sort_by_key(|line| line.at);
        Found::Lines {
            correlation_id: correlation_id.to_owned(),
            lines: self.lines,
            left_out: self.left_out,
        }
    }
}

/// Searches the files for a correlation id, the beginning of one, or another id that leads to one.
pub(super) fn find(paths: &[PathBuf], wanted: &Wanted) -> (Found, Vec<Report>) {
    let needle = wanted.needle();
    let mut exact = Kept::default();
    let (mut other, mut begin) = (Candidates::default(), Candidates::default());
    let reports = each_file(paths, |path, room| {
        search(path, needle.as_bytes(), |line| match wanted {
            Wanted::Job(job) => {
                if line.job_id().is_some_and(|id| id == *job) {
                    other.note(&line);
                }
            }
            Wanted::Id(id) if line.correlation_id() == id => exact.take(line, room),
            Wanted::Id(id) => {
                let keys = ["trace_id", "request_id", "span_id"];
                if keys.iter().any(|key| line.text(key) == id) {
                    other.note(&line);
                } else if id.len() >= MIN_PREFIX
                    && (line.correlation_id().starts_with(id)
                        || line.text("trace_id").starts_with(id))
                {
                    begin.note(&line);
                }
            }
        })
    });
    if let Wanted::Id(id) = wanted
        && !exact.lines.is_empty()
    {
        return (exact.into_found(id), reports);
    }
    let candidates = if other.ids.is_empty() { begin } else { other };
    let is_cut = candidates.is_cut;
    let mut ids = candidates.into_list();
    if ids.len() > 1 {
        return (Found::Several { ids, is_cut }, reports);
    }
    let Some(Candidate { id, .. }) = ids.pop() else {
        return (Found::Nothing, reports);
    };
    if let Some(pipe) = paths.iter().find(|path| !path.is_file()) {
        return (Found::NeedsFiles(pipe.clone()), reports);
    }
    let mut kept = Kept::default();
    let reports = each_file(paths, |path, room| {
        search(path, id.as_bytes(), |line| {
            if line.correlation_id() == id {
                kept.take(line, room);
            }
        })
    });
    (kept.into_found(&id), reports)
}

fn each_file(paths: &[PathBuf], mut search: impl FnMut(&Path, &mut Room) -> Report) -> Vec<Report> {
    let files = paths.len().max(1);
    let share = |path: &PathBuf| {
        let mut room = Room {
            lines: MAX_LINES / files,
            bytes: MAX_BYTES / files,
        };
        search(path, &mut room)
    };
    paths.iter().map(share).collect()
}
