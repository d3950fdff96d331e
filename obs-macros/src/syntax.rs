//! `key = value` lists, so that a mistake in one reads the same in all macros.

use crate::crate_path::CratePath;
use crate::diag::{Diagnostics, report};
use crate::names::{did_you_mean, list};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Expr, Ident, Lit, LitStr, MacroDelimiter, Meta, Path, Token};

/// A key that a list accepts, and how it is written.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
}

/// The key `crate`, the same in every list.
pub(crate) const CRATE: Key = Key {
    name: "crate",
    example: "crate = ::obs",
};

/// Reads the keys of one list, or of several attributes that count as one.
pub(crate) struct Keys {
    /// What the list belongs to, as it stands in a sentence.
    owner: &'static str,
    accepted: &'static [Key],
    repeatable: &'static [&'static str],
    seen: Vec<&'static str>,
}

/// One key of the list, ready to have its value read.
pub(crate) struct Entry<'a> {
    pub(crate) key: Key,
    pub(crate) ident: Ident,
    input: ParseStream<'a>,
}

impl Keys {
    pub(crate) fn new(owner: &'static str, accepted: &'static [Key]) -> Self {
        Self {
            owner,
            accepted,
            repeatable: &[],
            seen: Vec::new(),
        }
    }

    /// Lets some keys stand more than once.
    pub(crate) fn repeatable(mut self, keys: &'static [&'static str]) -> Self {
        self.repeatable = keys;
        self
    }

    /// Reads a whole list; `read` takes the value of each known key that is not a repetition.
    ///
    /// Where something cannot be read, the list goes on after the next comma.
    pub(crate) fn parse(
        &mut self,
        tokens: TokenStream,
        diagnostics: &mut Diagnostics,
        mut read: impl FnMut(&mut Entry<'_>, &mut Diagnostics),
    ) {
        comma_separated(tokens, diagnostics, |input, diagnostics| {
            self.parse_one(input, diagnostics, &mut read);
        });
    }

    fn parse_one(
        &mut self,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
        read: &mut impl FnMut(&mut Entry<'_>, &mut Diagnostics),
    ) {
        let Self {
            owner,
            accepted,
            repeatable,
            ref mut seen,
        } = *self;
        let names: Vec<&str> = accepted.iter().map(|key| key.name).collect();
        let choice = list(&names);
        let Ok(ident) = input.call(Ident::parse_any) else {
            report!(
                diagnostics,
                input.span(),
                "expected a key of {owner}",
                help: "the keys are {choice}"
            );
            return;
        };
        let name = ident.unraw().to_string();
        let Some(key) = accepted.iter().find(|key| key.name == name) else {
            match did_you_mean(&name, &names) {
                Some(meant) => report!(
                    diagnostics,
                    ident,
                    "`{name}` is not a key of {owner}; did you mean `{meant}`?",
                    help: "the keys are {choice}"
                ),
                None => report!(
                    diagnostics,
                    ident,
                    "`{name}` is not a key of {owner}",
                    help: "the keys are {choice}"
                ),
            }
            return;
        };
        if seen.contains(&key.name) && !repeatable.contains(&key.name) {
            report!(
                diagnostics,
                ident,
                "`{name}` is given twice",
                help: "keep one of them"
            );
            return;
        }
        seen.push(key.name);
        read(
            &mut Entry {
                key: *key,
                ident,
                input,
            },
            diagnostics,
        );
    }
}

impl Entry<'_> {
    /// Reads `= value` or, in a list that is written so, `: value`.
    fn value<T: Parse>(&mut self, diagnostics: &mut Diagnostics) -> Option<T> {
        let Key { name, example } = self.key;
        let found = if example.starts_with(&format!("{name}: ")) {
            self.input.parse::<Token![:]>().is_ok()
        } else {
            self.input.parse::<Token![=]>().is_ok()
        };
        if !found || self.input.is_empty() || self.input.peek(Token![,]) {
            report!(
                diagnostics,
                self.ident,
                "`{name}` needs a value",
                help: "write `{example}`"
            );
            skip_to_comma(self.input);
            return None;
        }
        match self.input.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                diagnostics.push_syn(&error);
                skip_to_comma(self.input);
                None
            }
        }
    }

    /// Reads any expression.
    pub(crate) fn expr(&mut self, diagnostics: &mut Diagnostics) -> Option<Expr> {
        self.value(diagnostics).map(ungrouped)
    }

    /// Reads a string literal.
    pub(crate) fn string(&mut self, diagnostics: &mut Diagnostics) -> Option<LitStr> {
        let value = self.expr(diagnostics)?;
        if let Expr::Lit(literal) = &value
            && let Lit::Str(text) = &literal.lit
        {
            return Some(text.clone());
        }
        let Key { name, example } = self.key;
        let found = value.to_token_stream().to_string();
        report!(
            diagnostics,
            value,
            "`{name}` needs a string, found `{found}`",
            help: "write `{example}`"
        );
        None
    }

    /// Reads a key that stands alone.
    pub(crate) fn flag(&mut self, diagnostics: &mut Diagnostics) {
        if self.input.is_empty() || self.input.peek(Token![,]) {
            return;
        }
        let name = self.key.name;
        report!(
            diagnostics,
            self.input.span(),
            "`{name}` takes no value",
            help: "write `{name}` alone"
        );
        skip_to_comma(self.input);
    }

    /// Reads a block in braces, `key = { … }`, and returns its content.
    pub(crate) fn braces(&mut self, diagnostics: &mut Diagnostics) -> Option<TokenStream> {
        let value: TokenTree = self.value(diagnostics)?;
        if let TokenTree::Group(group) = &value
            && group.delimiter() == proc_macro2::Delimiter::Brace
        {
            return Some(group.stream());
        }
        let Key { name, example } = self.key;
        report!(
            diagnostics,
            value.span(),
            "`{name}` needs a block in braces",
            help: "write `{example}`"
        );
        skip_to_comma(self.input);
        None
    }

    /// Reads a list in parentheses, `key(…)`.
    pub(crate) fn parens(&mut self, diagnostics: &mut Diagnostics) -> Option<Group> {
        let Key { name, example } = self.key;
        if let Ok(TokenTree::Group(group)) = self.input.fork().parse::<TokenTree>()
            && group.delimiter() == proc_macro2::Delimiter::Parenthesis
        {
            self.input.parse::<TokenTree>().ok();
            return Some(group);
        }
        report!(
            diagnostics,
            self.ident,
            "`{name}` needs a list in parentheses",
            help: "write `{example}`"
        );
        skip_to_comma(self.input);
        None
    }

    /// Returns what follows the key, for values with a grammar of their own.
    pub(crate) fn input(&self) -> ParseStream<'_> {
        self.input
    }

    /// Reads `crate = path`, which must mean the same in every module.
    pub(crate) fn crate_path(&mut self, diagnostics: &mut Diagnostics) -> Option<CratePath> {
        let value = self.expr(diagnostics)?;
        let Expr::Path(syn::ExprPath {
            qself: None, path, ..
        }) = &value
        else {
            let found = value.to_token_stream().to_string();
            report!(
                diagnostics,
                value,
                "`crate` needs a path, found `{found}`",
                help: "write `crate = ::obs`"
            );
            return None;
        };
        if is_absolute(path) {
            return Some(CratePath::explicit(path.to_token_stream()));
        }
        let found = path.to_token_stream().to_string().replace(' ', "");
        report!(
            diagnostics,
            path,
            "`crate = {found}` would mean something else in every module",
            help: "write `crate = ::{found}` for a dependency",
            help: "write `crate = crate::{found}` for a module of this crate"
        );
        None
    }
}

