//! A place in the source whose calls are counted under one name.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::errors::{ErrorRows, Probe};
use super::family::{CallFamily, OPERATION_BUCKETS, TOOL_BUCKETS};
use super::outcome::{ErrorKind, Outcome};
use super::span::{CallSpan, Described, SpanSite};
use crate::catalog::{
    Families, FamilyBuilder, FamilyDescriptor, HistogramValue, LabelPair, Sample, Value,
};
use crate::metric::{Cells, Kind, Slo, Totals, bucket_of_nanos, nanos_to_seconds};
use tracing::callsite::Callsite;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};

/// One call site: the name it counts under, its buckets and its cells.
///
/// The cells are one histogram row for each outcome, then one for the calls in flight. The counter
/// and the histogram of a scrape are both made from the rows, so they cannot disagree.
pub struct Site {
    family: CallFamily,
    name: &'static str,
    buckets: &'static [f64],
    slo: Option<Slo>,
    file: &'static str,
    line: u32,
    module: &'static str,
    cells: Cells,
    errors: ErrorRows,
    kinds: Option<Probe>,
    /// Whether it is on the scrape although it was never called.
    from_the_start: bool,
    called: AtomicBool,
    spans: SpanSite,
}

/// Returns the number of cells a site needs.
#[must_use]
pub const fn site_cells(family: CallFamily, buckets: &[f64]) -> usize {
    family.outcome_count() * (buckets.len() + 2) + 1
}

/// Returns the buckets of a family for sites that name none.
#[must_use]
pub const fn default_buckets(family: CallFamily) -> &'static [f64] {
    match family {
        CallFamily::Tool => &TOOL_BUCKETS,
        CallFamily::Operation => &OPERATION_BUCKETS,
    }
}

impl Site {
    /// Makes a site over its base cells.
    ///
    /// # Panics
    /// When compiling, if `cells` are not as many as [`site_cells`] says.
    #[must_use]
    pub const fn new(
        family: CallFamily,
        name: &'static str,
        buckets: &'static [f64],
        cells: &'static [AtomicU64],
        file: &'static str,
        line: u32,
    ) -> Self {
        assert!(
            cells.len() == site_cells(family, buckets),
            "a site needs exactly the cells that its family and buckets say"
        );
        Self::over(family, name, buckets, Cells::new(cells), file, line)
    }

