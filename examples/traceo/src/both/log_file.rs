//! The file that a service's log goes to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How many lines are shown of a service that does not run.
const LINES: usize = 10;

/// How much of the end of a file is looked at for them.
const TAIL: u64 = 32 * 1024;

/// The longest line that is shown whole, in characters.
const WIDTH: usize = 2000;

pub(super) fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Returns the last lines of a file, for a person.
pub(super) fn last_lines(path: &Path) -> String {
    match tail(path) {
        Ok(tail) => last(&String::from_utf8_lossy(&tail)),
        Err(error) => format!("  (the log cannot be read: {error})"),
    }
}

fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn last(text: &str) -> String {
    let mut lines: Vec<_> = text.lines().rev().take(LINES).collect();
    if lines.is_empty() {
        return "  (the log is empty)".to_owned();
    }
    lines.reverse();
    let cut = |line: &str| format!("  {}", line.chars().take(WIDTH).collect::<String>());
    lines.into_iter().map(cut).collect::<Vec<_>>().join("\n")
}
