//! Reads the arguments of `#[observed(..)]`.

use super::fields::{self, Allowed, Field};
use super::hidden::Hidden;
use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::syntax::{CRATE, Entry, Key, Keys};
use proc_macro2::Group;
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, LitStr, Path, Token};

/// The arguments, before anybody judges them.
pub(super) struct Args {
    pub(super) krate: CratePath,
    pub(super) explicit_crate: bool,
    pub(super) name: Option<(Ident, LitStr)>,
    /// The level of the span.
    pub(super) level: Option<(Ident, LitStr)>,
    pub(super) fields: Option<(Ident, Vec<Field>)>,
    pub(super) allow: Vec<Allowed>,
    pub(super) records: Option<(Ident, Vec<Expr>)>,
    pub(super) buckets: Option<(Ident, Expr)>,
    pub(super) slo: Option<Slo>,
    /// `tool` or `tool = "name"`.
    pub(super) tool: Option<(Ident, Option<LitStr>)>,
    pub(super) tools: Option<(Ident, Path)>,
    pub(super) hidden: Hidden,
}

/// `slo(at = .., target = ..)`.
#[derive(Clone)]
pub(super) struct Slo {
    pub(super) key: Ident,
    pub(super) at: Option<Expr>,
    pub(super) target: Option<Expr>,
}

const KEYS: &[Key] = &[
    Key {
        name: "name",
        example: "name = \"charge\"",
    },
    Key {
        name: "level",
        example: "level = \"debug\"",
    },
    Key {
        name: "fields",
        example: "fields(job = %job.id)",
    },
    Key {
        name: "record",
        example: "record(orders_total(source))",
    },
    Key {
        name: "slo",
        example: "slo(at = 0.5, target = 99.0)",
    },
    Key {
        name: "buckets",
        example: "buckets = [0.1, 1.0]",
    },
    Key {
        name: "tool",
        example: "tool = \"import_csv\"",
    },
    Key {
        name: "tools",
        example: "tools = AdminTool",
    },
    Key {
        name: "allow",
        example: "allow(email = \"why it may be logged\")",
    },
    CRATE,
];

const SLO: &[Key] = &[
    Key {
        name: "at",
        example: "at = 0.5",
    },
    Key {
        name: "target",
        example: "target = 99.0",
    },
];

pub(super) fn parse(arguments: proc_macro2::TokenStream, diagnostics: &mut Diagnostics) -> Args {
    let (hidden, arguments) = Hidden::split(arguments);
    let mut args = Args {
        krate: CratePath::find(),
        explicit_crate: false,
        name: None,
        level: None,
        fields: None,
        allow: Vec::new(),
        records: None,
        buckets: None,
        slo: None,
        tool: None,
        tools: None,
        hidden,
    };
    Keys::new("`#[observed]`", KEYS)
        .repeatable(&["record", "allow"])
        .parse(arguments, diagnostics, |entry, diagnostics| {
            read(entry, &mut args, diagnostics);
        });
    args
}

fn read(entry: &mut Entry<'_>, args: &mut Args, diagnostics: &mut Diagnostics) {
    let key = entry.ident.clone();
    match entry.key.name {
        "name" => args.name = entry.string(diagnostics).map(|name| (key, name)),
        "level" => args.level = entry.string(diagnostics).map(|level| (key, level)),
        "buckets" => args.buckets = entry.expr(diagnostics).map(|value| (key, value)),
        "crate" => {
            if let Some(krate) = entry.crate_path(diagnostics) {
                args.krate = krate;
                args.explicit_crate = true;
            }
        }
        "tool" => args.tool = Some((key, tool(entry, diagnostics))),
        "tools" => args.tools = tools(entry, diagnostics).map(|path| (key, path)),
        "fields" => {
            if let Some(group) = entry.parens(diagnostics) {
                args.fields = Some((key, fields::parse(&group, diagnostics)));
            }
        }
        "allow" => {
            if let Some(group) = entry.parens(diagnostics) {
                args.allow
                    .extend(fields::parse_allowed(&group, diagnostics));
            }
        }
        "record" => {
            if let Some(group) = entry.parens(diagnostics) {
                let all = &mut args.records.get_or_insert_with(|| (key, Vec::new())).1;
                all.extend(records(&group, diagnostics));
            }
        }
        _ => {
            if let Some(group) = entry.parens(diagnostics) {
                args.slo = Some(slo(key, &group, diagnostics));
            }
        }
    }
}

fn tool(entry: &mut Entry<'_>, diagnostics: &mut Diagnostics) -> Option<LitStr> {
    entry
        .input()
        .peek(Token![=])
        .then(|| entry.string(diagnostics))
        .flatten()
}

fn tools(entry: &mut Entry<'_>, diagnostics: &mut Diagnostics) -> Option<Path> {
    match entry.expr(diagnostics)? {
        Expr::Path(path) if path.qself.is_none() => Some(path.path),
        other => {
            report!(
                diagnostics,
                other,
                "`tools` needs the name of an enum",
                help: "write `tools = AdminTool`"
            );
            None
        }
    }
}

fn records(group: &Group, diagnostics: &mut Diagnostics) -> Vec<Expr> {
    use syn::parse::Parser;
    let list = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(group.stream());
    match list {
        Ok(list) => list.into_iter().collect(),
        Err(error) => {
            diagnostics.push_syn(&error);
            Vec::new()
        }
    }
}

fn slo(key: Ident, group: &Group, diagnostics: &mut Diagnostics) -> Slo {
    let mut slo = Slo {
        key,
        at: None,
        target: None,
    };
    let before = diagnostics.len();
    Keys::new("`slo`", SLO).parse(group.stream(), diagnostics, |entry, diagnostics| {
        let value = entry.expr(diagnostics);
        if entry.key.name == "at" {
            slo.at = value;
        } else {
            slo.target = value;
        }
    });
    if diagnostics.len() == before && (slo.at.is_none() || slo.target.is_none()) {
        let missing = if slo.at.is_none() { "at" } else { "target" };
        report!(
            diagnostics,
            group.span(),
            "`slo` has no `{missing}`",
            note: "an objective is a bound in seconds and a share of calls in per cent",
            help: "write `slo(at = 0.5, target = 99.0)`"
        );
    }
    slo
}

impl Args {
    /// Returns the name of the constant in `tracing::Level`.
    pub(super) fn level(&self) -> Option<Ident> {
        let (_, level) = self.level.as_ref()?;
        Some(Ident::new(&level.value().to_uppercase(), level.span()))
    }

    pub(super) fn fields(&self) -> &[Field] {
        self.fields.as_ref().map_or(&[], |(_, fields)| fields)
    }
}
