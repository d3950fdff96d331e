//! Names of an earlier system, and what is asked for instead.

use std::fmt::Write;

use super::Page;
use super::markdown::{Table, cell, code};
use crate::problem::Problem;
use crate::system::{Rename, System};

pub(super) const TITLE: &str = "Names in earlier systems";

pub(super) fn render(system: &System, page: &mut Page, problems: &mut Vec<Problem>) {
    if system.renames.is_empty() {
        return;
    }
    page.heading(2, TITLE);
    let mut table = Table::new(["before", "now", ""]);
    for rename in &system.renames {
        check(system, rename, problems);
        table.row([cell(&rename.old), code(&rename.new), cell(&rename.note)]);
    }
    write!(page.text, "{table}").ok();
}

/// A table that leads to a name which does not exist is worse than none.
fn check(system: &System, rename: &Rename, problems: &mut Vec<Problem>) {
    let new = rename.new.split('{').next().unwrap_or_default();
    let is_there = |name: &str| {
        let mut services = system.services.iter();
        services.any(|it| it.catalogue.metric(name).is_some())
    };
    // What is asked for of a histogram may be one of its series.
    let parts = ["_bucket", "_sum", "_count"];
    let whole = parts.iter().find_map(|part| new.strip_suffix(part));
    if !is_there(new) && !whole.is_some_and(is_there) {
        problems.push(Problem {
            what: format!(
                "`{}` is said to be `{new}` now, which no service has",
                rename.old
            ),
            why: "whoever follows the page to it finds nothing",
            fix: format!(
                "name a metric of a service in `.renamed({:?}, ..)`, with its prefix",
                rename.old
            ),
        });
    }
}
