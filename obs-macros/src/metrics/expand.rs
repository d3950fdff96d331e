//! Writes the statics and functions of a block.

use super::ast::{Block, Kind, Label, Metric, Registry, State};
use crate::checked::{at, check, file_and_line, passed};
use crate::crate_path::relocate;
use crate::names::base_unit;
use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

/// Series of a block that says nothing else.
const DEFAULT_MAX_SERIES: usize = 1000;

/// Writes everything, or what can be written beside errors.
pub(super) fn expand(block: &Block, complete: bool) -> TokenStream {
    let Some(registry) = &block.registry else {
        let calls = block
            .metrics
            .iter()
            .filter_map(|metric| stub(block, metric));
        return calls.collect();
    };
    let names = Names::new(registry);
    let max = max_series(block, &names);
    let metrics = block.metrics.iter().map(|metric| match metric.state {
        State::Sound => {
            let own = metric_static(block, &names, metric);
            let call = call(block, &names, metric);
            Some(quote!(#own #call))
        }
        State::Callable | State::Unusable => stub(block, metric),
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

/// Writes the static that holds a metric's description and cells.
fn metric_static(block: &Block, names: &Names, metric: &Metric) -> TokenStream {
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

/// Returns `<Type as Label>`, all of it at the user's type: rustc then reports a type that is no
/// label once, there.
fn as_label(block: &Block, label: &Label) -> TokenStream {
    let span = label.ty.span();
    let (krate, ty) = (block.krate.at(span), &label.ty);
    quote_spanned!(at(span)=> <#ty as #krate::Label>)
}

/// Returns the type of the metric's handle, and the function that makes one.
fn handle(block: &Block, metric: &Metric) -> Option<(TokenStream, Ident)> {
    let span = metric.name.span();
    let krate = block.krate.at(span);
    let (ty, function) = match (metric.kind, metric.float) {
        (Kind::Counter, false) => ("Counter", "counter"),
        (Kind::Counter, true) => ("Counter", "counter_f64"),
        (Kind::Gauge, false) => ("Gauge", "gauge"),
        (Kind::Gauge, true) => ("Gauge", "gauge_f64"),
        (Kind::Histogram, _) => ("Histogram", "histogram"),
        (Kind::Info, _) => return None,
    };
    let (ty, function) = (Ident::new(ty, at(span)), Ident::new(function, at(span)));
    let float = metric
        .float
        .then(|| quote_spanned!(at(span)=> <::core::primitive::f64>));
    Some((quote_spanned!(at(span)=> #krate::#ty #float), function))
}

/// Writes the function through which the metric is recorded.
fn call(block: &Block, names: &Names, metric: &Metric) -> Option<TokenStream> {
    let krate = &block.krate;
    let (handle, make) = handle(block, metric)?;
    let own = names.metric(metric);
    let arguments = metric.labels.iter().map(|label| {
        let (name, label) = (&label.name, as_label(block, label));
        quote!(.label(#label::index(#name), #label::VALUES.len()))
    });
    let body = quote! {
        #krate::__private::#make(
            &#own,
            #krate::__private::Combination::FIRST #(#arguments)* .get(),
        )
    };
    Some(function(block, metric, &handle, body))
}

/// Writes the function of a metric that has mistakes; its labels are still checked by rustc.
fn stub(block: &Block, metric: &Metric) -> Option<TokenStream> {
    let (handle, _) = handle(block, metric)?;
    if metric.state == State::Unusable {
        return None;
    }
    let arguments = metric.labels.iter().map(|label| {
        let (name, label) = (&label.name, as_label(block, label));
        quote!(#label::index(#name),)
    });
    let krate = &block.krate;
    let body = quote!(#krate::__private::check::stub(&[#(#arguments)*]));
    Some(function(block, metric, &handle, body))
}

fn function(
    block: &Block,
    metric: &Metric,
    handle: &TokenStream,
    body: TokenStream,
) -> TokenStream {
    let span = metric.name.span();
    let vis = match (&metric.vis, &block.registry) {
        (Some(vis), _) => vis.to_token_stream(),
        // At the metric, or else errors about it would begin at the registry.
        (None, Some(registry)) => relocate(registry.vis.to_token_stream(), span),
        (None, None) => TokenStream::new(),
    };
    let (attributes, name) = (&metric.attributes, &metric.name);
    let parameters = metric
        .labels
        .iter()
        .map(|Label { name, ty }| quote!(#name: #ty));
    // rustc looks at the first and last token to see whose code an item or a signature is. Without
    // the user's spans an unused metric would not be warned about.
    let mut body = Group::new(Delimiter::Brace, body);
    body.set_span(span);
    let handle = ending_at(handle, span);
    let keyword = Ident::new("fn", span);
    quote_spanned! {at(span)=>
        #(#attributes)*
        #[inline]
        #vis #keyword #name(#(#parameters),*) -> #handle #body
    }
}

/// Gives the last token a span.
fn ending_at(tokens: &TokenStream, span: Span) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    if let Some(last) = tokens.last_mut() {
        last.set_span(span);
    }
    tokens.into_iter().collect()
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
        );

        const _: () = {
            #[#krate::__private::linkme::distributed_slice(#krate::__private::REGISTRIES)]
            #[linkme(crate = #krate::__private::linkme)]
            static __OBS_ELEMENT: &'static #krate::Registry = &#name;
        };
    }
}
