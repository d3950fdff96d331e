//! The order of families on the page, and which of them belong together.

use crate::catalog::{Family, Value};

/// Families of one name and kind; the first one's metadata counts.
pub(super) type Group<'a> = Vec<&'a Family>;

/// Sorts by name and joins what may be joined.
pub(super) fn groups(families: &[Family]) -> Vec<Group<'_>> {
    let mut sorted: Vec<&Family> = families.iter().collect();
    // Stable, so that the first of two equal names stays the first.
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut groups: Vec<Group<'_>> = Vec::with_capacity(sorted.len());
    for family in sorted {
        match groups.last_mut() {
            Some(group) if group[0].name == family.name => {
                if group[0].kind == family.kind {
                    group.push(family);
                }
            }
            _ => groups.push(vec![family]),
        }
    }
    groups
}

/// Guesses the length of the text, so that the string seldom grows.
pub(super) fn size_hint(families: &[Family]) -> usize {
    families
        .iter()
        .map(|family| {
            let labels = family.samples.first().map_or(0, |sample| {
                sample
                    .labels
                    .iter()
                    .map(|(name, value)| name.len() + value.len() + 4)
                    .sum()
            });
            let line = family.name.len() + labels + 24;
            let lines: usize = family
                .samples
                .iter()
                .map(|sample| match &sample.value {
                    Value::Histogram(histogram) => histogram.counts.len() + 2,
                    Value::Summary(summary) => summary.quantiles.len() + 2,
                    _ => 1,
                })
                .sum();
            family.help.len() + 2 * family.name.len() + 40 + lines * line
        })
        .sum()
}
