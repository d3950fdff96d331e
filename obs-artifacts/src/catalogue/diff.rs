//! Compares a catalogue with an older one: what breaks dashboards and alerts, and what does not.

mod change;
mod show;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

pub use change::{Change, ChangeKind};

use super::{Catalogue, Label, Metric, Objective};

/// What changed between two catalogues. `Display` is for people; it is JSON by `serde`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diff {
    /// Whether anything breaks a dashboard, an alert or a recording rule.
    pub breaking: bool,
    /// The changes: by service, what breaks first, then by metric.
    pub changes: Vec<Change>,
}

impl Catalogue {
    /// Says what changed in a service since an older catalogue of it was saved.
    #[must_use]
    pub fn compare(old: &Self, new: &Self) -> Diff {
        let mut changes = Vec::new();
        if old.service != new.service {
            changes.push(
                Change::of(ChangeKind::ServiceRenamed, new).between(&old.service, &new.service),
            );
        }
        let added: Vec<&Metric> = new
            .metrics
            .iter()
            .filter(|metric| old.metric(&metric.name).is_none())
            .collect();
        for before in &old.metrics {
            match new.metric(&before.name) {
                Some(after) => compare(new, before, after, &mut changes),
                None => changes.push(removed(new, before, &added)),
            }
        }
        for metric in added {
            let change = Change::of(ChangeKind::MetricAdded, new).on(&metric.name);
            changes.push(change.to(signature(metric)));
        }
        Diff::of(changes)
    }

    /// Says what changed in a system since older catalogues of its services were saved.
    #[must_use]
    pub fn compare_all(old: &[Self], new: &[Self]) -> Diff {
        let by_name = |all: &'_ [Self]| -> BTreeMap<String, Self> {
            let named = all.iter().map(|it| (it.service.clone(), it.clone()));
            named.collect()
        };
        let (old, new) = (by_name(old), by_name(new));
        let mut changes = Vec::new();
        for (name, before) in &old {
            match new.get(name) {
                Some(after) => changes.extend(Self::compare(before, after).changes),
                None => changes.push(Change::of(ChangeKind::ServiceRemoved, before).was(name)),
            }
        }
        for (name, after) in &new {
            if !old.contains_key(name) {
                changes.push(Change::of(ChangeKind::ServiceAdded, after).to(name));
            }
        }
        Diff::of(changes)
    }
}

impl Diff {
    fn of(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| {
            let key = |it: &Change| (it.service.clone(), !it.breaking, it.metric.clone());
            key(a).cmp(&key(b))
        });
        Self {
            breaking: changes.iter().any(|change| change.breaking),
            changes,
        }
    }

    /// Whether nothing changed that anybody could see.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the changes that break something.
    pub fn breaking(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.breaking)
    }
}

