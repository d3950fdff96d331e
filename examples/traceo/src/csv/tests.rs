//! Broken files, whole: what is reported, where, and which rows are kept.

use std::io::{self, Read};

use super::{Batch, ColumnType, CsvErrorKind, DeclaredColumn, Ending, Layout, Summary, read};
use CsvErrorKind as Kind;

struct Outcome {
    rows: Vec<(u64, Vec<String>)>,
    /// Kind, row, line and column.
    errors: Vec<(CsvErrorKind, u64, u64, u64)>,
    rejected: u64,
    summary: Summary,
}

impl Outcome {
    fn first_cells(&self) -> Vec<&str> {
        let cells = self.rows.iter().map(|(_, cells)| cells[0].as_str());
        cells.collect()
    }

    fn names(&self) -> Vec<&str> {
        let columns = self.summary.columns.iter();
        columns.map(|column| column.name.as_str()).collect()
    }

    fn unusable(&self) -> Option<CsvErrorKind> {
        match &self.summary.ending {
            Ending::Unusable(error) => Some(error.kind),
            _ => None,
        }
    }
}

fn import_as(input: impl Read, layout: Layout) -> Outcome {
    let (mut rows, mut errors, mut rejected) = (Vec::new(), Vec::new(), 0);
    let summary = read(input, layout, |batch: Batch| {
        for row in batch.rows {
            let cells: Vec<String> = serde_json::from_str(&row.cells).unwrap();
            rows.push((row.number, cells));
        }
        let places = batch.errors.iter().map(|error| {
            let at = error.at;
            (error.kind, at.row, at.line, at.column)
        });
        errors.extend(places);
        rejected += batch.rejected;
        true
    });
    Outcome {
        rows,
        errors,
        rejected,
        summary,
    }
}

fn import(content: impl AsRef<[u8]>) -> Outcome {
    import_as(content.as_ref(), Layout::default())
}

#[test]
fn one_column_is_a_table_too_however_long_its_rows_grow() {
    let outcome = import("name\nbob\nalexander\n\nconstantine the great\n");
    assert_eq!(outcome.errors, []);
    assert_eq!(outcome.names(), ["name"]);
    assert_eq!(
        outcome.first_cells(),
        ["bob", "alexander", "constantine the great"]
    );
}

/// Gives its bytes out in pieces of one.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(&mut buffer[..1])
    }
}

