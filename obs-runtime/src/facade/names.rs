//! Names, label keys and label values, made fit for a scrape before anything is keyed by them.
//!
//! The exporter behind us cleans names only while rendering, where `a.b` and `a-b` become one
//! series and the count of one of them is lost. Here they meet before they are counted.

use std::borrow::Cow;

/// Longer label values are no label values; see [`value`].
const MAX_VALUE: usize = 1024;

/// Returns a metric name that fits `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub(super) fn metric(name: &str) -> Cow<'_, str> {
    clean(name, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'
    })
}

/// Returns a label key that fits `[a-zA-Z_][a-zA-Z0-9_]*` and is not reserved.
pub(super) fn key(key: &str) -> Cow<'_, str> {
    let key = clean(key, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match key.as_ref() {
        // Histograms and summaries write these themselves.
        "le" | "quantile" => Cow::Owned(format!("exported_{key}")),
        // Two leading underscores are Prometheus' own.
        reserved if reserved.starts_with("__") => {
            Cow::Owned(format!("_{}", reserved.trim_start_matches('_')))
        }
        _ => key,
    }
}

/// Returns whether a key is short enough to be remembered as its caller spells it: any number of
/// long values become one clean one, so only their number would bound them.
pub(super) fn is_short<'a>(name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    labels.fold(name.len(), |sum, (key, value)| {
        sum + key.len() + value.len()
    }) <= MAX_VALUE
}

fn clean(name: &str, fits: impl Fn(u8) -> bool) -> Cow<'_, str> {
    let digit_first = name.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
    if !digit_first && name.bytes().all(&fits) {
        return Cow::Borrowed(name);
    }
    let mut cleaned = String::with_capacity(name.len() + 1);
    if digit_first {
        cleaned.push('_');
    }
    cleaned.extend(name.chars().map(|c| match u8::try_from(c) {
        Ok(byte) if fits(byte) => c,
        _ => '_',
    }));
    Cow::Owned(cleaned)
}

/// Returns the labels with clean keys, sorted, each key once and no value empty.
///
/// Keys that meet after cleaning are numbered, because dropping one would merge series. A label
/// without a value is left out: to Prometheus it is the same as no label, and both would be one
/// series twice.
pub(super) fn labels<'a>(
    raw: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut raw: Vec<(&str, &str)> = raw.filter(|(_, value)| !value.is_empty()).collect();
    raw.sort_unstable();
    let mut labels: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(raw.len());
    for (name, text) in raw {
        let mut name = key(name);
        let mut next = 2;
        while labels.iter().any(|(taken, _)| *taken == name) {
            let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
            name = Cow::Owned(match base.strip_suffix('_') {
                Some(base) if next > 2 => format!("{base}_{next}"),
                _ => format!("{name}_{next}"),
            });
            next += 1;
        }
        labels.push((name, value(text)));
    }
    labels.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    labels
}

/// Stands for a backslash while a text is with the exporter, whose escaping makes one text of
/// `\n` (two characters) and a line feed.
const ESCAPE: char = '\u{E000}';

/// Makes a label value safe for the way through the exporter; [`restore`] undoes it.
fn value(value: &str) -> Cow<'_, str> {
    if value.len() > MAX_VALUE {
        return Cow::Borrowed("_too_long");
    }
    protect(value)
}

/// Makes a text safe for the way through the exporter.
pub(super) fn protect(text: &str) -> Cow<'_, str> {
    if !text.contains(['\\', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => safe.extend([ESCAPE, 'b']),
            ESCAPE => safe.extend([ESCAPE, 'e']),
            _ => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Undoes [`protect`].
pub(super) fn restore(text: &mut String) {
    if !text.contains(ESCAPE) {
        return;
    }
    let mut restored = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ESCAPE => match chars.next() {
                Some('b') => restored.push('\\'),
                Some('e') => restored.push(ESCAPE),
                other => restored.extend(other),
            },
            _ => restored.push(c),
        }
    }
    *text = restored;
}

#[cfg(test)]
mod tests {
    use super::{MAX_VALUE, is_short, key, labels, metric, protect, restore};

    #[test]
    fn every_name_becomes_one_that_prometheus_takes() {
        for (name, clean) in [
            ("a.b", "a_b"),
            ("a-b", "a_b"),
            ("a_b", "a_b"),
            ("", "_"),
            ("9lives", "_9lives"),
            ("größe", "gr__e"),
            ("ns:x", "ns:x"),
        ] {
            assert_eq!(metric(name), clean);
        }
        assert_eq!(key("ns:x"), "ns_x");
        assert_eq!(key("le"), "exported_le");
        assert_eq!(key("__name__"), "_name__");
    }

    #[test]
    fn keys_that_meet_are_numbered_and_empty_values_left_out() {
        let labels = labels([("a-b", "1"), ("a.b", "2"), ("a_b", "3"), ("none", "")].into_iter());
        let labels: Vec<_> = labels
            .iter()
            .map(|(k, v)| (k.as_ref(), v.as_ref()))
            .collect();
        assert_eq!(labels, [("a_b", "1"), ("a_b_2", "2"), ("a_b_3", "3")]);
    }

    #[test]
    fn what_a_peer_may_have_written_at_length_is_not_remembered() {
        let long = "x".repeat(MAX_VALUE);
        assert!(is_short("paths_total", [("path", "/")].into_iter()));
        assert!(!is_short("paths_total", [("path", &*long)].into_iter()));
        assert!(!is_short(&format!("{long}x"), [].into_iter()));
    }

    #[test]
    fn any_text_survives_the_way_through_the_exporter() {
        for text in [
            "plain",
            "\\",
            "\\n",
            "\n",
            "\\\\",
            "\u{E000}b",
            "a\u{E000}",
            "\"\\\"",
        ] {
            let mut back = protect(text).into_owned();
            assert!(!back.contains('\\'));
            restore(&mut back);
            assert_eq!(back, text);
        }
    }
}
