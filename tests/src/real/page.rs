//! A whole `/metrics` page as numbers, and the difference of two.
//!
//! This parser shares nothing with the one in `obs`: a fault in the text cannot hide in both.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::http;

/// The name and the labels of one line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The name, with `_bucket` and the like.
    pub name: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
}

/// Names a series.
pub fn series(name: &str, labels: &[(&str, &str)]) -> Series {
    Series {
        name: name.to_owned(),
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.name, self.labels)
    }
}

/// What changes though nobody asks anything, and is left out of every page: seconds go by, and the
/// connections of a pool come and go with what a service asks itself.
const UNASKED: [&str; 3] = [
    "traceo_engine_uptime_seconds",
    "traceo_mcp_uptime_seconds",
    "traceo_db_client_connections",
];

/// Whether a page leaves a series of this name out.
pub fn is_left_out(name: &str) -> bool {
    UNASKED.contains(&name)
}

/// The numbers of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    values: BTreeMap<Series, f64>,
    samples: usize,
}

impl Page {
    /// Reads a page in the text format 0.0.4.
    ///
    /// # Panics
    ///
    /// On a line that is none, and on a series that is there twice.
    pub fn parse(text: &str) -> Self {
        let mut values = BTreeMap::new();
        for line in text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
        {
            let (series, value) =
                parse_line(line).unwrap_or_else(|| panic!("not a sample: {line}"));
            let earlier = values.insert(series, value);
            assert!(earlier.is_none(), "a series is there twice: {line}");
        }
        let samples = values.len();
        values.retain(|series, _| !is_left_out(&series.name));
        Self { values, samples }
    }

    /// How many samples there are, those that are left out included.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// Scrapes the page as it is now.
    ///
    /// # Panics
    ///
    /// Where there is none.
    pub fn now(address: SocketAddr) -> Self {
        let response = http::get(address, "/metrics", "text/plain").expect("a page of metrics");
        assert_eq!(response.status, 200, "{}", response.body);
        Self::parse(&response.body)
    }

    /// Scrapes until nothing changes any more.
    ///
    /// # Panics
    ///
    /// Where it still changes after ten seconds.
    pub fn settled(address: SocketAddr) -> Self {
        let end = Instant::now() + Duration::from_secs(10);
        let mut last = Self::now(address);
        loop {
            sleep(Duration::from_millis(60));
            let page = Self::now(address);
            if page == last {
                return page;
            }
            assert!(
                Instant::now() < end,
                "the page never settles: {:?}",
                page.since(&last)
            );
            last = page;
        }
    }

    /// The value of a series, where there is one.
    pub fn get(&self, series: &Series) -> Option<f64> {
        self.values.get(series).copied()
    }

    /// All series and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Series, f64)> {
        self.values.iter().map(|(series, value)| (series, *value))
    }

    /// What changed since `before`. A series that appears counts from zero.
    ///
    /// # Panics
    ///
    /// Where a series disappeared.
    pub fn since(&self, before: &Self) -> BTreeMap<Series, f64> {
        for series in before.values.keys() {
            assert!(self.values.contains_key(series), "{series} disappeared");
        }
        self.iter()
            .map(|(series, value)| (series.clone(), value - before.get(series).unwrap_or(0.0)))
            .filter(|(_, change)| *change != 0.0)
            .collect()
    }
}

fn parse_line(line: &str) -> Option<(Series, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = parse_value(after)?;
            let earlier = labels.insert(label.to_owned(), value);
            assert!(earlier.is_none(), "a label is there twice: {line}");
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = match rest.strip_prefix(' ')? {
        "+Inf" => f64::INFINITY,
        number => number.parse().ok()?,
    };
    let name = name.to_owned();
    Some((Series { name, labels }, value))
}

/// A label value up to its closing quote, and what comes after that.
fn parse_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                escaped => escaped,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_labels_and_escapes() {
        let page = Page::parse(
            "# HELP a A.\n# TYPE a counter\na 1\nb{x=\"q\\\"\\\\\\n\",y=\"{, }\"} 2.5\n",
        );
        assert_eq!(page.get(&series("a", &[])), Some(1.0));
        assert_eq!(
            page.get(&series("b", &[("x", "q\"\\\n"), ("y", "{, }")])),
            Some(2.5)
        );
    }

    #[test]
    fn a_series_that_appears_counts_from_zero_and_one_that_stays_is_left_out() {
        let before = Page::parse("a 1\nb 2\n");
        let after = Page::parse("a 1\nb 5\nc 7\nd 0\n");
        let changes = BTreeMap::from([(series("b", &[]), 3.0), (series("c", &[]), 7.0)]);
        assert_eq!(after.since(&before), changes);
    }

    #[test]
    #[should_panic(expected = "disappeared")]
    fn a_series_that_disappears_is_a_fault() {
        drop(Page::parse("b 1\n").since(&Page::parse("a 1\n")));
    }
}
