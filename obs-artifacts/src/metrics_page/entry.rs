//! One metric: what it says, and in which series.

use std::fmt::Write;

use super::group::Group;
use super::markdown::{Table, code, prose};
use crate::catalogue::{Label, Metric, Objective};

/// More values than this are folded away.
const SHOWN_VALUES: usize = 40;

pub(super) fn write(metric: &Metric, group: Group, page: &mut String) {
    let mut table = Table::new(["", ""]);
    let mut row = |what: &str, text: String| table.row([what.to_owned(), text]);
    row("type", kind(metric));
    for label in &metric.labels {
        row(
            &format!("label {}", code(&label.name)),
            values(label, group),
        );
    }
    if !metric.buckets.is_empty() {
        row("buckets", numbers(&metric.buckets));
    }
    for objective in &metric.objectives {
        row("objective", promise(metric, objective));
    }
    row("series", series(metric));
    if !metric.declared_at.is_empty() {
        row("declared at", places(&metric.declared_at));
    }
    write!(page, "{}\n\n{table}", prose(&metric.help)).ok();
}

fn kind(metric: &Metric) -> String {
    let kind = metric.kind.name();
    match &metric.unit {
        Some(unit) => format!("{kind}, in {}", prose(unit)),
        None => kind.to_owned(),
    }
}

fn values(label: &Label, group: Group) -> String {
    if label.values.is_empty() {
        return group.source(&label.name).to_owned();
    }
    let shown: Vec<String> = label.values.iter().map(|it| code(it)).collect();
    let shown = shown.join(", ");
    let many = label.values.len();
    if many > SHOWN_VALUES {
        format!("<details><summary>{many} values</summary>{shown}</details>")
    } else {
        shown
    }
}

fn promise(metric: &Metric, objective: &Objective) -> String {
    let Objective { at, target, .. } = objective;
    let unit = match metric.unit.as_deref() {
        Some("seconds") => " s",
        _ => "",
    };
    let mut text = format!("{target} % at or below {at}{unit}");
    let of = objective.labels.iter();
    let of: Vec<String> = of
        .map(|(name, value)| code(&format!("{name}={value:?}")))
        .collect();
    if !of.is_empty() {
        write!(text, ", of {}", of.join(", ")).ok();
    }
    // Where the metric is declared its only objective is, too.
    if objective.declared_at != metric.declared_at && !objective.declared_at.is_empty() {
        write!(text, " ({})", places(&objective.declared_at)).ok();
    }
    text
}

fn series(metric: &Metric) -> String {
    let combinations = factors(metric);
    let one = if metric.combinations == 1 {
        "combination"
    } else {
        "combinations"
    };
    let mut text = if metric.series == metric.combinations {
        combinations
    } else {
        format!("{combinations} {one}, {} series", metric.series)
    };
    if let Some(budget) = metric.budget {
        write!(text, "; at most {budget} (`max_series`)").ok();
    }
    text
}

/// The combinations, as the product of the numbers of values where they are one.
fn factors(metric: &Metric) -> String {
    let counts: Vec<usize> = metric.labels.iter().map(|it| it.values.len()).collect();
    let product = counts
        .iter()
        .try_fold(1_usize, |product, count| product.checked_mul(*count));
    if counts.len() > 1 && product == Some(metric.combinations) {
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        format!("{} = {}", counts.join(" × "), metric.combinations)
    } else {
        metric.combinations.to_string()
    }
}

/// Links, where the file is one of the project.
fn places(places: &[String]) -> String {
    let links = places.iter().map(|place| {
        let is_ours = !place.starts_with("cargo:");
        match place.rsplit_once(':') {
            Some((file, line)) if is_ours => {
                format!("[{}](../{}#L{line})", code(place), address(file))
            }
            _ => code(place),
        }
    });
    let links: Vec<String> = links.collect();
    links.join("<br>")
}

/// A path in a link.
fn address(path: &str) -> String {
    let escape = |character: char| match character {
        letter if letter.is_ascii_alphanumeric() || "-._~/".contains(letter) => letter.to_string(),
        other => {
            let mut bytes = [0; 4];
            let bytes = other.encode_utf8(&mut bytes).bytes();
            bytes.fold(String::new(), |text, byte| format!("{text}%{byte:02X}"))
        }
    };
    path.chars().map(escape).collect()
}

fn numbers(bounds: &[f64]) -> String {
    let bounds: Vec<String> = bounds.iter().map(f64::to_string).collect();
    bounds.join(", ")
}
