//! What `#[obs::test]` refuses.

use super::parse::{Function, Options};
use crate::diag::{Diagnostics, report};
use crate::names::{did_you_mean, list};
use quote::ToTokens;
use syn::{Expr, ExprLit, FnArg, Ident, Lit, Safety, Type};

pub(super) const MULTI_THREAD: &str = "multi_thread";
const CURRENT_THREAD: &str = "current_thread";

pub(super) fn validate(function: &Function, options: &Options, diagnostics: &mut Diagnostics) {
    check_kind(function, diagnostics);
    check_once(function, diagnostics);
    check_generics(function, diagnostics);
    check_parameters(function, diagnostics);
    check_env(options, diagnostics);
    check_vars(options, diagnostics);
    check_flavor(options, diagnostics);
    check_worker_threads(options, diagnostics);
    check_start_paused(options, diagnostics);
    check_runtime(function, options, diagnostics);
}

/// A harness calls a plain Rust function.
fn check_kind(function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    let name = &signature.ident;
    let keyword = [
        signature.constness.as_ref().map(|it| ("const", it.span)),
        match &signature.safety {
            Safety::Unsafe(it) => Some(("unsafe", it.span)),
            _ => None,
        },
        signature
            .abi
            .as_ref()
            .map(|it| ("extern", it.extern_token.span)),
    ];
    for (keyword, place) in keyword.into_iter().flatten() {
        report!(
            diagnostics,
            place,
            "`{name}` is `{keyword}`, which a test cannot be",
            note: "nothing but the test harness calls it, as a plain function",
            help: "remove `{keyword}`"
        );
    }
}

/// The second one would run the test again, or find no function that it can call.
fn check_once(function: &Function, diagnostics: &mut Diagnostics) {
    let second = function.attributes.iter().find(|attribute| {
        let segments = &attribute.path().segments;
        segments
            .last()
            .is_some_and(|segment| segment.ident == "test")
    });
    if let Some(second) = second {
        let found = second.path().to_token_stream().to_string().replace(' ', "");
        report!(
            diagnostics,
            second.path(),
            "`#[{found}]` makes it a test a second time",
            note: "`#[obs::test]` brings the harness and the runtime",
            help: "remove `#[{found}]`"
        );
    }
}

/// Nobody says which types a test is for.
fn check_generics(function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    let name = &signature.ident;
    if !signature.generics.params.is_empty() {
        report!(
            diagnostics,
            signature.generics.params.to_token_stream(),
            "`{name}` is generic, which a test cannot be",
            note: "the test harness has nothing to put there",
            help: "make a function of what is generic, and call it from a test for each type"
        );
    }
}

/// The one parameter is what the attribute is for.
fn check_parameters(function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    let name = &signature.ident;
    let mut parameters = signature.inputs.iter();
    match parameters.next() {
        None => report!(
            diagnostics,
            name,
            "`{name}` takes no `TestObs`, so it cannot see what was recorded",
            help: "write `{name}(t: obs::TestObs)`",
            help: "where nothing is asserted on, `#[test]` or `#[tokio::test]` will do"
        ),
        Some(FnArg::Receiver(receiver)) => report!(
            diagnostics,
            receiver.to_token_stream(),
            "`{name}` takes `self`, which a test cannot",
            help: "write `{name}(t: obs::TestObs)`, outside of an impl block"
        ),
        Some(FnArg::Typed(typed)) => {
            if let Type::Reference(reference) = &*typed.ty {
                report!(
                    diagnostics,
                    reference.to_token_stream(),
                    "`{name}` borrows its `TestObs`",
                    note: "nobody else keeps it; it is cheap to clone",
                    help: "write `{name}(t: obs::TestObs)`"
                );
            }
        }
    }
    if let Some(second) = parameters.next() {
        report!(
            diagnostics,
            second.to_token_stream(),
            "`{name}` takes more than a `TestObs`",
            note: "the test harness has nothing to put there",
            help: "keep one parameter: `{name}(t: obs::TestObs)`"
        );
    }
}

