//! The side door: what third-party crates record through the `metrics` facade.
//!
//! A recorder of ours stands in front of `metrics-exporter-prometheus`. It makes names and labels
//! valid before anything is keyed by them, bounds the series of each metric, and sends what is
//! recorded under a declared name to the declared metric's cells. What the exporter holds is read
//! back for each scrape, so that both formats show it.

mod counts;
mod declared;
mod handles;
mod histograms;
mod kinds;
mod names;
mod recorder;
mod series;
mod upkeep;

pub use recorder::Recorder;

use std::borrow::Cow;
use std::io;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::catalog::{Families, Family, Part, Totals};
use crate::exposition::parse;
use counts::Counts;
use upkeep::Backlog;

/// Label sets of one third-party metric, unless [`facade_cap`](crate::Setup::facade_cap) says
/// otherwise.
pub(crate) const DEFAULT_CAP: usize = 1000;

/// The most that can be asked for.
pub(crate) const MAX_CAP: usize = 100_000;

/// The families that the side door itself brings.
pub(crate) const OWN_NAMES: [&str; 2] = [counts::DROPPED_NAME, counts::CAPPED_NAME];

/// The recorder and the way to read what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Facade {
    recorder: Recorder,
    exporter: PrometheusHandle,
    counts: Counts,
}

impl Facade {
    /// Makes the recorder and starts its upkeep, which lasts as long as the recorder does.
    ///
    /// Names in `own_names` are refused; the flag says whether the family is a histogram.
    pub(crate) fn start(cap: usize, own_names: &[(Cow<'static, str>, bool)]) -> io::Result<Self> {
        let exporter = PrometheusBuilder::new().build_recorder();
        let handle = exporter.handle();
        let counts = Counts::new();
        let backlog = Backlog::start(handle.clone())?;
        Ok(Self {
            recorder: Recorder::new(exporter, cap, own_names, counts, backlog),
            exporter: handle,
            counts,
        })
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Returns the third-party families.
    pub(crate) fn families(&self) -> Vec<Family> {
        let mut families = parse::families(&self.exporter.render(), names::restore);
        self.recorder.complete(&mut families);
        families
    }

    /// Records a probe through the facade's macros and returns whether it arrived.
    pub(crate) fn answers(&self) -> bool {
        ::metrics::counter!(recorder::PROBE).increment(1);
        self.recorder.was_probed()
    }
}

impl Part for Facade {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        self.counts.collect(totals, families);
    }
}
