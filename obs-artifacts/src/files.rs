//! The files that were made: written to a folder, or compared with what is there.

use std::collections::BTreeMap;
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
    /// already are left alone, and so is whatever else is there.
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
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, text).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
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
                Err(error) => return Err(error),
            }
        }
        Ok(differences)
    }
}

impl fmt::Display for OutOfStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{path}: missing"),
            Self::Different(path, line) => write!(f, "{path}:{line}: different"),
        }
    }
}