#[test]
fn a_good_file_is_kept_whole_with_types_found_out() {
    let outcome = import(
        "city,people,since,open\nKyiv,2950000,0482-05-31,yes\n\"Lviv, UA\",717500,1256-01-01,no\n",
    );
    assert_eq!(outcome.errors, []);
    assert_eq!(outcome.rows[1].0, 3);
    assert_eq!(
        outcome.rows[1].1,
        ["Lviv, UA", "717500", "1256-01-01", "no"]
    );
    let kinds = outcome.summary.columns.iter().map(|column| column.kind);
    let expected = [
        ColumnType::Text,
        ColumnType::Integer,
        ColumnType::Date,
        ColumnType::Boolean,
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_of_one_column_whose_rows_get_longer_keeps_every_cell() {
    let outcome = import("n\n10\n200\nthree");
    assert_eq!(outcome.errors, []);
    assert_eq!(outcome.names(), ["n"]);
    assert_eq!(outcome.first_cells(), ["10", "200", "three"]);
}

#[test]
fn line_ends_a_byte_order_mark_and_the_size_of_reads_change_nothing() {
    let plain = "a,b\n1,\"x\ny\"\n\n2,\"q\"\"q\"\n3,";
    let expected = import(plain);
    assert_eq!(expected.rows[0].1, ["1", "x\ny"]);
    assert_eq!(expected.rows[1].1, ["2", "q\"q"]);
    assert_eq!(expected.rows[2].1, ["3", ""]);
    let crlf = plain.replace('\n', "\r\n").replace("x\r\ny", "x\ny");
    let variants = [
        format!("\u{feff}{plain}"),
        format!("{plain}\n"),
        crlf,
        format!("\u{feff}{plain}\r\n"),
        plain.replace('\n', "\r").replace("x\ry", "x\ny"),
    ];
    for variant in variants {
        let layout = Layout::default();
        let dripped = import_as(Drops(variant.as_bytes()), layout);
        for outcome in [import(&variant), dripped] {
            assert_eq!(outcome.rows, expected.rows, "{variant:?}");
            assert_eq!(outcome.names(), ["a", "b"], "{variant:?}");
            assert_eq!(outcome.errors, [], "{variant:?}");
        }
    }
}

#[test]
fn a_row_of_the_wrong_length_is_rejected_at_its_first_missing_or_extra_column() {
    let outcome = import("a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n");
    let expected = [
        (Kind::WrongColumnCount, 3, 3, 3),
        (Kind::WrongColumnCount, 4, 4, 4),
    ];
    assert_eq!(outcome.errors, expected);
    assert_eq!(outcome.rejected, 2);
    assert_eq!(outcome.first_cells(), ["1", "10"]);
    assert!(matches!(outcome.summary.ending, Ending::Complete));
}

#[test]
fn bytes_that_are_not_utf_8_reject_their_row_only() {
    let outcome = import(b"a,b\n1,ok\n2,\xff\xfe\n3,\xc3\xa9\n");
    assert_eq!(outcome.errors, [(Kind::InvalidUtf8, 3, 3, 2)]);
    assert_eq!(outcome.first_cells(), ["1", "3"]);
}

#[test]
fn a_header_that_is_not_utf_8_is_reported_and_the_rows_are_kept() {
    let outcome = import(b"a,b\xff\n1,2\n");
    assert_eq!(outcome.errors, [(Kind::InvalidUtf8, 1, 1, 2)]);
    assert_eq!((outcome.rejected, outcome.rows.len()), (0, 1));
}

#[test]
fn an_empty_file_is_unusable() {
    for content in ["", "\u{feff}", "\n\r\n\n"] {
        let outcome = import(content);
        assert_eq!(outcome.unusable(), Some(Kind::EmptyFile), "{content:?}");
        assert_eq!(outcome.errors, [(Kind::EmptyFile, 1, 1, 1)], "{content:?}");
    }
}

#[test]
fn a_file_of_a_header_alone_has_columns_and_no_rows() {
    let outcome = import("a,b");
    assert!(matches!(outcome.summary.ending, Ending::Complete));
    assert_eq!(outcome.names(), ["a", "b"]);
    assert_eq!((outcome.errors.len(), outcome.rows.len()), (0, 0));
}

#[test]
fn a_missing_header_is_reported_and_its_row_kept_as_data() {
    let outcome = import("1,2.5\n3,4\n");
    assert_eq!(outcome.errors, [(Kind::MissingHeader, 1, 1, 1)]);
    assert_eq!(outcome.names(), ["column_1", "column_2"]);
    assert_eq!(outcome.first_cells(), ["1", "3"]);
}

#[test]
fn a_file_declared_to_have_no_header_is_all_data() {
    let layout = Layout {
        has_header: false,
        ..Layout::default()
    };
    let outcome = import_as(&b"x,1\ny,2\n"[..], layout);
    assert_eq!(outcome.errors, []);
    assert_eq!(outcome.first_cells(), ["x", "y"]);
}

#[test]
fn unnamed_and_duplicate_columns_are_reported_and_renamed() {
    let outcome = import("a,,a,a_3\n1,2,3,4\n");
    let expected = [
        (Kind::MissingHeader, 1, 1, 2),
        (Kind::DuplicateHeader, 1, 1, 3),
        (Kind::DuplicateHeader, 1, 1, 4),
    ];
    assert_eq!(outcome.errors, expected);
    assert_eq!(outcome.names(), ["a", "column_2", "a_3", "a_3_4"]);
    assert_eq!((outcome.rejected, outcome.rows.len()), (0, 1));
}

#[test]
fn a_quote_without_an_end_is_named_where_it_opened_and_costs_one_row() {
    let outcome = import("a,b\n1,x\n2,\"y\n3,z\n4,w\n");
    assert_eq!(outcome.errors, [(Kind::UnterminatedQuote, 3, 3, 2)]);
    assert_eq!(outcome.first_cells(), ["1", "3", "4"]);
}

#[test]
fn two_quotes_without_an_end_cost_two_rows() {
    let outcome = import("a,b\n1,\"x\n2,y\n3,\"z\n4,w\n");
    let expected = [
        (Kind::UnterminatedQuote, 2, 2, 2),
        (Kind::UnterminatedQuote, 4, 4, 2),
    ];
    assert_eq!(outcome.errors, expected);
    assert_eq!(outcome.first_cells(), ["2", "4"]);
}

#[test]
fn an_open_quote_on_the_last_line_costs_that_line() {
    let outcome = import("a,b\n1,x\n2,\"y");
    assert_eq!(outcome.errors, [(Kind::UnterminatedQuote, 3, 3, 2)]);
    assert_eq!(outcome.first_cells(), ["1"]);
}

#[test]
fn lines_are_counted_through_quoted_line_breaks_and_blank_lines() {
    let outcome = import("a,b\n1,\"x\ny\"\n\n2\n3,\"p\nq\",\"r\ns\n4,z\n");
    let expected = [
        (Kind::WrongColumnCount, 3, 5, 2),
        (Kind::UnterminatedQuote, 4, 7, 3),
        (Kind::WrongColumnCount, 5, 8, 2),
    ];
    assert_eq!(outcome.errors, expected);
    assert_eq!(outcome.first_cells(), ["1", "4"]);
}

#[test]
fn text_behind_a_closing_quote_rejects_its_line_only() {
    let outcome = import("a,b\n1,x\n\"2\"2,\"y\"\n3,z\n");
    assert_eq!(outcome.errors, [(Kind::StrayQuote, 3, 3, 1)]);
    assert_eq!(outcome.first_cells(), ["1", "3"]);
}

#[test]
fn a_quote_inside_an_unquoted_field_is_text() {
    let outcome = import("a,b\n5\" pipe,x\n");
    assert_eq!(outcome.errors, []);
    assert_eq!(outcome.first_cells(), ["5\" pipe"]);
}

#[test]
fn an_open_quote_in_the_header_leaves_the_rows_readable() {
    let outcome = import("a,\"b\n1,2\n");
    assert_eq!(outcome.errors, [(Kind::UnterminatedQuote, 1, 1, 2)]);
    assert_eq!(outcome.names(), ["column_1", "column_2"]);
    assert_eq!(outcome.first_cells(), ["1"]);
}

#[test]
fn a_file_without_one_good_row_is_unusable() {
    let outcome = import("a,b\n1\n\"\n");
    assert_eq!(outcome.unusable(), Some(Kind::WrongColumnCount));
    assert_eq!(outcome.rejected, 2);
}

#[test]
fn a_value_that_is_not_of_the_declared_type_rejects_its_row() {
    let layout = Layout {
        declared: vec![DeclaredColumn {
            name: "b".into(),
            kind: ColumnType::Float,
        }],
        ..Layout::default()
    };
    let outcome = import_as(&b"a,b\n1,2\n2,many\n3,\n"[..], layout);
    assert_eq!(outcome.errors, [(Kind::TypeMismatch, 3, 3, 2)]);
    assert_eq!(outcome.first_cells(), ["1", "3"]);
    assert_eq!(outcome.summary.columns[1].kind, ColumnType::Float);
}

#[test]
fn another_delimiter_can_be_named() {
    let layout = Layout {
        delimiter: b';',
        ..Layout::default()
    };
    let outcome = import_as(&b"a;b\n1,5;2\n"[..], layout);
    assert_eq!(outcome.rows[0].1, ["1,5", "2"]);
}

#[test]
fn reading_stops_when_no_more_is_wanted() {
    let content = "a\n".to_owned() + &"1\n".repeat(10_000);
    let mut batches = 0;
    let summary = read(content.as_bytes(), Layout::default(), |_| {
        batches += 1;
        batches < 3
    });
    assert!(matches!(summary.ending, Ending::Stopped));
    assert!(batches <= 4, "{batches}");
}

#[test]
fn an_open_quote_in_a_large_file_is_given_up_after_a_mebibyte_and_costs_one_row() {
    let content = "a,b\n1,\"x\n".to_owned() + &"2,y\n".repeat(700_000) + "3,z";
    let outcome = import(&content);
    assert_eq!(outcome.errors, [(Kind::UnterminatedQuote, 2, 2, 2)]);
    assert_eq!(outcome.rows.len(), 700_001);
}

#[test]
fn a_row_of_more_than_a_mebibyte_is_rejected_where_it_got_too_long() {
    let content = format!(
        "a,b\n1,{}\n2,\"{}\n3,z\n",
        "x".repeat(3 << 20),
        "y".repeat(3 << 20)
    );
    let outcome = import(&content);
    let expected = [
        (Kind::RowTooLong, 2, 2, 2),
        (Kind::UnterminatedQuote, 3, 3, 2),
    ];
    assert_eq!(outcome.errors, expected);
    assert_eq!(outcome.first_cells(), ["3"]);
}

#[test]
fn a_row_of_too_many_columns_is_rejected() {
    let outcome = import(format!("a,b\n{}\n1,2\n", ",".repeat(2000)));
    assert_eq!(outcome.errors, [(Kind::TooManyColumns, 2, 2, 1025)]);
    assert_eq!(outcome.first_cells(), ["1"]);
}

#[test]
fn a_file_with_an_open_quote_on_every_line_is_read_in_linear_time() {
    let lines = 200_000;
    let outcome = import("a,b,c\n".to_owned() + &"x\",y,\"z\n".repeat(lines));
    assert_eq!(outcome.rejected, lines as u64);
    assert!(
        outcome
            .errors
            .iter()
            .all(|error| error.0 == Kind::UnterminatedQuote)
    );
}
