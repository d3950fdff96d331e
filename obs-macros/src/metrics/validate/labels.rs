//! Rules about labels: their names, and what the parser can see of their types.

use super::super::ast::{Metric, State};
use crate::diag::{Diagnostics, report};
use crate::names::{
    MAX_NAME, has_loose_underscore, instead_of_reserved, is_reserved_label, is_unbounded,
    odd_character, snake,
};
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::visit::Visit;
use syn::{Ident, Lifetime, TypeImplTrait};

pub(super) fn check(metric: &mut Metric, diagnostics: &mut Diagnostics) {
    let names: Vec<Ident> = metric
        .labels
        .iter()
        .map(|label| &label.name)
        .chain(metric.facts.iter().map(|fact| &fact.name))
        .cloned()
        .collect();
    let mut seen = HashSet::new();
    for label in names {
        let name = label.unraw().to_string();
        if !seen.insert(name.clone()) {
            let metric_name = &metric.name;
            report!(
                diagnostics,
                label,
                "label `{name}` of `{metric_name}` is given twice",
                help: "remove one of them, or give it another name"
            );
            metric.spoil(State::Unusable);
            continue;
        }
        check_name(metric, &label, &name, diagnostics);
    }
    check_types(metric, diagnostics);
}

fn check_name(metric: &Metric, label: &Ident, name: &str, diagnostics: &mut Diagnostics) {
    let metric_name = &metric.name;
    let other = instead_of_reserved(name);
    let length = name.len();
    let unbounded =
        is_unbounded(name) && metric.facts.is_empty() && metric.settings.unchecked_labels.is_none();
    if is_reserved_label(name) {
        report!(
            diagnostics,
            label,
            "label `{name}` of `{metric_name}` is Prometheus's own",
            note: "Prometheus sets it itself, and yours would be renamed or lost",
            help: "give it another name, such as `{other}`"
        );
    } else if odd_character(name).is_some() || has_loose_underscore(name) {
        let right = snake(name);
        let right = right.trim_matches('_').replace("__", "_");
        report!(
            diagnostics,
            label,
            "`{name}` is not the name of a label",
            note: "a name is lower case words of ASCII letters and digits, joined by `_`",
            help: "write `{right}`"
        );
    } else if length > MAX_NAME {
        let start = name.get(..24).unwrap_or(name);
        report!(
            diagnostics,
            label,
            "the name `{start}..` has {length} characters, and {MAX_NAME} are allowed",
            help: "write a shorter one"
        );
    } else if unbounded {
        report!(
            diagnostics,
            label,
            "label `{name}` promises more values than anybody can list",
            note: "every distinct value becomes its own time series, and memory grows with it",
            help: "put it in a field, for logs and spans: `#[obs::observed(fields({name} = ..))]`",
            help: "if its values are few all the same, say `unchecked_labels = \"why\"`"
        );
    }
}

/// What the trait cannot be asked about: types that are no type yet.
fn check_types(metric: &mut Metric, diagnostics: &mut Diagnostics) {
    let mut spoiled = false;
    for label in &metric.labels {
        let mut unfinished = Unfinished::default();
        unfinished.visit_type(&label.ty);
        let name = &label.name;
        if let Some(found) = unfinished.impl_trait {
            report!(
                diagnostics,
                found,
                "label `{name}` has an `impl Trait` type, whose values nobody can list",
                note: "its series are counted and laid out when compiling, for one type",
                help: "name one enum that derives `obs::Label`"
            );
            spoiled = true;
        }
        if let Some(found) = unfinished.lifetime {
            report!(
                diagnostics,
                found,
                "label `{name}` borrows for `{found}`, and a label borrows nothing",
                help: "name an enum that derives `obs::Label`, without a lifetime"
            );
            spoiled = true;
        }
    }
    if spoiled {
        metric.spoil(State::Unusable);
    }
}

#[derive(Default)]
struct Unfinished {
    impl_trait: Option<syn::Type>,
    lifetime: Option<Lifetime>,
}

impl<'ast> Visit<'ast> for Unfinished {
    fn visit_type_impl_trait(&mut self, node: &'ast TypeImplTrait) {
        self.impl_trait = Some(syn::Type::ImplTrait(node.clone()));
    }

    fn visit_lifetime(&mut self, node: &'ast Lifetime) {
        if node.ident != "static" {
            self.lifetime = Some(node.clone());
        }
    }
}