    const fn over(
        family: CallFamily,
        name: &'static str,
        buckets: &'static [f64],
        cells: Cells,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            family,
            name,
            buckets,
            slo: None,
            file,
            line,
            module: "",
            cells,
            errors: ErrorRows::new(),
            kinds: None,
            from_the_start: true,
            called: AtomicBool::new(false),
            spans: SpanSite::new(Level::INFO),
        }
    }

    /// Makes a site at run time; it is never freed.
    #[cfg(feature = "rmcp")]
    pub(crate) fn learned(family: CallFamily, name: &'static str) -> Self {
        let buckets = default_buckets(family);
        let base = bytemuck::zeroed_slice_box::<AtomicU64>(site_cells(family, buckets));
        let cells = Cells::new(Box::leak(base));
        Self::over(family, name, buckets, cells, "", 0)
    }

    /// Says in which module the call stands.
    #[must_use]
    pub const fn in_module(mut self, module: &'static str) -> Self {
        self.module = module;
        self
    }

    /// Sets the objective on the duration.
    #[must_use]
    pub const fn slo(mut self, slo: Option<Slo>) -> Self {
        self.slo = slo;
        self
    }

    /// Sets the function that knows the kinds of errors before the first one.
    #[must_use]
    pub const fn errors(mut self, probe: fn() -> Option<&'static [&'static str]>) -> Self {
        self.kinds = Some(probe);
        self
    }

    /// Keeps the site off the scrape until its first call: a tool is not an operation as well
    /// unless Rust code calls it.
    #[must_use]
    pub const fn once_called(mut self) -> Self {
        self.from_the_start = false;
        self
    }

    /// Sets the level of the spans of its calls; INFO where it is not said.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.spans.level = level;
        self
    }

    /// Opens the span of a call, if anybody listens.
    #[inline]
    pub(super) fn open_span(&'static self) -> CallSpan {
        if !self.spans.may_be_wanted() {
            return CallSpan::default();
        }
        self.spans.open(self, || Described {
            name: self.name,
            file: self.file,
            line: self.line,
        })
    }

    /// Returns whether these are MCP tool calls or operations.
    #[must_use]
    pub const fn family(&self) -> CallFamily {
        self.family
    }

    /// Returns the value of the label `tool` or `operation`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the bounds of the duration's buckets, in seconds, without `+Inf`.
    #[must_use]
    pub const fn buckets(&self) -> &'static [f64] {
        self.buckets
    }

    /// Returns the objective on the duration, if one was declared.
    #[must_use]
    pub const fn objective(&self) -> Option<Slo> {
        self.slo
    }

    /// Returns the source file, empty for names learned from a router at run time.
    #[must_use]
    pub const fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Returns the module, as `module_path!()` has it; empty for names learned from a router at run
    /// time.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        self.module
    }

    const fn row(&self, outcome: Outcome) -> usize {
        outcome as usize * (self.buckets.len() + 2)
    }

    const fn in_flight(&self) -> usize {
        self.family.outcome_count() * (self.buckets.len() + 2)
    }

    /// Counts a call that began.
    #[inline]
    pub(super) fn begun(&'static self) {
        if !self.from_the_start {
            self.called.store(true, Ordering::Relaxed);
        }
        self.cells.add(self.in_flight(), 1);
    }

    /// Takes back that a call began here: it is another site's.
    #[cfg(feature = "rmcp")]
    pub(super) fn left(&'static self) {
        self.cells.sub(self.in_flight(), 1);
    }

    /// Counts a call that ended. Must not panic: runs in `Drop`.
    #[inline]
    pub(super) fn ended(&'static self, outcome: Outcome, nanos: u64) {
        let row = self.row(outcome);
        // The calls of a site end in the same bucket mostly, and fast ones in the first: for those
        // a branch that is predicted costs less than the search.
        let in_first = bucket_of_nanos(self.buckets.get(..1).unwrap_or_default(), nanos) == 0;
        let bucket = if in_first {
            0
        } else {
            bucket_of_nanos(self.buckets, nanos)
        };
        self.cells.sub(self.in_flight(), 1);
        self.cells
            .record(row + bucket, row + self.buckets.len() + 1, nanos);
    }

    /// Counts the kind of an error.
    #[cold]
    pub(super) fn failed(&self, kind: ErrorKind) {
        self.errors.count(kind);
    }

    /// Adds this site's samples to the families of a scrape.
    pub(super) fn collect(&self, totals: &Totals, families: &mut Families) {
        if !self.from_the_start && !self.called.load(Ordering::Relaxed) {
            return;
        }
        if !families.declares(self.module) && !self.cells.was_recorded() {
            return;
        }
        if let Some(slo) = self.slo {
            let durations = self.builder(families, Kind::Histogram, self.family.names().duration);
            durations.objective(vec![self.own_label()], slo, self.file, self.line);
        }
        let cells = totals.of(&self.cells);
        self.collect_calls(&cells, families);
        self.collect_durations(&cells, totals, families);
        self.collect_in_flight(&cells, families);
        let names = self.family.names();
        let known = self.kinds.and_then(|kinds| kinds());
        self.errors.collect(known, totals, |kind, count| {
            let labels = vec![self.own_label(), pair("error", kind)];
            self.sample(
                families,
                Kind::Counter,
                names.errors,
                labels,
                Value::Unsigned(count),
            );
        });
    }

    fn collect_calls(&self, cells: &[u64], families: &mut Families) {
        let names = self.family.names();
        for outcome in self.family.outcomes() {
            let row = self.row(*outcome);
            let count = cells[row..=row + self.buckets.len()].iter().sum();
            let labels = vec![self.own_label(), pair("outcome", outcome.as_str())];
            self.sample(
                families,
                Kind::Counter,
                names.calls,
                labels,
                Value::Unsigned(count),
            );
        }
    }

    fn collect_durations(&self, cells: &[u64], totals: &Totals, families: &mut Families) {
        let names = self.family.names();
        for outcome in self.family.outcomes() {
            let row = self.row(*outcome);
            let sum = row + self.buckets.len() + 1;
            let value = Value::Histogram(HistogramValue {
                bounds: Cow::Borrowed(self.buckets),
                counts: cells[row..sum].to_vec(),
                sum: nanos_to_seconds(cells[sum]),
            });
            let labels = vec![self.own_label(), pair("result", outcome.result())];
            let exemplars = totals.exemplars(&self.cells, row..sum);
            let sample = Sample::new(labels, value).with_exemplars(exemplars);
            self.show(families, Kind::Histogram, names.duration, sample);
        }
    }

    fn collect_in_flight(&self, cells: &[u64], families: &mut Families) {
        let names = self.family.names();
        let running = cells[self.in_flight()].cast_signed();
        let labels = vec![self.own_label()];
        self.sample(
            families,
            Kind::Gauge,
            names.in_flight,
            labels,
            Value::Signed(running),
        );
    }

    fn own_label(&self) -> LabelPair {
        pair(self.family.label(), self.name)
    }

    fn sample(
        &self,
        families: &mut Families,
        kind: Kind,
        names: (&'static str, &'static str),
        labels: Vec<LabelPair>,
        value: Value,
    ) {
        self.show(families, kind, names, Sample::new(labels, value));
    }

    fn show(
        &self,
        families: &mut Families,
        kind: Kind,
        names: (&'static str, &'static str),
        sample: Sample,
    ) {
        self.builder(families, kind, names).push_sample(sample);
    }

    fn builder<'a>(
        &self,
        families: &'a mut Families,
        kind: Kind,
        (name, help): (&'static str, &'static str),
    ) -> &'a mut FamilyBuilder {
        let family = families.family(FamilyDescriptor {
            name: Cow::Borrowed(name),
            kind,
            unit: (kind == Kind::Histogram).then_some("seconds"),
            help: Cow::Borrowed(help),
        });
        if self.line > 0 {
            family.declared_at(self.file, self.line);
        }
        family
    }
}

impl Callsite for Site {
    fn set_interest(&self, interest: Interest) {
        self.spans.set_interest(&interest);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.spans.metadata()
    }
}

fn pair(name: &'static str, value: &'static str) -> LabelPair {
    (Cow::Borrowed(name), Cow::Borrowed(value))
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("family", &self.family)
            .field("name", &self.name)
            .field("file", &self.file)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
