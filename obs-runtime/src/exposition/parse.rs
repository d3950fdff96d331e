//! Reading text 0.0.4 back into families, as `metrics-exporter-prometheus` renders it.
//!
//! The exporter has no other way to hand out what it holds. Reading never fails and never panics:
//! a line that makes no sense is skipped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::escape::unescape;
use crate::catalog::{Family, FamilyDescriptor, HistogramValue, Sample, SummaryValue, Value};
use crate::metric::Kind;

type Labels = Vec<(String, String)>;

/// Reads families, sorted by name, with their samples sorted by labels.
///
/// `restore` is applied to every label value and HELP text.
pub(crate) fn families(text: &str, restore: impl Fn(&mut String)) -> Vec<Family> {
    let mut helps: BTreeMap<&str, String> = BTreeMap::new();
    let mut read: BTreeMap<&str, Read> = BTreeMap::new();
    let mut current = "";
    // Not `lines()`: a carriage return before the line feed belongs to the HELP text.
    for line in text.split('\n') {
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.trim_start().splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("HELP"), Some(name), help) => {
                    let mut help = unescape(help.unwrap_or(""));
                    restore(&mut help);
                    helps.insert(name, help);
                }
                (Some("TYPE"), Some(name), Some(kind)) => {
                    current = name;
                    read.entry(name).or_insert_with(|| Read::new(kind.trim()));
                }
                _ => {}
            }
        } else if let Some((name, mut labels, value)) = sample_line(line) {
            for (_, value) in &mut labels {
                restore(value);
            }
            // A sample belongs to the family whose TYPE line came last, if the name says so too.
            let family = if name.starts_with(current) && read.contains_key(current) {
                current
            } else {
                name
            };
            read.entry(family)
                .or_insert_with(|| Read::new("untyped"))
                .add(family, name, labels, value);
        }
    }
    read.into_iter()
        .map(|(name, family)| family.finish(name, helps.remove(name).unwrap_or_default()))
        .collect()
}

/// Reads `name{labels} value`.
fn sample_line(line: &str) -> Option<(&str, Labels, &str)> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => labels(inner)?,
        None => (Labels::new(), rest),
    };
    let value = rest.split_whitespace().next()?;
    Some((name, labels, value))
}

/// Reads labels up to and including the closing brace.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Labels::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once("=\"")?;
        let end = closing_quote(after)?;
        labels.push((name.trim().to_owned(), unescape(&after[..end])));
        rest = &after[end + 1..];
    }
}

/// Finds the first quote that no backslash escapes.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// A family while its lines are read.
struct Read {
    kind: Kind,
    samples: BTreeMap<Labels, Parts>,
}

/// What the lines of one label set said.
#[derive(Default)]
struct Parts {
    value: Option<Value>,
    // Bounds with cumulative counts, or quantiles with estimates.
    points: Vec<(f64, f64)>,
    sum: f64,
    count: u64,
}

impl Read {
    fn new(kind: &str) -> Self {
        let kind = match kind {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            _ => Kind::Unknown,
        };
        Self {
            kind,
            samples: BTreeMap::new(),
        }
    }

    fn add(&mut self, family: &str, name: &str, mut labels: Labels, value: &str) {
        let point_label = match self.kind {
            Kind::Histogram => "le",
            Kind::Summary => "quantile",
            _ => {
                let value = number(value, self.kind);
                let parts = self.samples.entry(labels).or_default();
                parts.value = value.or(parts.value.take());
                return;
            }
        };
        // The exporter appends `le` and `quantile` last.
        let point = match labels.last() {
            Some((name, _)) if name == point_label => labels.pop().map(|(_, value)| value),
            _ => None,
        };
        let parts = self.samples.entry(labels).or_default();
        if let Some(point) = point {
            if let (Some(at), Some(value)) = (float(&point), float(value)) {
                parts.points.push((at, value));
            }
            return;
        }
        // The exporter leaves the suffix out where the family's own name ends in it.
        match name.strip_prefix(family) {
            Some("_sum") => parts.sum = float(value).unwrap_or(0.0),
            Some("_count") => parts.count = integer(value).unwrap_or(0),
            Some("") if family.ends_with("sum") => parts.sum = float(value).unwrap_or(0.0),
            Some("") if family.ends_with("count") => parts.count = integer(value).unwrap_or(0),
            _ => {}
        }
    }

