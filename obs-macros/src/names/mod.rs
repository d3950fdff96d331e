//! The grammar of names: metrics, labels, label values. Pure functions on text.

mod case;
mod convention;
mod unbounded;

pub(crate) use case::{Case, snake};
pub(crate) use convention::{
    BASE_UNITS, base_unit, family, is_measured, kind_word, reserved_suffix, stem, wrong_unit,
};
pub(crate) use unbounded::is_unbounded;

/// The longest name of a metric or a label.
pub(crate) const MAX_NAME: usize = 128;

/// The longest label value.
pub(crate) const MAX_VALUE: usize = 128;

/// Labels that Prometheus itself sets: on histograms and summaries, and on every scrape.
pub(crate) const RESERVED_LABELS: [&str; 4] = ["le", "quantile", "job", "instance"];

/// Returns the first character that a snake case name cannot have, with its position from 1.
pub(crate) fn odd_character(name: &str) -> Option<(usize, char)> {
    name.chars()
        .enumerate()
        .find(|&(at, c)| !(c.is_ascii_lowercase() || c == '_' || (c.is_ascii_digit() && at > 0)))
        .map(|(at, c)| (at + 1, c))
}

/// Whether underscores begin or end a name or stand side by side in it.
pub(crate) fn has_loose_underscore(name: &str) -> bool {
    name.starts_with('_') || name.ends_with('_') || name.contains("__")
}

/// Returns the first character that a label value cannot have, with its position from 1.
///
/// Quotes and backslashes would need escapes on `/metrics`; a value that never needs one cannot be
/// escaped wrongly by anybody downstream.
pub(crate) fn odd_value_character(value: &str) -> Option<(usize, char)> {
    value
        .chars()
        .enumerate()
        .find(|&(_, c)| !matches!(c, ' '..='~') || c == '"' || c == '\\')
        .map(|(at, c)| (at + 1, c))
}

/// Whether a label is Prometheus's own.
pub(crate) fn is_reserved_label(name: &str) -> bool {
    name.starts_with("__") || RESERVED_LABELS.contains(&name)
}

/// Returns a name that says nearly the same as a reserved one.
pub(crate) fn instead_of_reserved(name: &str) -> &str {
    match name {
        "le" => "limit",
        "quantile" => "share",
        "job" => "job_kind",
        "instance" => "node",
        _ => name.trim_matches('_'),
    }
}

/// Returns the word of `accepted` that `word` is most likely meant to be.
pub(crate) fn did_you_mean<'a>(word: &str, accepted: &[&'a str]) -> Option<&'a str> {
    accepted
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        // Two edits turn a short word into any other.
        .filter(|&(edits, candidate)| edits <= 2 && edits * 2 < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance with two rows.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// Returns `` `a`, `b` and `c` ``.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, distance, has_loose_underscore, list, odd_character};
    use super::{is_reserved_label, odd_value_character};

    #[test]
    fn the_first_odd_character_of_a_name_is_found() {
        assert_eq!(odd_character("a_1_total"), None);
        assert_eq!(odd_character("2a"), Some((1, '2')));
        assert_eq!(odd_character("jobsÄ"), Some((5, 'Ä')));
        assert_eq!(odd_character("aB"), Some((2, 'B')));
    }

    #[test]
    fn loose_underscores_are_found_at_both_ends_and_inside() {
        for name in ["_a", "a_", "a__b", "__a"] {
            assert!(has_loose_underscore(name), "{name}");
        }
        assert!(!has_loose_underscore("a_b_c"));
    }

    #[test]
    fn values_are_printable_ascii_without_quote_and_backslash() {
        assert_eq!(odd_value_character("4xx / s3-bucket (eu)~"), None);
        for (value, at) in [
            ("a\"", 2),
            ("\\", 1),
            ("ab\n", 3),
            ("\u{7f}", 1),
            ("naïve", 3),
        ] {
            assert_eq!(odd_value_character(value).unwrap().0, at, "{value:?}");
        }
    }

    #[test]
    fn labels_of_prometheus_itself_are_reserved() {
        for name in ["le", "quantile", "job", "instance", "__name__"] {
            assert!(is_reserved_label(name), "{name}");
        }
        assert!(!is_reserved_label("job_kind"));
    }

    #[test]
    fn a_word_within_two_edits_is_suggested_and_none_further_off() {
        let words = ["counter", "gauge", "histogram", "info"];
        assert_eq!(did_you_mean("conter", &words), Some("counter"));
        assert_eq!(did_you_mean("guage", &words), Some("gauge"));
        assert_eq!(did_you_mean("histgramm", &words), Some("histogram"));
        assert_eq!(did_you_mean("cntr", &words), None);
        assert_eq!(did_you_mean("timer", &words), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
