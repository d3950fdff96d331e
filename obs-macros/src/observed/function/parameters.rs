//! Moves the parameters into the observed body, so that they are dropped where and in which order
//! they were: a closure alone would take only those it mentions, and drop them in another order.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Ident, PatIdent, Signature, Token};

/// Rewrites the parameters and returns the statements that bind them again.
pub(super) fn rebind(signature: &mut Signature) -> TokenStream {
    let mut bindings = Bindings::default();
    for parameter in &mut signature.inputs {
        if let FnArg::Typed(typed) = parameter {
            bindings.visit_pat_mut(&mut typed.pat);
        }
    }
    bindings
        .found
        .iter()
        .map(|(mutability, ident)| quote!(let #mutability #ident = #ident;))
        .collect()
}

#[derive(Default)]
struct Bindings {
    found: Vec<(Option<Token![mut]>, Ident)>,
}

impl VisitMut for Bindings {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        // A name in capitals is a constant or a unit struct, and binds nothing.
        let text = pattern.ident.to_string();
        let binds = !text.chars().next().is_some_and(char::is_uppercase);
        if binds {
            // `mut` is needed where the body is; left here as well it would be unused.
            let mutability = match pattern.by_ref {
                None => pattern.mutability.take(),
                Some(_) => None,
            };
            self.found.push((mutability, pattern.ident.clone()));
        }
        visit_mut::visit_pat_ident_mut(self, pattern);
    }
}
