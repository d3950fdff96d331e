//! What must hold before anything is installed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::error::{Problem, ProblemKind};
use crate::catalog;
use crate::metric::{Descriptor, Kind};
use crate::registry::Registry;

/// A metric and the block that declares it.
type Declaration = (&'static Registry, &'static Descriptor);

/// Returns every problem with what is declared.
///
/// `own` are the names that `obs` brings, and whether each is a histogram.
pub(super) fn declared(own: &[(Cow<'static, str>, bool)]) -> Vec<Problem> {
    let mut by_name: BTreeMap<&'static str, Vec<Declaration>> = BTreeMap::new();
    for registry in Registry::collected() {
        for metric in registry.metrics() {
            let descriptor = metric.descriptor();
            by_name
                .entry(descriptor.name)
                .or_default()
                .push((registry, descriptor));
        }
    }
    let mut problems = Vec::new();
    for (name, declarations) in &by_name {
        if declarations.len() > 1 {
            problems.push(duplicate(name, declarations));
        }
        check_parts(name, declarations[0], &by_name, &mut problems);
        check_own(name, declarations, own, &mut problems);
    }
    check_collected(&mut problems);
    problems
}

// Two declarations of one name would write the same series twice: scrapers refuse the answer.
fn duplicate(name: &str, declarations: &[Declaration]) -> Problem {
    let times = match declarations.len() {
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    };
    Problem {
        kind: ProblemKind::DuplicateMetric,
        what: format!("metric `{name}` is declared {times}"),
        places: declarations.iter().map(|one| place(*one)).collect(),
        why: "both would be one family on /metrics, and nobody could tell their numbers apart",
        fix: "rename one of them, or declare it once and use that registry in both places"
            .to_owned(),
    }
}

// A histogram `x` writes `x_sum` and `x_count`, which may be somebody else's name.
fn check_parts(
    name: &str,
    declaration: Declaration,
    by_name: &BTreeMap<&'static str, Vec<Declaration>>,
    problems: &mut Vec<Problem>,
) {
    if declaration.1.kind != Kind::Histogram {
        return;
    }
    for suffix in PARTS {
        let part = format!("{name}{suffix}");
        if let Some(other) = by_name.get(part.as_str()) {
            problems.push(Problem {
                kind: ProblemKind::DuplicateMetric,
                what: format!("metric `{part}` has the name of a part of histogram `{name}`"),
                places: vec![place(declaration), place(other[0])],
                why: "both would write the same series",
                fix: format!("rename `{part}`"),
            });
        }
    }
}

const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

// The families that obs brings are written by obs alone.
fn check_own(
    name: &str,
    declarations: &[Declaration],
    own: &[(Cow<'static, str>, bool)],
    problems: &mut Vec<Problem>,
) {
    let is_own = own.iter().any(|(taken, is_histogram)| {
        let part = name.strip_prefix(taken.as_ref());
        part == Some("") || (*is_histogram && part.is_some_and(|part| PARTS.contains(&part)))
    });
    if is_own {
        problems.push(Problem {
            kind: ProblemKind::OwnName,
            what: format!("metric `{name}` has a name that obs brings itself"),
            places: declarations.iter().map(|one| place(*one)).collect(),
            why: "both would write the same series",
            fix: format!("put the service's name in front: `my_service_{name}`"),
        });
    }
}

// Link-time registration does not work everywhere; silently missing metrics are the worst result.
fn check_collected(problems: &mut Vec<Problem>) {
    let uncollected = catalog::uncollected();
    if uncollected.is_empty() {
        return;
    }
    problems.push(Problem {
        kind: ProblemKind::UncollectedRegistry,
        what: format!(
            "{} recorded, but no registry that obs knows holds {}",
            match uncollected.len() {
                1 => "a metric was".to_owned(),
                n => format!("{n} metrics were"),
            },
            if uncollected.len() == 1 { "it" } else { "them" }
        ),
        places: uncollected
            .iter()
            .map(|origin| format!("{}:{} (`{}`)", origin.file, origin.line, origin.name))
            .collect(),
        why: "registries find each other when linking, which does not work on this target",
        fix: "add the registry by hand: `Obs::from_env(..)?.registry(&REGISTRY)`".to_owned(),
    });
}

fn place((registry, descriptor): Declaration) -> String {
    format!(
        "{}:{} (registry {})",
        descriptor.file,
        descriptor.line,
        registry.name()
    )
}
