//! What became of the events, counted.

use std::borrow::Cow;

use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::{Cells, Kind as MetricKind};

pub(crate) const NAME: &str = "obs_sentry_events_total";

/// What was to be sent: the values of the label `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Error,
    Transaction,
    /// Check-ins and whatever else the service sends through the client.
    Other,
}

const KINDS: [&str; 3] = ["error", "transaction", "other"];

/// What became of it: the values of the label `outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    /// The rate left it out.
    SampledOut,
    /// The server asked to wait.
    RateLimited,
    /// More came than could be sent.
    QueueFull,
    /// The server could not be reached, or refused it.
    Failed,
    /// It may hold what must not be seen: an attachment, or what cannot be read.
    Withheld,
}

const OUTCOMES: [&str; 6] = [
    "sent",
    "sampled_out",
    "rate_limited",
    "queue_full",
    "failed",
    "withheld",
];

/// One cell for each pair of kind and outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    cells: &'static Cells,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            cells: Cells::leak(KINDS.len() * OUTCOMES.len()),
        }
    }

    pub(super) fn add(self, kind: Kind, outcome: Outcome) {
        self.cells
            .add(kind as usize * OUTCOMES.len() + outcome as usize, 1);
    }

    /// Returns how many found no room in the queue.
    pub(super) fn lost(self) -> u64 {
        let totals = Totals::now().of(self.cells);
        let of = Outcome::QueueFull as usize;
        totals.iter().skip(of).step_by(OUTCOMES.len()).sum()
    }

    #[cfg(test)]
    pub(super) fn get(self, kind: Kind, outcome: Outcome) -> u64 {
        Totals::now().of(self.cells)[kind as usize * OUTCOMES.len() + outcome as usize]
    }
}

impl Part for Counts {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        collect(&totals.of(self.cells), families);
    }
}

/// Describes the family where nothing is sent.
pub(crate) fn describe(families: &mut Families) {
    collect(&[0; KINDS.len() * OUTCOMES.len()], families);
}

fn collect(counts: &[u64], families: &mut Families) {
    let family = families.family(FamilyDescriptor {
        name: Cow::Borrowed(NAME),
        kind: MetricKind::Counter,
        unit: None,
        help: Cow::Borrowed(
            "Events and transactions for Sentry, by what they are and what became of them.",
        ),
    });
    let pairs = KINDS
        .into_iter()
        .flat_map(|kind| OUTCOMES.map(|outcome| (kind, outcome)));
    for ((kind, outcome), count) in pairs.zip(counts) {
        family.push(
            vec![
                (Cow::Borrowed("kind"), Cow::Borrowed(kind)),
                (Cow::Borrowed("outcome"), Cow::Borrowed(outcome)),
            ],
            Value::Unsigned(*count),
        );
    }
}
