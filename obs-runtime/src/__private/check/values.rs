//! Checks the values of a label.

use super::text::Text;
use crate::metric::LabelDescriptor;

/// The longest label value; the derive allows the same.
const MAX_VALUE: usize = 128;

/// Describes a label, if its values can stand on `/metrics`.
///
/// The derive has checked its own; this is for implementations written by hand, and for nested
/// enums that repeat each other.
///
/// # Panics
/// When compiling, if the list is empty or a value is empty, too long, repeated or has a character
/// that would need an escape.
#[must_use]
#[track_caller]
pub const fn label(
    metric: &str,
    name: &'static str,
    values: &'static [&'static str],
) -> LabelDescriptor {
    let text = Text::new()
        .str("label `")
        .str(name)
        .str("` of `")
        .str(metric);
    if values.is_empty() {
        let text = text
            .str("` has no values")
            .help("a metric labelled with it has no series; list at least one value");
        panic!("{}", text.as_str());
    }
    let mut i = 0;
    while i < values.len() {
        let value = values[i];
        if value.is_empty() {
            let text = text
                .str("` has an empty value at index ")
                .number(i)
                .help("write a word, such as \"none\"");
            panic!("{}", text.as_str());
        }
        if value.len() > MAX_VALUE || !is_plain(value) {
            let text = text
                .str("` has a value that cannot be one, at index ")
                .number(i);
            let text = text
                .help("use 1 to 128 characters of printable ASCII without quotes and backslashes");
            panic!("{}", text.as_str());
        }
        i += 1;
    }
    if let Some((first, second)) = repeated(values) {
        let text = text.str("` has the value \"").str(values[second]);
        let text = text
            .str("\" at index ")
            .number(first)
            .str(" and at index ")
            .number(second);
        let text = text.help(
            "give one of them another value; an enum or `Option` inside another may repeat it",
        );
        panic!("{}", text.as_str());
    }
    LabelDescriptor { name, values }
}

const fn is_plain(value: &str) -> bool {
    let bytes = value.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if !matches!(bytes[i], b' '..=b'~') || bytes[i] == b'"' || bytes[i] == b'\\' {
            return false;
        }
        i += 1;
    }
    true
}

/// Slots of the table in [`repeated`]; half of them are used at most.
const SLOTS: usize = 8192;

/// Finds two equal values, with a hash table: comparing every pair would be too long for rustc.
const fn repeated(values: &[&str]) -> Option<(usize, usize)> {
    if values.len() > SLOTS / 2 {
        return None;
    }
    let mut table = [0u16; SLOTS];
    let mut i = 0;
    while i < values.len() {
        let mut slot = hash(values[i]) % SLOTS;
        while table[slot] != 0 {
            let other = table[slot] as usize - 1;
            if is_equal(values[other], values[i]) {
                return Some((other, i));
            }
            slot = (slot + 1) % SLOTS;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most SLOTS / 2")]
        {
            table[slot] = (i + 1) as u16;
        }
        i += 1;
    }
    None
}

/// FNV-1a.
const fn hash(value: &str) -> usize {
    let bytes = value.as_bytes();
    let mut hash: u32 = 0x811c_9dc5;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    (hash ^ (hash >> 15)) as usize
}

const fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{label, repeated};

    #[test]
    fn repeated_values_are_found_among_a_thousand() {
        let values: Vec<String> = (0..1000).map(|i| format!("value_{i}")).collect();
        let mut values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert_eq!(repeated(&values), None);
        values[999] = "value_17";
        assert_eq!(repeated(&values), Some((17, 999)));
    }

    #[test]
    fn printable_values_pass() {
        assert_eq!(label("m", "l", &["a b", "c~"]).values.len(), 2);
    }

    #[test]
    #[should_panic(expected = "label `l` of `m` has a value that cannot be one, at index 1")]
    fn a_value_that_would_need_an_escape_is_refused() {
        let _ = label("m", "l", &["a", "b\n"]);
    }
}
