//! Reads a `metrics!` block and goes on after every mistake.

mod metric;
mod settings;

use super::ast::{Block, Kind, Registry};
use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::names::{did_you_mean, list};
use crate::syntax::ungrouped;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Token, Visibility};

/// Words that begin a statement which is not a metric.
const STATEMENTS: [&str; 3] = ["registry", "prefix", "max_series"];

pub(super) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Block {
    let mut block = Block {
        krate: CratePath::find(),
        registry: None,
        prefix: None,
        max_series: None,
        metrics: Vec::new(),
    };
    let parser = |input: ParseStream<'_>| {
        // `[$crate]`, from `obs_runtime::metrics!`.
        let path: Group = input.parse()?;
        block.krate = CratePath::explicit(path.stream());
        if input.is_empty() {
            report_no_registry(Span::call_site(), diagnostics);
        }
        let mut first = true;
        while !input.is_empty() {
            statement(input, &mut block, first, diagnostics);
            first = false;
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        diagnostics.push_syn(&error);
    }
    block
}

fn report_no_registry(place: Span, diagnostics: &mut Diagnostics) {
    report!(
        diagnostics,
        place,
        "`metrics!` needs a registry before everything else",
        note: "it is the static through which the block is found and shown",
        help: "begin with `pub registry METRICS;`"
    );
}

/// Reads one `…;` or `… { … }`.
fn statement(
    input: ParseStream<'_>,
    block: &mut Block,
    first: bool,
    diagnostics: &mut Diagnostics,
) {
    let start = input.span();
    let attributes = match input.call(Attribute::parse_outer) {
        Ok(attributes) => attributes,
        Err(error) => {
            diagnostics.push_syn(&error);
            return skip_statement(input);
        }
    };
    let vis = if input.peek(Token![pub]) {
        match input.parse::<Visibility>() {
            Ok(vis) => Some(vis),
            Err(error) => {
                diagnostics.push_syn(&error);
                return skip_statement(input);
            }
        }
    } else {
        None
    };
    let word = input.fork().call(Ident::parse_any).ok();
    let is_registry = word.as_ref().is_some_and(|word| word == "registry");
    if first && !is_registry {
        report_no_registry(start, diagnostics);
    }
    let Some(word) = word else {
        if input.is_empty() {
            report!(
                diagnostics,
                attributes.last().map_or(start, Spanned::span),
                "`metrics!` ends here without a metric",
                help: "declare one below this line, or remove the line"
            );
        } else {
            report_unknown(None, input, diagnostics);
        }
        return skip_statement(input);
    };
    input.call(Ident::parse_any).ok();
    if is_registry {
        let registry = Registry {
            attributes,
            vis: vis.unwrap_or(Visibility::Inherited),
            name: word.clone(),
        };
        registry_statement(input, block, &word, registry, diagnostics);
    } else if let Some(kind) = Kind::from_word(&word.to_string())
        && !input.peek(Token![=])
    {
        let metric = metric::parse(input, attributes, vis, kind, &word, diagnostics);
        block.metrics.extend(metric);
    } else if word == "prefix" || word == "max_series" {
        setting_statement(input, block, &word, diagnostics);
    } else {
        report_unknown(Some(&word), input, diagnostics);
        skip_statement(input);
    }
}

/// Says what may stand at the beginning of a statement.
fn report_unknown(word: Option<&Ident>, input: ParseStream<'_>, diagnostics: &mut Diagnostics) {
    let kinds = list(&Kind::WORDS);
    let Some(place) = word else {
        let found = input.cursor().token_stream().into_iter().next();
        let found = found.map(|token| token.to_string()).unwrap_or_default();
        report!(
            diagnostics,
            input.span(),
            "expected the kind of a metric, found `{found}`",
            help: "the kinds are {kinds}"
        );
        return;
    };
    let word = place.to_string();
    let all: Vec<&str> = Kind::WORDS.into_iter().chain(STATEMENTS).collect();
    match did_you_mean(&word, &all) {
        Some(meant) => report!(
            diagnostics,
            place,
            "`{word}` is not a kind of metric; did you mean `{meant}`?",
            help: "the kinds are {kinds}"
        ),
        None => report!(
            diagnostics,
            place,
            "`{word}` is not a kind of metric",
            help: "the kinds are {kinds}"
        ),
    }
}