/// Takes an expression out of the invisible group that a `macro_rules!` fragment puts around it.
pub(crate) fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungrouped(*group.expr),
        expr => expr,
    }
}

fn is_absolute(path: &Path) -> bool {
    path.leading_colon.is_some()
        || path
            .segments
            .first()
            .is_some_and(|first| first.ident == "crate" || first.ident == "$crate")
}

/// Reads a list whose parts are separated by commas, and goes on after every mistake.
pub(crate) fn comma_separated(
    tokens: TokenStream,
    diagnostics: &mut Diagnostics,
    mut read: impl FnMut(ParseStream<'_>, &mut Diagnostics),
) {
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let before = diagnostics.len();
            read(input, diagnostics);
            if !input.is_empty() && !input.peek(Token![,]) && diagnostics.len() == before {
                let rest = input.cursor().token_stream();
                let found = rest.into_iter().next().map(|token| token.to_string());
                let found = found.unwrap_or_default();
                report!(
                    diagnostics,
                    input.span(),
                    "expected `,` before `{found}`",
                    help: "write `, {found}`"
                );
            }
            skip_to_comma(input);
            input.parse::<Token![,]>().ok();
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        diagnostics.push_syn(&error);
    }
}

/// Returns what stands in the parentheses of an attribute, or says how it is written.
pub(crate) fn attribute_list(
    attribute: &Attribute,
    example: &str,
    diagnostics: &mut Diagnostics,
) -> Option<TokenStream> {
    let name = attribute.path().to_token_stream().to_string();
    match &attribute.meta {
        Meta::List(list) if matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
            if list.tokens.is_empty() {
                report!(
                    diagnostics,
                    attribute,
                    "`#[{name}()]` says nothing",
                    help: "write `#[{name}({example})]`, or remove it"
                );
                return None;
            }
            Some(list.tokens.clone())
        }
        Meta::List(_) => {
            report!(
                diagnostics,
                attribute,
                "`#[{name}]` takes its keys in parentheses",
                help: "write `#[{name}({example})]`"
            );
            None
        }
        Meta::Path(_) | Meta::NameValue(_) => {
            report!(
                diagnostics,
                attribute,
                "`#[{name}]` needs a key in parentheses",
                help: "write `#[{name}({example})]`"
            );
            None
        }
    }
}

/// Goes on before the next comma of this level.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>().ok();
    }
}
