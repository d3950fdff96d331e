//! Moves the parameters into the observed body, so that they are dropped where and in which order
//! they were: a closure alone would take only those it mentions, and drop them in another order.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, PatIdent, Signature};

/// Rewrites the parameters and returns the statements that bind them again.
pub(super) fn rebind(signature: &mut Signature) -> TokenStream {
    let mut statements = TokenStream::new();
    for parameter in &mut signature.inputs {
        if let FnArg::Typed(typed) = parameter {
            let attributes = &typed.attrs;
            let mut bindings = Bindings {
                attributes: quote!(#(#attributes)*),
                statements: TokenStream::new(),
            };
            bindings.visit_pat_mut(&mut typed.pat);
            statements.extend(bindings.statements);
            // What is expected is expected of the binding that the body sees.
            typed.attrs.retain(is_cfg);
        }
    }
    statements
}

fn is_cfg(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

struct Bindings {
    /// What decides whether the parameter is there at all, and what lints say about it.
    attributes: TokenStream,
    statements: TokenStream,
}

impl VisitMut for Bindings {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        // A name in capitals is a constant or a unit struct, and binds nothing.
        let text = pattern.ident.to_string();
        if !text.chars().next().is_some_and(char::is_uppercase) {
            // `mut` is needed where the body is; left here as well it would be unused.
            let mutability = match pattern.by_ref {
                None => pattern.mutability.take(),
                Some(_) => None,
            };
            let (attributes, ident) = (&self.attributes, &pattern.ident);
            let statement = quote!(#attributes let #mutability #ident = #ident;);
            self.statements.extend(statement);
        }
        visit_mut::visit_pat_ident_mut(self, pattern);
    }
}
