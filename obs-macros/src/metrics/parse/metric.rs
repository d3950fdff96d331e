//! Reads one metric: `kind name(labels)` and its settings.

use super::super::ast::{Fact, Kind, Label, Metric, Settings, State};
use super::{settings, skip_statement};
use crate::diag::{Diagnostics, report};
use crate::names::snake;
use crate::syntax::comma_separated;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, LitStr, Token, Visibility};

pub(super) fn parse(
    input: ParseStream<'_>,
    attributes: Vec<Attribute>,
    vis: Option<Visibility>,
    kind: Kind,
    word: &Ident,
    diagnostics: &mut Diagnostics,
) -> Option<Metric> {
    let float = number(input, kind, diagnostics);
    let Some(name) = name(input, word, diagnostics) else {
        skip_statement(input);
        return None;
    };
    let mut metric = Metric {
        attributes,
        vis,
        kind,
        float,
        name,
        labels: Vec::new(),
        facts: Vec::new(),
        settings: Settings::default(),
        state: State::Sound,
    };
    generics(input, &mut metric, diagnostics);
    if kind == Kind::Info {
        info_body(input, &mut metric, diagnostics);
    } else {
        body(input, &mut metric, diagnostics);
    }
    Some(metric)
}

/// Reads `<f64>`.
fn number(input: ParseStream<'_>, kind: Kind, diagnostics: &mut Diagnostics) -> bool {
    if !input.peek(Token![<]) {
        return false;
    }
    let start = input.span();
    let Some(written) = angle_brackets(input) else {
        return false;
    };
    let word = kind.word();
    let number = written.to_string();
    let integer = if kind == Kind::Counter { "u64" } else { "i64" };
    match kind {
        Kind::Counter | Kind::Gauge if number == "f64" => return true,
        Kind::Counter | Kind::Gauge if number == integer => report!(
            diagnostics,
            written,
            "a {word} holds `{integer}` where nothing is said",
            help: "write `{word}` alone"
        ),
        Kind::Counter | Kind::Gauge => report!(
            diagnostics,
            written,
            "a {word} holds `{integer}` or `f64`, not `{number}`",
            help: "write `{word}` or `{word}<f64>`"
        ),
        Kind::Histogram | Kind::Info => report!(
            diagnostics,
            start,
            "`{word}` takes no number type",
            help: "write `{word}` alone"
        ),
    }
    false
}

/// Reads `< … >` and returns what is inside.
fn angle_brackets(input: ParseStream<'_>) -> Option<TokenStream> {
    input.parse::<Token![<]>().ok()?;
    let mut inside = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![>]) {
        inside.extend(input.parse::<TokenTree>());
    }
    input.parse::<Token![>]>().ok()?;
    Some(inside)
}

