//! Writes the static that holds a metric's description and cells.

use super::super::ast::{Block, Kind, Metric};
use super::Names;
use super::call::as_label;
use crate::names::base_unit;
use crate::place::{at, check, file_and_line, passed};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

/// Writes the static that holds a metric's description and cells.
pub(super) fn metric_static(block: &Block, names: &Names, metric: &Metric) -> TokenStream {
    let name_span = metric.name.span();
    let krate = block.krate.at(name_span);
    let (cfgs, own, max) = (metric.cfgs(), names.metric(metric), names.max_series());
    let descriptor = descriptor(block, metric);
    let arguments = quote_spanned!(at(name_span)=> #descriptor, #max);
    let checked = check(&block.krate, "budget", &metric.name, &arguments);
    let labels = labels(block, metric);
    let buckets = buckets(block, metric);
    // Whoever uses a constant that failed is mentioned by rustc; that is the metric then.
    quote_spanned! {at(name_span)=>
        #(#cfgs)*
        static #own: #krate::Metric = {
            #labels
            #buckets
            const __OBS_DESCRIPTOR: #krate::Descriptor = #checked;
            static __OBS_CELLS: [
                #krate::__private::atomic::AtomicU64;
                #krate::__private::cells_len(&__OBS_DESCRIPTOR)
            ] = #krate::__private::cells();
            #krate::Metric::new(__OBS_DESCRIPTOR, &__OBS_CELLS)
        };
    }
}

fn buckets(block: &Block, metric: &Metric) -> Option<TokenStream> {
    let (_, expr) = metric.settings.buckets.as_ref()?;
    let name = metric.name.unraw().to_string();
    let reference: Expr = match expr {
        Expr::Reference(_) => expr.clone(),
        _ => syn::parse_quote_spanned!(at(expr.span())=> &#expr),
    };
    let checked = passed(
        &block.krate,
        "buckets",
        &[name.into_token_stream()],
        &reference,
    );
    Some(quote_spanned! {at(metric.name.span())=>
        const __OBS_BUCKETS: &'static [::core::primitive::f64] = #checked;
    })
}

/// Writes the expression that describes a metric.
fn descriptor(block: &Block, metric: &Metric) -> TokenStream {
    let krate = block.krate.at(metric.name.span());
    let name = metric.name.unraw().to_string();
    let kind = match metric.kind {
        Kind::Counter => quote!(Counter),
        Kind::Gauge => quote!(Gauge),
        Kind::Histogram => quote!(Histogram),
        Kind::Info => quote!(Info),
    };
    let is_float = metric.float || metric.kind == Kind::Histogram;
    let number = if is_float {
        quote!(Float)
    } else {
        quote!(Integer)
    };
    let help = metric.help();
    let (file, line) = file_and_line(metric.name.span());
    let unit = base_unit(&name).map(|unit| quote!(.unit(::core::option::Option::Some(#unit))));
    let buckets = metric
        .settings
        .buckets
        .as_ref()
        .map(|_| quote_spanned!(at(metric.name.span())=> .buckets(__OBS_BUCKETS)));
    let slo = metric.settings.slo.as_ref().and_then(|slo| {
        let name = name.to_token_stream();
        let bounds = quote_spanned!(at(metric.name.span())=> __OBS_BUCKETS);
        let first = [name.clone(), bounds];
        let bound = passed(&block.krate, "slo_at", &first, slo.at.as_ref()?);
        let target = passed(&block.krate, "slo_target", &[name], slo.target.as_ref()?);
        Some(quote_spanned! {at(metric.name.span())=>
            .slo(#krate::__private::check::slo(#bound, #target))
        })
    });
    let max = metric.settings.max_series.as_ref().map(|(_, expr)| {
        let limit = passed(&block.krate, "limit", &[], expr);
        quote!(.max_series(::core::option::Option::Some(#limit)))
    });
    quote_spanned! {at(metric.name.span())=>
        #krate::Descriptor::new(
            #name,
            #krate::Kind::#kind,
            #krate::Number::#number,
            #help,
            #file,
            #line,
        )
        .labels(__OBS_LABELS)
        #unit #buckets #slo #max
    }
}

fn labels(block: &Block, metric: &Metric) -> TokenStream {
    let krate = block.krate.at(metric.name.span());
    let metric_name = metric.name.unraw().to_string();
    let labels = metric.labels.iter().map(|label| {
        let name = label.name.unraw().to_string();
        let span = label.ty.span();
        let values = as_label(block, label);
        let arguments = quote_spanned!(at(span)=> #metric_name, #name, #values::VALUES);
        check(&block.krate, "label", &label.ty, &arguments)
    });
    let facts = metric.facts.iter().map(|fact| {
        let name = fact.name.unraw().to_string();
        let first = [metric_name.to_token_stream(), name.to_token_stream()];
        let value = &fact.value;
        let span = at(value.span());
        let list = syn::parse_quote_spanned!(span=> {
            const __OBS_FACT: &'static [&'static ::core::primitive::str] = &[#value];
            __OBS_FACT
        });
        passed(&block.krate, "label", &first, &list)
    });
    quote_spanned! {at(metric.name.span())=>
        const __OBS_LABELS: &'static [#krate::LabelDescriptor] = &[#(#labels,)* #(#facts,)*];
    }
}
