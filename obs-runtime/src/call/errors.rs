//! The cells of a site's errors, one row for each type of error.

use std::sync::{OnceLock, PoisonError, RwLock};

use super::outcome::ErrorKind;
use crate::label::clamp;
use crate::metric::{Cells, Totals};

/// Says which kinds of errors a site's return type can have, if the type lists them.
pub(super) type Probe = fn() -> Option<&'static [&'static str]>;

/// Rows are made when their type of error is first known; they are bounded by the source.
pub(crate) struct ErrorRows {
    /// The only row of nearly every site: found without a lock, which would be one cache line
    /// for all the threads that have errors to count.
    first: OnceLock<Row>,
    others: RwLock<Vec<Row>>,
}

#[derive(Clone, Copy)]
struct Row {
    values: &'static [&'static str],
    cells: &'static Cells,
}

impl Row {
    fn new(values: &'static [&'static str]) -> Self {
        Self {
            values,
            cells: Cells::leak(values.len()),
        }
    }

    /// The same list may stand at several addresses.
    fn is_of(&self, values: &'static [&'static str]) -> bool {
        std::ptr::eq(self.values, values) || self.values == values
    }
}

impl ErrorRows {
    pub(crate) const fn new() -> Self {
        Self {
            first: OnceLock::new(),
            others: RwLock::new(Vec::new()),
        }
    }

    pub(crate) fn count(&self, kind: ErrorKind) {
        if let Some(cells) = self.row(kind.values) {
            cells.add(clamp(kind.index, kind.values.len()), 1);
        }
    }

    /// Shows these kinds from now on, before the first error of one of them.
    #[cfg(feature = "http")]
    pub(crate) fn expect(&self, values: &'static [&'static str]) {
        self.row(values);
    }

    /// Returns the row of a list of kinds.
    fn row(&self, values: &'static [&'static str]) -> Option<&'static Cells> {
        if values.is_empty() {
            return None;
        }
        let first = self.first.get_or_init(|| Row::new(values));
        if first.is_of(values) {
            return Some(first.cells);
        }
        let find = |rows: &[Row]| {
            rows.iter()
                .find(|row| row.is_of(values))
                .map(|row| row.cells)
        };
        if let Some(cells) = find(&self.others.read().unwrap_or_else(PoisonError::into_inner)) {
            return Some(cells);
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(cells) = find(&others) {
            return Some(cells);
        }
        let row = Row::new(values);
        others.push(row);
        Some(row.cells)
    }

    /// Shows the counts, those of `known` kinds before the first error as well.
    pub(crate) fn collect(
        &self,
        known: Option<&'static [&'static str]>,
        totals: &Totals,
        mut each: impl FnMut(&'static str, u64),
    ) {
        if let Some(values) = known {
            self.row(values);
        }
        let others = self
            .others
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for row in self.first.get().copied().into_iter().chain(others) {
            for (kind, count) in row.values.iter().zip(totals.of(row.cells)) {
                each(kind, count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, ErrorRows};
    use crate::metric::Totals;

    #[test]
    fn a_generic_function_with_several_types_of_errors_counts_each_in_its_own_row() {
        let rows: &'static ErrorRows = Box::leak(Box::new(ErrorRows::new()));
        let lists: [&'static [&'static str]; 3] = [&["a", "b"], &["c"], &["d", "e"]];
        for (times, values) in lists.into_iter().enumerate() {
            for _ in 0..=times {
                rows.count(ErrorKind { values, index: 0 });
            }
        }
        // The same list at another address, as another crate would have it.
        let again: &'static [&'static str] = Box::leak(Box::new(["a", "b"]));
        rows.count(ErrorKind {
            values: again,
            index: 1,
        });
        let mut counts = Vec::new();
        rows.collect(None, &Totals::now(), |kind, count| {
            counts.push((kind, count));
        });
        assert_eq!(counts, [("a", 1), ("b", 1), ("c", 2), ("d", 3), ("e", 0)]);
    }
}
