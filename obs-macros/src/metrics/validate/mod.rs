//! The rules of a `metrics!` block.

mod block;
mod labels;
mod name;
mod settings;

use super::ast::{Block, Kind, Metric, State};
use crate::diag::{Diagnostics, report};
use syn::{Expr, ExprLit, Lit, Meta};

pub(super) fn validate(block: &mut Block, diagnostics: &mut Diagnostics) {
    block::check_prefix(block, diagnostics);
    block::check_duplicates(block, diagnostics);
    let prefix = block.prefix.as_ref().map(syn::LitStr::value);
    for metric in &mut block.metrics {
        let before = diagnostics.len();
        check_help(metric, diagnostics);
        name::check(metric, prefix.as_deref(), diagnostics);
        labels::check(metric, diagnostics);
        settings::check(metric, diagnostics);
        check_info(metric, diagnostics);
        if diagnostics.len() > before {
            metric.spoil(State::Callable);
        }
    }
}

/// The doc comment is the HELP text of the scrape, and the documentation of the function.
fn check_help(metric: &Metric, diagnostics: &mut Diagnostics) {
    let name = &metric.name;
    for attribute in &metric.attributes {
        if let Meta::NameValue(doc) = &attribute.meta
            && doc.path.is_ident("doc")
            && !matches!(
                doc.value,
                Expr::Lit(ExprLit {
                    lit: Lit::Str(_),
                    ..
                })
            )
        {
            report!(
                diagnostics,
                doc.value,
                "the help text of `{name}` is not text",
                note: "it is read while the block is, before other macros",
                help: "write it as a doc comment, `/// What it counts.`"
            );
            return;
        }
    }
    if metric.help().is_empty() {
        report!(
            diagnostics,
            name,
            "`{name}` has no help text",
            note: "it stands on `/metrics`, in the dashboards and in the editor",
            help: "write a doc comment above it: `/// What it counts, in one sentence.`"
        );
    }
}

/// An info metric is a fact with no function, so there is nothing to see, deprecate or allow.
fn check_info(metric: &Metric, diagnostics: &mut Diagnostics) {
    if metric.kind != Kind::Info {
        return;
    }
    let name = &metric.name;
    if let Some(vis) = &metric.vis {
        report!(
            diagnostics,
            vis,
            "the info metric `{name}` has no function that could be public",
            help: "remove the visibility"
        );
    }
    for attribute in &metric.attributes {
        let path = attribute.path();
        if !path.is_ident("doc") && !path.is_ident("cfg") {
            report!(
                diagnostics,
                attribute,
                "the info metric `{name}` has no function for this attribute to stand on",
                help: "remove it"
            );
        }
    }
    if metric.facts.is_empty() && metric.state == State::Sound {
        report!(
            diagnostics,
            name,
            "`{name}` says nothing",
            help: "give it a fact: `{{ version: env!(\"CARGO_PKG_VERSION\") }}`"
        );
    }
}
