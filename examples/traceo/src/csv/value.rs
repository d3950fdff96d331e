//! Types of cells.

use serde::{Deserialize, Serialize};

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ColumnType {
    Integer,
    Float,
    Boolean,
    Date,
    Text,
}

impl ColumnType {
    /// From the narrowest to the widest: the first that all values of a column fit is its type.
    pub(crate) const ALL: [Self; 5] = [
        Self::Integer,
        Self::Float,
        Self::Boolean,
        Self::Date,
        Self::Text,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Text => "text",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether `cell`, trimmed and not empty, is a value of this type.
    pub(crate) fn fits(self, cell: &str) -> bool {
        match self {
            Self::Integer => integer(cell).is_some(),
            Self::Float => float(cell).is_some(),
            Self::Boolean => is_boolean(cell),
            Self::Date => is_date(cell),
            Self::Text => true,
        }
    }
}

pub(super) fn integer(cell: &str) -> Option<i64> {
    if is_code(cell) {
        return None;
    }
    cell.parse().ok()
}

pub(super) fn float(cell: &str) -> Option<f64> {
    // `inf`, `nan` and `infinity` parse as floats and are words here.
    let last = cell.as_bytes().last()?;
    if is_code(cell) || !(last.is_ascii_digit() || *last == b'.') {
        return None;
    }
    cell.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Whether the cell is a code such as `00501`, which a number would lose the zeros of.
fn is_code(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['-', '+']).as_bytes();
    matches!(digits, [b'0', second, ..] if second.is_ascii_digit())
}

fn is_boolean(cell: &str) -> bool {
    ["true", "false", "yes", "no"]
        .iter()
        .any(|word| cell.eq_ignore_ascii_case(word))
}

/// Whether the cell starts with a date such as `2026-11-20` or `2026/11/20`, alone or with a time.
fn is_date(cell: &str) -> bool {
    let Some((day, rest)) = cell.as_bytes().split_at_checked(10) else {
        return false;
    };
    let [y1, y2, y3, y4, dash, m1, m2, dash2, d1, d2] = day else {
        return false;
    };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
    if dash != dash2 || !b"-/".contains(dash) || !digits.iter().all(|d| d.is_ascii_digit()) {
        return false;
    }
    let number = |tens: &u8, ones: &u8| (tens - b'0') * 10 + (ones - b'0');
    (1..=12).contains(&number(m1, m2))
        && (1..=31).contains(&number(d1, d2))
        && (rest.is_empty() || is_time(rest))
}

/// Whether the bytes are ` 12:34`, `T12:34:56.789Z`, `T12:34:56+01:00` or so.
fn is_time(bytes: &[u8]) -> bool {
    matches!(bytes, [b'T' | b' ', h1, h2, b':', m1, m2, rest @ ..]
        if [h1, h2, m1, m2].iter().all(|d| d.is_ascii_digit())
            && rest.iter().all(|b| b.is_ascii_digit() || b":.+-Z".contains(b)))
}

#[cfg(test)]
mod tests {
    use super::ColumnType;

    fn narrowest(cell: &str) -> &'static str {
        let fits = ColumnType::ALL.into_iter().find(|kind| kind.fits(cell));
        fits.expect("anything is text").as_str()
    }

    #[test]
    fn a_cell_gets_the_narrowest_type_it_fits() {
        let cells = [
            ("0", "integer"),
            ("-17", "integer"),
            ("9223372036854775807", "integer"),
            ("9223372036854775808", "float"),
            ("1.5", "float"),
            ("-.5e-3", "float"),
            ("0.25", "float"),
            ("TRUE", "boolean"),
            ("no", "boolean"),
            ("2026-11-20", "date"),
            ("2026/11/20", "date"),
            ("2026-11-20T10:11:12.5Z", "date"),
            ("2026-11-20 10:11", "date"),
        ];
        for (cell, kind) in cells {
            assert_eq!(narrowest(cell), kind, "{cell}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_or_a_date_is_text() {
        let cells = [
            "00501",
            "-007",
            "NaN",
            "inf",
            "1e999",
            "1,5",
            "0x10",
            "2026-13-01",
            "2026-11-32",
            "2026-11/20",
            "20-11-2026",
            "2026-11-20x",
            "Jan 1 2000",
            "é",
        ];
        for cell in cells {
            assert_eq!(narrowest(cell), "text", "{cell}");
        }
    }
}
