//! A strict reader of both text formats, written from the formats' documents and sharing nothing
//! with the writer: what it refuses, a scraper may refuse.

use std::collections::{BTreeMap, BTreeSet};

/// A series: its name and its labels, sorted.
pub type Series = (String, Vec<(String, String)>);

/// Everything that one scrape says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrape {
    /// The type of each family.
    pub types: BTreeMap<String, String>,
    /// The HELP text of each family that has one.
    pub helps: BTreeMap<String, String>,
    /// The value of each series.
    pub samples: BTreeMap<Series, f64>,
    /// The exemplar of each bucket that has one.
    pub exemplars: BTreeMap<Series, Exemplar>,
}

/// What stands behind the value of a bucket.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What was observed.
    pub value: f64,
    /// When, in seconds since the Unix epoch.
    pub timestamp: f64,
}

impl Scrape {
    /// Reads Prometheus text 0.0.4.
    ///
    /// # Panics
    /// If the text breaks a rule of the format; the message names the line.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Reader::new(false).read(text)
    }

    /// Reads `OpenMetrics` text 1.0.
    ///
    /// # Panics
    /// If the text breaks a rule of the format; the message names the line.
    #[must_use]
    pub fn openmetrics(text: &str) -> Self {
        let body = text
            .strip_suffix("# EOF\n")
            .expect("OpenMetrics ends in `# EOF`");
        assert!(!body.contains("# EOF"), "`# EOF` stands at the end only");
        Reader::new(true).read(body)
    }

    /// Returns the value of one series, all of its labels given.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut labels: Vec<(String, String)> = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        labels.sort();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// Returns the sum over the series of that name which have at least these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.named(name)
            .filter(|((_, have), _)| {
                labels
                    .iter()
                    .all(|(key, value)| have.iter().any(|(k, v)| k == key && v == value))
            })
            .map(|(_, value)| value)
            .sum()
    }

    /// Returns the number of series of that name.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        self.named(name).count()
    }

    /// Returns the values that a label has in the series of that name.
    #[must_use]
    pub fn label_values(&self, name: &str, label: &str) -> BTreeSet<String> {
        self.named(name)
            .flat_map(|((_, labels), _)| labels.iter())
            .filter(|(key, _)| key == label)
            .map(|(_, value)| value.clone())
            .collect()
    }

    /// Returns the exemplars of the buckets of a histogram which have at least these labels.
    pub fn exemplars_of(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Exemplar> {
        let bucket = format!("{name}_bucket");
        let fits = |have: &[(String, String)]| {
            labels
                .iter()
                .all(|(key, value)| have.iter().any(|(k, v)| k == key && v == value))
        };
        self.exemplars
            .iter()
            .filter(|((own, have), _)| *own == bucket && fits(have))
            .map(|(_, exemplar)| exemplar)
            .collect()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (&Series, &f64)> {
        self.samples.iter().filter(move |((own, _), _)| own == name)
    }
}

struct Reader {
    openmetrics: bool,
    scrape: Scrape,
    family: String,
    /// The metadata that the current family has had.
    said: BTreeSet<&'static str>,
    has_samples: bool,
    /// The last bound and count of the histogram that is being read.
    bucket: Option<(Series, f64, f64)>,
}

impl Reader {
    fn new(openmetrics: bool) -> Self {
        Self {
            openmetrics,
            scrape: Scrape::default(),
            family: String::new(),
            said: BTreeSet::new(),
            has_samples: false,
            bucket: None,
        }
    }

    fn read(mut self, text: &str) -> Scrape {
        assert!(text.is_empty() || text.ends_with('\n'), "no last line feed");
        for line in text.split_terminator('\n') {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
                self.metadata("HELP", name, line);
                let help = Self::unescape(help, line);
                self.scrape.helps.insert(name.to_owned(), help);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect(line);
                self.metadata("TYPE", name, line);
                assert!(!self.has_samples, "TYPE after samples: {line}");
                let known = if self.openmetrics {
                    [
                        "counter",
                        "gauge",
                        "histogram",
                        "summary",
                        "info",
                        "unknown",
                    ]
                    .as_slice()
                } else {
                    ["counter", "gauge", "histogram", "summary", "untyped"].as_slice()
                };
                assert!(known.contains(&kind), "{line}");
                self.scrape.types.insert(name.to_owned(), kind.to_owned());
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                assert!(self.openmetrics, "{line}");
                let (name, unit) = rest.split_once(' ').expect(line);
                self.metadata("UNIT", name, line);
                assert!(name.ends_with(&format!("_{unit}")), "{line}");
            } else {
                assert!(!line.starts_with('#') && !line.is_empty(), "{line:?}");
                self.sample(line);
            }
        }
        self.check_histograms();
        self.scrape
    }

    fn metadata(&mut self, what: &'static str, name: &str, line: &str) {
        assert_name(name, true, line);
        if self.family != name {
            assert!(
                !self.scrape.types.contains_key(name) && !self.scrape.helps.contains_key(name),
                "family `{name}` is not contiguous: {line}"
            );
            name.clone_into(&mut self.family);
            self.said.clear();
            self.has_samples = false;
        }
        assert!(self.said.insert(what), "said twice: {line}");
    }

    fn sample(&mut self, line: &str) {
        let end = line.find(['{', ' ']).expect(line);
        let (name, mut rest) = line.split_at(end);
        assert_name(name, true, line);
        let mut labels = Vec::new();
        if rest.starts_with('{') {
            (labels, rest) = Self::labels(rest, line);
        }
        let value = rest.strip_prefix(' ').expect(line);
        let (value, exemplar) = match value.split_once(" # ") {
            Some((value, exemplar)) => (value, Some(self.exemplar(exemplar, line))),
            None => (value, None),
        };
        assert!(!value.contains(' '), "no timestamps: {line}");
        let value = number(value, line);
        let suffix = name.strip_prefix(self.family.as_str()).unwrap_or_else(|| {
            panic!("`{name}` stands in the family `{}`", self.family);
        });
        let kind = self.scrape.types.get(&self.family).expect(line).as_str();
        let allowed: &[&str] = match (kind, self.openmetrics) {
            ("counter", true) => &["_total"],
            ("info", _) => &["_info"],
            ("histogram", _) => &["_bucket", "_sum", "_count"],
            ("summary", _) => &["", "_sum", "_count"],
            _ => &[""],
        };
        assert!(
            allowed.contains(&suffix),
            "a {kind} has no `{suffix}`: {line}"
        );
        self.has_samples = true;
        if suffix == "_bucket" && kind == "histogram" {
            self.bucket_rises(name, &labels, value, line);
        }
        labels.sort();
        for pair in labels.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "a label twice: {line}");
        }
        let series = (name.to_owned(), labels);
        if let Some(exemplar) = exemplar {
            assert_eq!(suffix, "_bucket", "only buckets have exemplars: {line}");
            self.scrape.exemplars.insert(series.clone(), exemplar);
        }
        let twice = self.scrape.samples.insert(series, value);
        assert!(twice.is_none(), "a series twice: {line}");
    }

    /// Reads `{key="value",..}`; returns what comes behind it.
    fn labels<'a>(text: &'a str, line: &str) -> (Vec<(String, String)>, &'a str) {
        let mut rest = text.strip_prefix('{').expect(line);
        let mut labels = Vec::new();
        loop {
            let (key, after) = rest.split_once("=\"").expect(line);
            assert_name(key, false, line);
            let end = closing_quote(after).expect(line);
            labels.push((key.to_owned(), Self::unescape(&after[..end], line)));
            rest = &after[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        (labels, rest.strip_prefix('}').expect(line))
    }

    fn exemplar(&self, text: &str, line: &str) -> Exemplar {
        assert!(self.openmetrics, "the format has no exemplars: {line}");
        let (labels, rest) = Self::labels(text, line);
        let length: usize = labels
            .iter()
            .map(|(name, value)| name.chars().count() + value.chars().count())
            .sum();
        assert!(length <= 128, "{length} characters of labels: {line}");
        let rest = rest.strip_prefix(' ').expect(line);
        let (value, timestamp) = rest.split_once(' ').expect(line);
        assert!(!timestamp.contains('e'), "a time with an exponent: {line}");
        Exemplar {
            labels: labels.into_iter().collect(),
            value: number(value, line),
            timestamp: number(timestamp, line),
        }
    }

    fn bucket_rises(&mut self, name: &str, labels: &[(String, String)], value: f64, line: &str) {
        let (le, rest) = labels.split_last().expect(line);
        assert_eq!(le.0, "le", "{line}");
        assert!(
            le.1.contains(['.', 'e']) || le.1 == "+Inf",
            "not a canonical bound: {line}"
        );
        let series = (name.to_owned(), rest.to_vec());
        let bound = number(&le.1, line);
        if let Some((before, last_bound, last)) = &self.bucket
            && *before == series
        {
            assert!(bound > *last_bound && value >= *last, "{line}");
        }
        self.bucket = Some((series, bound, value));
    }

    fn check_histograms(&self) {
        for ((name, labels), count) in &self.scrape.samples {
            let Some(family) = name.strip_suffix("_count") else {
                continue;
            };
            if self.scrape.types.get(family).map(String::as_str) != Some("histogram") {
                continue;
            }
            let mut labels = labels.clone();
            labels.push(("le".to_owned(), "+Inf".to_owned()));
            labels.sort();
            let last = self
                .scrape
                .samples
                .get(&(format!("{family}_bucket"), labels));
            assert_eq!(last, Some(count), "{name}: +Inf is not the count");
        }
    }

    fn unescape(text: &str, line: &str) -> String {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            out.push(match c {
                '\\' => match chars.next() {
                    Some('n') => '\n',
                    Some('\\') => '\\',
                    Some('"') => '"',
                    other => panic!("unknown escape {other:?}: {line}"),
                },
                c => c,
            });
        }
        out
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

fn number(text: &str, line: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        _ => {
            assert!(
                text.bytes().all(|byte| b"+-.0123456789e".contains(&byte)),
                "no number: {line}"
            );
            text.parse().expect(line)
        }
    }
}

fn assert_name(name: &str, colon: bool, line: &str) {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    assert!(
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(fits),
        "bad name `{name}`: {line}"
    );
}
