//! What the attribute on an impl block tells the attributes inside it.
//!
//! It stands first in the list, as `@(key = value, …)`; users cannot write that by accident.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Ident, LitStr, Token};

/// What an attribute was told by the one around it, or by itself in an earlier pass.
#[derive(Default)]
pub(super) struct Hidden {
    /// The name of the MCP tool that the function is.
    pub(super) tool: Option<LitStr>,
    /// The name of the operation that the function is, unless the user names it.
    pub(super) operation: Option<LitStr>,
    /// Nobody asked for calls by Rust code to be counted.
    pub(super) silent: bool,
    /// The type parameters of the impl block: nothing outside of it can name them.
    pub(super) generics: Vec<Ident>,
    /// Second pass, below `#[tool_router]`: the router's function.
    pub(super) router: Option<Ident>,
}

impl Hidden {
    /// Takes the hidden part off a list of arguments.
    pub(super) fn split(arguments: TokenStream) -> (Self, TokenStream) {
        let mut tokens = arguments.clone().into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Punct(at)), Some(TokenTree::Group(group))) if at.as_char() == '@' => {
                let hidden = parse.parse2(group.stream()).unwrap_or_default();
                (hidden, tokens.collect())
            }
            _ => (Self::default(), arguments),
        }
    }

    /// Writes the hidden part.
    pub(super) fn tokens(&self) -> TokenStream {
        let tool = self.tool.iter().map(|it| quote!(tool = #it,));
        let operation = self.operation.iter().map(|it| quote!(operation = #it,));
        let silent = self.silent.then(|| quote!(silent,));
        let generics = &self.generics;
        let router = self.router.iter().map(|it| quote!(router = #it,));
        quote!(@(#(#tool)* #(#operation)* #silent #(generic = #generics,)* #(#router)*))
    }
}

fn parse(input: ParseStream<'_>) -> syn::Result<Hidden> {
    let mut hidden = Hidden::default();
    while !input.is_empty() {
        let key: Ident = input.parse()?;
        if key == "silent" {
            hidden.silent = true;
        } else {
            input.parse::<Token![=]>()?;
            match key.to_string().as_str() {
                "tool" => hidden.tool = Some(input.parse()?),
                "operation" => hidden.operation = Some(input.parse()?),
                "generic" => hidden.generics.push(input.parse()?),
                _ => hidden.router = Some(input.parse()?),
            }
        }
        input.parse::<Token![,]>()?;
    }
    Ok(hidden)
}
