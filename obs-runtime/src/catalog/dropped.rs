//! `obs_dropped_total`: what was recorded but could not be counted, by reason.

use std::borrow::Cow;

use super::{Families, FamilyDescriptor, Part, Value};
use crate::metric::dropped::{CELLS, REASONS};
use crate::metric::{Kind, Totals};

/// Shows the counts on a scrape.
pub(crate) struct Dropped;

impl Part for Dropped {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        let family = families.family(FamilyDescriptor {
            name: Cow::Borrowed("obs_dropped_total"),
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed("Values that were recorded but cannot be counted, by reason."),
        });
        for (reason, count) in REASONS.into_iter().zip(totals.of(&CELLS)) {
            family.push(
                vec![(Cow::Borrowed("reason"), Cow::Borrowed(reason))],
                Value::Unsigned(count),
            );
        }
    }
}
