//! The macros of `obs-runtime`; use them through that crate, which documents them.

mod crate_path;
mod diag;
mod label;
mod metrics;
mod names;
mod observed;
mod place;
mod problem;
#[cfg(test)]
mod robustness;
mod syntax;
mod test;

use proc_macro::TokenStream;

/// Makes an enum a metric label: every variant is one value.
///
/// Implements the trait of the same name, whose documentation has an example; the enum must be
/// `Copy` and not generic. A value is printable ASCII without quotes and backslashes, 1 to 128
/// characters; two variants cannot have the same.
///
/// | on the enum | |
/// |---|---|
/// | `#[label(rename_all = "snake_case")]` | how names become values: the rules of serde, snake case if nothing is said |
/// | `#[label(crate = ::facade::obs)]` | where `obs-runtime` is, if the crate does not depend on it itself |
///
/// | on a variant | |
/// |---|---|
/// | `#[label(value = "s3")]` | its value |
/// | `#[label(other)]` | it takes what matches nothing: the enum gets `from_str_or_other(&str)` |
/// | `#[label(ignore)]` | its data is left out, the variant alone is counted |
/// | `#[label(nested)]` | its field is a label, whose values are added |
///
/// # Cardinality
/// One value for each variant, and those of nested labels.
#[proc_macro_derive(Label, attributes(label))]
pub fn derive_label(input: TokenStream) -> TokenStream {
    label::derive(label::Trait::Label, input.into()).into()
}

/// Makes an error enum countable by kind: every variant is one value.
///
/// The same as the derive of `Label`, attributes included, for enums that need not be `Copy`.
///
/// # Cardinality
/// One value for each variant, and those of nested errors.
#[proc_macro_derive(ErrorLabel, attributes(label))]
pub fn derive_error_label(input: TokenStream) -> TokenStream {
    label::derive(label::Trait::ErrorLabel, input.into()).into()
}

/// Makes an error enum answer requests: every variant has a status.
///
/// Implements the trait of the same name, whose documentation has an example, and axum's
/// `IntoResponse`. The enum derives `ErrorLabel` as well, which gives each variant its code; what
/// `#[problem(..)]` says about a variant with data, that derive takes for an answer to whether the
/// data is counted.
///
/// | on the enum | |
/// |---|---|
/// | `#[problem(mcp)]` | it is the answer of a tool of an `rmcp` server as well; needs the feature `rmcp` |
/// | `#[problem(crate = ::facade::obs)]` | where `obs-runtime` is, if the crate does not depend on it itself |
///
/// | on a variant | |
/// |---|---|
/// | `#[problem(status = 404)]` | the status, 400 to 599: a number, a constant or `StatusCode::NOT_FOUND` |
/// | `#[problem(title = "No such job")]` | the title, the same for all such errors; without it the status' phrase |
/// | `#[problem(type = "https://..")]` | the URI of this kind of problem; without it there is none |
/// | `#[problem(detail)]` | the answer shows the error's text, without secrets; else nobody sees it |
/// | `#[problem(retry_after = 5)]` | the header `Retry-After`, in seconds |
/// | `#[problem(transparent)]` | status, title, code and all are those of the error in it |
///
/// # As the answer of a tool
/// With `#[problem(mcp)]` a tool returns `Result<Json<T>, E>`, or uses `?` in one that returns
/// `Result<CallToolResult, ErrorData>`. The first is a result with `isError`, whose text is the
/// detail, or else the title, and the code: `there is no job 7 (code: not_found)`. The second is a
/// JSON-RPC error with the same words and `data` of `code`, `status`, `retry_after` and
/// `correlation_id`; its code is -32002 for 404, -32602 for the other 4xx and -32603 for all else.
/// What a 5xx was about is in neither: it is on the line `tool call failed`, as `error`, and in
/// Sentry.
///
/// # Cardinality
/// The values of the enum's `ErrorLabel`.
#[proc_macro_derive(ProblemError, attributes(problem))]
pub fn derive_problem_error(input: TokenStream) -> TokenStream {
    problem::derive(input.into()).into()
}

/// Declares metrics; `obs_runtime::metrics!` passes its own path in front of the declarations.
#[proc_macro]
pub fn metrics(input: TokenStream) -> TokenStream {
    metrics::metrics(input.into()).into()
}

/// Observes a function, or the impl block of an MCP server: every call is counted exactly once.
#[proc_macro_attribute]
pub fn observed(arguments: TokenStream, item: TokenStream) -> TokenStream {
    observed::observed(arguments.into(), item.into()).into()
}

/// Stands in the output of `#[problem(mcp)]` where `obs-runtime` was built without what it needs,
/// and says so.
#[proc_macro]
pub fn problem_mcp_without_feature(input: TokenStream) -> TokenStream {
    problem::mcp_without_feature(input.into()).into()
}

/// Runs a test with an `Obs` of its own, and shows what this test alone logged and recorded.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::test(arguments.into(), item.into()).into()
}

/// Stands for `test` where `obs-runtime` was built without what it needs, and says so.
#[proc_macro_attribute]
pub fn test_without_feature(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::test_without_feature(arguments.into(), item.into()).into()
}
