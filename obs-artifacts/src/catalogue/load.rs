//! Reads saved catalogues, which anybody may have edited.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Catalogue;
use super::saved::{FORMAT, Head};

/// More than a catalogue of ten thousand metrics takes.
const MAX_BYTES: u64 = 32 << 20;

/// Why a saved catalogue could not be read: which file, where in it, and what to do.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Io(io::Error),
    TooLarge,
    Empty,
    Json(serde_json::Error),
    Later(u32),
    Refused(String),
    NoCatalogues,
}

impl Catalogue {
    /// Reads the text of a saved catalogue; `path` is for the error.
    ///
    /// # Errors
    /// If it is no JSON, no catalogue, one of a later version, or has the same metric twice.
    pub fn parse(text: &str, path: &Path) -> Result<Self, LoadError> {
        parse(text).map_err(|why| LoadError {
            path: path.to_owned(),
            why,
        })
    }

    /// Reads a saved catalogue.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), or if the file cannot be read or is too large to be one.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = text(path).map_err(|why| LoadError {
            path: path.to_owned(),
            why,
        })?;
        Self::parse(&text, path)
    }

    /// Reads every saved catalogue of a folder, sorted by service.
    ///
    /// # Errors
    /// If the folder cannot be read or has no `.json` file in it, or one of them cannot be read.
    pub fn load_all(folder: &Path) -> Result<Vec<Self>, LoadError> {
        let refuse = |why| LoadError {
            path: folder.to_owned(),
            why,
        };
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| refuse(Why::Io(error)))? {
            let path = entry.map_err(|error| refuse(Why::Io(error)))?.path();
            if path.extension().is_some_and(|it| it == "json") {
                all.push(Self::load(&path)?);
            }
        }
        if all.is_empty() {
            return Err(refuse(Why::NoCatalogues));
        }
        all.sort_by(|a, b| a.service.cmp(&b.service));
        Ok(all)
    }
}

fn text(path: &Path) -> Result<String, Why> {
    let file = File::open(path).map_err(Why::Io)?;
    let mut text = String::new();
    let mut limited = file.take(MAX_BYTES + 1);
    limited.read_to_string(&mut text).map_err(Why::Io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Why::TooLarge);
    }
    Ok(text)
}

fn parse(text: &str) -> Result<Catalogue, Why> {
    if text.trim().is_empty() {
        return Err(Why::Empty);
    }
    // First whether it is ours to understand: a later form would only look broken.
    let head: Head = serde_json::from_str(text).map_err(Why::Json)?;
    if head.format > FORMAT {
        return Err(Why::Later(head.format));
    }
    let mut catalogue: Catalogue = serde_json::from_str(text).map_err(Why::Json)?;
    check(&catalogue).map_err(Why::Refused)?;
    // Whoever edited it need not have kept the order that looking up relies on.
    catalogue.metrics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(catalogue)
}

/// Names are looked up, and shown on terminals: they are what Prometheus allows.
fn check(catalogue: &Catalogue) -> Result<(), String> {
    let mut metrics = BTreeSet::new();
    for metric in &catalogue.metrics {
        if !is_name(&metric.name) {
            return Err(format!("{:?} is no name of a metric", metric.name));
        }
        if !metrics.insert(&metric.name) {
            return Err(format!("the metric `{}` stands in it twice", metric.name));
        }
        let mut labels = BTreeSet::new();
        for label in &metric.labels {
            if !is_name(&label.name) {
                let (label, metric) = (&label.name, &metric.name);
                return Err(format!("{label:?} of `{metric}` is no name of a label"));
            }
            if !labels.insert(&label.name) {
                let (label, metric) = (&label.name, &metric.name);
                return Err(format!("`{metric}` has the label `{label}` twice"));
            }
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let begins = characters.next();
    begins.is_some_and(|first| first.is_ascii_alphabetic() || "_:".contains(first))
        && characters.all(|it| it.is_ascii_alphanumeric() || "_:".contains(it))
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Io(error) => write!(
                f,
                "{path}: cannot be read: {error}\n  fix: give the path of a saved catalogue, \
                 such as deploy/catalogue/<service>.json"
            ),
            Why::TooLarge => write!(
                f,
                "{path}: larger than {} MiB, which no catalogue is",
                MAX_BYTES >> 20
            ),
            Why::Empty => write!(
                f,
                "{path}: empty\n  why: a command that failed before it wrote anything, perhaps \
                 `git show` of a revision that has no such file\n  fix: save the catalogue again"
            ),
            Why::Json(error) => {
                let (line, column) = (error.line(), error.column());
                let said = error.to_string();
                let at = format!(" at line {line} column {column}");
                let said = said.strip_suffix(&at).unwrap_or(&said);
                let what = if error.is_eof() {
                    "cut off"
                } else if error.is_data() {
                    "JSON, but no catalogue"
                } else {
                    "not JSON"
                };
                write!(
                    f,
                    "{path}:{line}:{column}: {what}: {said}\n  fix: save the catalogue again"
                )
            }
            Why::Later(format) => write!(
                f,
                "{path}: of format {format}, and this version of obs-artifacts reads up to \
                 {FORMAT}\n  fix: compare with a newer version of obs-artifacts"
            ),
            Why::Refused(what) => {
                write!(f, "{path}: {what}\n  fix: save the catalogue again")
            }
            Why::NoCatalogues => write!(
                f,
                "{path}: no saved catalogue in it (no file ends in .json)\n  fix: give the \
                 folder that holds them, such as deploy/catalogue"
            ),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Io(error) => Some(error),
            Why::Json(error) => Some(error),
            _ => None,
        }
    }
}
