//! All call sites of the process.

use std::sync::{PoisonError, RwLock};

#[cfg(feature = "rmcp")]
use super::family::CallFamily;
use super::site::Site;
use crate::catalog::{Families, Part};
use crate::metric::Totals;

/// The sites of the binary's crates, collected when linking; those of one server stand together.
#[linkme::distributed_slice]
pub static SITES: [&'static [Site]];

/// The sites made while the process runs: tools named by a label or by a router.
static LEARNED: RwLock<Vec<&'static [Site]>> = RwLock::new(Vec::new());

/// Returns every call site, those that were learned at run time included.
///
/// # Example
/// ```
/// for site in obs_runtime::sites() {
///     println!("{} is counted at {}:{}", site.name(), site.file(), site.line());
/// }
/// ```
pub fn sites() -> impl Iterator<Item = &'static Site> {
    let learned = LEARNED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    SITES.iter().copied().chain(learned).flatten()
}

/// The groups of [`tools`] by the address of their names, to find them again quickly.
#[cfg(feature = "rmcp")]
static BY_ADDRESS: RwLock<Vec<(&'static [&'static str], &'static [Site])>> =
    RwLock::new(Vec::new());

/// Returns the tools' sites of these names, made if no impl block brought them.
///
/// The same names may stand at several addresses, so finding them by address is only a short cut.
#[cfg(feature = "rmcp")]
pub(crate) fn tools(names: &'static [&'static str]) -> &'static [Site] {
    let known = BY_ADDRESS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, sites)) = known.iter().find(|(known, _)| std::ptr::eq(*known, names)) {
        return sites;
    }
    drop(known);
    let sites = tools_by_name(names);
    let mut known = BY_ADDRESS.write().unwrap_or_else(PoisonError::into_inner);
    if !known.iter().any(|(known, _)| std::ptr::eq(*known, names)) {
        known.push((names, sites));
    }
    sites
}

/// Returns the tools' sites of these names, made if no impl block brought them.
#[cfg(feature = "rmcp")]
fn tools_by_name(names: &'static [&'static str]) -> &'static [Site] {
    let fits = |group: &&&'static [Site]| {
        group.len() == names.len()
            && group
                .iter()
                .zip(names)
                .all(|(site, name)| site.family() == CallFamily::Tool && site.name() == *name)
    };
    let find = |groups: &[&'static [Site]]| groups.iter().find(fits).copied();
    if let Some(sites) =
        find(&SITES).or_else(|| find(&LEARNED.read().unwrap_or_else(PoisonError::into_inner)))
    {
        return sites;
    }
    let mut learned = LEARNED.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(sites) = find(&learned) {
        return sites;
    }
    let sites: Vec<Site> = names
        .iter()
        .map(|name| Site::learned(CallFamily::Tool, name))
        .collect();
    let sites: &'static [Site] = Box::leak(sites.into_boxed_slice());
    learned.push(sites);
    sites
}

/// The most tools that routers may name.
#[cfg(feature = "rmcp")]
const MAX_LEARNED: usize = 256;

/// Returns the site of a tool that a router named; those past the cap share `_other`.
#[cfg(feature = "rmcp")]
pub(crate) fn learned_tool(name: &str) -> &'static [Site] {
    let find = |groups: &[&'static [Site]], name: &str| {
        groups
            .iter()
            .find(|group| matches!(group, [site] if site.name() == name))
            .copied()
    };
    if let Some(site) = find(
        &LEARNED.read().unwrap_or_else(PoisonError::into_inner),
        name,
    ) {
        return site;
    }
    let mut learned = LEARNED.write().unwrap_or_else(PoisonError::into_inner);
    let full = learned.iter().filter(|group| group.len() == 1).count() >= MAX_LEARNED;
    let name = if full { super::scope::OTHER } else { name };
    if let Some(site) = find(&learned, name) {
        return site;
    }
    let name: &'static str = Box::leak(Box::from(name));
    let site = Box::leak(Box::new([Site::learned(CallFamily::Tool, name)]));
    learned.push(site);
    site
}

/// Shows all sites on a scrape.
pub(crate) struct ObservedCalls;

impl Part for ObservedCalls {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        for site in sites() {
            site.collect(totals, families);
        }
    }
}
