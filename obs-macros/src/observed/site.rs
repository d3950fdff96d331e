//! Writes the site of a call: its name, buckets, objective and cells.

use super::args::Slo;
use super::returns::ErrorType;
use crate::crate_path::CratePath;
use crate::place::{at, file_and_line, passed};
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, parse_quote_spanned};

/// Which family the calls are counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Tool,
    Operation,
}

/// Everything that a site says.
pub(super) struct Site<'a> {
    pub(super) krate: &'a CratePath,
    pub(super) family: Family,
    pub(super) name: String,
    /// Where the name stands; the site's place in the catalogue.
    pub(super) place: Span,
    pub(super) buckets: Option<&'a Expr>,
    pub(super) slo: Option<&'a Slo>,
    pub(super) errors: Option<ErrorType>,
    pub(super) once_called: bool,
    /// The name of the level's constant.
    pub(super) level: Option<Ident>,
}

impl Site<'_> {
    /// Writes the expression that makes the site, for the initialiser of a static.
    pub(super) fn tokens(&self) -> TokenStream {
        let krate = self.krate;
        let name = &self.name;
        let family = self.family(krate);
        let (file, line) = file_and_line(self.place);
        let buckets = self.buckets_const(&family);
        let slo = self.slo_call();
        let errors = self.errors.as_ref().map(|errors| {
            let probe = probe(krate, errors);
            quote!(.errors(#probe))
        });
        let once_called = self.once_called.then(|| quote!(.once_called()));
        let level = self
            .level
            .as_ref()
            .map(|level| quote!(.level(#krate::__private::tracing::Level::#level)));
        // Whoever uses a constant that failed is mentioned by rustc; that is the name then.
        let krate = krate.at(self.place);
        quote_spanned! {at(self.place)=> {
            const __OBS_BUCKETS: &'static [::core::primitive::f64] = #buckets;
            static __OBS_CELLS: [
                #krate::__private::atomic::AtomicU64;
                #krate::__private::site_cells(#family, __OBS_BUCKETS)
            ] = #krate::__private::cells();
            #krate::__private::Site::new(#family, #name, __OBS_BUCKETS, &__OBS_CELLS, #file, #line)
                .in_module(::core::module_path!())
                #slo #errors #once_called #level
        }}
    }

    fn family(&self, krate: &CratePath) -> TokenStream {
        match self.family {
            Family::Tool => quote!(#krate::__private::CallFamily::Tool),
            Family::Operation => quote!(#krate::__private::CallFamily::Operation),
        }
    }

    fn buckets_const(&self, family: &TokenStream) -> TokenStream {
        let krate = self.krate;
        let Some(buckets) = self.buckets else {
            return quote!(#krate::__private::default_buckets(#family));
        };
        let reference: Expr = match buckets {
            Expr::Reference(_) => buckets.clone(),
            _ => parse_quote_spanned!(at(buckets.span())=> &#buckets),
        };
        passed(krate, "buckets", &[self.quoted()], &reference)
    }

    fn slo_call(&self) -> Option<TokenStream> {
        let (slo, krate) = (self.slo?, self.krate);
        let first = [
            self.quoted(),
            quote_spanned!(at(self.place)=> __OBS_BUCKETS),
        ];
        let bound = passed(krate, "slo_at", &first, slo.at.as_ref()?);
        let target = passed(krate, "slo_target", &first[..1], slo.target.as_ref()?);
        Some(quote!(.slo(#krate::__private::check::slo(#bound, #target))))
    }

    fn quoted(&self) -> TokenStream {
        self.name.to_token_stream()
    }
}

/// Writes the function that asks a type for its kinds of errors.
fn probe(krate: &CratePath, errors: &ErrorType) -> TokenStream {
    let ask = match errors {
        ErrorType::Error(_) => quote!(<#krate::__private::KindsOf<#errors>>::OF.__obs_values()),
        ErrorType::Alias(_) => {
            quote!(<#krate::__private::Kinds<#errors>>::OF.__obs_error().__obs_values())
        }
    };
    quote! {{
        fn __obs_kinds() -> ::core::option::Option<
            &'static [&'static ::core::primitive::str]
        > {
            use #krate::__private::{Listed as _, NoError as _, Unlisted as _};
            #ask
        }
        __obs_kinds
    }}
}

/// Writes the static with some sites, and the element through which they are found.
pub(super) fn statics(krate: &CratePath, name: &Ident, sites: &[Site<'_>]) -> TokenStream {
    let count = Literal::usize_unsuffixed(sites.len());
    let sites = sites.iter().map(Site::tokens);
    quote! {
        static #name: [#krate::__private::Site; #count] = [#(#sites),*];
        const _: () = {
            #[#krate::__private::linkme::distributed_slice(#krate::__private::SITES)]
            #[linkme(crate = #krate::__private::linkme)]
            static __OBS_ELEMENT: &'static [#krate::__private::Site] = &#name;
        };
    }
}
