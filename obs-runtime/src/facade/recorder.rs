//! The recorder that stands in front of the exporter.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ::metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Label, Metadata, SharedString, Unit,
};
use metrics_exporter_prometheus::PrometheusRecorder;

use super::counts::{Counts, Reason};
use super::declared::Declared;
use super::handles::Dropped;
use super::histograms::Histograms;
use super::kinds::FacadeKind;
use super::kinds::{Handle, Remembered};
use super::names;
use super::series::{Labels, Place, Table};
use super::upkeep::Backlog;
use crate::catalog::Family;

/// The value of every label of a capped metric's last series.
const OTHER: &str = "_other";

/// Names whose description is kept.
const MAX_DESCRIBED: usize = 4096;

pub(super) const PROBE: &str = "obs_facade_probe";

/// Takes what third-party crates record through the `metrics` facade.
///
/// [`Setup::install`](crate::Setup::install) makes it the global recorder. It is here for those
/// who have a recorder already and want to pass records on to `obs` as well, and for tests:
///
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime::{Format, Obs, metrics_facade as metrics};
///
/// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// let recorder = obs.recorder().expect("the side door is open by default");
/// metrics::with_local_recorder(&recorder, || metrics::counter!("third.party").increment(2));
/// assert!(obs.scrape(Format::Text).contains("third_party 2"));
/// # Ok(())
/// # }
/// ```
///
/// # Cardinality
/// At most 1,000 names, and for each [`facade_cap`](crate::Setup::facade_cap) label sets and one
/// more, whose label values are all `_other`.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) exporter: PrometheusRecorder,
    pub(super) histograms: Histograms,
    declared: Declared,
    pub(super) counts: Counts,
    pub(super) backlog: Arc<Backlog>,
    table: RwLock<Table>,
    remembered: RwLock<Remembered>,
    /// HELP texts by name. They do not go to the exporter, which would escape them its own way.
    described: Mutex<HashMap<String, String>>,
    probed: Arc<AtomicBool>,
}

impl Recorder {
    pub(super) fn new(
        exporter: PrometheusRecorder,
        cap: usize,
        own_names: &[(Cow<'static, str>, bool)],
        counts: Counts,
        backlog: Arc<Backlog>,
    ) -> Self {
        let declared = Declared::new();
        let reserved: Vec<(&str, bool)> = declared
            .descriptors()
            .map(|descriptor| (descriptor.name, !descriptor.buckets.is_empty()))
            .chain(own_names.iter().map(|(name, is)| (name.as_ref(), *is)))
            .collect();
        let table = RwLock::new(Table::new(cap, &reserved));
        Self {
            inner: Arc::new(Inner {
                exporter,
                histograms: Histograms::default(),
                table,
                declared,
                counts,
                backlog,
                remembered: RwLock::default(),
                described: Mutex::default(),
                probed: Arc::default(),
            }),
        }
    }

    /// Adds the HELP texts, and the histograms that the exporter does not have, to its families.
    pub(super) fn complete(&self, families: &mut Vec<Family>) {
        self.inner.histograms.add_to(families);
        let described = self
            .inner
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for family in families {
            if let Some(help) = described.get(family.name.as_ref()) {
                family.help = Cow::Owned(help.clone());
            }
        }
    }

    /// Whether a record through the facade's macros arrived here.
    pub(super) fn was_probed(&self) -> bool {
        self.inner.probed.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// Cleans a key and finds its place, under the read lock wherever that is enough.
    fn place<'a>(
        &self,
        key: &'a Key,
        name: &str,
        kind: FacadeKind,
    ) -> Result<(Place, Labels<'a>), Reason> {
        let labels = names::labels(key.labels().map(|label| (label.key(), label.value())));
        let found = self
            .table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .find(name, kind, &labels);
        let place = match found {
            Some(found) => found?,
            None => self
                .table
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .admit(name, kind, &labels)?,
        };
        Ok((place, labels))
    }

    fn own_key(name: &str, labels: Labels<'_>) -> Key {
        let labels: Vec<Label> = labels
            .into_iter()
            .map(|(key, value)| Label::new(key.into_owned(), value.into_owned()))
            .collect();
        Key::from_parts(name.to_owned(), labels)
    }

    fn other_key(&self, name: &str) -> Key {
        let keys = self
            .table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .other_keys(name);
        let labels: Vec<Label> = keys.into_iter().map(|key| Label::new(key, OTHER)).collect();
        Key::from_parts(name.to_owned(), labels)
    }

    /// Returns the handle for a key and whether the next call may get the same one.
    fn resolve<H: Handle>(&self, key: &Key, metadata: &Metadata<'_>) -> Result<(H, bool), Reason> {
        let name = names::metric(key.name());
        if let Some(metric) = self.declared.get(&name) {
            let handle = H::declared(&self.declared, metric, key, self.counts)?;
            return Ok((handle, true));
        }
        let (place, labels) = self.place(key, &name, H::KIND)?;
        Ok(match place {
            Place::Own => {
                let key = Self::own_key(&name, labels);
                (H::register(self, &key, metadata), true)
            }
            // Not remembered: nothing bounds the keys that end here.
            Place::Other => {
                let other = H::register(self, &self.other_key(&name), metadata);
                (other.capped(self.counts), false)
            }
        })
    }

    fn handle<H: Handle>(&self, key: &Key, metadata: &Metadata<'_>) -> H {
        let known = self
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get::<H>(key);
        if let Some(handle) = known {
            return handle;
        }
        match self.resolve::<H>(key, metadata) {
            Ok((handle, true)) => {
                if names::is_short(key.name(), key.labels().map(|it| (it.key(), it.value()))) {
                    self.remembered
                        .write()
                        .unwrap_or_else(PoisonError::into_inner)
                        .put(key, &handle);
                }
                handle
            }
            Ok((handle, false)) => handle,
            Err(reason) => H::dropped(Dropped {
                counts: self.counts,
                reason,
            }),
        }
    }

    /// Keeps the first HELP text of each name.
    fn describe(&self, name: &KeyName, description: &SharedString) {
        let name = names::metric(name.as_str());
        let mut described = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let room = described.len() < MAX_DESCRIBED;
        if let Entry::Vacant(entry) = described.entry(name.into_owned())
            && room
        {
            entry.insert(description.to_string());
        }
    }
}

impl ::metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.inner.describe(&key, &description);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.inner.describe(&key, &description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.inner.describe(&key, &description);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        if key.name() == PROBE {
            return Counter::from_arc(Arc::new(Probe(Arc::clone(&self.inner.probed))));
        }
        self.inner.handle(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.inner.handle(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.inner.handle(key, metadata)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// Notes that the macros reach this recorder.
struct Probe(Arc<AtomicBool>);

impl CounterFn for Probe {
    fn increment(&self, _: u64) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn absolute(&self, _: u64) {
        self.0.store(true, Ordering::Relaxed);
    }
}
