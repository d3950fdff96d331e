//! The families of the log itself.

use std::borrow::Cow;

use super::Logs;
use super::queue::{Counts, Dropped, ERROR_KINDS, LEVELS};
use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::Kind;

const LINES: &str = "obs_log_lines_total";
const DROPPED: &str = "obs_log_lines_dropped_total";
const ERRORS: &str = "obs_log_errors_total";

pub(crate) const NAMES: [&str; 3] = [LINES, DROPPED, ERRORS];

impl Part for Logs {
    /// The numbers are the queue's own, counted under the lock that a line needs anyway: on every
    /// scrape what was logged is what was written, dropped or still waits.
    fn collect(&self, _: &Totals, families: &mut Families) {
        collect(&self.log.queue.counts(), families);
    }
}

/// Describes the families where no log was started.
pub(crate) fn describe(families: &mut Families) {
    collect(&Counts::default(), families);
}

fn collect(counts: &Counts, families: &mut Families) {
    let mut add = |name, help, label: &'static str, values: &[&'static str], counts: &[u64]| {
        let family = families.family(FamilyDescriptor {
            name: Cow::Borrowed(name),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed(help),
        });
        for (value, count) in values.iter().zip(counts) {
            let labels = vec![(Cow::Borrowed(label), Cow::Borrowed(*value))];
            family.push(labels, Value::Unsigned(*count));
        }
    };
    add(
        LINES,
        "Lines given to the log, those that were dropped included, by level.",
        "level",
        &LEVELS,
        &counts.levels,
    );
    add(
        DROPPED,
        "Lines that the log dropped, by reason.",
        "reason",
        &Dropped::VALUES,
        &counts.dropped,
    );
    add(
        ERRORS,
        "Times that writing the log failed or had to wait, by kind.",
        "kind",
        &ERROR_KINDS,
        &counts.errors,
    );
}
