//! A value that never shows itself.

use std::fmt;

/// Wraps a value whose content must not reach logs, spans or errors.
///
/// # Example
/// ```
/// let token = obs_runtime::redacted("s3cr3t");
/// assert_eq!(format!("{token} {token:?}"), "[redacted] [redacted]");
/// ```
pub const fn redacted<T>(value: T) -> Redacted<T> {
    Redacted(value)
}

/// A value that shows itself as `[redacted]`; made by [`redacted`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Returns the value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("[redacted]")
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("[redacted]")
    }
}
