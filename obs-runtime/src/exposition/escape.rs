//! Escaping of label values and HELP texts: injective, and one pass without allocation.

/// Appends a label value between its quotes: `\`, `"` and line feeds are escaped in both formats.
pub(super) fn label_value(out: &mut String, value: &str) {
    escaped(out, value, true);
}

/// Appends a HELP text of the 0.0.4 format, where a quote stands for itself.
pub(super) fn help_text(out: &mut String, help: &str) {
    escaped(out, help, false);
}

/// Appends a HELP text of the `OpenMetrics` format, where a quote is escaped too.
pub(super) fn help_openmetrics(out: &mut String, help: &str) {
    escaped(out, help, true);
}

fn escaped(out: &mut String, text: &str, quotes: bool) {
    // Nearly every text is clean. Looking at all of it, without an early end, is what the compiler
    // can do many bytes at a time.
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n' | b'"');
    if !text
        .as_bytes()
        .iter()
        .fold(false, |found, byte| found | special(byte))
    {
        return out.push_str(text);
    }
    let mut clean = 0;
    // All three are ASCII, so every cut is on a character boundary.
    for (at, byte) in text.bytes().enumerate() {
        let replacement = match byte {
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'"' if quotes => "\\\"",
            _ => continue,
        };
        out.push_str(&text[clean..at]);
        out.push_str(replacement);
        clean = at + 1;
    }
    out.push_str(&text[clean..]);
}

/// Undoes [`label_value`] and the HELP escapes.
///
/// An escape that the format does not know keeps its backslash, as Prometheus reads it.
#[cfg(any(feature = "http", test))]
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('\\') | None => out.push('\\'),
            Some('"') => out.push('"'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{help_openmetrics, help_text, label_value, unescape};

    fn written(write: fn(&mut String, &str), text: &str) -> String {
        let mut out = String::new();
        write(&mut out, text);
        out
    }

    #[test]
    fn values_that_look_escaped_stay_apart_from_values_that_need_it() {
        let values = ["\\n", "\n", "\\\n", "\\\\n", "\"", "\\\"", "\\", "\\\\", ""];
        let mut seen = std::collections::HashSet::new();
        for value in values {
            let text = written(label_value, value);
            assert_eq!(unescape(&text), value);
            assert!(seen.insert(text), "{value:?} collides with another value");
        }
    }

    #[test]
    fn only_openmetrics_escapes_a_quote_in_help() {
        let help = "The \"best\" \\ line\n# TYPE x counter";
        assert_eq!(
            written(help_text, help),
            "The \"best\" \\\\ line\\n# TYPE x counter"
        );
        assert_eq!(
            written(help_openmetrics, help),
            "The \\\"best\\\" \\\\ line\\n# TYPE x counter"
        );
    }
}
