//! What a metric's name says: kind, unit, the family it becomes in `OpenMetrics`.

/// The base units of Prometheus.
pub(crate) const BASE_UNITS: [&str; 9] = [
    "seconds", "bytes", "ratio", "meters", "grams", "joules", "volts", "amperes", "celsius",
];

/// Things that are counted; a histogram of them has no unit of measure.
const COUNTED: [&str; 26] = [
    "attempts",
    "calls",
    "characters",
    "chunks",
    "commits",
    "connections",
    "documents",
    "entries",
    "errors",
    "events",
    "fields",
    "files",
    "hits",
    "items",
    "jobs",
    "keys",
    "lines",
    "messages",
    "pages",
    "queries",
    "records",
    "requests",
    "results",
    "retries",
    "rows",
    "tokens",
];

/// Units that people write, with the base unit of each.
const OTHER_UNITS: [(&str, &[&str]); 7] = [
    (
        "seconds",
        &[
            "ms",
            "msec",
            "msecs",
            "millis",
            "millisecond",
            "milliseconds",
            "us",
            "usec",
            "micros",
            "microsecond",
            "microseconds",
            "ns",
            "nsec",
            "nanos",
            "nanosecond",
            "nanoseconds",
            "sec",
            "secs",
            "second",
            "minute",
            "minutes",
            "mins",
            "hour",
            "hours",
            "days",
        ],
    ),
    (
        "bytes",
        &[
            "byte",
            "kb",
            "kib",
            "mb",
            "mib",
            "gb",
            "gib",
            "kilobytes",
            "kibibytes",
            "megabytes",
            "mebibytes",
            "gigabytes",
            "gibibytes",
        ],
    ),
    ("ratio", &["percent", "percentage", "pct"]),
    (
        "meters",
        &[
            "kilometers",
            "km",
            "centimeters",
            "millimeters",
            "miles",
            "feet",
        ],
    ),
    ("grams", &["kg", "kilograms", "milligrams"]),
    ("volts", &["millivolts"]),
    ("celsius", &["fahrenheit", "kelvin"]),
];

/// Cuts off what `OpenMetrics` does not count as part of the name of the metric's family.
pub(crate) fn family(name: &str) -> &str {
    name.strip_suffix("_total")
        .or_else(|| name.strip_suffix("_info"))
        .unwrap_or(name)
}

fn last_word(name: &str) -> &str {
    name.rsplit('_').next().unwrap_or(name)
}

/// Returns the base unit that a name ends in.
pub(crate) fn base_unit(name: &str) -> Option<&'static str> {
    let stem = family(name);
    let word = last_word(stem);
    // A name that is nothing but a unit has nothing that it would be the unit of.
    BASE_UNITS
        .into_iter()
        .find(|unit| *unit == word && stem != *unit)
}

/// Whether the name of a histogram says what its values are.
pub(crate) fn is_measured(name: &str) -> bool {
    base_unit(name).is_some() || COUNTED.contains(&last_word(name))
}

/// Returns the unit that should be a base unit, and the corrected name.
pub(crate) fn wrong_unit(name: &str) -> Option<(&str, &'static str, String)> {
    let stem = family(name);
    let word = last_word(stem);
    let (base, _) = OTHER_UNITS
        .into_iter()
        .find(|(_, words)| words.contains(&word))?;
    let front = stem.strip_suffix(word)?;
    if front.is_empty() {
        return None;
    }
    // `wait_seconds_ms` said it twice.
    let front = front.trim_end_matches('_');
    let front = front
        .strip_suffix(base)
        .unwrap_or(front)
        .trim_end_matches('_');
    Some((word, base, format!("{front}_{base}{}", &name[stem.len()..])))
}

/// Returns the kind that is a word of the name, and the name without it.
pub(crate) fn kind_word(name: &str) -> Option<(&'static str, String)> {
    let stem = family(name);
    let word = last_word(stem);
    let kind = ["counter", "gauge", "histogram"]
        .into_iter()
        .find(|kind| *kind == word)?;
    let front = stem.strip_suffix(kind)?.strip_suffix('_')?;
    Some((kind, format!("{front}{}", &name[stem.len()..])))
}

/// Returns the suffix that the exposition formats give to samples, if the name ends in one.
pub(crate) fn reserved_suffix(name: &str) -> Option<&'static str> {
    ["_bucket", "_sum", "_count", "_created"]
        .into_iter()
        .find(|suffix| name.ends_with(suffix))
}

/// Cuts every `_total` and `_info` off, for the corrected name in a message.
pub(crate) fn stem(name: &str) -> &str {
    let shorter = family(name);
    if shorter == name { name } else { stem(shorter) }
}

#[cfg(test)]
mod tests {
    use super::{base_unit, family, is_measured, kind_word, reserved_suffix, stem, wrong_unit};

    #[test]
    fn a_wrong_unit_comes_with_the_whole_corrected_name() {
        for (name, word, right) in [
            ("job_wait_ms", "ms", "job_wait_seconds"),
            ("job_wait_ms_total", "ms", "job_wait_seconds_total"),
            ("upload_kb", "kb", "upload_bytes"),
            ("cache_hit_percent", "percent", "cache_hit_ratio"),
            ("wait_seconds_ms", "ms", "wait_seconds"),
            ("room_kelvin", "kelvin", "room_celsius"),
        ] {
            let (found, _, corrected) = wrong_unit(name).unwrap();
            assert_eq!((found, corrected.as_str()), (word, right));
        }
        assert!(wrong_unit("wait_seconds").is_none());
        assert!(wrong_unit("ms").is_none());
        assert!(wrong_unit("alms").is_none());
    }

    #[test]
    fn the_unit_is_the_last_word_before_total() {
        assert_eq!(base_unit("busy_seconds_total"), Some("seconds"));
        assert_eq!(base_unit("rows_total"), None);
        assert_eq!(base_unit("seconds"), None);
        assert!(is_measured("batch_rows") && is_measured("size_bytes"));
        assert!(!is_measured("latency"));
    }

    #[test]
    fn kinds_suffixes_and_families_are_recognised() {
        assert_eq!(
            kind_word("rows_counter_total"),
            Some(("counter", "rows_total".to_owned()))
        );
        assert_eq!(kind_word("gauge"), None);
        assert_eq!(reserved_suffix("rows_count"), Some("_count"));
        assert_eq!(reserved_suffix("rows_created_total"), None);
        assert_eq!(family("foo_total"), "foo");
        assert_eq!(stem("foo_total_total"), "foo");
    }
}
