//! Writes the function through which a metric is recorded.

use super::super::ast::{Block, Kind, Label, Metric, State};
use super::Names;
use crate::crate_path::relocate;
use crate::place::{at, ending_at};
use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

/// Writes the function through which the metric is recorded.
pub(super) fn call(block: &Block, names: &Names, metric: &Metric) -> Option<TokenStream> {
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
pub(super) fn stub(block: &Block, metric: &Metric) -> Option<TokenStream> {
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

/// Returns `<Type as Label>`, all of it at the user's type: rustc then reports a type that is no
/// label once, there.
pub(super) fn as_label(block: &Block, label: &Label) -> TokenStream {
    let span = label.ty.span();
    let (krate, ty) = (block.krate.at(span), &label.ty);
    quote_spanned!(at(span)=> <#ty as #krate::Label>)
}
