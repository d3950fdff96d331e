//! Cuts a byte stream into CSV records, in constant memory, going on after broken ones.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

use super::error::{CsvError, CsvErrorKind, Position};
use super::scan::{Broken, Scanner, Step};

const READ: usize = 64 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Bytes of a record before reading gives up on it.
pub(crate) const MAX_RECORD: usize = 1024 * 1024;
/// Fields of a record before reading gives up on it.
pub(crate) const MAX_COLUMNS: usize = 1024;
/// Bytes that may be read again behind open quotes.
///
/// A file made to have an open quote on every line would otherwise cost 1 MiB of work a line.
/// Beyond this, quoted fields may not span lines, which makes the work linear again.
const MAX_RESCANNED: usize = 64 * MAX_RECORD;

/// The records of one input.
pub(super) struct Records<R> {
    input: R,
    buffer: Vec<u8>,
    /// Where the current record starts in `buffer`.
    start: usize,
    /// The next byte to scan.
    next: usize,
    at_end: bool,
    bytes: u64,
    row: u64,
    line: u64,
    rescanned: usize,
    skip_line_feed: bool,
    delimiter: u8,
    core: csv_core::Reader,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

/// One record, its fields still bytes.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) row: u64,
    pub(super) line: u64,
    fields: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn at(&self, column: usize) -> Position {
        Position {
            row: self.row,
            line: self.line,
            column: column as u64 + 1,
        }
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        let starts = std::iter::once(&0).chain(self.ends);
        starts
            .zip(self.ends)
            .map(|(start, end)| &self.fields[*start..*end])
    }
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        Self {
            input,
            buffer: Vec::with_capacity(2 * READ),
            start: 0,
            next: 0,
            at_end: false,
            bytes: 0,
            row: 0,
            line: 1,
            rescanned: 0,
            skip_line_feed: false,
            delimiter,
            core: ReaderBuilder::new()
                .delimiter(delimiter)
                .terminator(Terminator::Any(b'\n'))
                .build(),
            fields: Vec::new(),
            ends: vec![0; MAX_COLUMNS + 1],
        }
    }

    /// Bytes of the input that are behind the current record.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes - (self.buffer.len() - self.next) as u64
    }

    /// Reads the next record; a broken one is an `Err` in the `Ok`, and reading can go on.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Record<'_>, CsvError>>> {
        if self.bytes == 0 {
            self.skip_bom()?;
        }
        let mut scanner = self.scanner();
        loop {
            if self.next == self.buffer.len() && !self.fill()? {
                return self.last_record(&scanner);
            }
            let byte = self.buffer[self.next];
            if std::mem::take(&mut self.skip_line_feed) && byte == b'\n' {
                self.next += 1;
                self.start = self.next;
                continue;
            }
            let step = scanner.step(byte, self.next - self.start);
            self.next += 1;
            match step {
                Step::Inside if self.next - self.start > MAX_RECORD => {
                    return Ok(Some(Err(self.give_up(&scanner)?)));
                }
                Step::Inside => {}
                Step::End => {
                    self.skip_line_feed = byte == b'\r';
                    let (start, end) = (self.start, self.next - 1);
                    self.start = self.next;
                    let line = self.line;
                    self.line += scanner.line_breaks() + 1;
                    if start == end {
                        scanner = self.scanner();
                        continue;
                    }
                    self.row += 1;
                    return Ok(Some(self.split(start, end, line)));
                }
                Step::Broken(broken) => return Ok(Some(Err(self.broken(broken)?))),
            }
        }
    }

    fn scanner(&self) -> Scanner {
        Scanner::new(self.delimiter, self.rescanned <= MAX_RESCANNED)
    }

    /// What is left when the input is over.
    fn last_record(
        &mut self,
        scanner: &Scanner,
    ) -> io::Result<Option<Result<Record<'_>, CsvError>>> {
        if self.start == self.buffer.len() {
            return Ok(None);
        }
        if let Some(broken) = scanner.broken_at_end() {
            return Ok(Some(Err(self.broken(broken)?)));
        }
        let (start, end) = (self.start, self.buffer.len());
        self.start = end;
        self.row += 1;
        Ok(Some(self.split(start, end, self.line)))
    }

    /// Reports the record and goes to the line after the mistake.
    fn broken(&mut self, broken: Broken) -> io::Result<CsvError> {
        let (kind, message) = if broken.unterminated {
            (
                CsvErrorKind::UnterminatedQuote,
                "the quote that opens here is not closed",
            )
        } else {
            (
                CsvErrorKind::StrayQuote,
                "text follows the closing quote; write a quote inside a quoted field twice",
            )
        };
        self.row += 1;
        let line = self.line + broken.line_breaks;
        let error = self.error(kind, line, broken.column, message);
        self.line = line;
        if let Some(resume) = broken.resume {
            self.rescanned += self.next - (self.start + resume);
            self.start += resume;
            self.next = self.start;
            self.line += 1;
        } else {
            self.skip_line()?;
        }
        Ok(error)
    }

    /// Reports a record that has grown too long.
    fn give_up(&mut self, scanner: &Scanner) -> io::Result<CsvError> {
        if let Some(broken) = scanner.broken_by_length() {
            return self.broken(broken);
        }
        self.row += 1;
        let message = format!("the row is longer than {MAX_RECORD} bytes");
        let error = self.error(
            CsvErrorKind::RowTooLong,
            self.line,
            scanner.column(),
            &message,
        );
        self.line += scanner.line_breaks();
        self.skip_line()?;
        Ok(error)
    }

    fn error(&self, kind: CsvErrorKind, line: u64, column: u64, message: &str) -> CsvError {
        let at = Position {
            row: self.row,
            line,
            column,
        };
        CsvError::new(kind, at, message)
    }

    /// Drops what is left of the line.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            self.start = self.next;
            if self.next == self.buffer.len() && !self.fill()? {
                return Ok(());
            }
            let byte = self.buffer[self.next];
            self.next += 1;
            if byte == b'\n' || byte == b'\r' {
                self.start = self.next;
                self.skip_line_feed = byte == b'\r';
                self.line += 1;
                return Ok(());
            }
        }
    }

    fn split(&mut self, start: usize, end: usize, line: u64) -> Result<Record<'_>, CsvError> {
        let record = &self.buffer[start..end];
        // One more than can be needed: `csv-core` asks for room before it sees that the record ends.
        if self.fields.len() <= record.len() {
            self.fields.resize(record.len() + 1, 0);
        }
        let (result, _, fields, columns) =
            self.core
                .read_record(record, &mut self.fields, &mut self.ends);
        let columns = if result == ReadRecordResult::OutputEndsFull {
            columns
        } else {
            let (_, _, _, last) =
                self.core
                    .read_record(b"\n", &mut self.fields[fields..], &mut self.ends[columns..]);
            columns + last
        };
        if columns > MAX_COLUMNS {
            self.core.reset();
            let at = Position {
                row: self.row,
                line,
                column: MAX_COLUMNS as u64 + 1,
            };
            return Err(CsvError::new(
                CsvErrorKind::TooManyColumns,
                at,
                format_args!("the row has more than {MAX_COLUMNS} columns"),
            ));
        }
        Ok(Record {
            row: self.row,
            line,
            fields: &self.fields,
            ends: &self.ends[..columns],
        })
    }

    /// Reads more; false at the end of the input.
    fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.next -= self.start;
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + READ, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        let read = read?;
        self.bytes += read as u64;
        self.at_end = read == 0;
        Ok(read > 0)
    }

    fn skip_bom(&mut self) -> io::Result<()> {
        while self.buffer.len() < BOM.len() && self.fill()? {}
        if self.buffer.starts_with(BOM) {
            self.start = BOM.len();
            self.next = BOM.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::{MAX_RECORD, READ, Records};

    /// Repeats `line` for `left` bytes.
    struct Lines {
        line: &'static [u8],
        next: usize,
        left: usize,
    }

    impl Read for Lines {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.left);
            for byte in &mut buffer[..length] {
                *byte = self.line[self.next];
                self.next = (self.next + 1) % self.line.len();
            }
            self.left -= length;
            Ok(length)
        }
    }

    /// The most bytes the buffer had while 16 MiB of `line` were read.
    fn most_buffered(line: &'static [u8]) -> usize {
        let input = Lines {
            line,
            next: 0,
            left: 16 * MAX_RECORD,
        };
        let mut records = Records::new(input, b',');
        let mut most = 0;
        while records.next().unwrap().is_some() {
            most = most.max(records.buffer.capacity());
        }
        most
    }

    #[test]
    fn a_large_file_is_read_in_a_small_buffer() {
        assert_eq!(most_buffered(b"1,some text,2\n"), 2 * READ);
    }

    #[test]
    fn a_row_that_never_ends_does_not_fill_the_memory() {
        assert!(most_buffered(b"x") <= 2 * MAX_RECORD + 2 * READ);
        assert!(most_buffered(b"\"x\n,") <= 2 * MAX_RECORD + 2 * READ);
    }
}
