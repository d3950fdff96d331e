//! `#[derive(ProblemError)]`.

mod expand;
mod parse;
mod validate;

use crate::diag::{Diagnostics, guarded, report};
use proc_macro2::{Span, TokenStream};
use quote::quote;

/// Derives the trait, or reports every mistake and implements a stub so that the type's users
/// report none.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    guarded("the derive of `ProblemError`", &TokenStream::new(), || {
        let input = match syn::parse2(input) {
            Ok(input) => input,
            Err(error) => return error.into_compile_error(),
        };
        let mut diagnostics = Diagnostics::default();
        let problem = parse::parse(input, &mut diagnostics);
        validate::validate(&problem, &mut diagnostics);
        if diagnostics.is_empty() {
            return expand::expand(&problem);
        }
        let stub = expand::stub(&problem);
        let errors = diagnostics.into_tokens();
        quote!(#stub #errors)
    })
}

/// Says what is missing in the place of the implementations that need it.
pub(crate) fn mcp_without_feature(_: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    report!(
        diagnostics,
        Span::call_site(),
        "`#[problem(mcp)]` needs the feature `rmcp` of `obs-runtime`",
        note: "it makes the error the answer of a tool of an MCP server built on `rmcp`",
        help: "add \"rmcp\" to the `features` of that dependency, or remove `mcp`"
    );
    diagnostics.into_tokens()
}
