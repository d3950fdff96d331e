//! Writes the observed function: its sites, and one call that runs the body.

use super::{Counted, Function, parameters, split_body};
use crate::observed::args::Args;
use crate::observed::fields;
use crate::observed::returns::{ErrorType, Returns};
use crate::observed::site::{Family, Site, statics};
use crate::place::at;
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

pub(super) fn expand(
    function: &Function,
    body: &Group,
    counted: &Counted,
    args: &Args,
) -> TokenStream {
    let mut signature = function.signature.clone();
    let (inner_attributes, statements) = split_body(body);
    let bindings = parameters::rebind(&mut signature, &statements);
    let (sites, target) = sites(function, counted, args);
    let plan = plan(counted, args, &target);
    // With the user's own braces: rustc takes a function whose body ends in foreign code for
    // foreign, and would not say that it is never used.
    let braces = |tokens: TokenStream| {
        let mut block = Group::new(Delimiter::Brace, tokens);
        block.set_span(body.span());
        block
    };
    let call = call(function, args, &plan, |typed| {
        braces(quote!(#typed #bindings #statements))
    });
    let block = braces(quote!(#(#inner_attributes)* #sites #call));
    let (attributes, vis) = (&function.attributes, &function.vis);
    quote!(#(#attributes)* #vis #signature #block)
}

/// Writes the statics, and the expression that says what a call is counted as.
fn sites(function: &Function, counted: &Counted, args: &Args) -> (TokenStream, TokenStream) {
    let krate = &args.krate;
    let mut generics = function.type_parameters();
    generics.extend(args.hidden.generics.iter().cloned());
    let site = |family: Family, name: &str, explicit: bool| Site {
        krate,
        family,
        name: name.to_owned(),
        place: function.signature.ident.span(),
        buckets: args
            .buckets
            .as_ref()
            .filter(|_| explicit)
            .map(|(_, expr)| expr),
        slo: args.slo.as_ref().filter(|_| explicit),
        errors: ErrorType::of(&function.signature.output, &generics),
        once_called: !explicit,
        level: args.level(),
    };
    let own_name = function.signature.ident.to_string();
    let (tool, operation) = (
        format_ident!("__OBS_TOOL"),
        format_ident!("__OBS_OPERATION"),
    );
    match counted {
        Counted::Operation { name } => (
            statics(krate, &operation, &[site(Family::Operation, name, true)]),
            quote!(#krate::__private::Operation(&#operation[0])),
        ),
        Counted::Tool { name } => {
            let sites = [
                statics(krate, &tool, &[site(Family::Tool, name, true)]),
                statics(
                    krate,
                    &operation,
                    &[site(Family::Operation, &own_name, false)],
                ),
            ];
            let target = quote! {
                #krate::__private::ToolFn::Alone { tool: &#tool[0], operation: &#operation[0] }
            };
            (sites.into_iter().collect(), target)
        }
        Counted::ToolInside { name, silent: true } => (
            TokenStream::new(),
            quote! {
                #krate::__private::ToolFn::Inside {
                    tool: #name,
                    operation: ::core::option::Option::None,
                }
            },
        ),
        Counted::ToolInside {
            name,
            silent: false,
        } => (
            statics(
                krate,
                &operation,
                &[site(Family::Operation, &own_name, false)],
            ),
            quote! {
                #krate::__private::ToolFn::Inside {
                    tool: #name,
                    operation: ::core::option::Option::Some(&#operation[0]),
                }
            },
        ),
    }
}

/// Writes how the call is observed.
fn plan(counted: &Counted, args: &Args, target: &TokenStream) -> TokenStream {
    let krate = &args.krate;
    let records = args.records.iter().flat_map(|(_, records)| records);
    let records = records.map(|expr| {
        let krate = krate.at(expr.span());
        quote_spanned!(at(expr.span())=> .record(#krate::__private::handle(#expr)))
    });
    let fields = args.fields();
    let empty = quote!(#krate::__private::tracing::field::Empty);
    let level = args.level().unwrap_or_else(|| format_ident!("INFO"));
    let span = (!fields.is_empty()).then(|| {
        let given: Vec<String> = fields.iter().map(|it| fields::text(&it.name)).collect();
        // A name of the user's own stays the user's.
        let is_free = |name: &str| !given.iter().any(|it| it == name);
        let status = is_free("otel.status_code").then(|| quote!(otel.status_code = #empty,));
        let error = is_free("error.type").then(|| quote!(error.type = #empty,));
        let fields = fields.iter().map(fields::Field::tokens);
        let head = match counted {
            Counted::Tool { name } => quote!("tools/call", tool = #name),
            Counted::Operation { name } | Counted::ToolInside { name, .. } => quote!(#name),
        };
        quote! {
            .span(#krate::__private::tracing::span!(
                target: ::core::module_path!(),
                #krate::__private::tracing::Level::#level,
                #head,
                #status #error #(#fields),*
            ))
        }
    });
    quote!(#krate::__private::plan(#target)#(#records)*#span)
}

/// Writes the call that runs the body; `body` makes its block, behind a statement of ours.
fn call(
    function: &Function,
    args: &Args,
    plan: &TokenStream,
    body: impl Fn(Option<TokenStream>) -> Group,
) -> TokenStream {
    let krate = &args.krate;
    let once = quote!(#krate::__private::once);
    let returns = function.returns();
    let seen = seen(krate, &returns);
    if function.signature.asyncness.is_some() {
        // An async block takes its type from its first `return`; later ones are coerced to it.
        let body = body(match &returns {
            Returns::Type { annotation, .. } => Some(quote! {
                if false {
                    return #krate::__private::typed::<#annotation>();
                }
            }),
            _ => None,
        });
        return quote!(#plan.future(async move #body, #seen).await);
    }
    let (body, output) = (body(None), annotation(&returns));
    match &returns {
        Returns::Future { output } => {
            quote!(#plan.future(#krate::__private::future_of::<#output, _>(#once(move || #body)), #seen))
        }
        Returns::PinnedFuture { output } => quote! {
            ::std::boxed::Box::pin(
                #plan.future(#krate::__private::future_of::<#output, _>(#once(move || #body)), #seen)
            )
        },
        Returns::Type {
            annotation,
            may_be_boxed: true,
        } => quote! {
            {
                use #krate::__private::PlainShape as _;
                <#krate::__private::Shape<#annotation>>::OF.__obs_shape()
            }
            .run(#plan, move || #output #body, #seen)
        },
        _ => quote!(#plan.run(move || #output #body, #seen)),
    }
}

/// Writes the return type of the closure: without it, `?` and coercions would have to guess.
fn annotation(returns: &Returns) -> Option<TokenStream> {
    match returns {
        Returns::Unit => Some(quote!(-> ())),
        Returns::Never => Some(quote!(-> !)),
        Returns::Type { annotation, .. } => {
            let annotation = annotation.to_token_stream();
            Some(quote!(-> #annotation))
        }
        Returns::Future { .. } | Returns::PinnedFuture { .. } | Returns::Opaque => None,
    }
}

/// Writes the closure that looks at the result, where the concrete type is known.
pub(in crate::observed) fn seen(
    krate: &crate::crate_path::CratePath,
    returns: &Returns,
) -> TokenStream {
    if matches!(returns, Returns::Unit | Returns::Never) {
        return quote!(|_| #krate::__private::Seen::Ok);
    }
    quote! {
        |__obs_value| {
            use #krate::__private::{AnyGood as _, KindedBad as _, PlainBad as _, Whole as _};
            #krate::__private::Probe(__obs_value).__obs_parts().seen(
                |__obs_good| __obs_good.__obs_seen(),
                |__obs_bad| __obs_bad.__obs_seen(),
            )
        }
    }
}
