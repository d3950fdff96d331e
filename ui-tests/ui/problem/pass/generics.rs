#![deny(warnings)]

use std::fmt::{self, Debug, Display};

use obs::{ErrorLabel, ProblemError};

/// A label written by hand, because the derive takes no parameters.
#[derive(Debug, obs::ProblemError)]
enum Layered<E, const N: usize>
where
    E: 'static,
{
    #[problem(transparent)]
    Inner(E),
    #[problem(status = 504)]
    Late,
}

impl<E: ErrorLabel, const N: usize> ErrorLabel for Layered<E, N> {
    const VALUES: &'static [&'static str] = &["inner", "late"];

    fn index(&self) -> usize {
        usize::from(matches!(self, Self::Late))
    }
}

impl<E, const N: usize> Display for Layered<E, N> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl<E: Debug, const N: usize> std::error::Error for Layered<E, N> {}

#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem(status = 404)]
    NotFound,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {
    assert_eq!(Layered::<_, 1>::Inner(JobError::NotFound).status(), 404);
    assert_eq!(Layered::<JobError, 1>::Late.status(), 504);
}
