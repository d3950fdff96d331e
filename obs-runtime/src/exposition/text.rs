//! Prometheus text format 0.0.4.

use super::escape;
use super::order::Group;
use super::sample::{self, Exemplars};
use crate::metric::Kind;

/// Writes the families one after the other.
pub(super) fn write(out: &mut String, groups: &[Group<'_>]) {
    for group in groups {
        let first = group[0];
        if !first.help.is_empty() {
            out.push_str("# HELP ");
            out.push_str(&first.name);
            out.push(' ');
            escape::help_text(out, &first.help);
            out.push('\n');
        }
        out.push_str("# TYPE ");
        out.push_str(&first.name);
        out.push(' ');
        out.push_str(type_name(first.kind));
        out.push('\n');
        for family in group {
            for sample in &family.samples {
                sample::write(out, &first.name, sample, Exemplars::LeftOut);
            }
        }
    }
}

fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        // The format has no type for facts; a gauge of 1 is how every exporter spells them.
        Kind::Gauge | Kind::Info => "gauge",
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
        Kind::Unknown => "untyped",
    }
}
