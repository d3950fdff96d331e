//! `#[derive(Label)]` and `#[derive(ErrorLabel)]`.

mod expand;
mod parse;
mod validate;

use crate::diag::{Diagnostics, guarded};
use proc_macro2::TokenStream;
use quote::quote;

/// Which of the two traits is derived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trait {
    Label,
    ErrorLabel,
}

impl Trait {
    fn name(self) -> &'static str {
        match self {
            Self::Label => "Label",
            Self::ErrorLabel => "ErrorLabel",
        }
    }

    /// Returns the derives that a corrected enum carries.
    fn derives(self) -> &'static str {
        match self {
            Self::Label => "#[derive(obs::Label, Clone, Copy)]",
            Self::ErrorLabel => "#[derive(obs::ErrorLabel)]",
        }
    }
}

/// Derives the trait, or reports every mistake and implements a stub so that the type's users
/// report none.
pub(crate) fn derive(which: Trait, input: TokenStream) -> TokenStream {
    guarded("the derive of a label", &TokenStream::new(), || {
        let input = match syn::parse2(input) {
            Ok(input) => input,
            Err(error) => return error.into_compile_error(),
        };
        let mut diagnostics = Diagnostics::default();
        let label = parse::parse(which, input, &mut diagnostics);
        validate::validate(&label, &mut diagnostics);
        if diagnostics.is_empty() {
            return expand::expand(&label);
        }
        let stub = expand::stub(&label);
        let errors = diagnostics.into_tokens();
        quote!(#stub #errors)
    })
}
