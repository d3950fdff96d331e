//! `metrics!`.

mod ast;
mod expand;
mod parse;
mod validate;

use crate::diag::{Diagnostics, guarded};
use proc_macro2::TokenStream;
use quote::quote;

/// Declares metrics, or reports every mistake and declares what was written well enough, so that
/// the code that records reports none.
pub(crate) fn metrics(input: TokenStream) -> TokenStream {
    guarded("`metrics!`", &TokenStream::new(), || {
        let mut diagnostics = Diagnostics::default();
        let mut block = parse::parse(input, &mut diagnostics);
        validate::validate(&mut block, &mut diagnostics);
        let complete = diagnostics.is_empty();
        let errors = diagnostics.into_tokens();
        let items = expand::expand(&block, complete);
        quote!(#errors #items)
    })
}
