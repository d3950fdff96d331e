//! The rules of a label enum.

use super::parse::{Label, Shape, Variant};
use crate::diag::{Diagnostics, report};
use crate::names::{MAX_VALUE, odd_value_character};
use proc_macro2::Span;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use syn::GenericParam;
use syn::ext::IdentExt;

pub(super) fn validate(label: &Label, diagnostics: &mut Diagnostics) {
    check_generics(label, diagnostics);
    let variants = match &label.shape {
        Shape::Enum(variants) => variants,
        Shape::NoEnum(keyword) => return refuse_shape(label, keyword, diagnostics),
    };
    check_empty(label, variants, diagnostics);
    for variant in variants {
        check_data(label, variant, diagnostics);
    }
    check_other(variants, diagnostics);
    check_values(label, variants, diagnostics);
}

/// A struct is as many values as its fields can hold; nobody listed them.
fn refuse_shape(label: &Label, keyword: &str, diagnostics: &mut Diagnostics) {
    let (name, derives, ident) = (label.which.name(), label.which.derives(), &label.ident);
    report!(
        diagnostics,
        ident,
        "`#[derive({name})]` needs an enum; `{ident}` is a {keyword}",
        note: "the variants of an enum are the list of values",
        help: "write `{derives} enum {ident} {{ First, Second }}`"
    );
}

/// Values come from the variants alone, so a parameter could only multiply the type.
fn check_generics(label: &Label, diagnostics: &mut Diagnostics) {
    let Some(first) = label.generics.params.first() else {
        return;
    };
    let (name, ident) = (label.which.name(), &label.ident);
    let (place, parameter) = match first {
        GenericParam::Lifetime(it) => (it.lifetime.ident.span(), it.lifetime.to_string()),
        GenericParam::Type(it) => (it.ident.span(), it.ident.to_string()),
        GenericParam::Const(it) => (it.ident.span(), it.ident.to_string()),
    };
    report!(
        diagnostics,
        place,
        "`#[derive({name})]` cannot stand on the generic enum `{ident}`",
        note: "a label's values are one list, whatever `{parameter}` is",
        help: "write the enum without `{parameter}`"
    );
}

fn check_empty(label: &Label, variants: &[Variant], diagnostics: &mut Diagnostics) {
    let ident = &label.ident;
    if variants.is_empty() {
        report!(
            diagnostics,
            ident,
            "`{ident}` has no variants, so a metric labelled with it has no series",
            help: "add a variant for every value of the label"
        );
    }
}

/// What a variant carries must be said to be left out or to be a label itself.
fn check_data(label: &Label, variant: &Variant, diagnostics: &mut Diagnostics) {
    let ident = &variant.ident;
    let is_unit = variant.fields.is_empty();
    match (&variant.ignore, &variant.nested) {
        (None, None) if !is_unit => report!(
            diagnostics,
            ident,
            "`{ident}` carries data, which can hold values that nobody can list",
            help: "to count the variant alone, write `#[label(ignore)]` above it",
            help: "where the field is a label itself, write `#[label(nested)]` above it"
        ),
        (Some(_), Some(nested)) => report!(
            diagnostics,
            nested,
            "`{ident}` says both `ignore` and `nested`",
            help: "keep `nested` if the field's values shall be counted, else `ignore`"
        ),
        (Some(key), None) | (None, Some(key)) if is_unit => report!(
            diagnostics,
            key,
            "`{ident}` carries no data, so `{key}` says nothing",
            help: "remove `#[label({key})]`"
        ),
        _ => {}
    }
    if variant.ignore.is_none()
        && let Some(nested) = &variant.nested
    {
        let trait_name = label.which.name();
        let count = variant.fields.len();
        if !is_unit && count != 1 {
            report!(
                diagnostics,
                nested,
                "`{ident}` has {count} fields, and `nested` takes exactly one",
                help: "keep the field that is a `{trait_name}`, or write `#[label(ignore)]`"
            );
        }
        if let Some(value) = &variant.value {
            report!(
                diagnostics,
                value,
                "the values of `{ident}` are those of its field, so `value` says nothing",
                help: "remove `value`"
            );
        }
    }
}

