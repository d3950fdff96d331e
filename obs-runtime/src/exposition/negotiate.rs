//! Choosing the exposition format from a request's `Accept` header.

/// An exposition format that a scrape can be answered in.
///
/// # Example
/// ```
/// use obs_runtime::Format;
///
/// let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
/// assert_eq!(Format::from_accept([prometheus]), Format::OpenMetrics);
/// assert_eq!(Format::from_accept(["*/*"]), Format::Text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus text 0.0.4: what every scraper reads.
    #[default]
    Text,
    /// `OpenMetrics` text 1.0.
    OpenMetrics,
}

/// A longer header is no scraper's; it is answered with the default instead of being read.
const MAX_HEADER: usize = 4096;

impl Format {
    /// Returns the value of the `Content-Type` header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Chooses the format for the `Accept` headers of a request.
    ///
    /// `OpenMetrics` is the answer only when it is asked for by name with at least the weight of
    /// plain text. Everything else, protobuf and garbage included, is answered with
    /// [`Format::Text`]: a scrape must not fail over a header.
    #[must_use]
    pub fn from_accept<I>(headers: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let mut read = 0;
        let mut best = Weights::default();
        for header in headers {
            let header = header.as_ref();
            read += header.len();
            if read > MAX_HEADER {
                return Self::Text;
            }
            // Bytes outside ASCII cannot be part of a media type that we know.
            let Ok(header) = core::str::from_utf8(header) else {
                continue;
            };
            for range in split_outside_quotes(header, ',') {
                best.add(range);
            }
        }
        if best.openmetrics > 0 && best.openmetrics >= best.text {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// The highest weight that each format was asked for with, in thousandths.
#[derive(Default)]
struct Weights {
    text: u16,
    openmetrics: u16,
}

impl Weights {
    fn add(&mut self, range: &str) {
        let mut parts = split_outside_quotes(range, ';');
        let media = parts.next().unwrap_or("").trim();
        let mut weight = 1000;
        let mut version = None;
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("q") {
                // A weight that nobody can read makes the whole range one that nobody can read.
                weight = quality(value).unwrap_or(0);
            } else if name.eq_ignore_ascii_case("version") {
                version = Some(value);
            }
        }
        if media.eq_ignore_ascii_case("application/openmetrics-text") {
            if matches!(version, None | Some("1.0.0" | "0.0.1")) {
                self.openmetrics = self.openmetrics.max(weight);
            }
        } else if media.eq_ignore_ascii_case("text/plain")
            && matches!(version, None | Some("0.0.4"))
        {
            self.text = self.text.max(weight);
        }
    }
}

/// Reads a weight of RFC 9110 (`0`, `0.5`, `1.000`) as thousandths.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths = decimals
        .bytes()
        .chain(core::iter::repeat(b'0'))
        .take(3)
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// Splits a header, leaving separators inside quoted strings alone.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c| {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else {
            return c == separator && !quoted;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn the_header_of_every_scraper_gets_the_format_it_prefers_and_can_have() {
        const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        for (accept, format) in [
            (String::new(), Format::Text),
            ("*/*".into(), Format::Text),
            ("text/plain".into(), Format::Text),
            ("application/openmetrics-text".into(), Format::OpenMetrics),
            ("application/openmetrics-text; version=1.0.0".into(), Format::OpenMetrics),
            ("application/openmetrics-text;version=\"1.0.0\"".into(), Format::OpenMetrics),
            ("Application/OpenMetrics-Text;Version=0.0.1".into(), Format::OpenMetrics),
            ("application/openmetrics-text;version=2.0.0".into(), Format::Text),
            ("application/openmetrics-text;version=1.0.0;q=0".into(), Format::Text),
            ("application/openmetrics-text;q=0.3,text/plain;q=0.8".into(), Format::Text),
            ("text/plain;q=0.8, application/openmetrics-text;q=0.9".into(), Format::OpenMetrics),
            // Prometheus 2.50
            ("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2".into(), Format::OpenMetrics),
            // Prometheus 3, protobuf first
            (format!("{PROTOBUF};q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"), Format::OpenMetrics),
            (format!("{PROTOBUF};q=0.7,text/plain;version=0.0.4;q=0.3"), Format::Text),
            (format!("{PROTOBUF}, text/plain"), Format::Text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8".into(), Format::Text),
        ] {
            assert_eq!(Format::from_accept([&accept]), format, "{accept}");
        }
    }

    #[test]
    fn garbage_is_answered_with_text() {
        let mut garbage: Vec<Vec<u8>> = [
            ";;;,,,",
            "q=1",
            "application/openmetrics-text;q=high",
            "application/openmetrics-text;q=1.5",
            "application/openmetrics-text;q=-1",
            "application/openmetrics-text;q=0.12345",
            "\"application/openmetrics-text\"",
            "x/y;z=\"application/openmetrics-text, ",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        garbage.push(vec![0xff; 100]);
        garbage.push(format!("{}application/openmetrics-text", "a/b,".repeat(2048)).into_bytes());
        for header in garbage {
            assert_eq!(Format::from_accept([&header]), Format::Text, "{header:?}");
        }
    }

    #[test]
    fn several_accept_headers_count_as_one() {
        assert_eq!(
            Format::from_accept(["text/plain;q=0.2", "application/openmetrics-text;q=0.9"]),
            Format::OpenMetrics
        );
    }
}
