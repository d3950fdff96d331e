//! The commands of a document for people, run as a person would who reads it from the top.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::process::{Process, Signal, not_outliving_us};

/// How long one block may take: some of them wait for an alert to arrive.
const LIMIT: Duration = Duration::from_secs(150);

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What the fence says it is: `sh`, `console`, `text`.
    pub language: String,
    /// What stands in it.
    pub text: String,
    /// The line of its fence, counted from 1.
    pub line: usize,
}

/// The fenced blocks of a document, in their order.
///
/// # Panics
///
/// Where a fence is not closed.
pub fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in document.lines().enumerate() {
        match (line.trim().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed: {open:?}");
    blocks
}

/// Runs a block in a shell of its own that stops at the first command that fails, and returns what
/// it printed.
///
/// # Panics
///
/// Where a command fails, or the block does not end.
pub fn run(block: &Block, folder: &Path, variables: &[(&str, String)]) -> String {
    let output = tempfile::NamedTempFile::new().expect("a file");
    let logs = tempfile::tempdir().expect("a folder");
    let script = logs.path().join("block.sh");
    fs::write(&script, &block.text).expect("a script");
    let mut command = not_outliving_us(Signal::Kill, "sh");
    command
        .args(["-eu"])
        .arg(&script)
        .current_dir(folder)
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .stdout(output.reopen().expect("a file"));
    let mut process = Process::start("block", logs.path(), &mut command);
    let status = process.wait(LIMIT);
    let printed = fs::read_to_string(output.path()).unwrap_or_default();
    let said = process.log();
    let Block { line, text, .. } = block;
    assert!(
        status.is_some_and(|it| it.success()),
        "the block of line {line} ended with {status:?}:\n{text}\nit printed:\n{printed}{said}"
    );
    printed + &said
}

/// Whether the lines of `expected` are in `printed`, in their order; `…` stands for anything.
///
/// # Errors
///
/// The first line that is not there.
pub fn shows<'a>(printed: &str, expected: &'a str) -> Result<(), &'a str> {
    let mut lines = printed.lines();
    for line in expected.lines().filter(|line| !line.trim().is_empty()) {
        if !lines.any(|printed| matches(printed, line)) {
            return Err(line);
        }
    }
    Ok(())
}

fn matches(printed: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('…').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let printed = printed.trim_end();
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    if parts.len() == 1 {
        return rest.is_empty();
    }
    for part in &parts[1..parts.len() - 1] {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{blocks, shows};

    #[test]
    fn what_stands_between_fences_is_found_with_its_line() {
        let found = blocks("a\n```sh\necho 1\n```\nb\n\n```text\n1\n```\n");
        let found: Vec<(&str, &str, usize)> = found
            .iter()
            .map(|it| (&*it.language, &*it.text, it.line))
            .collect();
        assert_eq!(found, [("sh", "echo 1\n", 2), ("text", "1\n", 7)]);
    }

    #[test]
    fn output_is_compared_in_order_and_an_ellipsis_stands_for_anything() {
        let printed = "up 1\nqueue 17 jobs\ndown 0\n";
        assert_eq!(shows(printed, "up 1\nqueue … jobs\n"), Ok(()));
        assert_eq!(shows(printed, "down …\n"), Ok(()));
        assert_eq!(shows(printed, "down 0\nup 1"), Err("up 1"));
        assert_eq!(shows(printed, "up"), Err("up"));
        assert_eq!(shows(printed, "queue … job"), Err("queue … job"));
    }
}
