//! `#[observed]` on `impl ServerHandler`.

use super::{calling, enum_path, router};
use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::observed::args::Args;
use crate::observed::function::is_called;
use crate::observed::returns::Returns;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Pat, parse_quote};

pub(super) fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes
        .iter()
        .filter(|it| it.path().is_ident("cfg"))
        .collect()
}

/// Takes over the `call_tool` of a handler.
pub(super) fn observe(
    mut block: ItemImpl,
    args: &Args,
    diagnostics: &mut Diagnostics,
) -> TokenStream {
    let Some(tools) = enum_path(&block, args) else {
        let ty = &block.self_ty;
        report!(
            diagnostics,
            **ty,
            "`#[observed]` cannot tell the enum of the tools from this type",
            help: "name it: `#[observed(tools = ServerTool)]`"
        );
        return TokenStream::new();
    };
    let tools = tools.to_token_stream();
    let written = block.items.iter_mut().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "call_tool" => Some(method),
        _ => None,
    });
    if let Some(method) = written {
        take_over(method, &args.krate, &tools, diagnostics);
        return block.into_token_stream();
    }
    let Some(attribute) = block.attrs.iter().find(|it| is_called(it, "tool_handler")) else {
        let path = block.trait_.as_ref().map(|(path, _)| path.clone());
        if let Some(path) = path {
            report!(
                diagnostics,
                path,
                "this `ServerHandler` has no `call_tool`, so there is nothing to observe",
                help: "add `#[tool_handler]` below `#[observed]`, or write `call_tool`"
            );
        }
        return TokenStream::new();
    };
    let router = router::of_tool_handler(attribute);
    let method = calling::through_router(&args.krate, &tools, &router, false);
    block.items.push(ImplItem::Fn(method));
    block.into_token_stream()
}

/// Wraps the body of a `call_tool` that is already there.
fn take_over(
    method: &mut ImplItemFn,
    krate: &CratePath,
    tools: &TokenStream,
    diagnostics: &mut Diagnostics,
) {
    let Some(bindings) = rename_parameters(method) else {
        report!(
            diagnostics,
            method.sig.ident,
            "`call_tool` does not take `&self`, the request and its context",
            help: "write the parameters as `ServerHandler` has them"
        );
        return;
    };
    let observation = calling::observation(krate, tools, false);
    let statements = &method.block.stmts;
    let body = quote!(#bindings #(#statements)*);
    let is_async = method.sig.asyncness.is_some();
    let future = match Returns::of(&method.sig.output) {
        Returns::Type { annotation, .. } if is_async => quote! {
            #observation
                .of(async move {
                    if false {
                        return #krate::__private::typed::<#annotation>();
                    }
                    #body
                })
                .await
        },
        _ if is_async => quote!(#observation.of(async move { #body }).await),
        Returns::Type { .. } | Returns::PinnedFuture { .. } => quote! {
            ::std::boxed::Box::pin(
                #observation.of(async move { #krate::__private::once(move || { #body }).await })
            )
        },
        _ => quote! {
            #observation.of(async move { #krate::__private::once(move || { #body }).await })
        },
    };
    method.block = parse_quote!({ #future });
}

/// Gives the request and its context names of ours, and returns what binds the user's again.
fn rename_parameters(method: &mut ImplItemFn) -> Option<TokenStream> {
    let mut names = ["__obs_request", "__obs_context"].into_iter();
    let mut bindings = TokenStream::new();
    for parameter in &mut method.sig.inputs {
        let FnArg::Typed(typed) = parameter else {
            continue;
        };
        let name = format_ident!("{}", names.next()?);
        let renamed: Pat = parse_quote!(#name);
        let pattern = std::mem::replace(&mut *typed.pat, renamed);
        bindings.extend(quote!(let #pattern = #name;));
    }
    names.next().is_none().then_some(bindings)
}
