//! The names of the columns.

use std::collections::HashSet;

use super::error::{CsvError, CsvErrorKind};
use super::read::DeclaredColumn;
use super::records::Record;
use super::stats::Column;
use super::value::{self, ColumnType};

/// Whether a first row is data: every field of it is a number.
pub(super) fn looks_like_data(record: &Record<'_>) -> bool {
    record.fields().all(|field| {
        std::str::from_utf8(field).is_ok_and(|field| value::float(field.trim()).is_some())
    })
}

/// Names columns after the header; a column without a usable name gets one, and an error.
pub(super) fn columns(
    header: &Record<'_>,
    declared: &[DeclaredColumn],
) -> (Vec<Column>, Vec<CsvError>) {
    let mut errors = Vec::new();
    let mut taken = HashSet::new();
    let columns = header.fields().enumerate().map(|(index, field)| {
        let mut report = |kind, message: String| {
            errors.push(CsvError::new(kind, header.at(index), message));
        };
        let name = String::from_utf8_lossy(field).trim().to_owned();
        if std::str::from_utf8(field).is_err() {
            report(
                CsvErrorKind::InvalidUtf8,
                format!("the name is not UTF-8; it is read as `{name}`"),
            );
        }
        let name = if name.is_empty() {
            let name = unused(&taken, &format!("column_{}", index + 1));
            let message = format!("the column has no name; it is called `{name}`");
            report(CsvErrorKind::MissingHeader, message);
            name
        } else if taken.contains(&name) {
            let other = unused(&taken, &format!("{name}_{}", index + 1));
            let message =
                format!("another column is called `{name}`; this one is called `{other}`");
            report(CsvErrorKind::DuplicateHeader, message);
            other
        } else {
            name
        };
        taken.insert(name.clone());
        Column::new(name.clone(), declared_type(declared, &name))
    });
    (columns.collect(), errors)
}

/// Names the columns of a file that does not.
pub(super) fn numbered(columns: usize, declared: &[DeclaredColumn]) -> Vec<Column> {
    let names = (1..=columns).map(|number| format!("column_{number}"));
    names
        .map(|name| {
            let kind = declared_type(declared, &name);
            Column::new(name, kind)
        })
        .collect()
}

fn declared_type(declared: &[DeclaredColumn], name: &str) -> Option<ColumnType> {
    let column = declared.iter().find(|column| column.name == name)?;
    Some(column.kind)
}

fn unused(taken: &HashSet<String>, wish: &str) -> String {
    let mut name = wish.to_owned();
    while taken.contains(&name) {
        name.push('_');
    }
    name
}