/// Reads the name; other text in its place is told what a name is made of.
fn name(input: ParseStream<'_>, word: &Ident, diagnostics: &mut Diagnostics) -> Option<Ident> {
    let mut written = TokenStream::new();
    while !input.is_empty()
        && !input.peek(syn::token::Paren)
        && !input.peek(syn::token::Brace)
        && !input.peek(syn::token::Bracket)
        && !input.peek(Token![;])
        && !input.peek(Token![<])
        && !input.peek(Token![#])
    {
        written.extend(input.parse::<TokenTree>());
    }
    if written.is_empty() {
        report!(
            diagnostics,
            word,
            "`{word}` is followed by no name",
            help: "write `{word} name(label: Type);`"
        );
        return None;
    }
    let parser = |input: ParseStream<'_>| input.call(Ident::parse_any);
    if let Ok(name) = parser.parse2(written.clone()) {
        return Some(name);
    }
    if let Some(name) = quoted(&written) {
        report!(
            diagnostics,
            written,
            "the name `{name}` is written without quotes",
            help: "write `{word} {name}`"
        );
        return Some(name);
    }
    if let Some((name, labels)) = labels_after_colon(&written)
        && word != "info"
    {
        report!(
            diagnostics,
            labels,
            "the labels of `{name}` stand in parentheses",
            help: "write `{word} {name}({labels});`"
        );
        return None;
    }
    let text: String = written
        .clone()
        .into_iter()
        .map(|token| token.to_string())
        .collect();
    let text = text.trim_matches('"');
    let suggestion: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let suggestion = snake(suggestion.trim_start_matches(|c: char| !c.is_ascii_alphabetic()));
    report!(
        diagnostics,
        written,
        "`{text}` is not the name of a metric",
        note: "a name is lower case letters, digits and underscores, and begins with a letter",
        help: "write `{suggestion}`"
    );
    None
}

/// Returns the name that stands in quotes.
fn quoted(written: &TokenStream) -> Option<Ident> {
    let text: LitStr = syn::parse2(written.clone()).ok()?;
    let mut name: Ident = text.parse().ok()?;
    name.set_span(text.span());
    Some(name)
}

/// Takes `name: Type` and `name: label: Type` apart, and returns the list of labels that is meant.
fn labels_after_colon(written: &TokenStream) -> Option<(Ident, TokenStream)> {
    let parser = |input: ParseStream<'_>| {
        let name: Ident = input.parse()?;
        input.parse::<Token![:]>()?;
        let place = input.span();
        let labels: TokenStream = input.parse()?;
        let label = Ident::new("label", place);
        let is_list = |input: ParseStream<'_>| {
            input.parse::<Ident>()?;
            if input.peek(Token![::]) {
                return Err(input.error("a path"));
            }
            input.parse::<Token![:]>()?;
            input.parse::<TokenStream>()
        };
        if labels.is_empty() {
            let labels = quote_spanned!(name.span()=> label: Type);
            return Ok((name, labels));
        }
        if is_list.parse2(labels.clone()).is_ok() {
            return Ok((name, labels));
        }
        Ok((name, quote!(#label: #labels)))
    };
    parser.parse2(written.clone()).ok()
}

/// A metric is one list of series; a parameter would be a list for every type.
fn generics(input: ParseStream<'_>, metric: &mut Metric, diagnostics: &mut Diagnostics) {
    if !input.peek(Token![<]) {
        return;
    }
    let name = &metric.name;
    if let Some(written) = angle_brackets(input) {
        report!(
            diagnostics,
            written,
            "`{name}` cannot be generic",
            note: "its series are counted and laid out when compiling, once",
            help: "remove `<{written}>` and name an enum as the label's type"
        );
    }
    metric.spoil(State::Unusable);
}

/// Reads `(labels)` and then `;` or `{ settings }`.
fn body(input: ParseStream<'_>, metric: &mut Metric, diagnostics: &mut Diagnostics) {
    let (word, name) = (metric.kind.word(), metric.name.clone());
    let mut last = name.span();
    if let Some(group) = peek_group(input)
        && group.delimiter() != Delimiter::Brace
    {
        input.parse::<TokenTree>().ok();
        last = group.span_close();
        if group.delimiter() == Delimiter::Bracket {
            report!(
                diagnostics,
                group.span_open(),
                "the labels of `{name}` stand in parentheses",
                help: "write `{word} {name}(label: Type);`"
            );
        }
        labels(&group, metric, diagnostics);
    } else {
        report!(
            diagnostics,
            name,
            "`{name}` has no list of labels",
            help: "write `{word} {name}()` where it has none"
        );
        metric.spoil(State::Callable);
    }
    match peek_group(input) {
        Some(group) if group.delimiter() == Delimiter::Brace => {
            input.parse::<TokenTree>().ok();
            input.parse::<Token![;]>().ok();
            settings::parse(group.stream(), metric, diagnostics);
        }
        _ => super::semicolon(input, last, &format!("{word} {name}(..)"), diagnostics),
    }
}

fn peek_group(input: ParseStream<'_>) -> Option<Group> {
    match input.fork().parse() {
        Ok(TokenTree::Group(group)) => Some(group),
        _ => None,
    }
}

/// Reads `label: Type, …`.
fn labels(group: &Group, metric: &mut Metric, diagnostics: &mut Diagnostics) {
    let before = diagnostics.len();
    comma_separated(group.stream(), diagnostics, |input, diagnostics| {
        let Some(name) = label_name(input, &metric.name, diagnostics) else {
            return;
        };
        if input.parse::<Token![:]>().is_err() || input.is_empty() || input.peek(Token![,]) {
            let metric = &metric.name;
            report!(
                diagnostics,
                name,
                "label `{name}` of `{metric}` has no type",
                help: "write `{name}: Type`, where `Type` derives `obs::Label`"
            );
            return;
        }
        match input.parse() {
            Ok(ty) => metric.labels.push(Label { name, ty }),
            Err(error) => diagnostics.push_syn(&error),
        }
    });
    if diagnostics.len() > before {
        metric.spoil(State::Unusable);
    }
}

/// Reads the `{ key: value, … }` of an info metric.
fn info_body(input: ParseStream<'_>, metric: &mut Metric, diagnostics: &mut Diagnostics) {
    let name = metric.name.clone();
    let group = peek_group(input);
    let Some(group) = group.filter(|it| it.delimiter() == Delimiter::Brace) else {
        report!(
            diagnostics,
            name,
            "`{name}` needs its facts in braces",
            help: "write `info {name} {{ version: env!(\"CARGO_PKG_VERSION\") }};`"
        );
        metric.spoil(State::Unusable);
        return skip_statement(input);
    };
    input.parse::<TokenTree>().ok();
    input.parse::<Token![;]>().ok();
    let before = diagnostics.len();
    comma_separated(group.stream(), diagnostics, |input, diagnostics| {
        let Some(key) = label_name(input, &name, diagnostics) else {
            return;
        };
        if input.parse::<Token![:]>().is_err() || input.is_empty() || input.peek(Token![,]) {
            report!(
                diagnostics,
                key,
                "fact `{key}` of `{name}` has no value",
                help: "write `{key}: \"text\"`, or an expression that is constant"
            );
            return;
        }
        match input.parse() {
            Ok(value) => metric.facts.push(Fact { name: key, value }),
            Err(error) => diagnostics.push_syn(&error),
        }
    });
    if diagnostics.len() > before {
        metric.spoil(State::Unusable);
    }
}

/// Reads a label's name; a keyword is told how to be one.
fn label_name(
    input: ParseStream<'_>,
    metric: &Ident,
    diagnostics: &mut Diagnostics,
) -> Option<Ident> {
    let place: Span = input.span();
    let Ok(name) = input.call(Ident::parse_any) else {
        report!(
            diagnostics,
            place,
            "expected the name of a label of `{metric}`",
            help: "write `label: Type`"
        );
        return None;
    };
    if syn::parse_str::<Ident>(&name.to_string()).is_err() {
        report!(
            diagnostics,
            name,
            "`{name}` is a keyword of Rust",
            help: "write `r#{name}`; the label is still called `{name}`"
        );
        return None;
    }
    Some(name)
}
