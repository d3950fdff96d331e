//! The macros of `obs-runtime`; use them through that crate, which documents them.

mod crate_path;
mod diag;
mod label;
mod metrics;
mod names;
mod observed;
mod place;
#[cfg(test)]
mod robustness;
mod syntax;

use proc_macro::TokenStream;

/// Makes an enum a metric label: every variant is one value.
#[proc_macro_derive(Label, attributes(label))]
pub fn derive_label(input: TokenStream) -> TokenStream {
    label::derive(label::Trait::Label, input.into()).into()
}

/// Makes an error enum countable by kind: every variant is one value.
#[proc_macro_derive(ErrorLabel, attributes(label))]
pub fn derive_error_label(input: TokenStream) -> TokenStream {
    label::derive(label::Trait::ErrorLabel, input.into()).into()
}

/// Declares metrics; `obs_runtime::metrics!` passes its own path in front of the declarations.
#[proc_macro]
pub fn metrics(input: TokenStream) -> TokenStream {
    metrics::metrics(input.into()).into()
}

/// Observes a function, or the impl block of an MCP server: every call is counted exactly once.
#[proc_macro_attribute]
pub fn observed(arguments: TokenStream, item: TokenStream) -> TokenStream {
    observed::observed(arguments.into(), item.into()).into()
}
