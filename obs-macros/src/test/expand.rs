//! Writes the test: the function as it was, and a harness's function around it.

use super::parse::{Function, Options};
use super::validate::MULTI_THREAD;
use crate::crate_path::CratePath;
use crate::place::at;
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Pat, ReturnType, Type};

pub(super) fn expand(function: &Function, options: &Options) -> TokenStream {
    let Function {
        attributes,
        vis,
        signature,
        body,
    } = function;
    let (krate, ident, output) = (&options.krate, &signature.ident, &signature.output);
    let plan = plan(function, options);
    // At the parameter's type, where a wrong one is found.
    let place = signature
        .inputs
        .first()
        .map_or(ident.span(), |parameter| match parameter {
            FnArg::Typed(typed) => typed.ty.span(),
            FnArg::Receiver(receiver) => receiver.span(),
        });
    let mut test = ident.clone();
    test.set_span(ident.span().located_at(place));
    let krate_there = krate.at(place);
    let run = if signature.asyncness.is_some() {
        quote_spanned!(at(place)=> #krate_there::__private::test::run)
    } else {
        quote_spanned!(at(place)=> #krate_there::__private::test::run_sync)
    };
    let inner = inner(function);
    let failed = failed(krate, output);
    // With the user's own braces: what rustc says of the function, it says there.
    let mut block = Group::new(
        Delimiter::Brace,
        quote! {
            #inner
            #run(#plan, #test, #failed)
        },
    );
    block.set_span(body.span());
    quote! {
        #[::core::prelude::v1::test]
        #(#attributes)*
        #vis fn #ident() #output #block
    }
}

/// Writes the closure that knows a result that is an error, where the concrete type is known.
fn failed(krate: &CratePath, output: &ReturnType) -> TokenStream {
    let has_none = match output {
        ReturnType::Default => true,
        ReturnType::Type(_, ty) => matches!(**ty, Type::Never(_)),
    };
    if has_none {
        return quote!(|_| false);
    }
    quote! {
        |__obs_output| {
            use #krate::__private::Whole as _;
            #krate::__private::Probe(__obs_output).__obs_parts().is_bad()
        }
    }
}

/// The user's function. A plain one moves its parameter, of which lints would otherwise say that
/// it could be a reference.
fn inner(function: &Function) -> TokenStream {
    let (mut signature, body) = (function.signature.clone(), &function.body);
    let Some(FnArg::Typed(typed)) = signature.inputs.first_mut() else {
        return quote!(#signature #body);
    };
    if signature.asyncness.is_some() {
        return quote!(#signature #body);
    }
    let moved = Ident::new("obs", Span::mixed_site());
    let (pattern, ty) = (&typed.pat, &typed.ty);
    let taken = quote!(let #pattern: #ty = #moved;);
    let statements = body.stream();
    let mut block = Group::new(Delimiter::Brace, quote!(#taken #statements));
    block.set_span(body.span());
    *typed.pat = Pat::Verbatim(moved.into_token_stream());
    quote!(#signature #block)
}

fn plan(function: &Function, options: &Options) -> TokenStream {
    let krate = &options.krate;
    let name = function.signature.ident.unraw().to_string();
    let env = options
        .env
        .as_ref()
        .map(|(_, env)| quote!(("OBS_ENV", #env),));
    let vars = options
        .vars
        .iter()
        .map(|(name, value)| quote!((#name, #value),));
    let flavor = flavor(options);
    quote! {
        #krate::__private::test::Plan {
            name: ::core::concat!(::core::module_path!(), "::", #name),
            service: (::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_PKG_VERSION")),
            variables: &[#env #(#vars)*],
            flavor: #krate::__private::test::Flavor::#flavor,
        }
    }
}

fn flavor(options: &Options) -> TokenStream {
    let value = |option: &Option<(_, Expr)>| {
        option
            .as_ref()
            .map(|(_, value): &(Ident, Expr)| value.to_token_stream())
    };
    if options
        .flavor
        .as_ref()
        .is_some_and(|it| it.value() == MULTI_THREAD)
    {
        let threads = value(&options.worker_threads).map_or_else(
            || quote!(::core::option::Option::None),
            |threads| quote!(::core::option::Option::Some(#threads)),
        );
        return quote!(MultiThread { worker_threads: #threads });
    }
    let paused = value(&options.start_paused).unwrap_or_else(|| quote!(false));
    quote!(CurrentThread { start_paused: #paused })
}