fn check_env(options: &Options, diagnostics: &mut Diagnostics) {
    let Some((key, env)) = &options.env else {
        return;
    };
    if env.value().trim().is_empty() {
        report!(
            diagnostics,
            env,
            "`env` is empty",
            help: "write `env = \"prod\"`, or remove it: the default is `dev`"
        );
    }
    if options
        .vars
        .iter()
        .any(|(name, _)| name.value() == "OBS_ENV")
    {
        report!(
            diagnostics,
            key,
            "`env` says what `vars(\"OBS_ENV\" = ..)` says already",
            help: "keep one of them"
        );
    }
}

fn check_vars(options: &Options, diagnostics: &mut Diagnostics) {
    let mut seen: Vec<String> = Vec::new();
    for (name, _) in &options.vars {
        let text = name.value();
        if seen.contains(&text) {
            report!(
                diagnostics,
                name,
                "the variable `{text}` is given twice",
                help: "keep one of them"
            );
        }
        seen.push(text);
    }
}

fn check_flavor(options: &Options, diagnostics: &mut Diagnostics) {
    let Some(flavor) = &options.flavor else {
        return;
    };
    let (text, known) = (flavor.value(), [CURRENT_THREAD, MULTI_THREAD]);
    if known.contains(&text.as_str()) {
        return;
    }
    let choice = list(&known);
    match did_you_mean(&text, &known) {
        Some(meant) => report!(
            diagnostics,
            flavor,
            "\"{text}\" is no flavor of a runtime; did you mean `{meant}`?",
            help: "the flavors are {choice}"
        ),
        None => report!(
            diagnostics,
            flavor,
            "\"{text}\" is no flavor of a runtime",
            help: "the flavors are {choice}"
        ),
    }
}

/// With one thread there is nothing to count.
fn check_worker_threads(options: &Options, diagnostics: &mut Diagnostics) {
    let Some((key, threads)) = &options.worker_threads else {
        return;
    };
    let is_multi = options
        .flavor
        .as_ref()
        .is_some_and(|it| it.value() == MULTI_THREAD);
    if !is_multi {
        report!(
            diagnostics,
            key,
            "`worker_threads` says how many threads a `multi_thread` runtime has",
            help: "write `flavor = \"multi_thread\"` beside it, or remove it"
        );
    }
    if let Expr::Lit(ExprLit { lit, .. }) = threads
        && !matches!(lit, Lit::Int(number) if number.base10_parse::<usize>().is_ok_and(|it| it > 0))
    {
        let found = lit.to_token_stream();
        report!(
            diagnostics,
            threads,
            "`worker_threads` needs a number from 1 on, found `{found}`",
            help: "write `worker_threads = 2`"
        );
    }
}

/// Time stands still only where one thread knows that everything waits for it.
fn check_start_paused(options: &Options, diagnostics: &mut Diagnostics) {
    let Some((key, paused)) = &options.start_paused else {
        return;
    };
    if let Expr::Lit(ExprLit { lit, .. }) = paused
        && !matches!(lit, Lit::Bool(_))
    {
        let found = lit.to_token_stream();
        report!(
            diagnostics,
            paused,
            "`start_paused` needs `true` or `false`, found `{found}`",
            help: "write `start_paused = true`"
        );
    }
    if options
        .flavor
        .as_ref()
        .is_some_and(|it| it.value() == MULTI_THREAD)
    {
        report!(
            diagnostics,
            key,
            "`start_paused` needs a runtime of one thread",
            note: "time can stand still only where one thread knows that everything waits for it",
            help: "remove `flavor`, or remove `start_paused`"
        );
    }
}

/// A plain `fn` has no runtime.
fn check_runtime(function: &Function, options: &Options, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    if signature.asyncness.is_some() {
        return;
    }
    let name = &signature.ident;
    let key = |option: &Option<(Ident, Expr)>| {
        let (key, _) = option.as_ref()?;
        Some((key.to_string(), key.span()))
    };
    let flavor = options.flavor.as_ref();
    let keys = [
        flavor.map(|flavor| ("flavor".to_owned(), flavor.span())),
        key(&options.worker_threads),
        key(&options.start_paused),
    ];
    for (key, place) in keys.into_iter().flatten() {
        report!(
            diagnostics,
            place,
            "`{key}` is about the runtime, and `{name}` is no `async fn`, so it has none",
            help: "write `async fn {name}`, or remove `{key}`"
        );
    }
}
