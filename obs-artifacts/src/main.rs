//! The command line: compares saved catalogues.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::{Arg, Parser};
use obs_artifacts::{Catalogue, Diff, LoadError};

const HELP: &str = "\
obs-artifacts: what changed between two catalogues, and what breaks because of it

usage: obs-artifacts diff OLD NEW [--json]

OLD and NEW are saved catalogues (deploy/catalogue/<service>.json), or folders of them, which are
compared service by service.

  --json        the changes as one JSON object, for programs
  -h, --help    print this
  -V, --version print the version

exit codes: 0 nothing that breaks, 1 a dashboard or an alert breaks, 2 wrong arguments, or a
catalogue that cannot be read
";

const BREAKS: u8 = 1;
const REFUSED: u8 = 2;

enum Command {
    Help,
    Version,
    Diff {
        old: PathBuf,
        new: PathBuf,
        json: bool,
    },
}

fn main() -> ExitCode {
    match parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => say(HELP),
        Ok(Command::Version) => say(concat!("obs-artifacts ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Diff { old, new, json }) => match diff(&old, &new) {
            Ok(diff) => {
                say(&if json {
                    as_json(&diff)
                } else {
                    format!("{diff}\n")
                });
                if diff.breaking {
                    return ExitCode::from(BREAKS);
                }
            }
            Err(error) => return refuse(&error.to_string()),
        },
        Err(error) => return refuse(&format!("{error}\n\nTry `obs-artifacts --help`.")),
    }
    ExitCode::SUCCESS
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = Parser::from_args(arguments);
    let (mut words, mut json) = (Vec::new(), false);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Long("json") => json = true,
            Arg::Value(word) => words.push(word),
            other => return Err(other.unexpected()),
        }
    }
    let Some((command, paths)) = words.split_first() else {
        return Err("a command is missing: `diff`".into());
    };
    if command != "diff" {
        let command = command.to_string_lossy();
        return Err(format!("there is no command `{command}`, only `diff`").into());
    }
    match paths {
        [old, new] => Ok(Command::Diff {
            old: old.into(),
            new: new.into(),
            json,
        }),
        _ => Err(format!("`diff` takes OLD and NEW, found {} path(s)", paths.len()).into()),
    }
}

fn diff(old: &Path, new: &Path) -> Result<Diff, LoadError> {
    if old.is_dir() || new.is_dir() {
        let (old, new) = (Catalogue::load_all(old)?, Catalogue::load_all(new)?);
        return Ok(Catalogue::compare_all(&old, &new));
    }
    Ok(Catalogue::compare(
        &Catalogue::load(old)?,
        &Catalogue::load(new)?,
    ))
}

fn as_json(diff: &Diff) -> String {
    let text = serde_json::to_string_pretty(diff).expect("texts have a form in JSON");
    format!("{text}\n")
}

/// Writes to standard output; nobody may be reading, which is no reason to panic.
fn say(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

fn refuse(why: &str) -> ExitCode {
    let text = format!("obs-artifacts: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).ok();
    ExitCode::from(REFUSED)
}
