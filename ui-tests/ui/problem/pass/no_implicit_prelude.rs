#![no_implicit_prelude]
#![deny(warnings)]

#[derive(::core::fmt::Debug, ::obs::ErrorLabel, ::obs::ProblemError)]
pub enum JobError {
    #[problem(status = 404, title = "No such job", type = "x:y", detail, retry_after = 1)]
    NotFound(u64),
    #[problem(transparent)]
    Inner(InnerError),
}

#[derive(::core::fmt::Debug, ::obs::ErrorLabel, ::obs::ProblemError)]
pub enum InnerError {
    #[problem(status = 500)]
    Broken,
}

impl ::core::fmt::Display for JobError {
    fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::result::Result::Ok(())
    }
}

impl ::core::error::Error for JobError {}

impl ::core::fmt::Display for InnerError {
    fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::result::Result::Ok(())
    }
}

impl ::core::error::Error for InnerError {}

fn main() {
    let _ = (JobError::NotFound(1), JobError::Inner(InnerError::Broken));
}
