#![deny(warnings)]

use http::StatusCode;
use obs::{ErrorCode, Problem, ProblemError};

#[derive(Debug, obs::ErrorLabel)]
enum Upstream {
    #[label(ignore)]
    Answered(u16),
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Upstream {}

impl ProblemError for Upstream {
    fn status(&self) -> StatusCode {
        let Self::Answered(status) = self;
        StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}

fn main() {
    let error = Upstream::Answered(404);
    assert_eq!(ErrorCode::of(&error).as_str(), "answered");
    let problem: Problem = Problem::from(&error).detail("x");
    assert_eq!(problem.to_string(), "404 Not Found: x");
}