/// Reads `NAME;` after `registry`.
fn registry_statement(
    input: ParseStream<'_>,
    block: &mut Block,
    word: &Ident,
    mut registry: Registry,
    diagnostics: &mut Diagnostics,
) {
    let Ok(name) = input.parse::<Ident>() else {
        report!(
            diagnostics,
            word,
            "`registry` needs a name",
            help: "write `pub registry METRICS;`"
        );
        return skip_statement(input);
    };
    semicolon(input, name.span(), &format!("registry {name}"), diagnostics);
    if let Some(first) = &block.registry {
        let first = &first.name;
        report!(
            diagnostics,
            name,
            "this block has a registry already, `{first}`",
            help: "remove this one, or move what follows to a `metrics!` of its own"
        );
        return;
    }
    if !block.metrics.is_empty() {
        report!(
            diagnostics,
            word,
            "`registry` comes before everything else",
            help: "move `registry {name};` to the top of the block"
        );
    }
    registry.name = name;
    block.registry = Some(registry);
}

/// Reads `= value;` after `prefix` or `max_series`.
fn setting_statement(
    input: ParseStream<'_>,
    block: &mut Block,
    word: &Ident,
    diagnostics: &mut Diagnostics,
) {
    if input.parse::<Token![=]>().is_err() {
        input.parse::<Token![:]>().ok();
        let example = if word == "prefix" { "\"shop\"" } else { "100" };
        let value = input.fork().parse::<Lit>();
        let value = value.map_or_else(
            |_| example.to_owned(),
            |it| it.to_token_stream().to_string(),
        );
        report!(
            diagnostics,
            word,
            "`{word}` is set with `=`",
            help: "write `{word} = {value};`"
        );
        if !input.peek(Lit) {
            return skip_statement(input);
        }
    }
    let value: Expr = match input.parse() {
        Ok(value) => ungrouped(value),
        Err(error) => {
            diagnostics.push_syn(&error);
            return skip_statement(input);
        }
    };
    semicolon(input, value.span(), &format!("{word} = .."), diagnostics);
    if !block.metrics.is_empty() {
        let registry = block.registry.as_ref().map(|it| it.name.to_string());
        let registry = registry.unwrap_or_else(|| "METRICS".to_owned());
        report!(
            diagnostics,
            word,
            "`{word}` stands between the registry and the first metric",
            help: "move it up, below `registry {registry};`"
        );
    }
    let given = if word == "prefix" {
        block.prefix.is_some()
    } else {
        block.max_series.is_some()
    };
    if given {
        report!(
            diagnostics,
            word,
            "`{word}` is given twice in this block",
            help: "keep one of them"
        );
    } else if word == "max_series" {
        block.max_series = Some(value);
    } else if let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = value
    {
        block.prefix = Some(text);
    } else {
        report!(
            diagnostics,
            value,
            "`prefix` needs a string literal",
            note: "it is compared with the names while this block is read",
            help: "write `prefix = \"shop\";`"
        );
    }
}

/// Reads the `;` after a statement; where it is missing, the next one is read all the same.
fn semicolon(input: ParseStream<'_>, last: Span, what: &str, diagnostics: &mut Diagnostics) {
    if input.parse::<Token![;]>().is_ok() {
        return;
    }
    report!(
        diagnostics,
        last,
        "missing `;` after `{what}`",
        help: "write `{what};`"
    );
    // A keyword or an attribute begins the next statement; anything else belongs to this one.
    if !input.peek(Token![#]) && !input.peek(Token![pub]) && !input.peek(Ident) {
        skip_statement(input);
    }
}

/// Goes on behind the next `;` or block, or before the next doc comment.
fn skip_statement(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![#]) {
        match input.parse::<TokenTree>() {
            Ok(TokenTree::Punct(punct)) if punct.as_char() == ';' => return,
            Ok(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                input.parse::<Token![;]>().ok();
                return;
            }
            _ => {}
        }
    }
    // An attribute that is not one would be met again and again.
    if input.peek(Token![#]) && input.fork().call(Attribute::parse_outer).is_err() {
        input.parse::<TokenTree>().ok();
    }
}
