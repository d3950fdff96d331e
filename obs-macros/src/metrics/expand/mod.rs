//! Writes the statics and functions of a block.

mod call;
mod metric;

use super::ast::{Block, Metric, Registry, State};
use crate::place::{at, check, file_and_line, passed};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;

/// Series of a block that says nothing else.
const DEFAULT_MAX_SERIES: usize = 1000;

/// Writes everything, or what can be written beside errors.
pub(super) fn expand(block: &Block, complete: bool) -> TokenStream {
    let Some(registry) = &block.registry else {
        let calls = block
            .metrics
            .iter()
            .filter_map(|metric| call::stub(block, metric));
        return calls.collect();
    };
    let names = Names::new(registry);
    let max = max_series(block, &names);
    let metrics = block.metrics.iter().map(|metric| match metric.state {
        State::Sound => {
            let own = metric::metric_static(block, &names, metric);
            let call = call::call(block, &names, metric);
            Some(quote!(#own #call))
        }
        State::Callable | State::Unusable => call::stub(block, metric),
    });
    let registry = registry_static(block, registry, &names, complete);
    quote!(#max #(#metrics)* #registry)
}

/// The names of generated items. Items of a macro are visible to the user's code, and the user's
/// to ours, so ours begin with what nobody writes.
struct Names {
    registry: Ident,
}

impl Names {
    fn new(registry: &Registry) -> Self {
        let upper = registry.name.unraw().to_string().to_uppercase();
        Self {
            registry: Ident::new(&upper, at(registry.name.span())),
        }
    }

    fn metrics(&self) -> Ident {
        format_ident!("__OBS_{}", self.registry)
    }

    fn max_series(&self) -> Ident {
        format_ident!("__OBS_{}_MAX_SERIES", self.registry)
    }

    fn metric(&self, metric: &Metric) -> Ident {
        let name = metric.name.unraw().to_string().to_uppercase();
        let span = at(metric.name.span());
        format_ident!("__OBS_{}__{}", self.registry, name, span = span)
    }
}

fn max_series(block: &Block, names: &Names) -> TokenStream {
    let name = names.max_series();
    let value = match &block.max_series {
        Some(expr) => passed(&block.krate, "limit", &[], expr),
        None => Literal::usize_suffixed(DEFAULT_MAX_SERIES).into_token_stream(),
    };
    quote!(const #name: ::core::primitive::usize = #value;)
}

/// Writes the static under the registry's name, and the element through which it is found.
fn registry_static(
    block: &Block,
    registry: &Registry,
    names: &Names,
    complete: bool,
) -> TokenStream {
    let krate = &block.krate;
    let Registry {
        attributes,
        vis,
        name,
    } = registry;
    let text = name.unraw().to_string();
    let (metrics, max) = (names.metrics(), names.max_series());
    let elements = block
        .metrics
        .iter()
        .filter(|metric| complete && metric.state == State::Sound)
        .map(|metric| {
            let (cfgs, own) = (metric.cfgs(), names.metric(metric));
            quote!(#(#cfgs)* &#own)
        });
    let prefix = block.prefix.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |prefix| quote!(::core::option::Option::Some(#prefix)),
    );
    let (file, line) = file_and_line(name.span());
    let checked = check(krate, "block", name, &quote!(#text, #max, #metrics));
    let is_documented = attributes.iter().any(|it| it.path().is_ident("doc"));
    let doc = (!is_documented).then(|| {
        let doc = format!("The metrics of `{text}`, declared in one `metrics!` block.");
        quote!(#[doc = #doc])
    });
    quote! {
        static #metrics: &'static [&'static #krate::Metric] = &[#(#elements),*];

        #doc
        #(#attributes)*
        #vis static #name: #krate::Registry = #krate::Registry::new(
            #text,
            #prefix,
            #checked,
            #file,
            #line,
            #metrics,
        )
        .in_module(::core::module_path!());

        const _: () = {
            #[#krate::__private::linkme::distributed_slice(#krate::__private::REGISTRIES)]
            #[linkme(crate = #krate::__private::linkme)]
            static __OBS_ELEMENT: &'static #krate::Registry = &#name;
        };
    }
}
