//! Writes the implementations of a label enum that has no mistakes, or stubs of one that has.

use super::Trait;
use super::parse::{Label, Shape, Variant};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Member, Type};

pub(super) fn expand(label: &Label) -> TokenStream {
    let Shape::Enum(variants) = &label.shape else {
        return stub(label);
    };
    let rows = rows(label, variants);
    let values = values(label, &rows);
    let error_index = index(label, &rows, Trait::ErrorLabel);
    let error_impl = implementation(label, Trait::ErrorLabel, &values, &error_index);
    if label.which == Trait::ErrorLabel {
        return error_impl;
    }
    let label_index = index(label, &rows, Trait::Label);
    let label_impl = implementation(label, Trait::Label, &values, &label_index);
    let copy_check = copy_check(label);
    let fallback = fallback(label, variants);
    quote!(#label_impl #error_impl #copy_check #fallback)
}

/// Where the values of one variant begin, and what they are.
struct Row<'a> {
    variant: &'a Variant,
    value: Option<String>,
    nested: Option<(Member, &'a Type)>,
}

fn rows<'a>(label: &Label, variants: &'a [Variant]) -> Vec<Row<'a>> {
    variants
        .iter()
        .map(|variant| {
            let nested = variant.nested.as_ref().and_then(|_| {
                let field = variant.fields.iter().next()?;
                let member = variant.fields.members().next()?;
                Some((member, &field.ty))
            });
            Row {
                variant,
                value: nested.is_none().then(|| variant.text(label)),
                nested,
            }
        })
        .collect()
}

/// Returns `<Field as Label>`, with every token at the field's type: errors go there.
fn as_label(label: &Label, ty: &Type) -> TokenStream {
    let span = ty.span();
    let krate = label.krate.at(span);
    let name = Ident::new(label.which.name(), Span::mixed_site().located_at(span));
    quote_spanned!(Span::mixed_site().located_at(span)=> <#ty as #krate::#name>)
}

/// Returns the list of values as a slice that lives forever.
fn values(label: &Label, rows: &[Row<'_>]) -> TokenStream {
    if rows.iter().all(|row| row.nested.is_none()) {
        let own = rows.iter().map(|row| &row.value);
        return quote!(&[#(#own),*]);
    }
    let krate = &label.krate;
    let length = offset(label, rows);
    let parts = rows.iter().map(|row| match (&row.value, &row.nested) {
        (_, Some((_, ty))) => {
            let ty = as_label(label, ty);
            quote!(#ty::VALUES)
        }
        (value, None) => quote!(&[#value]),
    });
    quote!(&#krate::__private::concat_values::<{ #length }>(&[#(#parts),*]))
}

/// Returns how many values `rows` have together, as a constant expression.
fn offset(label: &Label, rows: &[Row<'_>]) -> TokenStream {
    let own = Literal::usize_suffixed(rows.iter().filter(|row| row.nested.is_none()).count());
    let nested = rows.iter().filter_map(|row| {
        let (_, ty) = row.nested.as_ref()?;
        let ty = as_label(label, ty);
        Some(quote!(+ #ty::VALUES.len()))
    });
    quote!(#own #(#nested)*)
}

/// Returns the `match` from variants to positions; by value for `Label`, by reference for errors.
fn index(label: &Label, rows: &[Row<'_>], which: Trait) -> TokenStream {
    let krate = &label.krate;
    let arms = rows.iter().enumerate().map(|(at, row)| {
        // Not the user's span: a deprecated variant is not used here, only named.
        let mut variant = row.variant.ident.clone();
        variant.set_span(Span::mixed_site().located_at(variant.span()));
        let start = offset(label, &rows[..at]);
        let Some((member, ty)) = &row.nested else {
            return quote!(Self::#variant { .. } => #start,);
        };
        let field = as_label(label, ty);
        // A `Label` is `Copy`, and its index is taken by value.
        let by_value = label.which == Trait::Label && which == Trait::ErrorLabel;
        let inner = by_value.then(|| quote!(*inner)).unwrap_or(quote!(inner));
        quote! {
            Self::#variant { #member: inner } => {
                #krate::__private::nested_index(#start, #field::index(#inner), #field::VALUES)
            }
        }
    });
    quote!(match self { #(#arms)* })
}

fn implementation(
    label: &Label,
    which: Trait,
    values: &TokenStream,
    index: &TokenStream,
) -> TokenStream {
    let krate = &label.krate;
    let ident = &label.ident;
    let (name, receiver) = match which {
        Trait::Label => (quote!(DerivedLabel), quote!(self)),
        Trait::ErrorLabel => (quote!(DerivedErrorLabel), quote!(&self)),
    };
    let (generics, arguments, _) = label.generics.split_for_impl();
    // Only stubs are generic; the traits ask for types that live forever.
    let bound =
        (!label.generics.params.is_empty()).then(|| quote!(where #ident #arguments: 'static));
    quote! {
        #[automatically_derived]
        impl #generics #krate::__private::#name for #ident #arguments #bound {
            const VALUES: &'static [&'static ::core::primitive::str] = #values;

            #[inline]
            fn index(#receiver) -> ::core::primitive::usize {
                #index
            }
        }
    }
}

/// Asks for `Copy` with the caret on the enum's name.
fn copy_check(label: &Label) -> TokenStream {
    let ident = &label.ident;
    let krate = label.krate.at(ident.span());
    quote_spanned! {Span::mixed_site().located_at(ident.span())=>
        const _: () = <#ident as #krate::__private::CopyLabel>::IS_COPY;
    }
}

/// Writes `from_str_or_other`, if a variant is the fallback.
fn fallback(label: &Label, variants: &[Variant]) -> Option<TokenStream> {
    let (other, known): (Vec<_>, Vec<_>) = variants.iter().partition(|it| it.other.is_some());
    let other = &other.first()?.ident;
    let (ident, vis) = (&label.ident, &label.vis);
    let arms = known.iter().map(|variant| {
        let (variant, text) = (&variant.ident, variant.text(label));
        quote!(#text => Self::#variant {},)
    });
    let doc = format!("Returns the variant with this label value, or [`{other}`](Self::{other}).");
    Some(quote! {
        #[automatically_derived]
        impl #ident {
            #[doc = #doc]
            #[must_use]
            #vis fn from_str_or_other(value: &::core::primitive::str) -> Self {
                match value {
                    #(#arms)*
                    _ => Self::#other {},
                }
            }
        }
    })
}

/// Implements the traits without looking at the variants.
pub(super) fn stub(label: &Label) -> TokenStream {
    let values = quote!(&["mistake"]);
    let index = quote!(0usize);
    let error_impl = implementation(label, Trait::ErrorLabel, &values, &index);
    if label.which == Trait::ErrorLabel {
        return error_impl;
    }
    let label_impl = implementation(label, Trait::Label, &values, &index);
    let fallback = match &label.shape {
        Shape::Enum(variants) => variants.iter().find(|it| it.other.is_some()).map(|_| {
            let (ident, vis) = (&label.ident, &label.vis);
            let (generics, arguments, bounds) = label.generics.split_for_impl();
            quote! {
                impl #generics #ident #arguments #bounds {
                    #vis fn from_str_or_other(_: &::core::primitive::str) -> Self {
                        loop {}
                    }
                }
            }
        }),
        Shape::NoEnum(_) => None,
    };
    quote!(#label_impl #error_impl #fallback)
}
