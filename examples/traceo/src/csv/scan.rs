//! Finds where a record ends, byte by byte, over as many reads as it takes.
//!
//! `csv-core` accepts anything: it ends an open quote at the end of the file and says nothing of
//! text after a closing one. What a person needs to hear about is decided here.

/// The state of one record that is being scanned.
#[derive(Debug)]
pub(super) struct Scanner {
    delimiter: u8,
    /// Whether a quoted field may hold a line break.
    quotes_span_lines: bool,
    state: State,
    /// The field the scanner is in, from 1.
    column: u64,
    /// Line breaks inside the record so far.
    line_breaks: u64,
    open: Open,
    /// The first quoted field of the record that spans lines.
    spanning: Option<Open>,
}

/// The quoted field seen last.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    column: u64,
    line_breaks: u64,
    /// Offset of the line after the one where the quote opened.
    next_line: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    FieldStart,
    Unquoted,
    Quoted,
    /// At a quote inside a quoted field: its end, or the first half of `""`.
    Quote,
}

/// What a byte did to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Inside,
    /// The byte is the line break that ends the record.
    End,
    /// The record cannot be read.
    Broken(Broken),
}

/// Why a record cannot be read, and where reading can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) unterminated: bool,
    pub(super) column: u64,
    /// Line breaks between the start of the record and the mistake.
    pub(super) line_breaks: u64,
    /// Where the next record starts, if the scanner has been past it.
    pub(super) resume: Option<usize>,
}

impl Scanner {
    pub(super) fn new(delimiter: u8, quotes_span_lines: bool) -> Self {
        Self {
            delimiter,
            quotes_span_lines,
            state: State::FieldStart,
            column: 1,
            line_breaks: 0,
            open: Open::default(),
            spanning: None,
        }
    }

    pub(super) fn column(&self) -> u64 {
        self.column
    }

    pub(super) fn line_breaks(&self) -> u64 {
        self.line_breaks
    }

    /// Takes the byte at `offset` of the record.
    pub(super) fn step(&mut self, byte: u8, offset: usize) -> Step {
        match self.state {
            State::Quoted => self.step_quoted(byte, offset),
            State::FieldStart if byte == b'"' => {
                self.state = State::Quoted;
                self.open = Open {
                    column: self.column,
                    line_breaks: self.line_breaks,
                    next_line: None,
                };
                Step::Inside
            }
            State::Quote if byte == b'"' => {
                self.state = State::Quoted;
                Step::Inside
            }
            _ if byte == self.delimiter => {
                self.state = State::FieldStart;
                self.column += 1;
                Step::Inside
            }
            _ if byte == b'\n' || byte == b'\r' => Step::End,
            // A field that spans lines and then goes on behind its quote is nearly always a quote
            // that was never closed and ran into the next quoted field.
            State::Quote => Step::Broken(Broken {
                unterminated: self.open.next_line.is_some(),
                ..Broken::at(&self.open)
            }),
            State::FieldStart | State::Unquoted => {
                self.state = State::Unquoted;
                Step::Inside
            }
        }
    }

    fn step_quoted(&mut self, byte: u8, offset: usize) -> Step {
        match byte {
            b'"' => self.state = State::Quote,
            b'\n' => {
                self.line_breaks += 1;
                self.open.next_line.get_or_insert(offset + 1);
                self.spanning.get_or_insert(self.open);
                if !self.quotes_span_lines {
                    return Step::Broken(Broken::at(&self.open));
                }
            }
            _ => {}
        }
        Step::Inside
    }

    /// What is wrong if the input ends where the scanner is: nothing, or an open quote.
    pub(super) fn broken_at_end(&self) -> Option<Broken> {
        (self.state == State::Quoted).then(|| Broken::at(&self.open))
    }

    /// What is wrong if the record gets too long: the first quote that spans lines, if any.
    pub(super) fn broken_by_length(&self) -> Option<Broken> {
        let spanning = self.spanning.as_ref().map(Broken::at);
        spanning.or_else(|| self.broken_at_end())
    }
}

impl Broken {
    fn at(open: &Open) -> Self {
        Self {
            unterminated: true,
            column: open.column,
            line_breaks: open.line_breaks,
            resume: open.next_line,
        }
    }
}
