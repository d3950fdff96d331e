//! What `#[observed]` refuses on impl blocks.

use super::methods::Tool;
use super::tool_enum::OTHER;
use crate::diag::{Diagnostics, report};
use crate::observed::args::Args;
use syn::ItemImpl;

/// Arguments that say something about one function.
pub(super) fn check_arguments(args: &Args, diagnostics: &mut Diagnostics) {
    let keys = [
        args.name.as_ref().map(|(key, _)| key),
        args.level.as_ref().map(|(key, _)| key),
        args.fields.as_ref().map(|(key, _)| key),
        args.records.as_ref().map(|(key, _)| key),
        args.buckets.as_ref().map(|(key, _)| key),
        args.slo.as_ref().map(|slo| &slo.key),
        args.tool.as_ref().map(|(key, _)| key),
    ];
    for key in keys.into_iter().flatten() {
        report!(
            diagnostics,
            key,
            "`{key}` belongs to one function, and this is a whole impl block",
            help: "put `#[observed({key} ..)]` on the function it is about"
        );
    }
}

pub(super) fn refuse_block(block: &ItemImpl, diagnostics: &mut Diagnostics) {
    report!(
        diagnostics,
        block.impl_token.span,
        "`#[observed]` does not know this impl block",
        note: "it knows `#[tool_router]`, `#[prompt_router]` and `impl ServerHandler`",
        help: "for anything else, put it on the functions inside"
    );
}

pub(super) fn check_no_tools(args: &Args, diagnostics: &mut Diagnostics) {
    if let Some((key, _)) = &args.tools {
        report!(
            diagnostics,
            key,
            "`tools` names an enum of tools, and this block has none",
            help: "remove it"
        );
    }
}

/// Two tools of one name: rmcp would silently keep the last one.
pub(super) fn check_tools(tools: &[Tool], diagnostics: &mut Diagnostics) {
    for (at, tool) in tools.iter().enumerate() {
        let name = tool.name.value();
        if name == OTHER {
            report!(
                diagnostics,
                tool.name,
                "a tool cannot be called `_other`",
                note: "that is how calls of tools are counted that the server does not have",
                help: "give it another name: `#[tool(name = \"..\")]`"
            );
        }
        if let Some(first) = tools[..at].iter().find(|it| it.name.value() == name) {
            let first = &first.ident;
            report!(
                diagnostics,
                tool.name,
                "two tools are called `{name}`",
                note: "`{first}` is called so too, and a router keeps only one of them",
                help: "give one another name: `#[tool(name = \"..\")]`"
            );
        }
    }
}
