//! Reads the enum and its `#[label(..)]` attributes.

use super::Trait;
use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::names::{Case, did_you_mean, list};
use crate::syntax::{CRATE, Key, Keys, attribute_list};
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, LitStr, Visibility};

/// What the derive stands on.
pub(super) struct Label {
    pub(super) which: Trait,
    pub(super) vis: Visibility,
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    pub(super) krate: CratePath,
    pub(super) case: Case,
    pub(super) shape: Shape,
}

pub(super) enum Shape {
    Enum(Vec<Variant>),
    /// With the keyword.
    NoEnum(&'static str),
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    pub(super) fields: Fields,
    pub(super) value: Option<LitStr>,
    pub(super) other: Option<Ident>,
    pub(super) ignore: Option<Ident>,
    pub(super) nested: Option<Ident>,
}

const CONTAINER: &[Key] = &[
    Key {
        name: "rename_all",
        example: "rename_all = \"snake_case\"",
    },
    CRATE,
];

const VARIANT: &[Key] = &[
    Key {
        name: "value",
        example: "value = \"..\"",
    },
    Key {
        name: "other",
        example: "other",
    },
    Key {
        name: "ignore",
        example: "ignore",
    },
    Key {
        name: "nested",
        example: "nested",
    },
];

pub(super) fn parse(which: Trait, input: DeriveInput, diagnostics: &mut Diagnostics) -> Label {
    let (krate, case) = container(&input.attrs, diagnostics);
    let shape = match input.data {
        Data::Enum(data) => Shape::Enum(
            data.variants
                .into_iter()
                .map(|it| variant(which, it, diagnostics))
                .collect(),
        ),
        Data::Struct(_) => Shape::NoEnum("struct"),
        Data::Union(_) => Shape::NoEnum("union"),
    };
    Label {
        which,
        vis: input.vis,
        ident: input.ident,
        generics: input.generics,
        krate: krate.unwrap_or_else(CratePath::find),
        case: case.unwrap_or(Case::Snake),
        shape,
    }
}

fn container(
    attributes: &[Attribute],
    diagnostics: &mut Diagnostics,
) -> (Option<CratePath>, Option<Case>) {
    let (mut krate, mut case) = (None, None);
    let mut keys = Keys::new("`#[label(..)]` on an enum", CONTAINER);
    for attribute in label_attributes(attributes) {
        let example = "rename_all = \"snake_case\"";
        let Some(tokens) = attribute_list(attribute, example, diagnostics) else {
            continue;
        };
        keys.parse(tokens, diagnostics, |entry, diagnostics| {
            if entry.key.name == CRATE.name {
                krate = entry.crate_path(diagnostics);
            } else if let Some(text) = entry.string(diagnostics) {
                case = rename_rule(&text, diagnostics);
            }
        });
    }
    (krate, case)
}

fn rename_rule(text: &LitStr, diagnostics: &mut Diagnostics) -> Option<Case> {
    let name = text.value();
    let case = Case::from_name(&name);
    if case.is_none() {
        let rules = list(&Case::NAMES);
        match did_you_mean(&name, &Case::NAMES) {
            Some(meant) => report!(
                diagnostics,
                text,
                "`{name}` is not a rule of `rename_all`; did you mean `{meant}`?",
                help: "the rules are {rules}"
            ),
            None => report!(
                diagnostics,
                text,
                "`{name}` is not a rule of `rename_all`",
                help: "the rules are {rules}"
            ),
        }
    }
    case
}

fn variant(which: Trait, variant: syn::Variant, diagnostics: &mut Diagnostics) -> Variant {
    let mut parsed = Variant {
        ident: variant.ident,
        fields: variant.fields,
        value: None,
        other: None,
        ignore: None,
        nested: None,
    };
    let mut keys = Keys::new("`#[label(..)]` on a variant", VARIANT);
    for attribute in label_attributes(&variant.attrs) {
        let Some(tokens) = attribute_list(attribute, "value = \"..\"", diagnostics) else {
            continue;
        };
        keys.parse(tokens, diagnostics, |entry, diagnostics| {
            let place = match entry.key.name {
                "value" => {
                    parsed.value = entry.string(diagnostics);
                    return;
                }
                "other" => &mut parsed.other,
                "ignore" => &mut parsed.ignore,
                _ => &mut parsed.nested,
            };
            *place = Some(entry.ident.clone());
            entry.flag(diagnostics);
        });
    }
    if which == Trait::ErrorLabel {
        parsed.decide_by_problem(&variant.attrs);
    }
    for field in &parsed.fields {
        for attribute in label_attributes(&field.attrs) {
            let variant = &parsed.ident;
            report!(
                diagnostics,
                attribute,
                "`#[label(..)]` stands on a field of `{variant}`, where it says nothing",
                help: "put it on the variant: `#[label(nested)] {variant}(..)`"
            );
        }
    }
    parsed
}

impl Variant {
    /// Takes what `#[problem(..)]` says about the answer as what is to be counted, where
    /// `#[label(..)]` says nothing: a `transparent` variant has the codes of the error in it, any
    /// other its own.
    fn decide_by_problem(&mut self, attributes: &[Attribute]) {
        let says_nothing = self.ignore.is_none() && self.nested.is_none() && self.other.is_none();
        let Some(problem) = attributes.iter().find_map(problem_key) else {
            return;
        };
        if says_nothing && !self.fields.is_empty() {
            let is_nested = attributes.iter().any(is_transparent)
                && self.value.is_none()
                && self.fields.len() == 1;
            let place = if is_nested {
                &mut self.nested
            } else {
                &mut self.ignore
            };
            *place = Some(problem);
        }
    }
}

fn problem_key(attribute: &Attribute) -> Option<Ident> {
    let path = attribute.path().get_ident()?;
    (path == "problem").then(|| path.clone())
}

fn is_transparent(attribute: &Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else {
        return false;
    };
    problem_key(attribute).is_some()
        && list.tokens.clone().into_iter().any(
            |token| matches!(token, proc_macro2::TokenTree::Ident(key) if key == "transparent"),
        )
}

fn label_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("label"))
}
