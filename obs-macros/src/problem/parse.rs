//! Reads the enum and its `#[problem(..)]` attributes.

use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::syntax::{CRATE, Key, Keys, attribute_list};
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Generics, Ident, LitStr, Member, Type};

/// What the derive stands on.
pub(super) struct Problem {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    pub(super) krate: CratePath,
    /// The key `mcp`, where it is given: the error is the answer of a tool as well.
    pub(super) mcp: Option<Ident>,
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
    /// The keys that are there, whether or not their values could be read.
    pub(super) keys: Vec<Ident>,
    /// Whether something is there that could not be read.
    pub(super) is_broken: bool,
    pub(super) status: Option<Expr>,
    pub(super) title: Option<LitStr>,
    pub(super) uri: Option<LitStr>,
    pub(super) detail: bool,
    pub(super) retry_after: Option<Expr>,
    pub(super) transparent: Option<Ident>,
}

impl Problem {
    /// Returns the types of the errors that variants answer as.
    pub(super) fn inner_types(&self) -> impl Iterator<Item = &Type> {
        let variants = match &self.shape {
            Shape::Enum(variants) => variants.as_slice(),
            Shape::NoEnum(_) => &[],
        };
        variants.iter().filter_map(|it| Some(it.inner()?.1))
    }
}

impl Variant {
    /// Returns the field with the error that this variant answers as.
    pub(super) fn inner(&self) -> Option<(Member, &Type)> {
        self.transparent.as_ref()?;
        let field = self.fields.iter().next()?;
        Some((self.fields.members().next()?, &field.ty))
    }
}

const CONTAINER: &[Key] = &[
    CRATE,
    Key {
        name: "mcp",
        example: "mcp",
    },
];

const VARIANT: &[Key] = &[
    Key {
        name: "status",
        example: "status = 404",
    },
    Key {
        name: "title",
        example: "title = \"..\"",
    },
    Key {
        name: "type",
        example: "type = \"https://..\"",
    },
    Key {
        name: "detail",
        example: "detail",
    },
    Key {
        name: "retry_after",
        example: "retry_after = 5",
    },
    Key {
        name: "transparent",
        example: "transparent",
    },
];

pub(super) fn parse(input: DeriveInput, diagnostics: &mut Diagnostics) -> Problem {
    let (krate, mcp) = container(&input.attrs, diagnostics);
    let shape = match input.data {
        Data::Enum(data) => Shape::Enum(
            data.variants
                .into_iter()
                .map(|it| variant(it, diagnostics))
                .collect(),
        ),
        Data::Struct(_) => Shape::NoEnum("struct"),
        Data::Union(_) => Shape::NoEnum("union"),
    };
    Problem {
        ident: input.ident,
        generics: input.generics,
        krate: krate.unwrap_or_else(CratePath::find),
        mcp,
        shape,
    }
}

fn container(
    attributes: &[Attribute],
    diagnostics: &mut Diagnostics,
) -> (Option<CratePath>, Option<Ident>) {
    let (mut krate, mut mcp) = (None, None);
    let mut keys = Keys::new("`#[problem(..)]` on an enum", CONTAINER);
    for attribute in problem_attributes(attributes) {
        if let Some(tokens) = attribute_list(attribute, CRATE.example, diagnostics) {
            keys.parse(tokens, diagnostics, |entry, diagnostics| {
                if entry.key.name == CRATE.name {
                    krate = entry.crate_path(diagnostics);
                } else {
                    mcp = Some(entry.ident.clone());
                    entry.flag(diagnostics);
                }
            });
        }
    }
    (krate, mcp)
}

fn variant(variant: syn::Variant, diagnostics: &mut Diagnostics) -> Variant {
    let mut parsed = Variant {
        ident: variant.ident,
        fields: variant.fields,
        keys: Vec::new(),
        is_broken: false,
        status: None,
        title: None,
        uri: None,
        detail: false,
        retry_after: None,
        transparent: None,
    };
    let before = diagnostics.len();
    let mut keys = Keys::new("`#[problem(..)]` on a variant", VARIANT);
    for attribute in problem_attributes(&variant.attrs) {
        let Some(tokens) = attribute_list(attribute, "status = 404", diagnostics) else {
            continue;
        };
        keys.parse(tokens, diagnostics, |entry, diagnostics| {
            parsed.keys.push(entry.ident.clone());
            match entry.key.name {
                "status" => parsed.status = entry.expr(diagnostics),
                "title" => parsed.title = entry.string(diagnostics),
                "type" => parsed.uri = entry.string(diagnostics),
                "retry_after" => parsed.retry_after = entry.expr(diagnostics),
                "detail" => {
                    parsed.detail = true;
                    entry.flag(diagnostics);
                }
                _ => {
                    parsed.transparent = Some(entry.ident.clone());
                    entry.flag(diagnostics);
                }
            }
        });
    }
    parsed.is_broken = diagnostics.len() > before;
    for field in &parsed.fields {
        for attribute in problem_attributes(&field.attrs) {
            let variant = &parsed.ident;
            report!(
                diagnostics,
                attribute,
                "`#[problem(..)]` stands on a field of `{variant}`, where it says nothing",
                help: "put it on the variant: `#[problem(transparent)] {variant}(..)`"
            );
            parsed.is_broken = true;
        }
    }
    parsed
}

fn problem_attributes(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("problem"))
}
