//! Opens what a job is to read.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::Limits;
use super::error::EngineError;
use super::job::Source;

/// What a job reads.
#[derive(Debug)]
pub(crate) enum Input {
    File(PathBuf),
    Inline(String),
}

/// An input within the limits, ready to be read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) source: Source,
    pub(super) name: String,
    pub(super) bytes: u64,
    text: Text,
}

#[derive(Debug)]
enum Text {
    File(File),
    Inline(Cursor<String>),
}

impl Input {
    pub(super) fn open(self, limits: &Limits) -> Result<Opened, EngineError> {
        match self {
            Self::File(path) => open_file(&path, limits.file_bytes),
            Self::Inline(content) if content.len() > limits.inline_bytes => {
                Err(EngineError::InlineTooLarge {
                    bytes: content.len(),
                    limit: limits.inline_bytes,
                })
            }
            Self::Inline(content) => Ok(Opened {
                source: Source::Inline,
                name: "inline".to_owned(),
                bytes: content.len() as u64,
                text: Text::Inline(Cursor::new(content)),
            }),
        }
    }
}

fn open_file(path: &Path, limit: u64) -> Result<Opened, EngineError> {
    let unreadable = |error: io::Error| {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => EngineError::FileNotFound { path },
            _ => EngineError::FileUnreadable { path, error },
        }
    };
    // Before opening: to open a pipe is to wait for its writer.
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    let path_owned = || path.to_owned();
    if !metadata.is_file() {
        return Err(EngineError::NotAFile { path: path_owned() });
    }
    if metadata.len() > limit {
        return Err(EngineError::FileTooLarge {
            path: path_owned(),
            bytes: metadata.len(),
            limit,
        });
    }
    Ok(Opened {
        source: Source::File,
        name: path.display().to_string(),
        bytes: metadata.len(),
        text: Text::File(File::open(path).map_err(unreadable)?),
    })
}

impl Opened {
    /// The bytes the input had when it was opened; reading fails once `stop` is cancelled.
    pub(super) fn into_reader(self, stop: CancellationToken) -> impl Read {
        Stoppable {
            input: self.text.take(self.bytes),
            stop,
        }
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Inline(content) => content.read(buffer),
        }
    }
}

struct Stoppable<R> {
    input: R,
    stop: CancellationToken,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the job was stopped"));
        }
        self.input.read(buffer)
    }
}
