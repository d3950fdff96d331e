//! Opens what is to be sent to the engine.

use std::io;
use std::path::{Path, PathBuf};

use reqwest::Body;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::error::InputError;
use crate::api::Source;

/// The longest text in the arguments of a tool, in bytes.
pub(super) const INLINE_BYTES: usize = 1024 * 1024;

/// Bytes of a file that are read at a time.
const CHUNK: usize = 64 * 1024;

/// What a tool is to import.
#[derive(Debug)]
pub(super) enum Input {
    File(PathBuf),
    Inline(String),
}

/// An input that is ready to be sent.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) source: Source,
    pub(super) name: String,
    pub(super) bytes: u64,
    text: Text,
}

#[derive(Debug)]
enum Text {
    File(File, PathBuf),
    Inline(String),
}

impl Input {
    pub(super) async fn open(self) -> Result<Opened, InputError> {
        match self {
            Self::File(path) => open_file(path).await,
            Self::Inline(content) if content.len() > INLINE_BYTES => {
                Err(InputError::InlineTooLarge {
                    bytes: content.len(),
                    limit: INLINE_BYTES,
                })
            }
            Self::Inline(content) => Ok(Opened {
                source: Source::Inline,
                name: "inline".to_owned(),
                bytes: content.len() as u64,
                text: Text::Inline(content),
            }),
        }
    }
}

async fn open_file(path: PathBuf) -> Result<Opened, InputError> {
    // Before opening: to open a pipe is to wait for its writer.
    let metadata = tokio::fs::metadata(&path).await;
    let metadata = metadata.map_err(|error| unreadable(&path, error))?;
    if !metadata.is_file() {
        return Err(InputError::NotAFile { path });
    }
    let file = File::open(&path).await;
    let file = file.map_err(|error| unreadable(&path, error))?;
    Ok(Opened {
        source: Source::File,
        name: path.display().to_string(),
        bytes: metadata.len(),
        text: Text::File(file, path),
    })
}

fn unreadable(path: &Path, error: io::Error) -> InputError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => InputError::FileNotFound { path },
        _ => InputError::FileUnreadable { path, error },
    }
}

impl Opened {
    /// Whether the engine has a say in how large this may be.
    pub(super) const fn is_file(&self) -> bool {
        matches!(self.text, Text::File(..))
    }

    /// Refuses a file that has more bytes than the engine takes, before any is sent.
    pub(super) fn within(self, limit: u64) -> Result<Self, InputError> {
        match self.text {
            Text::File(_, path) if self.bytes > limit => Err(InputError::FileTooLarge {
                path,
                bytes: self.bytes,
                limit,
            }),
            text => Ok(Self { text, ..self }),
        }
    }

    /// The bytes the input had when it was opened: it is sent as it is read, never held whole.
    pub(super) fn into_body(self) -> Body {
        match self.text {
            Text::File(file, _) => {
                let bytes = file.take(self.bytes);
                Body::wrap_stream(ReaderStream::with_capacity(bytes, CHUNK))
            }
            Text::Inline(content) => content.into(),
        }
    }
}
