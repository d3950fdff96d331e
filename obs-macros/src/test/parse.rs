//! Reads the options of `#[obs::test(..)]`, and the function under it.

use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::syntax::{CRATE, Entry, Key, Keys, comma_separated};
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Ident, LitStr, Signature, Token, Visibility};

/// The options, before anybody judges them.
pub(super) struct Options {
    pub(super) krate: CratePath,
    pub(super) env: Option<(Ident, LitStr)>,
    pub(super) vars: Vec<(LitStr, Expr)>,
    pub(super) flavor: Option<LitStr>,
    pub(super) worker_threads: Option<(Ident, Expr)>,
    pub(super) start_paused: Option<(Ident, Expr)>,
}

/// A function whose body nobody has looked into.
pub(super) struct Function {
    pub(super) attributes: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) signature: Signature,
    pub(super) body: Group,
}

/// What stands under the attribute.
pub(super) enum Item {
    Function(Box<Function>),
    /// Something that rustc will refuse by itself.
    HalfTyped,
    /// Something else, and where it begins.
    Other(Span),
}

const KEYS: &[Key] = &[
    Key {
        name: "env",
        example: "env = \"prod\"",
    },
    Key {
        name: "vars",
        example: "vars(\"RUST_LOG\" = \"debug\")",
    },
    Key {
        name: "flavor",
        example: "flavor = \"multi_thread\"",
    },
    Key {
        name: "worker_threads",
        example: "worker_threads = 2",
    },
    Key {
        name: "start_paused",
        example: "start_paused = true",
    },
    CRATE,
];

pub(super) fn options(arguments: TokenStream, diagnostics: &mut Diagnostics) -> Options {
    let mut options = Options {
        krate: CratePath::find(),
        env: None,
        vars: Vec::new(),
        flavor: None,
        worker_threads: None,
        start_paused: None,
    };
    Keys::new("`#[obs::test]`", KEYS).parse(arguments, diagnostics, |entry, diagnostics| {
        read(entry, &mut options, diagnostics);
    });
    options
}

fn read(entry: &mut Entry<'_>, options: &mut Options, diagnostics: &mut Diagnostics) {
    let key = entry.ident.clone();
    match entry.key.name {
        "env" => options.env = entry.string(diagnostics).map(|env| (key, env)),
        "vars" => {
            if let Some(group) = entry.parens(diagnostics) {
                options.vars = vars(&group, diagnostics);
            }
        }
        "flavor" => options.flavor = entry.string(diagnostics),
        "worker_threads" => {
            options.worker_threads = entry.expr(diagnostics).map(|threads| (key, threads));
        }
        "start_paused" => {
            options.start_paused = entry.expr(diagnostics).map(|paused| (key, paused));
        }
        _ => {
            if let Some(krate) = entry.crate_path(diagnostics) {
                options.krate = krate;
            }
        }
    }
}

fn vars(group: &Group, diagnostics: &mut Diagnostics) -> Vec<(LitStr, Expr)> {
    let mut vars = Vec::new();
    comma_separated(group.stream(), diagnostics, |input, diagnostics| {
        let pair = |input: ParseStream<'_>| {
            let name: LitStr = input.parse()?;
            input.parse::<Token![=]>()?;
            Ok((name, input.parse::<Expr>()?))
        };
        let span = input.span();
        match pair(input) {
            Ok(pair) => vars.push(pair),
            Err::<_, syn::Error>(_) => report!(
                diagnostics,
                span,
                "`vars` needs names and values in quotes",
                help: "write `vars(\"RUST_LOG\" = \"debug\")`"
            ),
        }
    });
    vars
}

/// Reads a function; its body stays tokens, so that one that is half typed still reads.
pub(super) fn item(item: TokenStream) -> Item {
    let function = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        let signature: Signature = input.parse()?;
        let body: Group = input.parse()?;
        if body.delimiter() != Delimiter::Brace || !input.is_empty() {
            return Err(input.error("expected the body of a function"));
        }
        Ok(Function {
            attributes,
            vis,
            signature,
            body,
        })
    };
    if let Ok(function) = function.parse2(item.clone()) {
        return Item::Function(Box::new(function));
    }
    let mut tokens = item.into_iter().peekable();
    let first = tokens.peek().map_or_else(Span::call_site, TokenTree::span);
    let has_keyword = tokens.any(|token| matches!(token, TokenTree::Ident(word) if word == "fn"));
    if has_keyword {
        Item::HalfTyped
    } else {
        Item::Other(first)
    }
}
