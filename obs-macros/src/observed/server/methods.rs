//! The methods of a server's impl block: finds the tools and prompts, and puts the attribute on
//! those that do not have it, so that it is known when they run and which error they return.

use crate::diag::Diagnostics;
use crate::observed::args::{self, Args, Slo};
use crate::observed::function::{is_called, name_in};
use crate::observed::hidden::Hidden;
use crate::observed::returns::ErrorType;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Ident, ImplItem, ImplItemFn, ItemImpl, LitStr, Meta, parse_quote};

/// A tool of the server.
pub(super) struct Tool {
    pub(super) ident: Ident,
    pub(super) name: LitStr,
    pub(super) buckets: Option<Expr>,
    pub(super) slo: Option<Slo>,
    pub(super) errors: Option<ErrorType>,
}

fn named(method: &ImplItemFn, attribute: &str) -> Option<LitStr> {
    let attribute = method.attrs.iter().find(|it| is_called(it, attribute))?;
    let ident = &method.sig.ident;
    Some(
        name_in(attribute).unwrap_or_else(|| LitStr::new(&ident.unraw().to_string(), ident.span())),
    )
}

fn type_parameters(block: &ItemImpl) -> Vec<Ident> {
    let parameters = block.generics.type_params();
    parameters
        .map(|parameter| parameter.ident.clone())
        .collect()
}

fn functions(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(method) => Some(method),
        _ => None,
    })
}

/// Finds the tools of a block, with what their own attributes say about them.
pub(super) fn tools(block: &ItemImpl, diagnostics: &mut Diagnostics) -> Vec<Tool> {
    let generics = type_parameters(block);
    functions(block)
        .filter_map(|method| {
            let name = named(method, "tool")?;
            crate::observed::function::check_value("name", &name, diagnostics);
            let own = method.attrs.iter().find(|it| is_called(it, "observed"));
            // Its mistakes are reported when it is expanded itself.
            let own = own.map(|it| args::parse(list(it), &mut Diagnostics::default()));
            let (buckets, slo) = own.map_or((None, None), |it| (it.buckets, it.slo));
            Some(Tool {
                ident: method.sig.ident.clone(),
                name,
                buckets: buckets.map(|(_, expr)| expr),
                slo,
                errors: ErrorType::of(&method.sig.output, &generics),
            })
        })
        .collect()
}

fn list(attribute: &Attribute) -> TokenStream {
    match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    }
}

/// Tells the tools' attributes whose tools they are.
pub(super) fn observe_tools(block: &mut ItemImpl, args: &Args, tools: &[Tool]) {
    let generics = type_parameters(block);
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some(tool) = tools.iter().find(|tool| tool.ident == method.sig.ident) else {
            continue;
        };
        let hidden = Hidden {
            tool: Some(tool.name.clone()),
            generics: generics.clone(),
            ..Hidden::default()
        };
        observe(method, args, hidden);
    }
}

/// Counts the prompts of a block as operations.
pub(super) fn observe_prompts(block: &mut ItemImpl, args: &Args) {
    let generics = type_parameters(block);
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let Some(name) = named(method, "prompt") else {
            continue;
        };
        let hidden = Hidden {
            operation: Some(name),
            generics: generics.clone(),
            ..Hidden::default()
        };
        observe(method, args, hidden);
    }
}

fn observe(method: &mut ImplItemFn, outer: &Args, mut hidden: Hidden) {
    let krate = &outer.krate;
    let crate_key = outer.explicit_crate.then(|| quote!(crate = #krate));
    let own = method.attrs.iter_mut().find(|it| is_called(it, "observed"));
    let Some(own) = own else {
        // Nobody asked for calls by Rust code to be counted.
        hidden.silent = hidden.tool.is_some();
        let hidden = hidden.tokens();
        method
            .attrs
            .insert(0, parse_quote!(#[#krate::observed(#hidden #crate_key)]));
        return;
    };
    let arguments = list(own);
    let parsed = args::parse(arguments.clone(), &mut Diagnostics::default());
    let crate_key = crate_key.filter(|_| !parsed.explicit_crate);
    let separator = (crate_key.is_some() && !arguments.is_empty()).then(|| quote!(,));
    let (path, hidden) = (own.path().clone(), hidden.tokens());
    own.meta = parse_quote!(#path(#hidden #crate_key #separator #arguments));
}
