//! What was declared about a metric, as data.

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Counts up from zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets and sums them.
    Histogram,
    /// Says a fact in its labels; the value is always 1.
    Info,
    /// Quantiles computed by a third-party crate; `obs` declares none.
    Summary,
    /// A value of unknown kind, from the `metrics` facade.
    Unknown,
}

/// What kind of number a counter or gauge holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// `u64` in a counter or a histogram's buckets, `i64` in a gauge.
    Integer,
    /// `f64`.
    Float,
}

/// One label of a metric, with every value it can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelDescriptor {
    /// The label's name.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

impl LabelDescriptor {
    /// Joins a label's name and its values.
    #[must_use]
    pub const fn new(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, values }
    }

    /// A label whose values are met while the process runs.
    pub(crate) const fn open(name: &'static str) -> Self {
        Self::new(name, &[])
    }
}

/// A service level objective on a histogram: `target` per cent of observations at or below `at`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slo {
    /// The bound, in the histogram's unit; always one of its buckets.
    pub at: f64,
    /// The share of observations, in per cent, that shall be at or below the bound.
    pub target: f64,
}

/// Everything that a declaration says about one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Descriptor {
    /// The name, exactly as it stands in the source and on `/metrics`.
    pub name: &'static str,
    /// Counter, gauge, histogram or info.
    pub kind: Kind,
    /// Integer or floating point.
    pub number: Number,
    /// The base unit that the name ends in, if it does (`seconds`, `bytes`, …).
    pub unit: Option<&'static str>,
    /// The HELP text: the declaration's doc comment.
    pub help: &'static str,
    /// The labels in their order of declaration.
    pub labels: &'static [LabelDescriptor],
    /// The upper bounds of a histogram's buckets, without `+Inf`; empty for the other kinds.
    pub buckets: &'static [f64],
    /// The service level objective, if one was declared.
    pub slo: Option<Slo>,
    /// The metric's own series budget, if one was declared.
    pub max_series: Option<usize>,
    /// The source file of the declaration.
    pub file: &'static str,
    /// Its line.
    pub line: u32,
}

impl Descriptor {
    /// Starts a descriptor without labels, buckets or budget; what the macros build upon.
    #[must_use]
    pub const fn new(
        name: &'static str,
        kind: Kind,
        number: Number,
        help: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name,
            kind,
            number,
            unit: None,
            help,
            labels: &[],
            buckets: &[],
            slo: None,
            max_series: None,
            file,
            line,
        }
    }

    /// Sets the base unit.
    #[must_use]
    pub const fn unit(mut self, unit: Option<&'static str>) -> Self {
        self.unit = unit;
        self
    }

    /// Sets the labels.
    #[must_use]
    pub const fn labels(mut self, labels: &'static [LabelDescriptor]) -> Self {
        self.labels = labels;
        self
    }

    /// Sets a histogram's bucket bounds.
    #[must_use]
    pub const fn buckets(mut self, buckets: &'static [f64]) -> Self {
        self.buckets = buckets;
        self
    }

    /// Sets the service level objective.
    #[must_use]
    pub const fn slo(mut self, slo: Option<Slo>) -> Self {
        self.slo = slo;
        self
    }

    /// Sets the metric's own series budget.
    #[must_use]
    pub const fn max_series(mut self, max_series: Option<usize>) -> Self {
        self.max_series = max_series;
        self
    }

    /// Returns the number of distinct sets of label values.
    ///
    /// Saturates instead of wrapping, so that no product can slip under a budget.
    #[must_use]
    pub const fn combinations(&self) -> usize {
        let mut product = 1usize;
        let mut i = 0;
        while i < self.labels.len() {
            product = product.saturating_mul(self.labels[i].values.len());
            i += 1;
        }
        product
    }

    /// Returns the number of lines of the scrape that belong to one combination.
    #[must_use]
    pub const fn series_per_combination(&self) -> usize {
        match self.kind {
            Kind::Histogram => self.buckets.len() + 3,
            _ => 1,
        }
    }

    /// Returns the number of series: the lines that the metric puts on `/metrics`.
    #[must_use]
    pub const fn series(&self) -> usize {
        self.combinations()
            .saturating_mul(self.series_per_combination())
    }

    /// Returns the number of cells that one combination needs.
    #[must_use]
    pub const fn cells_per_combination(&self) -> usize {
        match self.kind {
            Kind::Histogram => self.buckets.len() + 2,
            Kind::Info => 0,
            _ => 1,
        }
    }

    /// Returns the number of cells that the whole metric needs.
    #[must_use]
    pub const fn cells(&self) -> usize {
        self.combinations()
            .saturating_mul(self.cells_per_combination())
    }
}

#[cfg(test)]
mod tests {
    use super::{Descriptor, Kind, LabelDescriptor, Number};

    const AB: LabelDescriptor = LabelDescriptor {
        name: "x",
        values: &["a", "b"],
    };

    #[test]
    fn a_histogram_counts_its_buckets_and_three_lines_per_combination() {
        let histogram = Descriptor::new("h", Kind::Histogram, Number::Float, "", "", 0)
            .labels(&[AB, AB])
            .buckets(&[0.1, 1.0]);
        assert_eq!(histogram.combinations(), 4);
        assert_eq!(histogram.series(), 20);
        assert_eq!(histogram.cells(), 16);
    }

    #[test]
    fn a_product_past_usize_saturates() {
        const WIDE: LabelDescriptor = LabelDescriptor {
            name: "x",
            values: &["v"; 65_536],
        };
        let metric = Descriptor::new("c", Kind::Counter, Number::Integer, "", "", 0)
            .labels(&[WIDE, WIDE, WIDE, WIDE, WIDE]);
        assert_eq!(metric.combinations(), usize::MAX);
    }
}
