//! What became of the spans, counted.

use std::borrow::Cow;

use super::queue::Queue;
use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::Kind;

pub(crate) const EXPORTED: &str = "obs_spans_exported_total";
pub(crate) const DROPPED: &str = "obs_spans_dropped_total";
pub(crate) const WAITING: &str = "obs_spans_waiting";

/// Why a span was dropped: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// More came than could be sent.
    QueueFull,
    /// The collector could not be reached, or did not answer in time, again and again.
    ExportFailed,
    /// The collector answered that it does not take it.
    Rejected,
    /// It belongs to a request that failed later, and found no room among those that waited for it.
    HeldOverflow,
    /// It could not be sent in the time that the stop had.
    Stopped,
    /// It ended after the stop.
    AfterStop,
}

impl Dropped {
    pub(super) const VALUES: [&'static str; 6] = [
        "queue_full",
        "export_failed",
        "rejected",
        "held_overflow",
        "stopped",
        "after_stop",
    ];
}

/// What happened so far; always consistent with itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) exported: u64,
    pub(super) dropped: [u64; Dropped::VALUES.len()],
    /// Neither exported nor dropped yet.
    pub(super) waiting: u64,
}

impl Counts {
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }
}

impl Part for Queue {
    /// The numbers are the queue's own, counted under the lock that a span needs anyway: on every
    /// scrape what was offered is what was exported, dropped or still waits.
    fn collect(&self, _: &Totals, families: &mut Families) {
        collect(self.counts(), families);
    }
}

/// Describes the families where nothing is exported.
pub(crate) fn describe(families: &mut Families) {
    collect(Counts::default(), families);
}

fn collect(counts: Counts, families: &mut Families) {
    let family = |name, kind, help| FamilyDescriptor {
        name: Cow::Borrowed(name),
        kind,
        unit: None,
        help: Cow::Borrowed(help),
    };
    let exported = family(EXPORTED, Kind::Counter, "Spans that a collector took.");
    families
        .family(exported)
        .push(Vec::new(), Value::Unsigned(counts.exported));
    let waiting = family(WAITING, Kind::Gauge, "Spans that wait to be exported.");
    families
        .family(waiting)
        .push(Vec::new(), Value::Unsigned(counts.waiting));
    let dropped = families.family(family(
        DROPPED,
        Kind::Counter,
        "Spans that were to be exported and were not, by reason.",
    ));
    for (reason, count) in Dropped::VALUES.into_iter().zip(counts.dropped) {
        dropped.push(
            vec![(Cow::Borrowed("reason"), Cow::Borrowed(reason))],
            Value::Unsigned(count),
        );
    }
}
