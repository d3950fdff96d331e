//! What `#[observed]` refuses on functions.

use super::{Function, is_called};
use crate::diag::{Diagnostics, report};
use crate::names::odd_value_character;
use crate::observed::args::Args;
use crate::observed::fields;
use quote::ToTokens;
use syn::LitStr;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

pub(super) fn validate(function: &Function, args: &Args, diagnostics: &mut Diagnostics) {
    check_kind(function, diagnostics);
    check_once(function, diagnostics);
    check_body(function, diagnostics);
    check_name(function, args, diagnostics);
    check_level(args, diagnostics);
    check_tool(function, args, diagnostics);
    if let Some((key, _)) = &args.tools {
        report!(
            diagnostics,
            key,
            "`tools` names the enum of a whole impl block",
            help: "move it to the `#[observed]` on the impl block"
        );
    }
    check_leaving(args, diagnostics);
    fields::check_allowed(args.fields(), &args.allow, diagnostics);
    fields::check_repeated(args.fields(), diagnostics);
    fields::check_privacy(args.fields(), &args.allow, diagnostics);
}

/// Kinds of functions whose calls cannot be observed, or would change if they were.
fn check_kind(function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    let name = signature.ident.to_string();
    if let Some(keyword) = &signature.constness {
        report!(
            diagnostics,
            keyword.span,
            "`{name}` is a `const fn`, which cannot be observed",
            note: "when compiling there is no clock and nothing to count in",
            help: "remove `const`, or observe the function that calls `{name}`"
        );
    }
    if let Some(abi) = &signature.abi {
        report!(
            diagnostics,
            abi.extern_token.span,
            "`{name}` is an `extern` function, which cannot be observed",
            note: "a panic must not unwind through it, so it could not be counted",
            help: "observe a Rust function that `{name}` calls"
        );
    }
    if let Some(variadic) = &signature.variadic {
        report!(
            diagnostics,
            variadic.dots.spans[0],
            "`{name}` takes a variable number of arguments, which cannot be observed",
            help: "observe a function with a fixed number of arguments that `{name}` calls"
        );
    }
    if let Some(attribute) = function
        .attributes
        .iter()
        .find(|it| it.path().is_ident("track_caller"))
    {
        report!(
            diagnostics,
            attribute.path(),
            "`{name}` is `#[track_caller]`, which cannot be observed",
            note: "panics in it would be blamed on generated code instead of its caller",
            help: "remove `#[track_caller]`, or observe the function that calls `{name}`"
        );
    }
}

/// The expressions run in the function before its call begins: leaving there would not be counted,
/// and a field runs only where its log level is on.
fn check_leaving(args: &Args, diagnostics: &mut Diagnostics) {
    let records = args.records.iter().flat_map(|(_, records)| records);
    let fields = args.fields().iter().filter_map(fields::Field::value);
    for expr in records.chain(fields) {
        let mut leaving = Leaving(None);
        leaving.visit_expr(expr);
        if let Some(place) = leaving.0 {
            report!(
                diagnostics,
                place,
                "`{place}` leaves the function before its call is counted",
                note: "`record(..)` and `fields(..)` run before the call begins",
                help: "move what can fail into the function's body"
            );
        }
    }
}

struct Leaving(Option<proc_macro2::TokenStream>);

impl<'ast> Visit<'ast> for Leaving {
    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        match expr {
            syn::Expr::Try(it) => self.0 = Some(it.question_token.to_token_stream()),
            syn::Expr::Return(it) => self.0 = Some(it.return_token.to_token_stream()),
            syn::Expr::Await(it) => self.0 = Some(it.await_token.to_token_stream()),
            // These have a function of their own to leave.
            syn::Expr::Closure(_) | syn::Expr::Async(_) => {}
            _ => visit::visit_expr(self, expr),
        }
    }
}

/// Two attributes would count every call twice.
fn check_once(function: &Function, diagnostics: &mut Diagnostics) {
    if let Some(second) = function
        .attributes
        .iter()
        .find(|it| is_called(it, "observed"))
    {
        report!(
            diagnostics,
            second.path(),
            "`#[observed]` is given twice",
            note: "every call would be counted twice",
            help: "keep one and join their arguments"
        );
    }
}

fn check_body(function: &Function, diagnostics: &mut Diagnostics) {
    if function.body.is_none() {
        let name = &function.signature.ident;
        report!(
            diagnostics,
            name,
            "`{name}` has no body, so there is nothing to observe",
            help: "put `#[observed]` on the functions that implement it"
        );
    }
}

fn check_name(function: &Function, args: &Args, diagnostics: &mut Diagnostics) {
    let Some((key, name)) = &args.name else {
        return;
    };
    if function.tool_attribute().is_some() || args.tool.is_some() || args.hidden.tool.is_some() {
        report!(
            diagnostics,
            key,
            "`name` cannot name a tool, which is counted by the name its clients use",
            help: "remove it; to change what clients see, write `#[tool(name = \"..\")]`"
        );
        return;
    }
    check_value("name", name, diagnostics);
    let ident = function.signature.ident.unraw().to_string();
    if name.value() == ident {
        report!(
            diagnostics,
            name,
            "`name = \"{ident}\"` is what the function is called anyway",
            help: "remove it"
        );
    }
}

/// The levels of `tracing`, as its own attribute names them.
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// The level becomes a constant of the callsite, so it must be one of those there are.
fn check_level(args: &Args, diagnostics: &mut Diagnostics) {
    if let Some((_, level)) = &args.level
        && !LEVELS.contains(&level.value().as_str())
    {
        let text = level.value();
        report!(
            diagnostics,
            level,
            "`{text}` is not a level of spans",
            note: "the levels are `trace`, `debug`, `info`, `warn` and `error`; without one it is `info`",
            help: "write `level = \"debug\"` for calls that are too many for every trace"
        );
    }
}

fn check_tool(function: &Function, args: &Args, diagnostics: &mut Diagnostics) {
    let Some((key, name)) = &args.tool else {
        return;
    };
    if function.tool_attribute().is_some() || args.hidden.tool.is_some() {
        report!(
            diagnostics,
            key,
            "`tool` says what `#[tool]` says already",
            help: "remove it"
        );
    }
    if let Some(name) = name {
        check_value("tool", name, diagnostics);
    }
}

/// Names become label values.
pub(in crate::observed) fn check_value(key: &str, name: &LitStr, diagnostics: &mut Diagnostics) {
    let text = name.value();
    if text.is_empty() {
        report!(
            diagnostics,
            name,
            "`{key}` is empty",
            note: "it becomes a label value",
            help: "write a word, such as `{key} = \"import_csv\"`"
        );
    } else if let Some((at, odd)) = odd_value_character(&text) {
        report!(
            diagnostics,
            name,
            "`{text}` has the character `{odd}` at position {at}, which a label value cannot have",
            help: "use printable ASCII without quotes and backslashes"
        );
    } else if text.len() > crate::names::MAX_VALUE {
        let length = text.len();
        report!(
            diagnostics,
            name,
            "`{key}` has {length} characters, and a label value at most 128",
            help: "shorten it"
        );
    }
}
