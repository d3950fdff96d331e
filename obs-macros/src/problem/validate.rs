//! The rules of an error that answers requests.

use super::parse::{Problem, Shape, Variant};
use crate::diag::{Diagnostics, report};
use quote::ToTokens;
use syn::{Expr, ExprLit, Lit};

pub(super) fn validate(problem: &Problem, diagnostics: &mut Diagnostics) {
    let variants = match &problem.shape {
        Shape::Enum(variants) => variants,
        Shape::NoEnum(keyword) => return refuse_shape(problem, keyword, diagnostics),
    };
    for variant in variants {
        check_answer(variant, diagnostics);
        check_transparent(variant, diagnostics);
        check_status(variant, diagnostics);
        check_title(variant, diagnostics);
        check_uri(variant, diagnostics);
        check_retry_after(variant, diagnostics);
    }
}

/// The code of an error is its variant, and only an enum has any.
fn refuse_shape(problem: &Problem, keyword: &str, diagnostics: &mut Diagnostics) {
    let ident = &problem.ident;
    report!(
        diagnostics,
        ident,
        "`#[derive(ProblemError)]` needs an enum; `{ident}` is a {keyword}",
        note: "the variants of an enum are the list of codes",
        help: "write `enum {ident} {{ #[problem(status = 404)] NotFound }}`"
    );
}

/// A status that nobody chose would be 500, and a caller's mistake would wake somebody up.
fn check_answer(variant: &Variant, diagnostics: &mut Diagnostics) {
    let ident = &variant.ident;
    let is_answered = variant.transparent.is_some()
        || variant.keys.iter().any(|key| key == "status")
        || variant.is_broken;
    if is_answered {
        return;
    }
    if variant.fields.len() == 1 {
        report!(
            diagnostics,
            ident,
            "`{ident}` does not say with which status it answers",
            help: "write `#[problem(status = 500)]` above it",
            help: "where the error in it answers for itself, write `#[problem(transparent)]`"
        );
    } else {
        report!(
            diagnostics,
            ident,
            "`{ident}` does not say with which status it answers",
            help: "write `#[problem(status = 500)]` above it"
        );
    }
}

/// Everything comes from the error inside, so there must be one and nothing else.
fn check_transparent(variant: &Variant, diagnostics: &mut Diagnostics) {
    let (Some(transparent), ident) = (&variant.transparent, &variant.ident) else {
        return;
    };
    let count = variant.fields.len();
    if count != 1 {
        report!(
            diagnostics,
            transparent,
            "`{ident}` has {count} fields, and `transparent` takes exactly one",
            help: "keep the field that is a `ProblemError`, or write `#[problem(status = 500)]`"
        );
    }
    for key in variant.keys.iter().filter(|key| *key != "transparent") {
        report!(
            diagnostics,
            key,
            "`{ident}` answers as the error in it does, so `{key}` says nothing",
            help: "remove `{key}`, or remove `transparent`"
        );
    }
}

/// An answer below 400 is none of an error, and one from 600 on is none of HTTP.
fn check_status(variant: &Variant, diagnostics: &mut Diagnostics) {
    let (Some(status), ident) = (&variant.status, &variant.ident) else {
        return;
    };
    let Some(literal) = literal(status) else {
        return;
    };
    let Lit::Int(number) = literal else {
        let found = literal.to_token_stream();
        report!(
            diagnostics,
            status,
            "`status` needs a number, found `{found}`",
            help: "write `status = 404`"
        );
        return;
    };
    match number.base10_parse::<u16>() {
        Ok(400..=599) => {}
        _ => report!(
            diagnostics,
            status,
            "the status of `{ident}` is {number}, and that of an error is from 400 to 599",
            help: "write 404 for what is not there, 500 for what went wrong here"
        ),
    }
}

fn check_title(variant: &Variant, diagnostics: &mut Diagnostics) {
    let (Some(title), ident) = (&variant.title, &variant.ident) else {
        return;
    };
    if title.value().trim().is_empty() {
        report!(
            diagnostics,
            title,
            "the title of `{ident}` is empty",
            help: "remove `title`, and the status' own phrase is the title"
        );
    }
}

/// Callers compare it and follow it, which takes a URI.
fn check_uri(variant: &Variant, diagnostics: &mut Diagnostics) {
    let (Some(uri), ident) = (&variant.uri, &variant.ident) else {
        return;
    };
    let text = uri.value();
    let odd = text
        .chars()
        .find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c));
    if text.is_empty() {
        report!(
            diagnostics,
            uri,
            "the type of `{ident}` is empty",
            help: "remove `type`, which means that the status says it all"
        );
    } else if let Some(odd) = odd {
        report!(
            diagnostics,
            uri,
            "the type of `{ident}` has {odd:?}, and no URI does",
            help: "write a URI, such as \"https://example.org/problems/no-such-job\""
        );
    }
}

fn check_retry_after(variant: &Variant, diagnostics: &mut Diagnostics) {
    let Some(seconds) = &variant.retry_after else {
        return;
    };
    if let Some(literal) = literal(seconds)
        && !matches!(literal, Lit::Int(_))
    {
        let found = literal.to_token_stream();
        report!(
            diagnostics,
            seconds,
            "`retry_after` needs whole seconds, found `{found}`",
            help: "write `retry_after = 5`"
        );
    }
}

fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}
