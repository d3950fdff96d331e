#![deny(warnings)]
#![allow(non_camel_case_types, dead_code, unused_macros)]

mod std {}
mod core {}
mod obs {}
mod obs_runtime {}
mod axum {}
mod http {}
mod linkme {}
mod __private {}

struct Option;
struct Some;
struct None;
struct Result;
struct Response;
struct IntoResponse;
struct StatusCode;
struct Rule;
struct Own;
struct Problem;
struct ProblemError;
struct ErrorLabel;
struct Error;
struct CODES;
struct bool;
struct str;
struct u16;
struct u64;

macro_rules! panic { () => {} }
macro_rules! assert { () => {} }
macro_rules! matches { () => {} }

trait Noise {
    fn rule(&self) {}
    fn respond(&self) {}
    fn inner(&self) {}
    fn status(&self) {}
    fn title(&self) {}
    fn detail(&self) {}
    fn into_response(&self) {}
}

impl<T: ?Sized> Noise for T {}

#[derive(Debug, ::obs::ErrorLabel, ::obs::ProblemError)]
enum JobError {
    #[problem(status = 404, title = "No such job", type = "x:y", detail, retry_after = 1)]
    NotFound { inner: i32, status: i32 },
    #[problem(transparent)]
    Inner { inner: InnerError },
}

#[derive(Debug, ::obs::ErrorLabel, ::obs::ProblemError)]
enum InnerError {
    #[problem(status = 500)]
    Broken,
}

impl ::core::fmt::Display for JobError {
    fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        Ok(())
    }
}

impl ::core::error::Error for JobError {}

impl ::core::fmt::Display for InnerError {
    fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        Ok(())
    }
}

impl ::core::error::Error for InnerError {}

fn main() {
    let _ = JobError::NotFound { inner: 1, status: 2 };
    let _ = JobError::Inner { inner: InnerError::Broken };
}
