//! Rules about a metric's settings.

use super::super::ast::{Kind, Metric};
use crate::diag::{Diagnostics, report};
use syn::LitStr;

pub(super) fn check(metric: &Metric, diagnostics: &mut Diagnostics) {
    check_buckets(metric, diagnostics);
    check_slo(metric, diagnostics);
    check_reason(
        "unchecked_name",
        metric.settings.unchecked_name.as_ref(),
        diagnostics,
    );
    check_reason(
        "unchecked_labels",
        metric.settings.unchecked_labels.as_ref(),
        diagnostics,
    );
}

/// There are no default buckets: those of another service measure nothing here.
fn check_buckets(metric: &Metric, diagnostics: &mut Diagnostics) {
    let name = &metric.name;
    let word = metric.kind.word();
    match (metric.kind, &metric.settings.buckets) {
        (Kind::Histogram, None) if !metric.settings.said_buckets => report!(
            diagnostics,
            name,
            "the histogram `{name}` has no buckets",
            note: "a percentile is only as exact as the bucket bounds around it",
            help: "say them: `{name}(..) {{ buckets = [0.01, 0.1, 1.0, 10.0] }}`"
        ),
        (Kind::Counter | Kind::Gauge | Kind::Info, Some((key, _))) => report!(
            diagnostics,
            key,
            "the {word} `{name}` has buckets, which are for histograms",
            help: "remove them, or declare `histogram {name}`"
        ),
        _ => {}
    }
}

fn check_slo(metric: &Metric, diagnostics: &mut Diagnostics) {
    let Some(slo) = &metric.settings.slo else {
        return;
    };
    let name = &metric.name;
    let word = metric.kind.word();
    if metric.kind != Kind::Histogram {
        report!(
            diagnostics,
            slo.key,
            "the {word} `{name}` has an slo, which needs a histogram's buckets",
            help: "remove it, or declare `histogram {name}`"
        );
        return;
    }
    for (key, example) in [("at", "at: 1.0"), ("target", "target: 99.0")] {
        if !slo.said.contains(&key) {
            report!(
                diagnostics,
                slo.key,
                "the slo of `{name}` has no `{key}`",
                help: "add `{example}`: `slo = {{ at: 1.0, target: 99.0 }}` is 99 % within 1.0"
            );
        }
    }
}

/// An escape hatch is read by whoever meets it next.
fn check_reason(key: &str, reason: Option<&LitStr>, diagnostics: &mut Diagnostics) {
    if let Some(reason) = reason
        && reason.value().trim().is_empty()
    {
        report!(
            diagnostics,
            reason,
            "`{key}` needs a reason",
            help: "say why in one sentence: `{key} = \"the dashboard of team X expects it\"`"
        );
    }
}
