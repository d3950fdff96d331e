//! Rules about the name of a metric: the conventions of Prometheus.

use super::super::ast::{Kind, Metric};
use crate::diag::{Diagnostics, report};
use crate::names::{
    BASE_UNITS, MAX_NAME, has_loose_underscore, is_measured, kind_word, list, odd_character,
    reserved_suffix, snake, stem, wrong_unit,
};
use syn::ext::IdentExt;

/// Reports the first rule that the name breaks; the others may be consequences.
pub(super) fn check(metric: &Metric, prefix: Option<&str>, diagnostics: &mut Diagnostics) {
    let name = metric.name.unraw().to_string();
    let before = diagnostics.len();
    let mut checks: Vec<fn(&Metric, &str, &mut Diagnostics)> = vec![check_charset, check_length];
    if metric.settings.unchecked_name.is_none() {
        checks.extend([
            check_suffix as fn(&Metric, &str, &mut Diagnostics),
            check_unit,
        ]);
        checks.push(check_total);
    }
    for check in checks {
        check(metric, &name, diagnostics);
        if diagnostics.len() > before {
            return;
        }
    }
    check_prefix(metric, &name, prefix, diagnostics);
}

/// The names that every system behind `/metrics` takes without quoting.
fn check_charset(metric: &Metric, name: &str, diagnostics: &mut Diagnostics) {
    if odd_character(name).is_none() && !has_loose_underscore(name) {
        return;
    }
    if !name.is_ascii() {
        report!(
            diagnostics,
            metric.name,
            "`{name}` is not the name of a metric",
            note: "a name is lower case words of ASCII letters and digits, joined by `_`",
            help: "write it without letters such as `ö`"
        );
        return;
    }
    let right = snake(name);
    let words: Vec<&str> = right.split('_').filter(|word| !word.is_empty()).collect();
    let right = words.join("_");
    report!(
        diagnostics,
        metric.name,
        "`{name}` is not the name of a metric",
        note: "a name is lower case words of ASCII letters and digits, joined by `_`",
        help: "write `{right}`"
    );
}

fn check_length(metric: &Metric, name: &str, diagnostics: &mut Diagnostics) {
    let length = name.len();
    if length > MAX_NAME {
        let start = name.get(..24).unwrap_or(name);
        report!(
            diagnostics,
            metric.name,
            "the name `{start}..` has {length} characters, and {MAX_NAME} are allowed",
            help: "put what varies into labels and the rest into the help text"
        );
    }
}

/// Suffixes that the formats give to samples, or that say what the kind says already.
fn check_suffix(metric: &Metric, name: &str, diagnostics: &mut Diagnostics) {
    if let Some(suffix) = reserved_suffix(name) {
        let base = name.strip_suffix(suffix).unwrap_or(name);
        let right = if metric.kind == Kind::Counter {
            format!("{base}_total")
        } else {
            base.to_owned()
        };
        report!(
            diagnostics,
            metric.name,
            "`{name}` ends in `{suffix}`, which histograms give to their samples",
            help: "write `{right}`"
        );
    } else if let Some((kind, right)) = kind_word(name) {
        report!(
            diagnostics,
            metric.name,
            "`{name}` has its kind in its name",
            note: "`/metrics` says the kind beside the name",
            help: "write `{right}`, without `{kind}`"
        );
    }
}

/// Base units make every dashboard and rule comparable; Grafana shows 0.002 s as 2 ms.
fn check_unit(metric: &Metric, name: &str, diagnostics: &mut Diagnostics) {
    if let Some((word, base, right)) = wrong_unit(name) {
        report!(
            diagnostics,
            metric.name,
            "`{name}` is in `{word}`, and metrics are in `{base}`",
            note: "dashboards and rules expect base units, and show small values well",
            help: "write `{right}`, and record it in {base}"
        );
    } else if metric.kind == Kind::Histogram
        && !name.ends_with("_total")
        && !name.ends_with("_info")
        && !is_measured(name)
    {
        let units = list(&BASE_UNITS);
        report!(
            diagnostics,
            metric.name,
            "`{name}` does not end in a unit",
            note: "the units are {units}, or the plural of what is counted, such as `rows`",
            help: "write `{name}_seconds`, if it measures time",
            help: "for another unit, add `unchecked_name = \"why\"` to its settings"
        );
    }
}

/// `_total` marks counters and `_info` infos, in `OpenMetrics` by rule.
fn check_total(metric: &Metric, name: &str, diagnostics: &mut Diagnostics) {
    let word = metric.kind.word();
    let ends = |suffix: &str| name.ends_with(suffix);
    let base = stem(name);
    match metric.kind {
        Kind::Counter if !ends("_total") => report!(
            diagnostics,
            metric.name,
            "the counter `{name}` does not end in `_total`",
            help: "write `{base}_total`"
        ),
        Kind::Counter if base.len() + "_total".len() != name.len() => report!(
            diagnostics,
            metric.name,
            "`{name}` ends in more than one `_total`",
            help: "write `{base}_total`"
        ),
        Kind::Info if !ends("_info") => report!(
            diagnostics,
            metric.name,
            "the info metric `{name}` does not end in `_info`",
            help: "write `{base}_info`"
        ),
        Kind::Gauge | Kind::Histogram if ends("_total") => report!(
            diagnostics,
            metric.name,
            "the {word} `{name}` ends in `_total`, which is for counters",
            help: "write `{base}`"
        ),
        Kind::Gauge | Kind::Histogram if ends("_info") => report!(
            diagnostics,
            metric.name,
            "the {word} `{name}` ends in `_info`, which is for info metrics",
            help: "write `{base}`"
        ),
        _ => {}
    }
}

fn check_prefix(metric: &Metric, name: &str, prefix: Option<&str>, diagnostics: &mut Diagnostics) {
    let Some(prefix) = prefix else {
        return;
    };
    let begins = name
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('_'));
    if !begins {
        report!(
            diagnostics,
            metric.name,
            "`{name}` does not begin with the block's prefix `{prefix}_`",
            note: "the prefix is checked, never added: names are found as they are written",
            help: "write `{prefix}_{name}`"
        );
    }
}
