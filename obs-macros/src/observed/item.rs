//! Reads the item under the attribute, without looking into a function's body.

use super::function::Function;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, ItemImpl, Signature, Token, Visibility};

/// What stands under the attribute.
pub(super) enum Item {
    Function(Box<Function>),
    Impl(Box<ItemImpl>),
    /// Something that rustc will refuse by itself.
    HalfTyped,
    /// Something else: its keyword, and what to call it.
    Other(Span, &'static str),
}

pub(super) fn parse(item: TokenStream) -> Item {
    match function.parse2(item.clone()) {
        Ok(function) => Item::Function(Box::new(function)),
        Err(_) => match syn::parse2::<ItemImpl>(item.clone()) {
            Ok(block) => Item::Impl(Box::new(block)),
            Err(_) => other(item),
        },
    }
}

/// Reads a function; its body stays tokens, so that one that is half typed still reads.
fn function(input: ParseStream<'_>) -> syn::Result<Function> {
    let attributes = input.call(Attribute::parse_outer)?;
    let vis: Visibility = input.parse()?;
    let signature: Signature = input.parse()?;
    if input.parse::<Option<Token![;]>>()?.is_some() {
        return Ok(Function {
            attributes,
            vis,
            signature,
            body: None,
        });
    }
    let body: Group = input.parse()?;
    if body.delimiter() != Delimiter::Brace || !input.is_empty() {
        return Err(input.error("expected the body of a function"));
    }
    Ok(Function {
        attributes,
        vis,
        signature,
        body: Some(body),
    })
}

/// Names an item by its first keyword, past attributes and visibility.
fn other(item: TokenStream) -> Item {
    let mut tokens = item.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let TokenTree::Ident(word) = &token else {
            continue;
        };
        let kind = match word.to_string().as_str() {
            "fn" | "impl" => return Item::HalfTyped,
            "const" if matches!(tokens.peek(), Some(TokenTree::Ident(next)) if next == "fn") => {
                return Item::HalfTyped;
            }
            "struct" => "a struct",
            "enum" => "an enum",
            "union" => "a union",
            "trait" => "a trait",
            "mod" => "a module",
            "type" => "a type alias",
            "static" => "a static",
            "const" => "a constant",
            "use" => "a `use`",
            "macro_rules" => "a macro",
            "let" => "a statement",
            _ => continue,
        };
        return Item::Other(word.span(), kind);
    }
    Item::HalfTyped
}
