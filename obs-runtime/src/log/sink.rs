//! Where lines go.

use std::env;
use std::io::{self, IsTerminal, Write};

use super::LogOutput;
use super::queue::CAPACITY;

impl LogOutput {
    /// Returns whether colours are wanted there.
    ///
    /// `NO_COLOR`: see <https://no-color.org>.
    pub(super) fn wants_colour(&self) -> bool {
        let is_terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            Self::Writer(_) => false,
            #[cfg(feature = "test")]
            Self::Memory(_) => false,
        };
        is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }

    /// Opens what lines are written to.
    ///
    /// Standard output is a descriptor of its own rather than `io::stdout()`: a write that hangs
    /// would hold the lock there, and the next `println!` of the service would hang with it.
    pub(super) fn open(self) -> Box<dyn Write + Send> {
        match self {
            Self::Stdout => raw(io::stdout()),
            Self::Stderr => raw(io::stderr()),
            Self::Writer(writer) => writer,
            #[cfg(feature = "test")]
            Self::Memory(memory) => memory,
        }
    }

    /// Returns how many bytes may wait for the sink.
    #[cfg_attr(
        not(feature = "test"),
        expect(clippy::unused_self, reason = "a test's memory has no bound")
    )]
    pub(super) fn capacity(&self) -> usize {
        #[cfg(feature = "test")]
        if let Self::Memory(_) = self {
            return usize::MAX;
        }
        CAPACITY
    }
}

#[cfg(unix)]
fn raw(stream: impl std::os::fd::AsFd) -> Box<dyn Write + Send> {
    match stream.as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(std::fs::File::from(descriptor)),
        Err(error) => Box::new(Unavailable(error.raw_os_error())),
    }
}

#[cfg(not(unix))]
fn raw(stream: impl Write + Send + 'static) -> Box<dyn Write + Send> {
    Box::new(stream)
}

/// A stream that was closed before the start: every line fails, and is counted.
#[cfg(unix)]
struct Unavailable(Option<i32>);

#[cfg(unix)]
impl Write for Unavailable {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.map_or_else(
            || io::ErrorKind::NotFound.into(),
            io::Error::from_raw_os_error,
        ))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
