//! `#[obs::test]`.

mod expand;
mod parse;
mod validate;

use crate::diag::{Diagnostics, guarded, report};
use parse::Item;
use proc_macro2::{Span, TokenStream};
use quote::quote;

/// Makes the function a test, or reports every mistake beside the function as it was written.
pub(crate) fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let untouched = item.clone();
    guarded("`#[obs::test]`", &untouched, || {
        let mut diagnostics = Diagnostics::default();
        let options = parse::options(arguments, &mut diagnostics);
        let function = match parse::item(item) {
            Item::Function(function) => function,
            // rustc says what is wrong with it.
            Item::HalfTyped => return with_errors(&untouched, diagnostics),
            Item::Other(place) => {
                report!(
                    diagnostics,
                    place,
                    "`#[obs::test]` needs a function",
                    help: "put it on an `async fn`, or on a `fn`"
                );
                return with_errors(&untouched, diagnostics);
            }
        };
        validate::validate(&function, &options, &mut diagnostics);
        if diagnostics.is_empty() {
            return expand::expand(&function, &options);
        }
        with_errors(&untouched, diagnostics)
    })
}

fn with_errors(item: &TokenStream, diagnostics: Diagnostics) -> TokenStream {
    let errors = diagnostics.into_tokens();
    quote!(#item #errors)
}

/// Says what is missing. Without the feature there is no `TestObs` that the item could name, so it
/// is left out: one error instead of two.
pub(crate) fn test_without_feature(_: TokenStream, _: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    report!(
        diagnostics,
        Span::call_site(),
        "`#[obs::test]` needs the features `test` and `http` of `obs-runtime`",
        note: "what it brings is of no use in a service, so it is not there by default",
        help: "write in Cargo.toml, under [dev-dependencies], the line that stands under [dependencies], with `features = [\"test\", \"http\"]`"
    );
    diagnostics.into_tokens()
}
