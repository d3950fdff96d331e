//! The cells of a site's errors, one row for each type of error.

use std::sync::{PoisonError, RwLock};

use super::outcome::ErrorKind;
use crate::label::clamp;
use crate::metric::{Cells, Totals};

/// Says which kinds of errors a site's return type can have, if the type lists them.
pub(super) type Probe = fn() -> Option<&'static [&'static str]>;

/// Rows are made when their type of error is first known; they are bounded by the source.
pub(super) struct ErrorRows {
    rows: RwLock<Vec<Row>>,
}

#[derive(Clone, Copy)]
struct Row {
    values: &'static [&'static str],
    cells: &'static Cells,
}

impl ErrorRows {
    pub(super) const fn new() -> Self {
        Self {
            rows: RwLock::new(Vec::new()),
        }
    }

    pub(super) fn count(&self, kind: ErrorKind) {
        if let Some(cells) = self.row(kind.values) {
            cells.add(clamp(kind.index, kind.values.len()), 1);
        }
    }

    /// Returns the row of a list of kinds; the same list may stand at several addresses.
    fn row(&self, values: &'static [&'static str]) -> Option<&'static Cells> {
        let find = |rows: &[Row]| {
            rows.iter()
                .find(|row| std::ptr::eq(row.values, values) || row.values == values)
                .map(|row| row.cells)
        };
        if values.is_empty() {
            return None;
        }
        if let Some(cells) = find(&self.rows.read().unwrap_or_else(PoisonError::into_inner)) {
            return Some(cells);
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cells) = find(&rows) {
            return Some(cells);
        }
        let cells = Cells::leak(values.len());
        rows.push(Row { values, cells });
        Some(cells)
    }

    /// Shows the counts, those of `known` kinds before the first error as well.
    pub(super) fn collect(
        &self,
        known: Option<&'static [&'static str]>,
        totals: &Totals,
        mut each: impl FnMut(&'static str, u64),
    ) {
        if let Some(values) = known {
            self.row(values);
        }
        let rows = self
            .rows
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for row in rows {
            for (kind, count) in row.values.iter().zip(totals.of(row.cells)) {
                each(kind, count);
            }
        }
    }
}
