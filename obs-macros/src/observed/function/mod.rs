//! `#[observed]` on a function.

mod expand;
mod parameters;
mod validate;

use super::args::Args;
use super::returns::Returns;
use crate::diag::Diagnostics;
use proc_macro2::{Group, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Attribute, Ident, LitStr, Meta, Signature, Visibility};
pub(super) use validate::check_value;

/// A function whose body nobody has looked into.
pub(super) struct Function {
    pub(super) attributes: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) signature: Signature,
    /// `None` for a declaration that ends in a semicolon.
    pub(super) body: Option<Group>,
}

/// What the calls of a function are counted as.
pub(super) enum Counted {
    Operation {
        name: String,
    },
    /// An MCP tool; the function itself counts the clients' calls.
    Tool {
        name: String,
    },
    /// An MCP tool; the impl block around it counts them.
    ToolInside {
        name: String,
        silent: bool,
    },
}

/// Observes a function.
pub(super) fn observe(
    function: &Function,
    args: &Args,
    diagnostics: &mut Diagnostics,
) -> TokenStream {
    validate::validate(function, args, diagnostics);
    let (Some(body), true) = (&function.body, diagnostics.is_empty()) else {
        return TokenStream::new();
    };
    expand::expand(function, body, &counted(function, args), args)
}

fn counted(function: &Function, args: &Args) -> Counted {
    let ident = function.signature.ident.unraw().to_string();
    let value = |name: &LitStr| name.value();
    if let Some(tool) = &args.hidden.tool {
        return Counted::ToolInside {
            name: tool.value(),
            silent: args.hidden.silent,
        };
    }
    if let Some((_, name)) = &args.tool {
        let name = name.as_ref().map_or(ident, value);
        return Counted::Tool { name };
    }
    if let Some(attribute) = function.tool_attribute() {
        let name = name_in(attribute).map_or(ident, |name| name.value());
        return Counted::Tool { name };
    }
    let own = args.name.as_ref().map(|(_, name)| name);
    let name = own.or(args.hidden.operation.as_ref()).map_or(ident, value);
    Counted::Operation { name }
}

impl Function {
    /// Returns the `#[tool]` beside the attribute.
    pub(super) fn tool_attribute(&self) -> Option<&Attribute> {
        self.attributes.iter().find(|it| is_called(it, "tool"))
    }

    fn returns(&self) -> Returns {
        Returns::of(&self.signature.output)
    }

    fn type_parameters(&self) -> Vec<Ident> {
        self.signature
            .generics
            .type_params()
            .map(|parameter| parameter.ident.clone())
            .collect()
    }
}

/// Whether the last word of an attribute's path is `name`.
pub(super) fn is_called(attribute: &Attribute, name: &str) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == name)
}

/// Returns the literal of `name = ".."` in an attribute's list.
pub(super) fn name_in(attribute: &Attribute) -> Option<LitStr> {
    let Meta::List(list) = &attribute.meta else {
        return None;
    };
    let mut name = None;
    let mut tokens = list.tokens.clone().into_iter().peekable();
    let mut at_start = true;
    while let Some(token) = tokens.next() {
        let is_key = at_start && token.to_string() == "name";
        if is_key && tokens.peek().is_some_and(|next| next.to_string() == "=") {
            tokens.next();
            let value = tokens.next().map(ToTokens::into_token_stream)?;
            name = syn::parse2(value).ok();
        }
        at_start = token.to_string() == ",";
    }
    name
}

/// Takes the inner attributes off a body; they must stand first in the new one.
fn split_body(body: &Group) -> (Vec<Attribute>, TokenStream) {
    let split = |input: syn::parse::ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_inner)?;
        let rest: TokenStream = input.parse()?;
        Ok((attributes, rest))
    };
    split
        .parse2(body.stream())
        .unwrap_or_else(|_| (Vec::new(), body.stream()))
}