    fn finish(self, name: &str, help: String) -> Family {
        let kind = self.kind;
        let samples: Vec<Sample> = self
            .samples
            .into_iter()
            .filter_map(|(labels, parts)| {
                let labels = labels
                    .into_iter()
                    .map(|(name, value)| (Cow::Owned(name), Cow::Owned(value)))
                    .collect();
                let value = match kind {
                    Kind::Histogram => parts.histogram(),
                    Kind::Summary => parts.summary(),
                    _ => parts.value?,
                };
                Some(Sample::new(labels, value))
            })
            .collect();
        let mut family = Family::new(FamilyDescriptor {
            name: Cow::Owned(name.to_owned()),
            kind,
            unit: None,
            help: Cow::Owned(help),
        });
        family.samples = samples;
        family
    }
}

impl Parts {
    fn histogram(mut self) -> Value {
        self.points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut bounds = Vec::with_capacity(self.points.len());
        let mut counts = Vec::with_capacity(self.points.len() + 1);
        let mut below = 0;
        for (bound, cumulative) in self.points.iter().filter(|(bound, _)| bound.is_finite()) {
            // `as` saturates, and a count is no float to begin with.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates"
            )]
            let cumulative = *cumulative as u64;
            bounds.push(*bound);
            counts.push(cumulative.saturating_sub(below));
            below = below.max(cumulative);
        }
        counts.push(self.count.saturating_sub(below));
        Value::Histogram(HistogramValue {
            bounds: Cow::Owned(bounds),
            counts,
            sum: self.sum,
        })
    }

    fn summary(self) -> Value {
        Value::Summary(SummaryValue {
            quantiles: self.points,
            sum: self.sum,
            count: self.count,
        })
    }
}

/// Reads a value, as an integer where it can be one without loss.
fn number(text: &str, kind: Kind) -> Option<Value> {
    if let Some(value) = integer(text) {
        return Some(Value::Unsigned(value));
    }
    match text.parse::<i64>() {
        // A gauge of -0 is a float.
        Ok(value) if kind != Kind::Counter && value != 0 => Some(Value::Signed(value)),
        _ => float(text).map(Value::Float),
    }
}

fn integer(text: &str) -> Option<u64> {
    // `parse` would take a sign.
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

fn float(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::families;
    use crate::catalog::Value;

    #[test]
    fn no_text_makes_the_parser_panic_or_invent_a_family() {
        let good = "# HELP a_total x\n# TYPE a_total counter\na_total{k=\"v\\\"\\\\\"} 3\n\
                    # TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
        for cut in 0..=good.len() {
            for family in families(&good[..cut], |_| {}) {
                assert!(
                    ["a_total", "h", "h_bucket", "h_sum", "h_count"]
                        .contains(&family.name.as_ref())
                        || good[..cut].ends_with(family.name.as_ref()),
                    "{family:?}"
                );
            }
        }
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            let mut text = good.as_bytes().to_vec();
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (seed >> 33) as usize % text.len();
                text[at] = b"{}\"\\=, \n#ax_0"[(seed >> 20) as usize % 13];
            }
            drop(families(&String::from_utf8_lossy(&text), |_| {}));
        }
    }

    #[test]
    fn a_histogram_whose_name_ends_in_a_suffix_keeps_its_sum_and_count() {
        for name in ["checksum", "discount"] {
            let (sum, count) = if name.ends_with("sum") {
                (name.to_owned(), format!("{name}_count"))
            } else {
                (format!("{name}_sum"), name.to_owned())
            };
            let text = format!(
                "# TYPE {name} summary\n{name}{{quantile=\"0.5\"}} 2\n{sum} 4.5\n{count} 2\n"
            );
            let read = families(&text, |_| {});
            let Value::Summary(summary) = &read[0].samples[0].value else {
                panic!("{read:?}");
            };
            assert_eq!((summary.sum, summary.count), (4.5, 2));
            assert_eq!(summary.quantiles, [(0.5, 2.0)]);
        }
    }
}
