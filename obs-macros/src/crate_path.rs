//! Finds the path under which the user's crate reaches `obs-runtime`.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};

/// The path to `obs-runtime` that generated code starts with.
#[derive(Clone)]
pub(crate) struct CratePath {
    tokens: TokenStream,
}

impl CratePath {
    /// Finds the crate under the name that the compiler was given for it, else `::obs`.
    ///
    /// A derive or an attribute gets no `$crate`. The compiler's own `--extern` arguments are what
    /// `::name` is resolved against, so they know of every rename; they are part of the key of
    /// every build cache, unlike a file or an environment variable. Where there are none
    /// (rust-analyzer, and inside `obs-runtime` itself) the documented name is the answer.
    pub(crate) fn find() -> Self {
        let args = std::env::args().flat_map(unfold);
        let name = extern_name(args).unwrap_or_else(|| "obs".to_owned());
        let name = Ident::new(&name, Span::mixed_site());
        Self {
            tokens: quote!(::#name),
        }
    }

    /// Takes the path that the user wrote with `crate = …`, or that `$crate` stands for.
    pub(crate) fn explicit(path: TokenStream) -> Self {
        Self { tokens: path }
    }

    /// Returns the path with all its tokens located at `span`, so that errors point there.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        relocate(self.tokens.clone(), span)
    }
}

impl ToTokens for CratePath {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.tokens.clone());
    }
}

/// Moves tokens to `span` and keeps what their names refer to.
pub(crate) fn relocate(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            let at = token.span().located_at(span);
            if let TokenTree::Group(group) = &token {
                // `$crate` comes through a `macro_rules!` fragment inside an invisible group.
                let mut moved = Group::new(group.delimiter(), relocate(group.stream(), span));
                moved.set_span(at);
                TokenTree::Group(moved)
            } else {
                token.set_span(at);
                token
            }
        })
        .collect()
}

/// Reads `@file`, by which rustdoc hands the arguments of doc tests to the compiler.
fn unfold(arg: String) -> Vec<String> {
    let file = arg.strip_prefix('@').map(std::fs::read_to_string);
    match file {
        Some(Ok(lines)) => lines.lines().map(str::to_owned).collect(),
        _ => vec![arg],
    }
}

/// Reads `--extern [options:]name=…/libobs_runtime-….rmeta` from the compiler's arguments.
fn extern_name(args: impl Iterator<Item = String>) -> Option<String> {
    let mut follows = false;
    for arg in args {
        let spec = match arg.strip_prefix("--extern=") {
            Some(spec) => spec,
            None if follows => &arg,
            None => {
                follows = arg == "--extern";
                continue;
            }
        };
        follows = false;
        let Some((name, file)) = spec.split_once('=') else {
            continue;
        };
        if is_runtime(file) {
            let name = name.rsplit(':').next().unwrap_or(name);
            return syn::parse_str::<Ident>(name)
                .ok()
                .map(|ident| ident.to_string());
        }
    }
    None
}

fn is_runtime(file: &str) -> bool {
    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = file.split('.').next().unwrap_or(file);
    let stem = stem.strip_prefix("lib").unwrap_or(stem);
    let name = stem.split('-').next().unwrap_or(stem);
    name == "obs_runtime"
}

#[cfg(test)]
mod tests {
    use super::extern_name;

    fn find(args: &[&str]) -> Option<String> {
        extern_name(args.iter().map(|arg| (*arg).to_owned()))
    }

    #[test]
    fn the_name_given_to_the_compiler_is_found_under_any_rename() {
        let file = "obs=/t/debug/deps/libobs_runtime-0a1b.rmeta";
        assert_eq!(find(&["rustc", "--extern", file]).as_deref(), Some("obs"));
        assert_eq!(
            find(&["--extern=noprelude:telemetry=C:\\t\\libobs_runtime-1.rlib"]).as_deref(),
            Some("telemetry")
        );
        assert_eq!(
            find(&[
                "--extern",
                "obs=/t/libother-1.rmeta",
                "--extern",
                "obs_runtime=libobs_runtime.rlib"
            ])
            .as_deref(),
            Some("obs_runtime")
        );
    }

    #[test]
    fn without_the_crate_among_the_arguments_nothing_is_found() {
        assert_eq!(
            find(&[
                "--extern",
                "proc_macro",
                "--extern",
                "obs_runtime_x=/libobs_runtime_x-1.rlib"
            ]),
            None
        );
        assert_eq!(find(&["libobs_runtime-1.rlib", "--extern"]), None);
    }
}
