//! The files that were made: written to a folder, or compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Files by their path below the root of a project, with `/` between its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    by_path: BTreeMap<String, String>,
}

/// A file of a project that is not what the declarations make of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutOfStep {
    /// It is not there.
    Missing(String),
    /// It is different from this line on, counted from 1.
    Different(String, usize),
    /// It was made once, and is made no more: an alert of an environment that is gone still fires.
    LeftOver(String),
}

impl Files {
    /// Returns the text of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.by_path.get(path).map(String::as_str)
    }

    /// Returns paths and texts, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.by_path.iter();
        all.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        let path = path.into();
        let replaced = self.by_path.insert(path, text.into());
        debug_assert!(replaced.is_none(), "a file is made once");
    }

    /// Writes the files below a folder, which is made where it is missing. Files that are the same
    /// already are left alone, and so is whatever else is there: [`compare`](Self::compare) says
    /// which of it was made by an earlier version.
    ///
    /// # Errors
    /// If a file cannot be read or written; those before it are written.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        for (path, text) in &self.by_path {
            let path = root.join(path);
            if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
                continue;
            }
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
            }
            fs::write(&path, text).map_err(|error| at(&path, &error))?;
        }
        Ok(())
    }

    /// Returns what differs below a folder, sorted by path; nothing where the files are in step.
    ///
    /// # Errors
    /// If a file is there and cannot be read.
    pub fn compare(&self, root: &Path) -> io::Result<Vec<OutOfStep>> {
        let mut differences = Vec::new();
        for (path, text) in &self.by_path {
            match fs::read(root.join(path)) {
                Ok(there) if there == text.as_bytes() => {}
                Ok(there) => {
                    let there = String::from_utf8_lossy(&there);
                    let same = text.lines().zip(there.lines()).take_while(|(a, b)| a == b);
                    differences.push(OutOfStep::Different(path.clone(), same.count() + 1));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    differences.push(OutOfStep::Missing(path.clone()));
                }
                Err(error) => return Err(at(&root.join(path), &error)),
            }
        }
        differences.extend(self.left_over(root)?.into_iter().map(OutOfStep::LeftOver));
        differences.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(differences)
    }

    /// Returns what lies beside the files and says that it was made as they are, and is none of them.
    fn left_over(&self, root: &Path) -> io::Result<Vec<String>> {
        let folders = self.by_path.keys().filter_map(|path| path.rsplit_once('/'));
        let folders: BTreeSet<&str> = folders.map(|(folder, _)| folder).collect();
        let mut found = Vec::new();
        for folder in folders {
            let there = match fs::read_dir(root.join(folder)) {
                Ok(there) => there,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(at(&root.join(folder), &error)),
            };
            for entry in there {
                let entry = entry.map_err(|error| at(&root.join(folder), &error))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = format!("{folder}/{name}");
                // `.env` begins as a copy of `.env.example`, and belongs to who made it.
                let is_hidden = name.starts_with('.');
                if !is_hidden && !self.by_path.contains_key(&path) && is_made(&entry.path()) {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }
}

/// What the first lines of a file say that is made, and that of JSON, which has no comments,
/// wherever it stands.
pub(crate) const MADE: &str = "Generated from the declarations by ";

/// The largest file that may have been made: there is no need to read a larger one.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What cannot be read is nothing that was made here.
fn is_made(path: &Path) -> bool {
    let is_small = fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() <= LARGEST);
    let text = is_small.then(|| fs::read_to_string(path).ok()).flatten();
    let text = text.unwrap_or_default();
    let json = path.extension().is_some_and(|it| it == "json");
    let mut first = text.lines().take(if json { usize::MAX } else { 2 });
    first.any(|line| line.contains(MADE))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

impl OutOfStep {
    /// Returns which file it is.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Missing(path) | Self::Different(path, _) | Self::LeftOver(path) => path,
        }
    }
}

impl fmt::Display for OutOfStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{path}: missing"),
            Self::Different(path, line) => write!(f, "{path}:{line}: different"),
            Self::LeftOver(path) => write!(f, "{path}: made no more; remove it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_made_is_left_over_and_what_people_wrote_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let mut before = Files::default();
        for name in ["prod.yml", "old.yml", "old.json"] {
            before.add(format!("rules/{name}"), format!("# {MADE}`it`\n"));
        }
        before.write(root).unwrap();
        fs::write(
            root.join("rules/own.yml"),
            format!("a\nb\n# not {MADE}it\n"),
        )
        .unwrap();
        fs::copy(root.join("rules/old.yml"), root.join("rules/.env")).unwrap();
        fs::create_dir(root.join("rules/folder.yml")).unwrap();
        fs::write(root.join("rules/bytes.yml"), [0xff; 8]).unwrap();
        let mut now = Files::default();
        now.add("rules/prod.yml", format!("# {MADE}`it`\n"));
        now.add("rules/new.yml", "");
        let differences = now.compare(root).unwrap();
        let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            differences,
            [
                "rules/new.yml: missing",
                "rules/old.json: made no more; remove it",
                "rules/old.yml: made no more; remove it",
            ]
        );
    }

    #[test]
    fn an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rules"), "").unwrap();
        let mut files = Files::default();
        files.add("rules/prod.yml", "");
        for error in [
            files.write(folder.path()).unwrap_err(),
            files.compare(folder.path()).unwrap_err(),
        ] {
            assert!(error.to_string().contains("rules"), "{error}");
        }
    }
}