/// A metric that is gone, with the new ones that could be it under another name.
fn removed(new: &Catalogue, before: &Metric, added: &[&Metric]) -> Change {
    let change = Change::of(ChangeKind::MetricRemoved, new).on(&before.name);
    let change = change.was(signature(before));
    let alike = added.iter().filter(|after| {
        after.kind == before.kind
            && after.labels == before.labels
            && after.buckets == before.buckets
    });
    let mut alike: Vec<&str> = alike.map(|metric| metric.name.as_str()).collect();
    // Counters without labels are all alike: only a part of the name in common makes it likely.
    alike.retain(|name| words(name).any(|word| words(&before.name).any(|it| it == word)));
    match &alike[..] {
        [one] => change.perhaps_now(one),
        _ => change,
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split('_');
    words.filter(|word| word.len() > 2 && !["total", "seconds", "bytes", "info"].contains(word))
}

fn compare(new: &Catalogue, before: &Metric, after: &Metric, changes: &mut Vec<Change>) {
    let change = |kind| Change::of(kind, new).on(&after.name);
    if before.kind != after.kind {
        changes
            .push(change(ChangeKind::TypeChanged).between(before.kind.name(), after.kind.name()));
    }
    if before.unit != after.unit {
        let unit = |metric: &Metric| metric.unit.clone().unwrap_or_else(|| "none".to_owned());
        changes.push(change(ChangeKind::UnitChanged).between(unit(before), unit(after)));
    }
    for label in &before.labels {
        match after.label(&label.name) {
            Some(now) => compare_values(&change, label, now, changes),
            None => changes.push(change(ChangeKind::LabelRemoved).label(&label.name)),
        }
    }
    for label in &after.labels {
        if before.label(&label.name).is_none() {
            changes.push(change(ChangeKind::LabelAdded).label(&label.name));
        }
    }
    // A histogram that became something else has lost all of them, which the type says.
    if before.kind == after.kind {
        compare_buckets(&change, before, after, changes);
    }
    compare_objectives(&change, before, after, changes);
}

fn compare_values(
    change: &impl Fn(ChangeKind) -> Change,
    before: &Label,
    after: &Label,
    changes: &mut Vec<Change>,
) {
    // A label without values takes those that the process meets.
    match (before.values.is_empty(), after.values.is_empty()) {
        (true, true) => return,
        (false, true) => {
            let values = before.values.join(", ");
            changes.push(
                change(ChangeKind::LabelOpened)
                    .label(&before.name)
                    .was(values),
            );
            return;
        }
        (true, false) => {
            let values = after.values.join(", ");
            changes.push(
                change(ChangeKind::LabelClosed)
                    .label(&before.name)
                    .to(values),
            );
            return;
        }
        (false, false) => {}
    }
    for value in &before.values {
        if !after.values.contains(value) {
            changes.push(
                change(ChangeKind::ValueRemoved)
                    .label(&before.name)
                    .was(value),
            );
        }
    }
    for value in &after.values {
        if !before.values.contains(value) {
            changes.push(change(ChangeKind::ValueAdded).label(&before.name).to(value));
        }
    }
}

fn compare_buckets(
    change: &impl Fn(ChangeKind) -> Change,
    before: &Metric,
    after: &Metric,
    changes: &mut Vec<Change>,
) {
    let (old, new) = (numbers(&before.buckets), numbers(&after.buckets));
    if old == new {
        return;
    }
    let kept = before.buckets.iter().all(|bound| after.has_bucket(*bound));
    let kind = if kept {
        ChangeKind::BucketsAdded
    } else {
        ChangeKind::BucketsRemoved
    };
    changes.push(change(kind).between(old, new));
}

fn compare_objectives(
    change: &impl Fn(ChangeKind) -> Change,
    before: &Metric,
    after: &Metric,
    changes: &mut Vec<Change>,
) {
    let same = |one: &Objective, other: &Objective| {
        one.at.total_cmp(&other.at).is_eq() && one.target.total_cmp(&other.target).is_eq()
    };
    // Those on the same series belong together; what stays is not news.
    let mut gone: Vec<&Objective> = before.objectives.iter().collect();
    let mut fresh: Vec<&Objective> = after.objectives.iter().collect();
    gone.retain(|old| {
        let stays = fresh
            .iter()
            .position(|new| new.labels == old.labels && same(new, old));
        stays.map(|at| fresh.remove(at)).is_none()
    });
    for old in gone {
        let now = fresh.iter().position(|new| new.labels == old.labels);
        changes.push(match now.map(|at| fresh.remove(at)) {
            Some(new) => change(ChangeKind::ObjectiveChanged).between(promise(old), promise(new)),
            None => change(ChangeKind::ObjectiveRemoved).was(promise(old)),
        });
    }
    for new in fresh {
        // One of several about the same events is recorded with its bound in its name.
        let renamed = before
            .objectives
            .iter()
            .find(|old| old.labels == new.labels);
        changes.push(match renamed {
            Some(old) => change(ChangeKind::ObjectiveChanged).between(
                promise(old),
                format!("{} and {}", promise(old), promise(new)),
            ),
            None => change(ChangeKind::ObjectiveAdded).to(promise(new)),
        });
    }
}

/// An objective in words.
fn promise(objective: &Objective) -> String {
    let Objective { at, target, .. } = objective;
    let labels = objective.labels.iter();
    let labels: Vec<String> = labels
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    if labels.is_empty() {
        format!("{target} % within {at}")
    } else {
        format!("{target} % within {at} of {{{}}}", labels.join(","))
    }
}

/// What a metric is, in a few words.
fn signature(metric: &Metric) -> String {
    let labels: Vec<&str> = metric.labels.iter().map(|it| it.name.as_str()).collect();
    let kind = metric.kind.name();
    if labels.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}({})", labels.join(", "))
    }
}

fn numbers(bounds: &[f64]) -> String {
    let bounds: Vec<String> = bounds.iter().map(f64::to_string).collect();
    bounds.join(", ")
}
