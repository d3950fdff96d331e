//! Sample lines: the part that both text formats share.

use std::fmt::Write as _;

use super::{escape, number};
use crate::catalog::{Exemplar, HistogramValue, Sample, SummaryValue, Value};

/// Whether the format has a place for exemplars.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exemplars {
    Shown,
    LeftOut,
}

/// Writes the lines of one sample. `name` is that of a plain sample; histograms and summaries add
/// their suffixes to it.
pub(super) fn write(out: &mut String, name: &str, sample: &Sample, exemplars: Exemplars) {
    match &sample.value {
        Value::Unsigned(value) => {
            labelled(out, name, sample);
            number::unsigned(out, *value);
        }
        Value::Signed(value) => {
            labelled(out, name, sample);
            number::signed(out, *value);
        }
        Value::Float(value) => {
            labelled(out, name, sample);
            number::float(out, *value);
        }
        Value::Info => {
            labelled(out, name, sample);
            out.push('1');
        }
        Value::Histogram(histogram) => {
            return write_histogram(out, name, sample, histogram, exemplars);
        }
        Value::Summary(summary) => return write_summary(out, name, sample, summary),
    }
    out.push('\n');
}

fn write_histogram(
    out: &mut String,
    name: &str,
    sample: &Sample,
    value: &HistogramValue,
    exemplars: Exemplars,
) {
    let mut cumulative = 0u64;
    // The labels are the same on every line: escape them once and copy.
    let labels = escaped_labels(sample);
    for (bucket, count) in value.counts.iter().enumerate() {
        cumulative = cumulative.wrapping_add(*count);
        out.push_str(name);
        out.push_str("_bucket{");
        out.push_str(&labels);
        if !labels.is_empty() {
            out.push(',');
        }
        out.push_str("le=\"");
        let bound = value.bounds.get(bucket).copied().unwrap_or(f64::INFINITY);
        number::canonical(out, bound);
        out.push_str("\"} ");
        number::unsigned(out, cumulative);
        if exemplars == Exemplars::Shown
            && let Some(Some(exemplar)) = sample.exemplars.get(bucket)
        {
            write_exemplar(out, exemplar);
        }
        out.push('\n');
    }
    sum_and_count(out, name, &labels, value.sum, cumulative);
}

/// Writes what stands behind the value of a bucket: 63 of the 128 characters that the names and
/// values of an exemplar's labels may have, its value, and the time.
fn write_exemplar(out: &mut String, exemplar: &Exemplar) {
    let Exemplar {
        trace_id, span_id, ..
    } = exemplar;
    // A string takes everything.
    let _ = write!(
        out,
        " # {{trace_id=\"{trace_id:032x}\",span_id=\"{span_id:016x}\"}} "
    );
    number::float(out, exemplar.value);
    let (seconds, millis) = (
        exemplar.timestamp.as_secs(),
        exemplar.timestamp.subsec_millis(),
    );
    // Without an exponent, which the parser of Prometheus' Python client reads by another path.
    let _ = write!(out, " {seconds}.{millis:03}");
}

fn write_summary(out: &mut String, name: &str, sample: &Sample, value: &SummaryValue) {
    let labels = escaped_labels(sample);
    for (quantile, estimate) in &value.quantiles {
        out.push_str(name);
        out.push('{');
        out.push_str(&labels);
        if !labels.is_empty() {
            out.push(',');
        }
        out.push_str("quantile=\"");
        number::canonical(out, *quantile);
        out.push_str("\"} ");
        number::float(out, *estimate);
        out.push('\n');
    }
    sum_and_count(out, name, &labels, value.sum, value.count);
}

fn sum_and_count(out: &mut String, name: &str, labels: &str, sum: f64, count: u64) {
    for suffix in ["_sum", "_count"] {
        out.push_str(name);
        out.push_str(suffix);
        if !labels.is_empty() {
            out.push('{');
            out.push_str(labels);
            out.push('}');
        }
        out.push(' ');
        if suffix == "_sum" {
            number::float(out, sum);
        } else {
            number::unsigned(out, count);
        }
        out.push('\n');
    }
}

fn labelled(out: &mut String, name: &str, sample: &Sample) {
    out.push_str(name);
    if !sample.labels.is_empty() {
        out.push('{');
        write_labels(out, sample);
        out.push('}');
    }
    out.push(' ');
}

fn escaped_labels(sample: &Sample) -> String {
    let mut labels = String::with_capacity(64);
    write_labels(&mut labels, sample);
    labels
}

fn write_labels(out: &mut String, sample: &Sample) {
    for (position, (name, value)) in sample.labels.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        escape::label_value(out, value);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::{Exemplars, write};
    use crate::catalog::{HistogramValue, Sample, Value};
    use crate::metric::exemplar::tests::exemplar;
    use std::borrow::Cow;

    #[test]
    fn an_exemplar_stands_behind_its_bucket_with_leading_zeros_and_no_exponent_in_the_time() {
        let value = Value::Histogram(HistogramValue {
            bounds: Cow::Borrowed(&[0.1]),
            counts: vec![1, 2],
            sum: 4.0,
        });
        let mut late = exemplar(2.5, 1_795_278_000);
        late.timestamp += std::time::Duration::from_millis(7);
        let sample = Sample::new(Vec::new(), value).with_exemplars(vec![None, Some(late)]);
        let page = |exemplars| {
            let mut out = String::new();
            write(&mut out, "wait_seconds", &sample, exemplars);
            out
        };
        let with = page(Exemplars::Shown);
        let behind = " # {trace_id=\"00000000000000010000000000000001\",span_id=\"0000000000000001\"} 2.5 1795278000.007";
        assert_eq!(
            with,
            format!(
                "wait_seconds_bucket{{le=\"0.1\"}} 1\nwait_seconds_bucket{{le=\"+Inf\"}} 3{behind}\nwait_seconds_sum 4\nwait_seconds_count 3\n"
            )
        );
        assert_eq!(page(Exemplars::LeftOut), with.replace(behind, ""));
    }
}
