//! A registry: everything that one `metrics!` block declares.

use std::sync::{Mutex, PoisonError};

use crate::metric::Metric;

/// Every `metrics!` block of every crate that the binary names, collected when linking.
#[linkme::distributed_slice]
pub static REGISTRIES: [&'static Registry];

/// Registries added by hand, for targets where collecting them when linking does not work.
static ADDED: Mutex<Vec<&'static Registry>> = Mutex::new(Vec::new());

/// The metrics of one [`metrics!`](crate::metrics) block, readable as data.
///
/// The block makes it a static under the name it gives. It registers itself; adding it by hand is
/// needed only on targets without link-time registration.
///
/// # Example
/// ```
/// use obs_runtime as obs;
///
/// obs::metrics! {
///     pub registry SHOP;
///     max_series = 20;
///
///     /// Orders taken, by whether they were gifts.
///     counter shop_orders_total(gift: bool);
/// }
/// let orders = SHOP.metrics()[0].descriptor();
/// assert_eq!(orders.name, "shop_orders_total");
/// assert_eq!(orders.help, "Orders taken, by whether they were gifts.");
/// assert_eq!(orders.labels[0].values, ["false", "true"]);
/// assert_eq!(orders.series(), 2);
/// # shop_orders_total(true).inc();
/// ```
#[derive(Debug)]
pub struct Registry {
    name: &'static str,
    prefix: Option<&'static str>,
    max_series: usize,
    file: &'static str,
    line: u32,
    module: &'static str,
    metrics: &'static [&'static Metric],
}

impl Registry {
    /// Joins a block's settings and its metrics.
    #[must_use]
    pub const fn new(
        name: &'static str,
        prefix: Option<&'static str>,
        max_series: usize,
        file: &'static str,
        line: u32,
        metrics: &'static [&'static Metric],
    ) -> Self {
        Self {
            name,
            prefix,
            max_series,
            file,
            line,
            module: "",
            metrics,
        }
    }

    /// Says in which module the block stands.
    #[must_use]
    pub const fn in_module(mut self, module: &'static str) -> Self {
        self.module = module;
        self
    }

    /// Returns the module of the block, as `module_path!()` has it; empty if nobody said it.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// Returns the registry's name in the source.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the prefix that every name of the block has, if one was declared.
    #[must_use]
    pub const fn prefix(&self) -> Option<&'static str> {
        self.prefix
    }

    /// Returns the series budget of the whole block.
    #[must_use]
    pub const fn max_series(&self) -> usize {
        self.max_series
    }

    /// Returns the source file of the block.
    #[must_use]
    pub const fn file(&self) -> &'static str {
        self.file
    }

    /// Returns the line where the block names its registry.
    #[must_use]
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// Returns the metrics in their order of declaration.
    #[must_use]
    pub const fn metrics(&self) -> &'static [&'static Metric] {
        self.metrics
    }

    /// Returns every registry that a scrape shows: those found when linking, then those added.
    #[must_use]
    pub fn collected() -> Vec<&'static Self> {
        let mut all: Vec<&'static Self> = REGISTRIES.iter().copied().collect();
        for added in ADDED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if !all.iter().any(|known| std::ptr::eq(*known, *added)) {
                all.push(added);
            }
        }
        all
    }

    /// Adds this registry by hand; adding one that is already collected changes nothing.
    pub fn collect(&'static self) {
        let mut added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
        if !added.iter().any(|known| std::ptr::eq(*known, self)) {
            added.push(self);
        }
    }
}
