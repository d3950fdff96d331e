//! Rules about the block as a whole.

use super::super::ast::{Block, Kind, Metric, State};
use crate::diag::{Diagnostics, report};
use crate::names::{family, has_loose_underscore, odd_character, reserved_suffix};
use std::collections::HashMap;
use syn::ext::IdentExt;

/// The prefix is compared with every name, never added: what is read is what is found by search.
pub(super) fn check_prefix(block: &mut Block, diagnostics: &mut Diagnostics) {
    let Some(prefix) = &block.prefix else {
        return;
    };
    let text = prefix.value();
    if text.is_empty() || odd_character(&text).is_some() || has_loose_underscore(&text) {
        report!(
            diagnostics,
            prefix,
            "\"{text}\" is not a prefix of metric names",
            note: "a prefix is lower case letters, digits and single underscores between them",
            help: "write `prefix = \"shop\";` for names such as `shop_orders_total`"
        );
        block.prefix = None;
    }
}

/// Two metrics of one name, or of one name in `OpenMetrics`, would be one family with two meanings.
pub(super) fn check_duplicates(block: &mut Block, diagnostics: &mut Diagnostics) {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut doubles = Vec::new();
    for (at, metric) in block.metrics.iter().enumerate() {
        // Of two alternatives under opposite conditions only one exists; rustc sees to that.
        if metric.cfgs().next().is_some() {
            continue;
        }
        let name = metric.name.unraw().to_string();
        let key = collision_key(metric, &name, &names);
        match names.get(&key) {
            Some(first) if *first == name => {
                report!(
                    diagnostics,
                    metric.name,
                    "`{name}` is declared twice in this block",
                    help: "remove one of them, or give it another name"
                );
                doubles.push(at);
            }
            Some(first) => {
                report!(
                    diagnostics,
                    metric.name,
                    "`{name}` and `{first}` are one metric in OpenMetrics",
                    note: "it reads `{key}` in both, without what it adds to names itself",
                    help: "give one of them another name"
                );
            }
            None => {
                names.insert(key, name);
            }
        }
    }
    for at in doubles {
        block.metrics[at].spoil(State::Unusable);
    }
}

/// Returns the name of the family that a metric's samples belong to.
fn collision_key(metric: &Metric, name: &str, taken: &HashMap<String, String>) -> String {
    let family = family(name);
    // `x_count` is a sample of the histogram `x`, if there is one.
    if metric.kind != Kind::Histogram
        && let Some(suffix) = reserved_suffix(family)
        && let Some(base) = family.strip_suffix(suffix)
        && taken.contains_key(base)
    {
        return base.to_owned();
    }
    family.to_owned()
}
