#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    NotFound,
    #[problem(status = 409)]
    Taken,
    #[problem(title = "Try again later")]
    Busy { by: String, since: u64 },
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
