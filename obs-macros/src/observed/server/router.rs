//! Takes over the calls of a server's tools: at `call_tool` where `#[tool_router]` would write the
//! handler, otherwise at the routes of its router.

use super::calling;
use super::handler::cfgs;
use crate::observed::args::Args;
use crate::observed::function::is_called;
use crate::observed::hidden::Hidden;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, Ident, ImplItem, ImplItemFn, ItemImpl, Meta, ReturnType, Token, Type,
    parse_quote,
};

/// Returns the position of `#[tool_router]`, if it is still there.
pub(super) fn attribute(block: &ItemImpl) -> Option<usize> {
    block
        .attrs
        .iter()
        .position(|it| is_called(it, "tool_router"))
}

/// Returns the router's function that `#[tool_router]` left behind above: it puts it last.
pub(super) fn generated(block: &ItemImpl) -> Option<&Ident> {
    let ImplItem::Fn(last) = block.items.last()? else {
        return None;
    };
    returns_router(last).then_some(&last.sig.ident)
}

fn returns_router(method: &ImplItemFn) -> bool {
    let ReturnType::Type(_, ty) = &method.sig.output else {
        return false;
    };
    let Type::Path(path) = &**ty else {
        return false;
    };
    method.sig.inputs.is_empty()
        && path
            .path
            .segments
            .last()
            .is_some_and(|it| it.ident == "ToolRouter")
}

/// What `#[tool_router(..)]` is told.
struct Settings {
    router: Ident,
    server_handler: bool,
    /// The list without `server_handler`.
    rest: TokenStream,
}

fn settings(attribute: &Attribute) -> Settings {
    let mut settings = Settings {
        router: format_ident!("tool_router"),
        server_handler: false,
        rest: TokenStream::new(),
    };
    let Meta::List(list) = &attribute.meta else {
        return settings;
    };
    for item in split_at_commas(list.tokens.clone()) {
        let words: Vec<String> = item.iter().map(ToString::to_string).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["server_handler"] | ["server_handler", "=", "true"] => {
                settings.server_handler = true;
                continue;
            }
            ["router", "=", _] => {
                let value = item[2].to_token_stream();
                if let Ok(ident) = syn::parse2(value) {
                    settings.router = ident;
                }
            }
            _ => {}
        }
        let item = item.into_iter().collect::<TokenStream>();
        settings.rest.extend(quote!(#item,));
    }
    settings
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens
        .split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ','))
        .filter(|item| !item.is_empty())
        .map(<[TokenTree]>::to_vec)
        .collect()
}

/// Observes the calls of a block whose methods have been told already.
pub(super) fn first_pass(mut block: ItemImpl, tools: &Ident, args: &Args) -> TokenStream {
    let krate = &args.krate;
    let Some(at) = attribute(&block) else {
        let router = generated(&block).cloned();
        if let Some(router) = router {
            observe_router(&mut block, &router, args, &tools.to_token_stream());
        }
        return block.into_token_stream();
    };
    let settings = settings(&block.attrs[at]);
    let router = &settings.router;
    if !settings.server_handler {
        // The router's function does not exist yet; come back when it does.
        let hidden = Hidden {
            router: Some(router.clone()),
            ..Hidden::default()
        };
        let hidden = hidden.tokens();
        let passed = args.explicit_crate.then(|| quote!(, crate = #krate));
        let attribute = parse_quote!(#[#krate::observed(#hidden tools = #tools #passed)]);
        block.attrs.insert(at + 1, attribute);
        return block.into_token_stream();
    }
    let (path, rest) = (block.attrs[at].path().clone(), &settings.rest);
    block.attrs[at].meta = if rest.is_empty() {
        Meta::Path(path)
    } else {
        parse_quote!(#path(#rest))
    };
    let handler = handler(&block, router, tools, args);
    quote!(#block #handler)
}

/// Below `#[tool_router]`: the router's function is there now.
pub(super) fn second_pass(mut block: ItemImpl, router: &Ident, args: &Args) -> TokenStream {
    if let Some((_, tools)) = &args.tools {
        observe_router(&mut block, router, args, &tools.to_token_stream());
    }
    block.into_token_stream()
}

fn observe_router(block: &mut ItemImpl, router: &Ident, args: &Args, tools: &TokenStream) {
    let krate = &args.krate;
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item
            && method.sig.ident == *router
        {
            let body = &method.block;
            method.block = parse_quote!({
                #krate::__private::mcp::observe_router_with::<#tools, _>(#body)
            });
        }
    }
}

/// Writes the handler that `#[tool_router(server_handler)]` would have written, with a
/// `call_tool` of ours; `#[tool_handler]` keeps it and adds the rest.
fn handler(block: &ItemImpl, router: &Ident, tools: &Ident, args: &Args) -> TokenStream {
    let router: Expr = parse_quote!(Self::#router());
    let call_tool = calling::through_router(&args.krate, &tools.to_token_stream(), &router, true);
    let (generics, _, bounds) = block.generics.split_for_impl();
    let (self_ty, cfgs) = (&block.self_ty, cfgs(&block.attrs));
    quote! {
        #(#cfgs)*
        #[::rmcp::tool_handler(router = #router)]
        impl #generics ::rmcp::ServerHandler for #self_ty #bounds {
            #call_tool
        }
    }
}

/// Returns the router that `#[tool_handler(router = ..)]` names.
pub(super) fn of_tool_handler(attribute: &Attribute) -> Expr {
    let default = || parse_quote!(Self::tool_router());
    let Meta::List(list) = &attribute.meta else {
        return default();
    };
    let entries = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    let named = entries.into_iter().flatten().find_map(|entry| match entry {
        Expr::Assign(assign) if assign.left.to_token_stream().to_string() == "router" => {
            Some(*assign.right)
        }
        _ => None,
    });
    named.unwrap_or_else(default)
}
