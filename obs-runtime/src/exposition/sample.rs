//! Sample lines: the part that both text formats share.

use super::{escape, number};
use crate::catalog::{HistogramValue, Sample, SummaryValue, Value};

/// Writes the lines of one sample. `name` is that of a plain sample; histograms and summaries add
/// their suffixes to it.
pub(super) fn write(out: &mut String, name: &str, sample: &Sample) {
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
        Value::Histogram(histogram) => return write_histogram(out, name, sample, histogram),
        Value::Summary(summary) => return write_summary(out, name, sample, summary),
    }
    out.push('\n');
}

fn write_histogram(out: &mut String, name: &str, sample: &Sample, value: &HistogramValue) {
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
        out.push('\n');
    }
    sum_and_count(out, name, &labels, value.sum, cumulative);
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
