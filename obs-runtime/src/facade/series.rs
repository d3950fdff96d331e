//! The names and series that third-party crates record, within bounds.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::counts::Reason;
use super::kinds::FacadeKind;

/// The most metric names the side door takes.
const MAX_NAMES: usize = 1000;

/// A clean label set; the strings are shared with nothing, so that the table owns its bounds.
pub(super) type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Where a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To the series of its own labels.
    Own,
    /// To the series whose label values are all `_other`.
    Other,
}

/// Every name in use, and the label sets of each.
#[derive(Debug)]
pub(super) struct Table {
    cap: usize,
    metrics: HashMap<String, Family>,
    /// Every sample name that is taken: a histogram `x` also writes `x_sum`.
    claimed: HashSet<String>,
}

#[derive(Debug)]
struct Family {
    kind: FacadeKind,
    series: HashSet<Labels<'static>>,
    /// The keys of the series `_other`: those of the first set that found no room.
    other: Option<Vec<String>>,
}

impl Table {
    /// Makes a table in which the names of `reserved` families are taken.
    pub(super) fn new(cap: usize, reserved: &[(&str, bool)]) -> Self {
        let mut claimed = HashSet::new();
        for (name, is_histogram) in reserved {
            claimed.extend(claims(name, *is_histogram));
        }
        Self {
            cap,
            metrics: HashMap::new(),
            claimed,
        }
    }

    /// Finds a place without making one; `None` where [`admit`](Self::admit) has to decide.
    pub(super) fn find(
        &self,
        name: &str,
        kind: FacadeKind,
        labels: &Labels<'_>,
    ) -> Option<Result<Place, Reason>> {
        let Some(family) = self.metrics.get(name) else {
            let taken = claims(name, kind == FacadeKind::Histogram)
                .any(|claim| self.claimed.contains(claim.as_str()));
            return if taken {
                Some(Err(Reason::NameCollision))
            } else if self.metrics.len() >= MAX_NAMES {
                Some(Err(Reason::TooManyNames))
            } else {
                None
            };
        };
        if family.kind != kind {
            return Some(Err(Reason::KindConflict));
        }
        if labels.is_empty() || family.contains(labels) {
            return Some(Ok(Place::Own));
        }
        (family.series.len() >= self.cap && family.other.is_some()).then_some(Ok(Place::Other))
    }

    /// Finds a place or makes one.
    pub(super) fn admit(
        &mut self,
        name: &str,
        kind: FacadeKind,
        labels: &Labels<'_>,
    ) -> Result<Place, Reason> {
        if let Some(found) = self.find(name, kind, labels) {
            return found;
        }
        if !self.metrics.contains_key(name) {
            self.claimed
                .extend(claims(name, kind == FacadeKind::Histogram));
        }
        let family = self
            .metrics
            .entry(name.to_owned())
            .or_insert_with(|| Family {
                kind,
                series: HashSet::new(),
                other: None,
            });
        // A metric without labels has one series and needs no place in the table.
        if labels.is_empty() {
            return Ok(Place::Own);
        }
        if family.series.len() < self.cap {
            family.series.insert(owned(labels));
            return Ok(Place::Own);
        }
        family.other = Some(labels.iter().map(|(key, _)| key.to_string()).collect());
        Ok(Place::Other)
    }

    /// Returns the label keys of a metric's series `_other`.
    pub(super) fn other_keys(&self, name: &str) -> Vec<String> {
        self.metrics
            .get(name)
            .and_then(|family| family.other.clone())
            .unwrap_or_default()
    }
}

impl Family {
    fn contains(&self, labels: &Labels<'_>) -> bool {
        self.series.contains(labels)
    }
}

fn owned(labels: &Labels<'_>) -> Labels<'static> {
    labels
        .iter()
        .map(|(key, value)| (Cow::Owned(key.to_string()), Cow::Owned(value.to_string())))
        .collect()
}

/// The sample names that a family writes.
fn claims(name: &str, is_histogram: bool) -> impl Iterator<Item = String> {
    let parts: &[&str] = if is_histogram {
        &["", "_bucket", "_sum", "_count"]
    } else {
        &[""]
    };
    parts.iter().map(move |suffix| format!("{name}{suffix}"))
}
