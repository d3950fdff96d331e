//! `OpenMetrics` text format 1.0.

use std::collections::HashSet;

use super::escape;
use super::order::Group;
use super::sample::{self, Exemplars};
use crate::catalog::Family;
use crate::metric::Kind;

/// Writes the families one after the other, and the mark that says that nothing is missing.
pub(super) fn write(out: &mut String, groups: &[Group<'_>]) {
    let names: HashSet<&str> = groups.iter().map(|group| group[0].name.as_ref()).collect();
    for group in groups {
        let first = group[0];
        let (name, type_name) = family_name(first, &names);
        for (keyword, value) in [("# TYPE ", Some(type_name)), ("# UNIT ", unit(first, name))] {
            if let Some(value) = value {
                out.push_str(keyword);
                out.push_str(name);
                out.push(' ');
                out.push_str(value);
                out.push('\n');
            }
        }
        if !first.help.is_empty() {
            out.push_str("# HELP ");
            out.push_str(name);
            out.push(' ');
            escape::help_openmetrics(out, &first.help);
            out.push('\n');
        }
        for family in group {
            for sample in &family.samples {
                sample::write(out, &first.name, sample, Exemplars::Shown);
            }
        }
    }
    out.push_str("# EOF\n");
}

/// Returns the name and type that the family has in this format.
///
/// A counter's family has no `_total` and an info's no `_info`; their samples do. A counter whose
/// name lacks the suffix (only the facade has them), and one whose shorter name belongs to another
/// family, keeps its name and is of unknown type: renaming it would break every query.
fn family_name<'a>(family: &'a Family, names: &HashSet<&str>) -> (&'a str, &'static str) {
    let full = family.name.as_ref();
    let (suffix, type_name, fallback) = match family.kind {
        Kind::Counter => ("_total", "counter", "unknown"),
        Kind::Info => ("_info", "info", "gauge"),
        Kind::Gauge => return (full, "gauge"),
        Kind::Histogram => return (full, "histogram"),
        Kind::Summary => return (full, "summary"),
        Kind::Unknown => return (full, "unknown"),
    };
    match full.strip_suffix(suffix) {
        Some(short) if !short.is_empty() && is_free(short, suffix, names) => (short, type_name),
        _ => (full, fallback),
    }
}

/// Whether no other family ends up with the shorter name; `x_total` wins over `x_info`.
fn is_free(short: &str, suffix: &str, names: &HashSet<&str>) -> bool {
    !names.contains(short)
        && (suffix == "_total" || !names.contains(format!("{short}_total").as_str()))
}

/// Returns the unit, which the format allows only where the name ends in it.
fn unit(family: &Family, name: &str) -> Option<&'static str> {
    let unit = family.unit?;
    name.strip_suffix(unit)?.ends_with('_').then_some(unit)
}
