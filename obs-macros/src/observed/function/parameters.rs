//! Moves the parameters into the observed body, so that they are dropped where and in which order
//! they were: a closure alone would take only those it mentions, and drop them in another order.
//!
//! A name that begins with `_` stays outside unless the body uses it, and is dropped after the
//! body: binding it again would be a use of a name that says it is not used.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, PatIdent, Signature};

/// Rewrites the parameters and returns the statements that bind them again.
pub(super) fn rebind(signature: &mut Signature, body: &TokenStream) -> TokenStream {
    let mut statements = TokenStream::new();
    for parameter in &mut signature.inputs {
        if let FnArg::Typed(typed) = parameter {
            let attributes = &typed.attrs;
            let mut bindings = Bindings {
                body,
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

/// A name in capitals is a constant or a unit struct, and binds nothing.
fn is_bound(ident: &Ident) -> bool {
    !ident.to_string().starts_with(char::is_uppercase)
}

fn is_unused(ident: &Ident, body: &TokenStream) -> bool {
    ident.to_string().starts_with('_') && !mentions(body, ident)
}

fn mentions(tokens: &TokenStream, ident: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == *ident,
        TokenTree::Group(group) => mentions(&group.stream(), ident),
        // `{_x}` in a format string.
        TokenTree::Literal(text) => text.to_string().contains(&ident.to_string()),
        TokenTree::Punct(_) => false,
    })
}

struct Bindings<'a> {
    body: &'a TokenStream,
    /// What decides whether the parameter is there at all, and what lints say about it.
    attributes: TokenStream,
    statements: TokenStream,
}

impl VisitMut for Bindings<'_> {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        if is_bound(&pattern.ident) && !is_unused(&pattern.ident, self.body) {
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
