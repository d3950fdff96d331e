//! What `/metrics` says, as far as a look at it takes.

use std::collections::BTreeMap;

/// The samples of one page.
#[derive(Clone, Debug, Default)]
pub(super) struct Page(Vec<Sample>);

#[derive(Clone, Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
    /// The labels of its exemplar, which only `OpenMetrics` has.
    exemplar: BTreeMap<String, String>,
}

/// Labels that a sample must have.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(sample).collect())
    }

    /// Adds up the samples of a name that have the labels.
    pub(super) fn sum(&self, name: &str, labels: Labels<'_>) -> f64 {
        // Not `sum`, for which nothing at all adds up to -0.
        self.of(name, labels)
            .fold(0.0, |sum, sample| sum + sample.value)
    }

    /// Returns the trace of the slowest observation of a histogram that has an exemplar, and the
    /// upper bound of its bucket.
    pub(super) fn slowest_trace(
        &self,
        histogram: &str,
        labels: Labels<'_>,
    ) -> Option<(String, String)> {
        let bucket = format!("{histogram}_bucket");
        let bound = |sample: &Sample| match sample.labels.get("le")?.as_str() {
            "+Inf" => Some(f64::INFINITY),
            bound => bound.parse().ok(),
        };
        let with_trace = self.of(&bucket, labels).filter_map(|sample| {
            let trace = sample.exemplar.get("trace_id")?;
            Some((
                bound(sample)?,
                trace.clone(),
                sample.labels.get("le")?.clone(),
            ))
        });
        let slowest = with_trace.max_by(|one, other| one.0.total_cmp(&other.0));
        slowest.map(|(_, trace, bound)| (trace, bound))
    }

    fn of<'a>(&'a self, name: &'a str, labels: Labels<'a>) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| {
            let has = |(name, value): &(&str, &str)| {
                sample.labels.get(*name).is_some_and(|found| found == value)
            };
            sample.name == name && labels.iter().all(has)
        })
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (line, exemplar) = line
        .split_once(" # ")
        .map_or((line, None), |(line, exemplar)| (line, Some(exemplar)));
    let (name, labels, rest) = if let Some((name, rest)) = line.split_once('{') {
        let (labels, rest) = labels(rest)?;
        (name, labels, rest)
    } else {
        let (name, rest) = line.split_once(' ')?;
        (name, BTreeMap::new(), rest)
    };
    let exemplar = exemplar.and_then(labels_of_exemplar);
    Some(Sample {
        name: name.to_owned(),
        labels,
        value: rest.split_whitespace().next()?.parse().ok()?,
        exemplar: exemplar.unwrap_or_default(),
    })
}

fn labels_of_exemplar(text: &str) -> Option<BTreeMap<String, String>> {
    Some(labels(text.strip_prefix('{')?)?.0)
}

/// Reads labels up to their `}`; returns what follows.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, value) = rest.split_once("=\"")?;
        let mut text = String::new();
        let mut characters = value.char_indices();
        loop {
            match characters.next()? {
                (at, '"') => {
                    rest = value.get(at + 1..)?;
                    break;
                }
                (_, '\\') => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                (_, other) => text.push(other),
            }
        }
        labels.insert(name.to_owned(), text);
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn samples_are_added_up_by_name_and_labels() {
        let page = Page::parse(
            "# TYPE a counter\na{x=\"1\",y=\"p,}\\\"q\"} 2\na{x=\"2\"} 3\na_b 7\nup 1 1700\n",
        );
        assert!((page.sum("a", &[]) - 5.0).abs() < f64::EPSILON);
        assert!((page.sum("a", &[("y", "p,}\"q")]) - 2.0).abs() < f64::EPSILON);
        assert!((page.sum("up", &[]) - 1.0).abs() < f64::EPSILON);
        assert!(page.sum("none", &[]).abs() < f64::EPSILON);
    }

    #[test]
    fn the_slowest_bucket_with_a_trace_is_found() {
        let page = Page::parse(
            "h_bucket{route=\"/a\",le=\"0.1\"} 5 # {trace_id=\"aa\",span_id=\"1\"} 0.05\n\
             h_bucket{route=\"/a\",le=\"2.5\"} 6 # {trace_id=\"bb\",span_id=\"1\"} 1.5 1700000000.1\n\
             h_bucket{route=\"/b\",le=\"+Inf\"} 6 # {trace_id=\"cc\",span_id=\"1\"} 9\n\
             h_bucket{route=\"/a\",le=\"+Inf\"} 6\n",
        );
        let found = page.slowest_trace("h", &[("route", "/a")]);
        assert_eq!(found, Some(("bb".to_owned(), "2.5".to_owned())));
        assert_eq!(page.slowest_trace("h", &[("route", "/c")]), None);
    }
}
