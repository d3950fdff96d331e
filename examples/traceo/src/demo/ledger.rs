//! What the demonstration did, to be held against what the services counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that was done and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// A tool that answered.
    Answered,
    /// A tool, or the server for it, that refused or failed.
    Refused,
    /// A tool that panicked.
    Panicked,
    /// A call whose client did not wait for the answer.
    Abandoned,
    /// A quote that the engine gave.
    Quoted,
    /// A quote that it did not give.
    NotQuoted,
    /// A request that the rate limiter turned away.
    Limited,
}

/// Where to look further: an id that somebody can follow.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    pub(super) what: &'static str,
    pub(super) correlation: String,
}

#[derive(Debug, Default)]
struct Entries {
    deeds: BTreeMap<Deed, u64>,
    jobs: Vec<String>,
    trails: Vec<Trail>,
}

/// Everything that was done.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Entries>);

impl Ledger {
    pub(super) fn note(&self, deed: Deed) {
        *self.entries().deeds.entry(deed).or_default() += 1;
    }

    pub(super) fn number(&self, deed: Deed) -> u64 {
        self.entries().deeds.get(&deed).copied().unwrap_or(0)
    }

    /// Notes the id of a job that a service accepted.
    pub(super) fn accepted(&self, job: &str) {
        self.entries().jobs.push(job.to_owned());
    }

    pub(super) fn jobs(&self) -> Vec<String> {
        self.entries().jobs.clone()
    }

    pub(super) fn trail(&self, what: &'static str, correlation: &str) {
        let correlation = correlation.to_owned();
        self.entries().trails.push(Trail { what, correlation });
    }

    pub(super) fn trails(&self) -> Vec<Trail> {
        self.entries().trails.clone()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
