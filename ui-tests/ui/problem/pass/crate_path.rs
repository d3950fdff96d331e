#![deny(warnings)]

extern crate obs as telemetry;

mod facade {
    pub mod inner {
        pub use obs::*;
    }
}

#[derive(Debug, facade::inner::ErrorLabel, facade::inner::ProblemError)]
#[label(crate = crate::facade::inner)]
#[problem(crate = crate::facade::inner)]
enum JobError {
    #[problem(status = 404)]
    NotFound,
    #[problem(transparent)]
    Inner(InnerError),
}

#[derive(Debug, telemetry::ErrorLabel, telemetry::ProblemError)]
#[label(crate = ::telemetry)]
#[problem(crate = ::telemetry)]
enum InnerError {
    #[problem(status = 500)]
    Broken,
}

macro_rules! through_a_macro {
    ($name:ident, $status:expr, $title:literal) => {
        #[derive(Debug, facade::inner::ErrorLabel, facade::inner::ProblemError)]
        #[label(crate = $crate::facade::inner)]
        #[problem(crate = $crate::facade::inner)]
        enum $name {
            #[problem(status = $status, title = $title)]
            Only,
        }
    };
}
through_a_macro!(Third, 400 + 4, "Third");

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

impl std::fmt::Display for InnerError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for InnerError {}

impl std::fmt::Display for Third {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Third {}

fn main() {
    let _ = (JobError::NotFound, JobError::Inner(InnerError::Broken), Third::Only);
}
