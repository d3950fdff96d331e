//! What can be wrong with a CSV file, and where.

use std::fmt;

use serde::Serialize;

/// The kinds of mistakes a CSV file can hold.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CsvErrorKind {
    /// No byte but blank lines.
    EmptyFile,
    /// The first row names no columns, or leaves a name out.
    MissingHeader,
    /// Two columns have one name.
    DuplicateHeader,
    /// More columns than a table may have.
    TooManyColumns,
    /// More or fewer fields than the header.
    WrongColumnCount,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A quoted field without an end.
    UnterminatedQuote,
    /// Text between a closing quote and the next delimiter.
    StrayQuote,
    /// A row of more than 1 MiB.
    RowTooLong,
    /// A value that is not of the type its column was declared with.
    TypeMismatch,
}

/// One mistake in a CSV file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {}, column {}: {message}", at.row, at.column)]
pub(crate) struct CsvError {
    pub(crate) kind: CsvErrorKind,
    pub(crate) at: Position,
    pub(crate) message: String,
}

impl CsvError {
    pub(crate) fn new(kind: CsvErrorKind, at: Position, message: impl fmt::Display) -> Self {
        Self {
            kind,
            at,
            message: message.to_string(),
        }
    }
}

/// A place in a CSV file; everything counts from 1, and the header is row 1.
///
/// Rows and lines differ where a quoted field spans lines and where lines are blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) row: u64,
    pub(crate) line: u64,
    pub(crate) column: u64,
}
