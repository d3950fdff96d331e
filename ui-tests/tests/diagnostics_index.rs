//! Compares the messages in the source of the macros with the texts that were reviewed.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;
use syn::{Attribute, ExprMethodCall, LitStr, Macro};

#[test]
fn every_message_of_the_macros_is_in_a_reviewed_text() {
    let mut sources = files("../obs-macros/src", "rs");
    // Texts that rustc shows by itself, or when it evaluates a constant.
    sources.extend(files("../obs-runtime/src/__private/check", "rs"));
    sources.push(PathBuf::from("../obs-runtime/src/label.rs"));
    sources.push(PathBuf::from("../obs-runtime/src/problem/error.rs"));
    let reviewed: Vec<String> = files("ui", "stderr").iter().map(|it| words(it)).collect();
    let mut unseen = Vec::new();
    let mut found = 0;
    for source in sources {
        let mut messages = Messages::default();
        messages.visit_file(&syn::parse_file(&fs::read_to_string(&source).unwrap()).unwrap());
        found += messages.found.len();
        for message in messages.found {
            if !reviewed.iter().any(|text| holds(text, &message)) {
                unseen.push(format!("{}: {message:?}", source.display()));
            }
        }
    }
    assert!(
        found > 100,
        "only {found} messages were found in the source"
    );
    assert!(
        unseen.is_empty(),
        "no program under `ui` shows these:\n{}",
        unseen.join("\n")
    );
}

#[test]
fn every_text_names_what_the_user_wrote_and_says_how_to_go_on() {
    let mut lacking = Vec::new();
    for path in files("ui", "stderr") {
        let text = fs::read_to_string(&path).unwrap();
        for error in text.split("\n\n").filter(|it| it.starts_with("error")) {
            let (first, rest) = error.split_once('\n').unwrap();
            // What rustc says by itself is in its own words.
            let is_ours = !first.starts_with("error[E0") || first.contains("evaluation panicked");
            let is_rustcs = OF_RUSTC.iter().any(|words| first.starts_with(words));
            if !is_ours || is_rustcs {
                continue;
            }
            let names_something = first.contains(['`', '"']) || first.contains("more mistakes");
            let columns = first
                .trim_start_matches("error[E0080]: evaluation panicked: ")
                .len();
            if !names_something || !rest.contains("= help: ") || columns > 107 {
                lacking.push(format!("{}: {first}", path.display()));
            }
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

/// How errors of rustc begin that have no number: lints, visibility, broken syntax, futures that are not `Send`.
const OF_RUSTC: [&str; 5] = [
    "error: unused ",
    "error: function `",
    "error: type `",
    "error: unexpected token",
    "error: future cannot be sent",
];

#[test]
fn every_program_that_must_not_compile_has_a_reviewed_text() {
    let lacking: Vec<PathBuf> = files("ui", "rs")
        .into_iter()
        .filter(|path| path.parent().unwrap().ends_with("fail"))
        .filter(|path| !path.with_extension("stderr").exists())
        .collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}

/// The fixed parts of each message, in the order in which they appear.
#[derive(Default)]
struct Messages {
    found: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Messages {
    fn visit_macro(&mut self, node: &'ast Macro) {
        if node.path.is_ident("report") {
            let texts = strings(node.tokens.clone());
            self.found
                .push(texts.iter().flat_map(|it| fixed_parts(it)).collect());
        }
    }

    /// The texts of the checks in constants, piece by piece.
    fn visit_expr_method_call(&mut self, node: &'ast ExprMethodCall) {
        let is_text = ["str", "note", "help"]
            .iter()
            .any(|name| node.method == name);
        if let (true, Some(syn::Expr::Lit(literal))) = (is_text, node.args.first())
            && let syn::Lit::Str(text) = &literal.lit
            && text.value().len() > 3
        {
            self.found.push(vec![collapse(&text.value())]);
        }
        syn::visit::visit_expr_method_call(self, node);
    }

    fn visit_attribute(&mut self, node: &'ast Attribute) {
        let path: Vec<String> = node
            .path()
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        if path == ["diagnostic", "on_unimplemented"]
            && let syn::Meta::List(list) = &node.meta
        {
            for text in strings(list.tokens.clone()) {
                self.found.push(fixed_parts(&text));
            }
        }
    }

    /// Tests report things that nobody sees.
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if node.ident != "tests" {
            syn::visit::visit_item_mod(self, node);
        }
    }
}

fn strings(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Literal(literal) => syn::parse_str::<LitStr>(&literal.to_string()).ok(),
            _ => None,
        })
        .map(|text| text.value())
        .collect()
}

/// Splits a format string at its arguments.
fn fixed_parts(text: &str) -> Vec<String> {
    let text = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    text.split('{')
        .enumerate()
        .map(|(at, part)| match part.split_once('}') {
            Some((_, fixed)) if at > 0 => fixed,
            _ => part,
        })
        .map(|part| collapse(&part.replace('\u{1}', "{").replace('\u{2}', "}")))
        .filter(|part| !part.is_empty())
        .collect()
}

fn holds(text: &str, parts: &[String]) -> bool {
    let mut rest = text;
    parts
        .iter()
        .all(|part| match rest.split_once(part.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
}

fn words(path: &Path) -> String {
    collapse(&fs::read_to_string(path).unwrap())
}

fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Finds the files with this extension below a folder, in order.
fn files(folder: impl AsRef<Path>, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
