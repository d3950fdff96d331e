//! Writes the implementations of an error that has no mistakes, or stubs of one that has.

use super::parse::{Problem, Shape, Variant};
use crate::diag::Place;
use crate::place::{at, check, passed};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Generics};

pub(super) fn expand(problem: &Problem) -> TokenStream {
    let Shape::Enum(variants) = &problem.shape else {
        return stub(problem);
    };
    let krate = &problem.krate;
    let answers = variants.iter().enumerate().map(|(index, variant)| {
        let name = answer_name(index);
        let answer = answer(problem, variant)?;
        Some(quote! {
            const #name: &'static #krate::__private::problem::Own = &#answer;
        })
    });
    let arms = variants
        .iter()
        .enumerate()
        .map(|(index, variant)| arm(problem, index, variant));
    // A reference to an enum without variants matches nothing, the enum itself does.
    let subject = if variants.is_empty() {
        quote!(*self)
    } else {
        quote!(self)
    };
    let implementations = implementations(problem, &quote!(match #subject { #(#arms)* }));
    let codes = codes(problem);
    quote! {
        const _: () = {
            #(#answers)*
            #implementations
            #codes
        };
    }
}

/// Items of ours are visible to the user's expressions, so they have names that nobody writes.
fn answer_name(index: usize) -> Ident {
    format_ident!("__OBS_ANSWER_{index}")
}

/// Returns the answer of a variant as a constant, where it has one of its own.
fn answer(problem: &Problem, variant: &Variant) -> Option<TokenStream> {
    let krate = &problem.krate;
    let name = variant.ident.unraw().to_string();
    let expr = variant.status.as_ref()?;
    let span = at(expr.range().0);
    let status = if is_status_code(expr) {
        check(
            krate,
            "status",
            expr,
            &quote_spanned!(span=> #name, #expr.as_u16()),
        )
    } else {
        passed(krate, "status", &[quote!(#name)], expr)
    };
    let title = variant.title.as_ref().map(|title| quote!(.title(#title)));
    let uri = variant.uri.as_ref().map(|uri| quote!(.problem_type(#uri)));
    let detail = variant.detail.then(|| quote!(.detail()));
    let retry = variant.retry_after.as_ref();
    let retry = retry.map(|seconds| quote!(.retry_after(#seconds)));
    Some(quote!(#krate::__private::problem::Own::new(#status) #title #uri #detail #retry))
}

/// Whether this is a constant of `http::StatusCode`, such as `StatusCode::NOT_FOUND`.
fn is_status_code(expr: &Expr) -> bool {
    let Expr::Path(ExprPath { path, .. }) = expr else {
        return false;
    };
    let mut from_the_end = path.segments.iter().rev().skip(1);
    from_the_end
        .next()
        .is_some_and(|ty| ty.ident == "StatusCode")
}

fn arm(problem: &Problem, index: usize, variant: &Variant) -> TokenStream {
    let krate = &problem.krate;
    // Not the user's span: a deprecated variant is not used here, only named.
    let mut name = variant.ident.clone();
    name.set_span(at(name.span()));
    match variant.inner() {
        None => {
            let answer = answer_name(index);
            quote!(Self::#name { .. } => #krate::__private::problem::Rule::Own(#answer),)
        }
        Some((member, ty)) => {
            // At the field's type, where its mistakes are.
            let krate = krate.at(ty.span());
            let call = quote_spanned!(at(ty.span())=> #krate::__private::problem::inner::<#ty>);
            quote!(Self::#name { #member: inner } => #call(inner),)
        }
    }
}

fn implementations(problem: &Problem, rule: &TokenStream) -> TokenStream {
    let (krate, ident) = (&problem.krate, &problem.ident);
    let mut generics = problem.generics.clone();
    if !generics.params.is_empty() {
        // Whether an enum with parameters is an error depends on them.
        let (_, arguments, _) = problem.generics.split_for_impl();
        let predicates = &mut generics.make_where_clause().predicates;
        predicates.push(syn::parse_quote!(
            #ident #arguments: #krate::ErrorLabel + ::core::error::Error
        ));
        for ty in problem.inner_types() {
            predicates.push(syn::parse_quote!(#ty: #krate::ProblemError));
        }
    }
    let tool = tool(problem, &generics);
    let (generics, arguments, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics #krate::__private::problem::DerivedProblem for #ident #arguments #bounds {
            fn rule(&self) -> #krate::__private::problem::Rule<'_> {
                #rule
            }
        }

        #[automatically_derived]
        impl #generics #krate::__private::problem::IntoResponse for #ident #arguments #bounds {
            fn into_response(self) -> #krate::__private::problem::Response {
                #krate::__private::problem::respond(&self)
            }
        }

        #tool
    }
}

/// Makes the error the answer of a tool, where that was asked for. The macro around it says what is
/// missing where the runtime was built without `rmcp`.
fn tool(problem: &Problem, generics: &Generics) -> Option<TokenStream> {
    let (mcp, ident) = (problem.mcp.as_ref()?, &problem.ident);
    let krate = &problem.krate;
    let (generics, arguments, bounds) = generics.split_for_impl();
    let tool = quote!(#krate::__private::problem::tool);
    let there = krate.at(mcp.span());
    let implement = quote_spanned!(at(mcp.span())=> #there::__private::problem_mcp!);
    Some(quote! {
        #implement {
            #[automatically_derived]
            impl #generics #tool::IntoContents for #ident #arguments #bounds {
                fn into_contents(self) -> #tool::Contents {
                    #tool::contents(&self)
                }
            }

            #[automatically_derived]
            impl #generics ::core::convert::From<#ident #arguments> for #tool::ErrorData #bounds {
                fn from(error: #ident #arguments) -> Self {
                    #tool::error_data(&error)
                }
            }
        }
    })
}

/// Makes the codes known before the first error. Those of an enum with parameters are known from
/// the first one on: nobody can say here which parameters there are.
fn codes(problem: &Problem) -> Option<TokenStream> {
    let (krate, ident) = (&problem.krate, &problem.ident);
    problem.generics.params.is_empty().then(|| {
        quote! {
            #[#krate::__private::linkme::distributed_slice(#krate::__private::problem::CODES)]
            #[linkme(crate = #krate::__private::linkme)]
            static __OBS_CODES: #krate::__private::problem::Codes =
                #krate::__private::problem::Codes::new(
                    ::core::module_path!(),
                    <#ident as #krate::ErrorLabel>::VALUES,
                );
        }
    })
}

/// Implements the traits without looking at the variants.
pub(super) fn stub(problem: &Problem) -> TokenStream {
    implementations(problem, &quote!(loop {}))
}
