//! What is known of a column after one pass, in constant memory.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::value::{self, ColumnType};

/// Distinct values that are counted exactly; beyond, their number is estimated to about 2 %.
pub(crate) const DISTINCT_EXACT: usize = 4096;
/// Bytes of a text that are kept as minimum or maximum.
const MAX_TEXT: usize = 200;

/// The statistics of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct ColumnStats {
    /// The column's name in the header.
    pub(crate) name: String,
    /// The type that all values of the column have.
    #[serde(rename = "type")]
    pub(crate) kind: ColumnType,
    /// Rows with a value.
    pub(crate) count: i64,
    /// Rows where the cell is empty.
    pub(crate) nulls: i64,
    /// Different values.
    pub(crate) distinct: i64,
    /// Whether `distinct` was counted; if not, it is an estimate.
    pub(crate) distinct_is_exact: bool,
    /// The least value.
    pub(crate) min: Option<String>,
    /// The greatest value.
    pub(crate) max: Option<String>,
    /// The mean of a column of numbers.
    pub(crate) mean: Option<f64>,
}

/// A column that is being read.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    /// The types that all values fit so far.
    fits: [bool; ColumnType::ALL.len()],
    declared: Option<ColumnType>,
    count: i64,
    nulls: i64,
    distinct: Distinct,
    integers: Range<i64>,
    floats: Range<f64>,
    texts: Range<String>,
    sum: f64,
}

impl Column {
    pub(super) fn new(name: String, declared: Option<ColumnType>) -> Self {
        Self {
            name,
            fits: [true; ColumnType::ALL.len()],
            declared,
            count: 0,
            nulls: 0,
            distinct: Distinct::default(),
            integers: Range::default(),
            floats: Range::default(),
            texts: Range::default(),
            sum: 0.0,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The declared type, if `cell` is not a value of it.
    pub(super) fn mismatch(&self, cell: &str) -> Option<ColumnType> {
        let cell = cell.trim();
        self.declared
            .filter(|kind| !cell.is_empty() && !kind.fits(cell))
    }

    pub(super) fn add(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            self.nulls += 1;
            return;
        }
        self.count += 1;
        for (fits, kind) in self.fits.iter_mut().zip(ColumnType::ALL) {
            *fits = *fits && kind.fits(cell);
        }
        self.distinct.add(cell);
        if let Some(integer) = value::integer(cell) {
            self.integers.add(&integer);
        }
        if let Some(float) = value::float(cell) {
            self.floats.add(&float);
            self.sum += float;
        }
        self.texts.add(prefix(cell));
    }

    pub(super) fn finish(self) -> ColumnStats {
        let kind = self.kind();
        let (distinct, distinct_is_exact) = self.distinct.finish();
        let (min, max) = match kind {
            ColumnType::Integer => self.integers.to_strings(),
            ColumnType::Float => self.floats.to_strings(),
            ColumnType::Boolean | ColumnType::Date | ColumnType::Text => self.texts.to_strings(),
        };
        let is_number = matches!(kind, ColumnType::Integer | ColumnType::Float);
        #[expect(clippy::cast_precision_loss, reason = "a mean is no exact number")]
        let mean = (is_number && self.count > 0).then(|| self.sum / self.count as f64);
        ColumnStats {
            name: self.name,
            kind,
            count: self.count,
            nulls: self.nulls,
            distinct,
            distinct_is_exact,
            min,
            max,
            mean,
        }
    }

    fn kind(&self) -> ColumnType {
        if let Some(declared) = self.declared {
            return declared;
        }
        if self.count == 0 {
            return ColumnType::Text;
        }
        let mut kinds = ColumnType::ALL.into_iter().zip(self.fits);
        let narrowest = kinds.find_map(|(kind, fits)| fits.then_some(kind));
        narrowest.unwrap_or(ColumnType::Text)
    }
}

/// The start of a text, cut between two characters.
fn prefix(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[derive(Debug)]
struct Range<T>(Option<(T, T)>);

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Range<T> {
    fn add<B>(&mut self, value: &B)
    where
        B: ToOwned<Owned = T> + PartialOrd + ?Sized,
        T: std::borrow::Borrow<B>,
    {
        let Some((min, max)) = &mut self.0 else {
            self.0 = Some((value.to_owned(), value.to_owned()));
            return;
        };
        if value < (*min).borrow() {
            *min = value.to_owned();
        } else if value > (*max).borrow() {
            *max = value.to_owned();
        }
    }

    fn to_strings(&self) -> (Option<String>, Option<String>)
    where
        T: ToString,
    {
        let Some((min, max)) = &self.0 else {
            return (None, None);
        };
        (Some(min.to_string()), Some(max.to_string()))
    }
}

/// Counts different values by the least of their hashes (k minimum values).
#[derive(Debug, Default)]
struct Distinct {
    least: BTreeSet<u64>,
    overflowed: bool,
}

impl Distinct {
    fn add(&mut self, cell: &str) {
        let mut hasher = DefaultHasher::new();
        cell.hash(&mut hasher);
        let hash = hasher.finish();
        if self.least.len() == DISTINCT_EXACT {
            let greatest = self.least.last().is_some_and(|greatest| hash >= *greatest);
            if greatest {
                self.overflowed |= !self.least.contains(&hash);
                return;
            }
        }
        self.least.insert(hash);
        if self.least.len() > DISTINCT_EXACT {
            self.least.pop_last();
            self.overflowed = true;
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "an estimate; and no set holds more than i64::MAX values"
    )]
    fn finish(self) -> (i64, bool) {
        let Some(greatest) = self.least.last().filter(|_| self.overflowed) else {
            return (self.least.len() as i64, true);
        };
        let share = *greatest as f64 / u64::MAX as f64;
        (((DISTINCT_EXACT - 1) as f64 / share).round() as i64, false)
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, ColumnStats, DISTINCT_EXACT};

    fn stats(cells: impl IntoIterator<Item = String>) -> ColumnStats {
        let mut column = Column::new("c".into(), None);
        for cell in cells {
            column.add(&cell);
        }
        column.finish()
    }

    #[test]
    fn distinct_values_are_exact_up_to_the_cap() {
        let cells = (0..3 * DISTINCT_EXACT).map(|n| (n % DISTINCT_EXACT).to_string());
        let stats = stats(cells);
        assert_eq!((stats.distinct, stats.distinct_is_exact), (4096, true));
    }

    #[test]
    fn distinct_values_are_estimated_beyond_the_cap() {
        let stats = stats((0..50_000).map(|n| n.to_string()));
        assert!(!stats.distinct_is_exact);
        assert!((45_000..55_000).contains(&stats.distinct), "{stats:?}");
    }

    #[test]
    fn integers_keep_their_exact_bounds_and_numbers_have_a_mean() {
        let stats = stats(["9007199254740993", "", " 1 "].map(String::from));
        assert_eq!(stats.kind.as_str(), "integer");
        assert_eq!(stats.min.as_deref(), Some("1"));
        assert_eq!(stats.max.as_deref(), Some("9007199254740993"));
        assert_eq!((stats.count, stats.nulls), (2, 1));
        assert!(stats.mean.is_some());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let stats = stats(["é".repeat(500)]);
        assert_eq!(stats.max.map(|max| max.len()), Some(200));
    }
}
