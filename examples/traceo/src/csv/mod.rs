//! Reading a CSV file: its records, their types, and every mistake with its place.

mod error;
mod header;
mod read;
mod records;
mod scan;
mod stats;
mod value;

pub(crate) use error::{CsvError, CsvErrorKind, Position};
pub(crate) use read::{Batch, DeclaredColumn, Ending, Layout, Row, Summary, read};
pub(crate) use stats::ColumnStats;
pub(crate) use value::ColumnType;

#[cfg(test)]
mod tests;
