//! `#[observed]`: on functions, and on the impl blocks of MCP servers.
//!
//! `function/` has the stages for a function; `server/` those for an impl block.

mod args;
mod fields;
mod function;
mod hidden;
mod item;
mod returns;
mod server;
mod site;

use crate::diag::{Diagnostics, guarded, report};
use item::Item;
use proc_macro2::TokenStream;
use quote::quote;

/// Observes the item, or reports every mistake beside the item as it was written.
pub(crate) fn observed(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let untouched = item.clone();
    guarded("`#[observed]`", &untouched, || {
        let mut diagnostics = Diagnostics::default();
        let args = args::parse(arguments, &mut diagnostics);
        let expanded = match item::parse(item) {
            Item::Function(function) => function::observe(&function, &args, &mut diagnostics),
            Item::Impl(block) => server::observe(*block, &args, &mut diagnostics),
            // rustc says what is wrong with it.
            Item::HalfTyped => untouched.clone(),
            Item::Other(keyword, kind) => {
                report!(
                    diagnostics,
                    keyword,
                    "`#[observed]` cannot observe {kind}",
                    note: "only calls can be observed",
                    help: "put it on a `fn`, or on the impl block of an MCP server"
                );
                untouched.clone()
            }
        };
        if diagnostics.is_empty() {
            return expanded;
        }
        let errors = diagnostics.into_tokens();
        quote!(#untouched #errors)
    })
}
