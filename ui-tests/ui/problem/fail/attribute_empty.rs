#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
enum JobError {
    #[problem()]
    NotFound,
    #[problem]
    Gone,
    #[problem[status = 409]]
    Taken,
}

impl std::fmt::Display for JobError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for JobError {}

fn main() {}
