//! Decides where generated code seems to stand: rustc's errors and warnings go there.

use crate::crate_path::CratePath;
use crate::diag::Place;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::Expr;

/// A place in the source, for messages at start-up.
pub(crate) fn file_and_line(span: Span) -> (String, u32) {
    if !proc_macro::is_available() {
        return (String::new(), 0);
    }
    let span = span.unwrap();
    (span.file(), u32::try_from(span.line()).unwrap_or(0))
}

pub(crate) fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// Calls a check of the runtime so that rustc points at `place`, from its first token to its last.
pub(crate) fn check(
    krate: &CratePath,
    name: &str,
    place: &impl Place,
    arguments: &TokenStream,
) -> TokenStream {
    let (start, end) = place.range();
    let krate = krate.at(start);
    // rustc joins only spans of one origin, and a path through `$crate` has that of `$crate`.
    let origin = krate.clone().into_iter().next();
    let origin = origin.map_or_else(Span::mixed_site, |token| token.span());
    let mut arguments = Group::new(Delimiter::Parenthesis, arguments.clone());
    arguments.set_span(origin.located_at(end));
    let name = Ident::new(name, at(start));
    quote_spanned!(at(start)=> #krate::__private::check::#name #arguments)
}

/// Passes the user's expression to a function of the runtime, with the caret on the expression.
///
/// It never stands in a place where it could see a name of ours.
pub(crate) fn passed(
    krate: &CratePath,
    function: &str,
    first: &[TokenStream],
    expr: &Expr,
) -> TokenStream {
    let (start, _) = expr.range();
    let arguments = quote_spanned!(at(start)=> #(#first,)* #expr);
    check(krate, function, expr, &arguments)
}

/// Gives the last token a span.
pub(crate) fn ending_at(tokens: &TokenStream, span: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    if let Some(last) = tokens.last_mut() {
        last.set_span(span);
    }
    tokens.into_iter().collect()
}
