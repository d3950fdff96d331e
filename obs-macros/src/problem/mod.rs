//! `#[derive(ProblemError)]`.

mod expand;
mod parse;
mod validate;

use crate::diag::{Diagnostics, guarded};
use proc_macro2::TokenStream;
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
