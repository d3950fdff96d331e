//! The command line.

use std::path::PathBuf;

const GROUPS: [&str; 5] = ["counter", "histogram", "scrape", "request", "call"];

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) out: Option<PathBuf>,
    pub(crate) quick: bool,
    pub(crate) check: bool,
    only: Vec<String>,
}

impl Options {
    pub(crate) fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--check" => options.check = true,
                "--out" => {
                    let file = args.next().ok_or("`--out` needs a file")?;
                    options.out = Some(from_the_root(&file));
                }
                "--only" => {
                    let group = args.next().ok_or("`--only` needs a group")?;
                    if !GROUPS.contains(&group.as_str()) {
                        return Err(format!(
                            "no group `{group}`; there are {}",
                            GROUPS.join(", ")
                        ));
                    }
                    options.only.push(group);
                }
                // What cargo adds.
                "--bench" => {}
                _ => return Err(format!("unknown argument `{arg}`")),
            }
        }
        Ok(options)
    }

    pub(crate) fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == group)
    }

    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 7 }
    }

    pub(crate) fn operations(&self) -> usize {
        if self.quick { 200_000 } else { 1_000_000 }
    }
}

/// Reads a path as its writer meant it: cargo runs a bench in its package's folder, not in the
/// one where the command was typed.
fn from_the_root(file: &str) -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => PathBuf::from(package).join("..").join(file),
        None => file.into(),
    }
}