/// The fallback is built from text, and so is every other variant then.
fn check_other(variants: &[Variant], diagnostics: &mut Diagnostics) {
    let mut first: Option<&Variant> = None;
    for variant in variants {
        let (Some(other), ident) = (&variant.other, &variant.ident) else {
            continue;
        };
        if let Some(first) = first {
            let first = &first.ident;
            report!(
                diagnostics,
                other,
                "`{ident}` and `{first}` are both `other`",
                help: "keep one variant for text that matches no value"
            );
            continue;
        }
        first = Some(variant);
        if let Some(data) = variants.iter().find(|it| !it.fields.is_empty()) {
            let data = &data.ident;
            report!(
                diagnostics,
                other,
                "`other` makes variants from text, and `{data}` needs more than text",
                help: "write a function that makes this enum, or take the data out of `{data}`"
            );
        }
    }
}

fn check_values(label: &Label, variants: &[Variant], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<String, &Variant> = HashMap::new();
    for variant in variants.iter().filter(|it| it.nested.is_none()) {
        let ident = &variant.ident;
        let text = variant.text(label);
        let before = diagnostics.len();
        check_text(variant, &text, diagnostics);
        if diagnostics.len() > before {
            continue;
        }
        match seen.entry(text) {
            Entry::Vacant(place) => {
                place.insert(variant);
            }
            Entry::Occupied(taken) => {
                let (text, first) = (taken.key(), &taken.get().ident);
                report!(
                    diagnostics,
                    variant.place(),
                    "`{ident}` has the label value \"{text}\", which `{first}` has already",
                    help: "give one of them another: `#[label(value = \"..\")]`"
                );
            }
        }
    }
}

/// Values go to `/metrics` as they are, so they hold nothing that would need an escape there.
fn check_text(variant: &Variant, text: &str, diagnostics: &mut Diagnostics) {
    let ident = &variant.ident;
    let length = text.chars().count();
    if text.is_empty() {
        report!(
            diagnostics,
            variant.place(),
            "the label value of `{ident}` is empty",
            note: "Prometheus takes a label with an empty value for no label",
            help: "write a word, such as \"none\""
        );
    } else if let Some((at, found)) = odd_value_character(text) {
        let place = variant.character(at);
        report!(
            diagnostics,
            place,
            "the label value of `{ident}` has {found:?} at character {at}",
            help: "use printable ASCII without quotes and backslashes"
        );
    } else if length > MAX_VALUE {
        report!(
            diagnostics,
            variant.place(),
            "the label value of `{ident}` has {length} characters, and {MAX_VALUE} are allowed",
            help: "write a shorter one: `#[label(value = \"..\")]`"
        );
    }
}

impl Variant {
    /// Returns the label value.
    pub(super) fn text(&self, label: &Label) -> String {
        match &self.value {
            Some(text) => text.value(),
            None => label.case.apply(&self.ident.unraw().to_string()),
        }
    }

    /// Returns the token that decides on the value.
    fn place(&self) -> Span {
        self.value
            .as_ref()
            .map_or_else(|| self.ident.span(), syn::LitStr::span)
    }

    /// Returns the span of one character of the value, where the compiler can say it.
    fn character(&self, at: usize) -> Span {
        let Some(value) = &self.value else {
            return self.ident.span();
        };
        let literal = value.token();
        let written = literal.to_string();
        let prefix: String = value.value().chars().take(at - 1).collect();
        // Only where text and source agree up to the character is its place in the source known.
        let inside = written.get(1..).is_some_and(|it| it.starts_with(&prefix));
        let start = 1 + prefix.len();
        inside
            .then(|| literal.subspan(start..=start))
            .flatten()
            .unwrap_or_else(|| value.span())
    }
}
