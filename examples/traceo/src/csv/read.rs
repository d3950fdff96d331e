//! Reads a file from its header to its last row and hands over what it found in batches.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::error::{CsvError, CsvErrorKind, Position};
use super::header;
use super::records::{Record, Records};
use super::stats::{Column, ColumnStats};
use super::value::ColumnType;

const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: usize = 256 * 1024;

/// How a file is laid out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) delimiter: u8,
    pub(crate) has_header: bool,
    /// Columns whose values must have a type; the types of the others are found out.
    pub(crate) declared: Vec<DeclaredColumn>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            delimiter: b',',
            has_header: true,
            declared: Vec::new(),
        }
    }
}

/// A column with the type its values must have.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct DeclaredColumn {
    /// The column's name in the header.
    pub(crate) name: String,
    /// The type of its values; a row with another value is rejected.
    #[serde(rename = "type")]
    pub(crate) kind: ColumnType,
}

/// Rows and mistakes since the batch before.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) errors: Vec<CsvError>,
    /// Rows that were not taken; some of `errors` are about the header and reject no row.
    pub(crate) rejected: u64,
    /// Bytes read from the start of the file on.
    pub(crate) bytes: u64,
    size: usize,
}

/// A good row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u64,
    /// A JSON array of the cells as they stand in the file.
    pub(crate) cells: String,
}

/// What one reading came to.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) columns: Vec<ColumnStats>,
    pub(crate) ending: Ending,
}

/// Why a reading ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// At the end of the file.
    Complete,
    /// Whoever takes the batches wanted no more.
    Stopped,
    /// The file as a whole cannot be read, or holds no good row.
    Unusable(CsvError),
    /// The operating system could not read on.
    Io(io::Error),
}

/// Reads all of `input`; `take` gets the batches and says whether to go on.
pub(crate) fn read(input: impl Read, layout: Layout, take: impl FnMut(Batch) -> bool) -> Summary {
    let mut records = Records::new(input, layout.delimiter);
    let mut reading = Reading {
        header_is_due: layout.has_header,
        layout,
        take,
        columns: None,
        batch: Batch::default(),
        good: 0,
        first_rejection: None,
    };
    let ending = reading.run(&mut records).unwrap_or_else(Ending::Io);
    let taken = reading.hand_over(records.bytes());
    let columns = reading.columns.unwrap_or_default();
    Summary {
        columns: columns.into_iter().map(Column::finish).collect(),
        ending: if taken { ending } else { Ending::Stopped },
    }
}

struct Reading<T> {
    layout: Layout,
    take: T,
    header_is_due: bool,
    columns: Option<Vec<Column>>,
    batch: Batch,
    good: u64,
    first_rejection: Option<CsvError>,
}

impl<T: FnMut(Batch) -> bool> Reading<T> {
    fn run(&mut self, records: &mut Records<impl Read>) -> io::Result<Ending> {
        while let Some(record) = records.next()? {
            let header_is_due = std::mem::take(&mut self.header_is_due);
            match record {
                Ok(record) if self.columns.is_none() => self.first(&record, header_is_due),
                Ok(record) => self.row(&record),
                Err(error) => self.reject(error),
            }
            if self.batch.is_full() && !self.hand_over(records.bytes()) {
                return Ok(Ending::Stopped);
            }
        }
        Ok(self.end())
    }

    /// Takes the first record that can be read, which names the columns unless that is not due.
    fn first(&mut self, record: &Record<'_>, header_is_due: bool) {
        let declared = &self.layout.declared;
        if header_is_due && !header::looks_like_data(record) {
            let (columns, errors) = header::columns(record, declared);
            self.columns = Some(columns);
            self.batch.errors.extend(errors);
            return;
        }
        self.columns = Some(header::numbered(record.len(), declared));
        if header_is_due {
            let message = "the first row holds numbers, no names; it is read as data \
                           (say `has_header: false` if the file has no header)";
            let error = CsvError::new(CsvErrorKind::MissingHeader, record.at(0), message);
            self.batch.errors.push(error);
        }
        self.row(record);
    }

    fn row(&mut self, record: &Record<'_>) {
        let columns = self.columns.as_deref().unwrap_or_default();
        match check(record, columns) {
            Ok(cells) => self.accept(record.row, &cells),
            Err(error) => self.reject(error),
        }
    }

    fn accept(&mut self, number: u64, cells: &[&str]) {
        let columns = self.columns.iter_mut().flatten();
        for (column, cell) in columns.zip(cells) {
            column.add(cell);
        }
        // Strings always serialise.
        let cells = serde_json::to_string(cells).unwrap_or_default();
        self.good += 1;
        self.batch.size += cells.len();
        self.batch.rows.push(Row { number, cells });
    }

    fn reject(&mut self, error: CsvError) {
        self.batch.rejected += 1;
        if self.first_rejection.is_none() {
            self.first_rejection = Some(error.clone());
        }
        self.batch.errors.push(error);
    }

    /// Passes the batch on; false if no more is wanted.
    fn hand_over(&mut self, bytes: u64) -> bool {
        let batch = std::mem::take(&mut self.batch);
        (self.take)(Batch { bytes, ..batch })
    }

    fn end(&mut self) -> Ending {
        if self.good > 0 {
            return Ending::Complete;
        }
        if let Some(error) = self.first_rejection.take() {
            return Ending::Unusable(error);
        }
        if self.columns.is_some() {
            return Ending::Complete;
        }
        let at = Position {
            row: 1,
            line: 1,
            column: 1,
        };
        let error = CsvError::new(CsvErrorKind::EmptyFile, at, "the file is empty");
        self.batch.errors.push(error.clone());
        Ending::Unusable(error)
    }
}

impl Batch {
    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.errors.len() >= BATCH_ROWS || self.size >= BATCH_BYTES
    }
}

/// The cells of a row that has nothing wrong.
fn check<'a>(record: &Record<'a>, columns: &[Column]) -> Result<Vec<&'a str>, CsvError> {
    let (found, expected) = (record.len(), columns.len());
    if found != expected {
        return Err(CsvError::new(
            CsvErrorKind::WrongColumnCount,
            record.at(found.min(expected)),
            format_args!("expected {expected} columns, found {found}"),
        ));
    }
    let mut cells = Vec::with_capacity(expected);
    for (index, (field, column)) in record.fields().zip(columns).enumerate() {
        let cell = std::str::from_utf8(field).map_err(|error| {
            let message = format!("byte {} of the cell is not UTF-8", error.valid_up_to() + 1);
            CsvError::new(CsvErrorKind::InvalidUtf8, record.at(index), message)
        })?;
        if let Some(kind) = column.mismatch(cell) {
            let message = format!(
                "`{}` must hold values of type {}",
                column.name(),
                kind.as_str()
            );
            let at = record.at(index);
            return Err(CsvError::new(CsvErrorKind::TypeMismatch, at, message));
        }
        cells.push(cell);
    }
    Ok(cells)
}
