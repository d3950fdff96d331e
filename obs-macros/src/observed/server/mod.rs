//! `#[observed]` on an impl block: of an MCP server's tools and prompts, or of its handler.

mod calling;
mod handler;
mod methods;
mod router;
mod tool_enum;
mod validate;

use super::args::Args;
use super::function::is_called;
use crate::diag::{Diagnostics, report};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{Ident, ItemImpl, Path, Type};
use tool_enum::ToolEnum;

/// Observes an impl block.
pub(super) fn observe(
    mut block: ItemImpl,
    args: &Args,
    diagnostics: &mut Diagnostics,
) -> TokenStream {
    if let Some(router) = &args.hidden.router {
        return router::second_pass(block, router, args);
    }
    validate::check_arguments(args, diagnostics);
    if let Some((path, _)) = &block.trait_ {
        if path
            .segments
            .last()
            .is_some_and(|it| it.ident == "ServerHandler")
        {
            return handler::observe(block, args, diagnostics);
        }
        validate::refuse_block(&block, diagnostics);
        return TokenStream::new();
    }
    let has_router = router::attribute(&block).is_some() || router::generated(&block).is_some();
    let has_prompts = block.attrs.iter().any(|it| is_called(it, "prompt_router"));
    if !has_router && !has_prompts {
        validate::refuse_block(&block, diagnostics);
        return TokenStream::new();
    }
    methods::observe_prompts(&mut block, args);
    if !has_router {
        validate::check_no_tools(args, diagnostics);
        return block.into_token_stream();
    }
    tools(block, args, diagnostics)
}

/// Observes the tools of an impl block, and generates the enum of their names.
fn tools(mut block: ItemImpl, args: &Args, diagnostics: &mut Diagnostics) -> TokenStream {
    let tools = methods::tools(&block, diagnostics);
    validate::check_tools(&tools, diagnostics);
    let Some(ident) = enum_ident(&block, args, diagnostics) else {
        return TokenStream::new();
    };
    let cfgs: Vec<_> = block
        .attrs
        .iter()
        .filter(|it| it.path().is_ident("cfg"))
        .collect();
    let tool_enum = ToolEnum {
        krate: &args.krate,
        ident: &ident,
        self_ty: &block.self_ty,
        tools: &tools,
        cfgs: &cfgs,
    }
    .tokens();
    methods::observe_tools(&mut block, args, &tools);
    let observed = router::first_pass(block, &ident, args);
    quote!(#observed #tool_enum)
}

/// Returns the last word of a type's path.
fn type_ident(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        Type::Group(group) => type_ident(&group.elem),
        Type::Paren(paren) => type_ident(&paren.elem),
        _ => None,
    }
}

/// Returns the name of the enum that the block generates.
fn enum_ident(block: &ItemImpl, args: &Args, diagnostics: &mut Diagnostics) -> Option<Ident> {
    let Some(own) = type_ident(&block.self_ty) else {
        let ty = &block.self_ty;
        report!(
            diagnostics,
            **ty,
            "`#[observed]` cannot name the enum of the tools after this type",
            help: "name it: `#[observed(tools = ServerTool)]`"
        );
        return None;
    };
    let convention = format_ident!("{}Tool", own, span = at_user(own));
    let Some((_, path)) = &args.tools else {
        return Some(convention);
    };
    match path.get_ident() {
        Some(ident) if *ident == convention => {
            report!(
                diagnostics,
                path,
                "the enum of the tools is called `{convention}` anyway",
                help: "remove `tools`"
            );
            None
        }
        Some(ident) => Some(ident.clone()),
        None => {
            report!(
                diagnostics,
                path,
                "`tools` names a new enum here, so it cannot be a path",
                help: "write `tools = {convention}`, or another single name"
            );
            None
        }
    }
}

/// Returns the path of an enum that another block generated.
fn enum_path(block: &ItemImpl, args: &Args) -> Option<Path> {
    if let Some((_, path)) = &args.tools {
        return Some(path.clone());
    }
    let Type::Path(ty) = &*block.self_ty else {
        return None;
    };
    let mut path = ty.path.clone();
    let last = path.segments.last_mut()?;
    last.ident = format_ident!("{}Tool", last.ident, span = at_user(&last.ident));
    last.arguments = syn::PathArguments::None;
    Some(path)
}

/// Where the user's name stands, so that rustc points there if the enum is missing.
fn at_user(ident: &Ident) -> proc_macro2::Span {
    proc_macro2::Span::call_site().located_at(ident.span())
}

/// Where a type stands.
fn place(ty: &Type) -> proc_macro2::Span {
    ty.span()
}
