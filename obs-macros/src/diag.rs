//! Collects the mistakes of one macro call, so that one run of the compiler shows all of them.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// More errors than this say the same thing again.
const MAX_ERRORS: usize = 16;

/// Adds one error: a place, what is wrong, and the `note`s and `help`s under it.
///
/// Every message is written with this macro, which is how the test `diagnostics_index` finds them.
macro_rules! report {
    ($diagnostics:expr, $place:expr, $what:literal $(, $line:ident: $text:literal)* $(,)?) => {
        $diagnostics.push(
            &$place,
            ::std::format!($what),
            &[$((::std::stringify!($line), ::std::format!($text))),*],
        )
    };
}
pub(crate) use report;

/// Where an error points: a token or a run of tokens.
pub(crate) trait Place {
    fn range(&self) -> (Span, Span);
}

impl Place for Span {
    fn range(&self) -> (Span, Span) {
        (*self, *self)
    }
}

impl Place for Ident {
    fn range(&self) -> (Span, Span) {
        (self.span(), self.span())
    }
}

impl Place for TokenStream {
    fn range(&self) -> (Span, Span) {
        let mut tokens = self.clone().into_iter();
        let first = tokens.next();
        let last = tokens.last();
        let start = first.as_ref().map_or_else(Span::call_site, open);
        (start, last.as_ref().map_or(start, TokenTree::span))
    }
}

macro_rules! place_by_tokens {
    ($($ty:ty),*) => {$(
        impl Place for $ty {
            fn range(&self) -> (Span, Span) {
                self.to_token_stream().range()
            }
        }
    )*};
}
place_by_tokens!(
    syn::Attribute,
    syn::Expr,
    syn::Lit,
    syn::LitStr,
    syn::Lifetime,
    syn::Path,
    syn::Type,
    syn::Visibility
);

impl<P: Place> Place for &P {
    fn range(&self) -> (Span, Span) {
        (**self).range()
    }
}

/// The span at which a token begins; one token's span covers a whole group.
fn open(token: &TokenTree) -> Span {
    token.span()
}

struct Mistake {
    start: Span,
    end: Span,
    text: String,
}

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Diagnostics {
    mistakes: Vec<Mistake>,
}

impl Diagnostics {
    /// Adds an error; `report!` is the way to call this.
    pub(crate) fn push(&mut self, place: &impl Place, what: String, lines: &[(&str, String)]) {
        let (start, end) = place.range();
        let mut text = what;
        for (kind, line) in lines {
            text.push_str("\n  = ");
            text.push_str(kind);
            text.push_str(": ");
            text.push_str(line);
        }
        self.mistakes.push(Mistake { start, end, text });
    }

    /// Adds what syn found.
    pub(crate) fn push_syn(&mut self, error: &syn::Error) {
        for error in error.clone() {
            self.mistakes.push(Mistake {
                start: error.span(),
                end: error.span(),
                text: error.to_string(),
            });
        }
    }

    /// Returns how many mistakes were found, to see whether a step found any.
    pub(crate) fn len(&self) -> usize {
        self.mistakes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Returns the errors as `compile_error!` calls, in the order of the source.
    pub(crate) fn into_tokens(mut self) -> TokenStream {
        self.mistakes.sort_by_key(|mistake| position(mistake.start));
        let hidden = self.mistakes.len().saturating_sub(MAX_ERRORS);
        if hidden > 0 {
            self.mistakes.truncate(MAX_ERRORS);
            if let Some(place) = self.mistakes.last().map(|last| last.start) {
                report!(
                    self,
                    place,
                    "{hidden} more mistakes are not shown",
                    help: "correct those above first"
                );
            }
        }
        self.mistakes.iter().map(Mistake::tokens).collect()
    }
}

impl Mistake {
    /// rustc draws the caret from the first token of a macro call to its last.
    fn tokens(&self) -> TokenStream {
        let Self { start, end, text } = self;
        let mut message = proc_macro2::Literal::string(text);
        message.set_span(*end);
        let mut body =
            proc_macro2::Group::new(proc_macro2::Delimiter::Brace, message.into_token_stream());
        body.set_span(*end);
        let path = quote::quote_spanned!(*start=> ::core::compile_error!);
        quote!(#path #body)
    }
}

/// Line and column, where the compiler gives them.
fn position(span: Span) -> (usize, usize) {
    if proc_macro::is_available() {
        let span = span.unwrap();
        (span.line(), span.column())
    } else {
        (0, 0)
    }
}

/// Runs a macro; a panic in it becomes an error that says whose bug it is, beside `item`.
pub(crate) fn guarded(
    name: &str,
    item: &TokenStream,
    run: impl FnOnce() -> TokenStream,
) -> TokenStream {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(tokens) => tokens,
        Err(panic) => {
            let why = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(
                &Span::call_site(),
                format!("{name} panicked; this is a bug in obs: {why}"),
                &[(
                    "help",
                    "report it together with the code it stands on".to_owned(),
                )],
            );
            let error = diagnostics.into_tokens();
            quote!(#item #error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostics, guarded};
    use proc_macro2::Span;
    use quote::quote;

    #[test]
    fn notes_and_helps_follow_the_message_on_lines_of_their_own() {
        let mut diagnostics = Diagnostics::default();
        let thing = "x";
        report!(diagnostics, Span::call_site(), "`{thing}` is odd", note: "why", help: "write `y`");
        let text = diagnostics.into_tokens().to_string();
        assert!(
            text.contains(r"`x` is odd\n  = note: why\n  = help: write `y`"),
            "{text}"
        );
    }

    #[test]
    fn errors_past_the_cap_are_counted_instead_of_shown() {
        let mut diagnostics = Diagnostics::default();
        for _ in 0..20 {
            report!(diagnostics, Span::call_site(), "odd");
        }
        let text = diagnostics.into_tokens().to_string();
        assert_eq!(text.matches("compile_error").count(), 17);
        assert!(text.contains("4 more mistakes are not shown"));
    }

    #[test]
    fn a_panic_in_a_macro_keeps_the_users_item_and_says_whose_bug_it_is() {
        let out = guarded(
            "`#[observed]`",
            &quote!(
                fn keep() {}
            ),
            || panic!("index {}", 7),
        );
        let text = out.to_string();
        assert!(text.starts_with("fn keep"), "{text}");
        assert!(text.contains("this is a bug in obs: index 7"), "{text}");
    }
}
